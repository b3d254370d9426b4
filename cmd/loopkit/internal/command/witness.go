package command

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"math"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"path"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// witness is a transport that remembers how the newest request went. The client
// counts every success status as delivered; a witness also reads what the answer
// says. It is for one errand at a time: one message, or one deletion.
type witness struct {
	next http.RoundTripper
	key  string // which no server's words may repeat

	mu       sync.Mutex
	newest   exchange
	lost     bool // an earlier request of the errand may have been executed
	deadline time.Time
	giveUp   context.CancelFunc
}

// exchange is one request and what came of it.
type exchange struct {
	method, url, contentType string
	body                     []byte // of the request

	connected  bool          // the server may have got it
	status     int           // 0 without an answer
	message    string        // of the server, fit for a terminal
	denied     bool          // the status is a success, and the answer says that it is none
	doubt      string        // why a success confirms nothing; empty if it does
	retryAfter time.Duration // that the server asks for
	err        error         // why there is no answer; nil while one is waited for
}

// watch begins an errand. The witness calls giveUp when there is nothing to wait
// for before the deadline.
func (w *witness) watch(deadline time.Time, giveUp context.CancelFunc) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.newest, w.lost, w.deadline, w.giveUp = exchange{}, false, deadline, giveUp
}

// saw returns the newest request, and whether any may have been executed.
func (w *witness) saw() (newest exchange, mayBeDone bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.newest, w.lost || w.newest.mayBeDone()
}

func (x *exchange) mayBeDone() bool {
	switch {
	case x.status == 0:
		return x.connected
	case x.status < 200 || x.status > 299:
		return mayBeStored(x.status)
	}
	return !x.denied
}

// confirms reports whether the answer says that it was done.
func (x *exchange) confirms() bool {
	return x.status >= 200 && x.status <= 299 && !x.denied && x.doubt == ""
}

// mayBeStored reports whether a server that gave this status can have done what it was asked.
func mayBeStored(status int) bool {
	switch status {
	case http.StatusNotImplemented, http.StatusServiceUnavailable, http.StatusHTTPVersionNotSupported:
		return false
	}
	return status >= 500 || status == http.StatusRequestTimeout
}

func (w *witness) RoundTrip(r *http.Request) (*http.Response, error) {
	if err := w.begin(r); err != nil {
		return nil, err
	}
	trace := &httptrace.ClientTrace{GotConn: func(httptrace.GotConnInfo) {
		w.note(func(x *exchange) { x.connected = true })
	}}
	answer, err := w.next.RoundTrip(r.WithContext(httptrace.WithClientTrace(r.Context(), trace)))
	w.note(func(x *exchange) {
		if err != nil {
			x.err = err
			return
		}
		x.read(answer, w.key)
	})
	w.leaveIfHopeless()
	return answer, err
}

func (w *witness) begin(r *http.Request) error {
	x := exchange{method: r.Method, url: r.URL.String(), contentType: r.Header.Get("Content-Type")}
	if r.GetBody != nil {
		body, err := r.GetBody()
		if err != nil {
			return err
		}
		x.body, err = io.ReadAll(body)
		if err := errors.Join(err, body.Close()); err != nil {
			return err
		}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.lost = w.lost || w.newest.mayBeDone()
	w.newest = x
	return nil
}

func (w *witness) note(change func(*exchange)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	change(&w.newest)
}

func (w *witness) leaveIfHopeless() {
	w.mu.Lock()
	defer w.mu.Unlock()
	var proxy *proxyRefusal
	x := &w.newest
	if errors.As(x.err, &proxy) || refusedByThisMachine(x.err) || x.retryAfter > 0 && time.Now().Add(x.retryAfter).After(w.deadline) {
		w.giveUp()
	}
}

// mostOfAnswer is how much of an answer is read, as in the client.
const mostOfAnswer = 64 << 10

// read looks at an answer, and leaves it as it was for the client.
func (x *exchange) read(answer *http.Response, key string) {
	x.status = answer.StatusCode
	if x.status < 200 { // an answer whose body has no end
		return
	}
	if x.status == http.StatusTooManyRequests || x.status == http.StatusServiceUnavailable {
		x.retryAfter = retryAfter(answer.Header)
	}
	text, broken := io.ReadAll(io.LimitReader(answer.Body, mostOfAnswer))
	answer.Body = struct {
		io.Reader
		io.Closer
	}{io.MultiReader(bytes.NewReader(text), answer.Body), answer.Body}
	var reply struct {
		Success *bool
		Message string
		Error   any
	}
	isReply := json.Unmarshal(text, &reply) == nil
	x.message = printable(strings.ReplaceAll(reply.Message, key, "[API key]"), mostOfMessage)
	if x.status > 299 {
		return
	}
	kind, _, _ := strings.Cut(strings.ToLower(answer.Header.Get("Content-Type")), ";")
	switch {
	case isReply && reply.Success != nil && !*reply.Success, isReply && reply.Success == nil && reply.Error != nil:
		x.denied = true
	case strings.Contains(kind, "html"):
		x.doubt = "with a page that is not LoopKit's"
	case kind != "" && !strings.Contains(kind, "json"), len(text) > 0 && !isReply:
		x.doubt = "with something that is not LoopKit's"
	case broken != nil:
		x.doubt = "with something that broke off"
	}
}

// mostOfMessage bounds the words of a server.
const mostOfMessage = 256

// retryAfter reads seconds, or a date by the server's own clock; 0 is none.
func retryAfter(h http.Header) time.Duration {
	value := h.Get("Retry-After")
	if seconds, err := strconv.ParseUint(value, 10, 32); err == nil {
		return time.Duration(min(seconds, math.MaxInt32)) * time.Second
	}
	until, err := http.ParseTime(value)
	if err != nil {
		return 0
	}
	now, err := http.ParseTime(h.Get("Date"))
	if err != nil {
		now = time.Now()
	}
	return max(0, until.Sub(now))
}

// refusedByThisMachine reports that no program listens there. Nobody but its
// user can mend that, so there is no point in waiting.
func refusedByThisMachine(err error) bool {
	op, ok := err.(*net.OpError) // not in what wraps one, which is about a proxy
	if !ok || op.Op != "dial" || !errors.Is(err, syscall.ECONNREFUSED) {
		return false
	}
	addr, ok := op.Addr.(*net.TCPAddr)
	return ok && addr.IP.IsLoopback()
}

// proxyRefusal is the answer of a proxy that does not connect.
type proxyRefusal struct{ status int }

func (e *proxyRefusal) Error() string {
	text := "the proxy answered " + statusLine(e.status)
	if e.status == http.StatusProxyAuthRequired {
		text += "; check the proxy's credentials in HTTPS_PROXY"
	}
	return text
}

func statusLine(status int) string {
	return strings.TrimSpace(strconv.Itoa(status) + " " + http.StatusText(status))
}

// newTransport is the client's own, but for the type of a proxy's refusal.
func newTransport() *http.Transport {
	return &http.Transport{
		Proxy:               http.ProxyFromEnvironment,
		DialContext:         (&net.Dialer{KeepAlive: 30 * time.Second}).DialContext,
		ForceAttemptHTTP2:   true,
		DisableCompression:  true, // nothing in an answer is worth a bomb
		TLSHandshakeTimeout: time.Minute,
		OnProxyConnectResponse: func(_ context.Context, _ *url.URL, _ *http.Request, answer *http.Response) error {
			if answer.StatusCode != http.StatusOK {
				return &proxyRefusal{answer.StatusCode}
			}
			return nil
		},
	}
}

// endpoint is the name of where the request went, as the client's errors have it.
func (x *exchange) endpoint() string {
	address, err := url.Parse(x.url)
	if err != nil || x.method == http.MethodDelete {
		return "deletions"
	}
	return path.Base(address.Path)
}
