package loopkittest

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"syscall"
	"time"

	"github.com/loopkitai/loopkit-go/internal/collector"
)

const defaultBody = `{"success":false,"message":"scripted fault"}`

// inject stands between the collector's recording of a request and its processing.
func (s *Server) inject(process http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		endpoint := collector.EndpointOf(r)
		var body []byte
		if s.faults.conditional(endpoint) {
			if err := buffer(r); err != nil {
				cut(w, err)
				return
			}
			body = plain(r)
		}
		if f, ok := s.faults.take(endpoint, body); ok {
			s.fail(w, r, f, process)
			return
		}
		process.ServeHTTP(w, r)
	})
}

// fail serves a request with a fault.
func (s *Server) fail(w http.ResponseWriter, r *http.Request, f Fault, process http.Handler) {
	var stored *httptest.ResponseRecorder
	switch {
	case f.Store:
		stored = httptest.NewRecorder()
		process.ServeHTTP(stored, r)
	case f.Reset:
		_, _ = io.CopyN(io.Discard, r.Body, f.ResetAfter)
	case !f.Early:
		// Only after the end of the body does net/http notice that the client is gone.
		if err := buffer(r); err != nil {
			cut(w, err)
			return
		}
	}
	if err := s.wait(r.Context(), f); err != nil {
		cut(w, err)
		return
	}
	switch {
	case f.Reset:
		cut(w, &net.OpError{Op: "read", Net: "tcp", Err: os.NewSyscallError("read", syscall.ECONNRESET)})
	case f.Status != 0:
		f.answer(w)
	case stored != nil:
		for name, values := range stored.Header() {
			w.Header()[name] = values
		}
		w.WriteHeader(stored.Code)
		_, _ = w.Write(stored.Body.Bytes())
	default:
		process.ServeHTTP(w, r)
	}
}

// answer sends the scripted response. A client that is gone needs none.
func (f Fault) answer(w http.ResponseWriter) {
	h := w.Header()
	h.Set("Content-Type", "application/json")
	if f.RetryAfter != "" {
		h.Set("Retry-After", f.RetryAfter)
	}
	if f.Early {
		h.Set("Connection", "close") // otherwise net/http reads the request's body first
	}
	for name, values := range f.Header {
		h[http.CanonicalHeaderKey(name)] = values
	}
	w.WriteHeader(f.Status)
	if f.Status == http.StatusNoContent || f.Status == http.StatusNotModified {
		return
	}
	body := f.Body
	if body == "" {
		body = defaultBody
	}
	_, _ = io.WriteString(w, body)
}

// wait returns nil when the delay is over, and why the request ended if it ends before.
func (s *Server) wait(ctx context.Context, f Fault) error {
	var delayed <-chan time.Time // for ever if the request hangs
	if !f.Hang {
		if f.Delay <= 0 {
			return nil
		}
		timer := time.NewTimer(f.Delay)
		defer timer.Stop()
		delayed = timer.C
	}
	select {
	case <-delayed:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-s.closing:
		return errors.New("loopkittest: the server is closed")
	}
}

// lost is the panic that ends a request in the process without an answer.
type lost struct{ err error }

// cut breaks the connection. In the process there is none: RoundTrip returns err.
func cut(w http.ResponseWriter, err error) {
	conn, _, hijackErr := http.NewResponseController(w).Hijack()
	if hijackErr != nil {
		panic(lost{err})
	}
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0) // so that Close sends a reset
	}
	_ = conn.Close()
}

// buffer reads the body of r into memory, from where it can be read again.
func buffer(r *http.Request) error {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return err
	}
	r.Body = replay{bytes.NewReader(body)}
	return nil
}

// replay is a body in memory.
type replay struct{ *bytes.Reader }

func (replay) Close() error { return nil }

// plain returns the buffered body decompressed, or as it is if that fails.
func plain(r *http.Request) []byte {
	body := r.Body.(replay)
	sent, _ := io.ReadAll(body)
	_, _ = body.Seek(0, io.SeekStart)
	decompressed, err := collector.Decompress(r.Header.Get("Content-Encoding"), bytes.NewReader(sent))
	if err != nil {
		return sent
	}
	text, err := io.ReadAll(decompressed)
	if err != nil {
		return sent
	}
	return text
}
