package collector

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
)

// exchange is one request on its way through the collector. Its entry is
// written to before any byte of the answer leaves, so that a client which has
// its answer finds the request complete.
type exchange struct {
	c     *Collector
	entry *Request // guarded by c.mu
	route route
	known bool

	received   bytes.Buffer // what was read of the body
	bytes      int64
	form       string
	messages   int
	understood bool // form and messages are final
	refusal    error
	accepted   []Message // for Options.Record
	recorded   bool
}

type exchangeKey struct{}

// ServeHTTP serves the endpoints that the package's constants name.
func (c *Collector) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	ex := c.begin(r)
	defer c.end(ex)
	r = r.WithContext(context.WithValue(r.Context(), exchangeKey{}, ex))
	if r.Body != nil {
		r.Body = &recordingBody{ReadCloser: r.Body, ex: ex}
	}
	c.process.ServeHTTP(&recordingWriter{ResponseWriter: w, ex: ex}, r)
}

func (c *Collector) begin(r *http.Request) *exchange {
	ex := &exchange{c: c}
	ex.route, ex.known = routeOf(r)
	auth, _ := Credentials(r)
	header := r.Header.Clone()
	header.Del("Authorization")
	ex.entry = &Request{
		Time:        c.opts.Now(),
		Method:      r.Method,
		Path:        r.URL.EscapedPath(),
		Endpoint:    ex.route.endpoint,
		Auth:        auth,
		Compression: r.Header.Get("Content-Encoding"),
		Header:      header,
	}
	if c.opts.Record != nil {
		return ex
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	ex.entry.Index = len(c.requests)
	c.requests = append(c.requests, ex.entry)
	return ex
}

func (c *Collector) end(ex *exchange) {
	ex.note(0)
	if c.opts.OnRequest == nil {
		return
	}
	c.mu.Lock()
	request := *ex.entry
	c.mu.Unlock()
	c.reporting.Lock()
	defer c.reporting.Unlock()
	c.opts.OnRequest(request)
}

// note brings the entry up to date; a status of 0 leaves the one it has.
func (ex *exchange) note(status int) {
	ex.describe()
	defer ex.record()
	ex.c.mu.Lock()
	defer ex.c.mu.Unlock()
	if ex.refusal != nil {
		ex.entry.Refusal = ex.refusal.Error()
	}
	ex.entry.Form, ex.entry.Messages, ex.entry.Bytes = ex.form, ex.messages, ex.bytes
	if status != 0 && ex.entry.Status == 0 {
		ex.entry.Status = status
	}
}

// record hands the exchange to Options.Record, once.
func (ex *exchange) record() {
	if ex.c.opts.Record == nil || ex.recorded {
		return
	}
	ex.recorded = true
	request := *ex.entry
	if body, err := readBody(bytes.NewReader(ex.received.Bytes()), request.Compression); err == nil {
		request.Body = body
	} else {
		request.Body = bytes.Clone(ex.received.Bytes())
	}
	ex.c.opts.Record(request, ex.accepted)
}

// describe parses the body of a request that was answered without being processed.
func (ex *exchange) describe() {
	if ex.understood || !ex.known {
		return
	}
	if ex.route.deletion() {
		ex.understand("", 1)
		return
	}
	body, err := readBody(bytes.NewReader(ex.received.Bytes()), ex.entry.Compression)
	if err != nil {
		return
	}
	if form, elements, err := split(ex.route.endpoint, body, false); err == nil {
		ex.understand(form, len(elements))
	}
}

func (ex *exchange) understand(form string, messages int) {
	ex.form, ex.messages, ex.understood = form, messages, true
}

// recordingBody keeps what a handler reads, up to the limit that makes it unreadable anyway.
type recordingBody struct {
	io.ReadCloser
	ex *exchange
}

func (b *recordingBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	b.ex.bytes += int64(n)
	if b.ex.received.Len() <= maxBody {
		b.ex.received.Write(p[:n])
	}
	return n, err
}

// recordingWriter notes the answer before it leaves.
type recordingWriter struct {
	http.ResponseWriter
	ex    *exchange
	wrote bool
}

func (w *recordingWriter) WriteHeader(status int) {
	if status >= 200 && !w.wrote {
		w.wrote = true
		w.ex.note(status)
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *recordingWriter) Write(p []byte) (int, error) {
	if !w.wrote {
		w.WriteHeader(http.StatusOK)
	}
	return w.ResponseWriter.Write(p)
}

// Hijack is for handlers of Options.Wrap that break the connection.
func (w *recordingWriter) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	w.ex.note(0)
	return http.NewResponseController(w.ResponseWriter).Hijack()
}

// Unwrap gives http.ResponseController the rest of the writer's abilities.
func (w *recordingWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }
