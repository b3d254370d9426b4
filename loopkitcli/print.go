package loopkitcli

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"sync"

	"github.com/loopkitai/loopkit-go"
)

// printTo makes a client print its requests instead of sending them.
func printTo(opts *loopkit.Options, to *lockedWriter) {
	opts.HTTPClient = &http.Client{Transport: printer{to}}
	opts.Compression = loopkit.NoCompression
}

// printer is the transport of the mode log: it prints each request as a line of
// JSON, without its headers, and answers that all is well, but for requests to
// delete somebody: nobody may believe that this happened.
type printer struct{ to *lockedWriter }

// lockedWriter is a writer for several goroutines.
type lockedWriter struct {
	mu sync.Mutex
	to io.Writer
}

// Write implements [io.Writer].
func (w *lockedWriter) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.to.Write(p)
}

// printedRequest is such a line. The body is byte for byte what would be sent.
type printedRequest struct {
	Method string          `json:"method"`
	URL    string          `json:"url"`
	Body   json.RawMessage `json:"body,omitempty"`
}

// RoundTrip implements [http.RoundTripper].
func (p printer) RoundTrip(r *http.Request) (*http.Response, error) {
	var body []byte
	if r.Body != nil {
		var err error
		if body, err = io.ReadAll(r.Body); err != nil {
			return nil, err
		}
		if err := r.Body.Close(); err != nil {
			return nil, err
		}
	}
	if err := p.print(r, body); err != nil {
		return nil, err
	}
	status := http.StatusOK
	if isDeletion(r) {
		status = http.StatusNotImplemented
	}
	return &http.Response{
		Status: strconv.Itoa(status) + " " + http.StatusText(status), StatusCode: status, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header:        http.Header{"Content-Type": {"application/json"}},
		Body:          io.NopCloser(bytes.NewReader([]byte("{}"))),
		ContentLength: 2, Request: r,
	}, nil
}

func (p printer) print(r *http.Request, body []byte) error {
	var line bytes.Buffer
	encoder := json.NewEncoder(&line)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(printedRequest{r.Method, r.URL.String(), body}); err != nil {
		return fmt.Errorf("loopkitcli: printing a request: %w", err)
	}
	_, err := p.to.Write(line.Bytes())
	return err
}
