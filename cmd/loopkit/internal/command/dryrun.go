package command

import (
	"fmt"
	"io"
	"net/http"
	"strings"
)

// printer shows requests in place of sending them. Each is answered with
// success, so that the client is content.
type printer struct {
	out io.Writer
	err error // of the output
}

func (t *printer) RoundTrip(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if closed := r.Body.Close(); err == nil {
		err = closed
	}
	if err != nil {
		return nil, err
	}
	_, t.err = fmt.Fprintf(t.out, "%s %s\nAuthorization: Bearer $%s\nContent-Type: %s\n\n%s\n",
		r.Method, r.URL, envKey, r.Header.Get("Content-Type"), body)
	return &http.Response{
		StatusCode: http.StatusOK, ProtoMajor: 1, ProtoMinor: 1, Request: r,
		Header: http.Header{"Content-Type": {"application/json"}},
		Body:   io.NopCloser(strings.NewReader(`{"success":true}`)),
	}, nil
}
