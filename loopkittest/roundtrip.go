package loopkittest

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"time"
)

// RoundTripper returns a transport that serves requests in the process, without
// sockets, whatever their host. It shares messages and faults with the server's
// socket, if there is one. A request is served on the goroutine that calls
// RoundTrip and has ended when RoundTrip returns, so that it works in a
// testing/synctest bubble.
func (s *Server) RoundTripper() http.RoundTripper { return roundTripper{s} }

type roundTripper struct{ server *Server }

func (rt roundTripper) RoundTrip(req *http.Request) (res *http.Response, err error) {
	ctx := req.Context()
	body := &sentBody{ctx: ctx, ReadCloser: http.NoBody}
	if req.Body != nil {
		body.ReadCloser = req.Body
		defer req.Body.Close()
	}
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	defer func() {
		switch v := recover().(type) {
		case nil:
		case lost:
			res, err = nil, v.err
		default:
			panic(v)
		}
	}()
	recorder := httptest.NewRecorder()
	rt.server.collector.ServeHTTP(recorder, received(req, body))
	if body.err != nil {
		return nil, body.err
	}
	res = recorder.Result()
	res.Request = req
	if res.Header.Get("Date") == "" {
		res.Header.Set("Date", time.Now().UTC().Format(http.TimeFormat))
	}
	return res, nil
}

// received returns req as a server sees it.
func received(req *http.Request, body io.ReadCloser) *http.Request {
	r := req.Clone(req.Context())
	r.Body = body
	r.RequestURI = req.URL.RequestURI()
	r.RemoteAddr = "127.0.0.1:0"
	r.URL = &url.URL{Path: req.URL.Path, RawPath: req.URL.RawPath, RawQuery: req.URL.RawQuery}
	if r.Host == "" {
		r.Host = req.URL.Host
	}
	return r
}

// sentBody is a client's body as the server reads it. RoundTrip closes the original.
type sentBody struct {
	io.ReadCloser
	ctx context.Context
	err error // other than io.EOF: the request never arrives whole
}

func (b *sentBody) Read(p []byte) (int, error) {
	if b.ctx.Err() != nil {
		b.err = context.Cause(b.ctx)
		return 0, b.err
	}
	n, err := b.ReadCloser.Read(p)
	if err != nil && err != io.EOF {
		b.err = err
	}
	return n, err
}

func (b *sentBody) Close() error { return nil }
