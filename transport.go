package loopkit

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"
	"unicode"
	"unicode/utf8"
)

// outcome is what an attempt means for what it carried.
type outcome uint8

const (
	outcomeDelivered outcome = iota
	outcomeConflict          // delivered, if an earlier attempt went unanswered
	outcomeRefused           // these bytes will never be taken
	outcomeTooLarge          // so many bytes will never be taken
	outcomeEncoding          // compressed bytes will never be taken
	outcomeRetry             // nothing was decided: the same bytes again, later
	outcomeCrash             // the same, but a message may be the cause
	outcomeHalted            // the endpoint refuses everything
)

// outcomeOf is the table of all statuses.
func outcomeOf(status int) outcome {
	switch {
	case status >= 200 && status <= 299:
		return outcomeDelivered
	case status == 409:
		return outcomeConflict
	case status == 400, status == 422:
		return outcomeRefused
	case status == 413:
		return outcomeTooLarge
	case status == 415:
		return outcomeEncoding
	case status == 408, status == 421, status == 425, status == 429:
		return outcomeRetry
	case status == 500:
		return outcomeCrash
	case status == 501, status == 505:
		return outcomeHalted
	case status >= 502 && status <= 599:
		return outcomeRetry
	}
	return outcomeHalted
}

// result is how an attempt ended.
type result struct {
	outcome    outcome
	status     int           // 0 without an answer
	err        error         // nil if delivered
	pause      time.Duration // that the server asked for
	unanswered bool          // the server may have executed it, or may yet do so
	foreign    bool          // a success that does not look like LoopKit's
}

// transport makes one HTTP attempt at a time; the queue decides when.
type transport struct {
	client        *http.Client
	owned         *http.Transport // nil if the program gave a client
	authorization string
	timeout       time.Duration
	gzips         sync.Pool // of *gzip.Writer
}

// maxAnswerBytes is how much of an answer is read. Reading to its end is what
// lets the connection be used again.
const maxAnswerBytes = 64 << 10

func newTransport(s *settings) *transport {
	t := &transport{authorization: "Bearer " + s.key, timeout: s.RequestTimeout}
	if s.HTTPClient != nil {
		given := *s.HTTPClient
		t.client = &given
		if given.Transport == nil {
			t.client.Transport = http.DefaultTransport
		}
	} else {
		t.owned = &http.Transport{
			Proxy:               http.ProxyFromEnvironment,
			DialContext:         (&net.Dialer{Timeout: s.RequestTimeout, KeepAlive: 30 * time.Second}).DialContext,
			TLSHandshakeTimeout: s.RequestTimeout,
			ForceAttemptHTTP2:   true,
			MaxIdleConnsPerHost: s.MaxInFlight + int(laneCount),
			IdleConnTimeout:     90 * time.Second,
			DisableCompression:  true, // nothing in an answer is worth a bomb
			OnProxyConnectResponse: func(_ context.Context, _ *url.URL, _ *http.Request, answer *http.Response) error {
				if answer.StatusCode != http.StatusOK {
					return &proxyError{answer.StatusCode}
				}
				return nil
			},
		}
		t.client = &http.Client{Transport: t.owned}
	}
	t.client.Transport = noRedirects{t.client.Transport}
	return t
}

// noRedirects takes redirects for the answers that they are: http.Client would
// follow them with the key, and fail on a Location that it cannot parse.
type noRedirects struct{ next http.RoundTripper }

func (n noRedirects) RoundTrip(r *http.Request) (*http.Response, error) {
	answer, err := n.next.RoundTrip(r)
	if answer != nil {
		answer.Header.Del("Location")
	}
	return answer, err
}

// request is one attempt as the queue wants it made.
type request struct {
	endpoint    string // for errors
	method, url string
	open        func() *body // a new body of the same bytes; nil for none
	form        form         // for the queue, which may have learnt another by the time of the answer
	compress    bool
}

// send makes the attempt. It always returns, soon after ctx ends or the timeout
// has passed, if the RoundTripper keeps its contract.
func (t *transport) send(parent context.Context, r *request) result {
	ctx, cancel := context.WithTimeout(parent, t.timeout)
	defer cancel()
	q, err := t.build(ctx, r)
	if err != nil {
		return result{outcome: outcomeHalted, err: fmt.Errorf("loopkit: %s: %w", r.endpoint, err)}
	}
	var connected atomic.Bool
	if t.owned != nil { // another RoundTripper may not tell
		q = q.WithContext(httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{GotConn: func(httptrace.GotConnInfo) { connected.Store(true) }}))
	}
	answer, err := t.client.Do(q)
	if err != nil {
		if errors.Is(ctx.Err(), context.DeadlineExceeded) && parent.Err() == nil { // not to be taken for the end of the caller's context
			err = &timeoutError{after: t.timeout, host: q.URL.Host, neverConnected: t.owned != nil && !connected.Load()}
		}
		return failed(r.endpoint, err)
	}
	defer func() {
		_ = answer.Body.Close() // nothing is lost with an answer's rest
		if answer.StatusCode == http.StatusMisdirectedRequest {
			t.close() // the retry takes a new connection (RFC 9110, section 15.5.20)
		}
	}()
	outcome := outcomeOf(answer.StatusCode)
	var text []byte
	var broken error
	if answer.StatusCode != http.StatusSwitchingProtocols { // whose body has no end
		text, broken = io.ReadAll(io.LimitReader(answer.Body, maxAnswerBytes)) // half an explanation is better than none
	}
	if outcome == outcomeDelivered { // the status line has decided
		whole := broken == nil && len(text) < maxAnswerBytes
		return result{outcome: outcome, status: answer.StatusCode, foreign: isForeign(answer.Header.Get("Content-Type"), text, whole)}
	}
	e := &APIError{Endpoint: r.endpoint, StatusCode: answer.StatusCode, Message: explanation(text, t.authorization)}
	if e.StatusCode == http.StatusTooManyRequests || e.StatusCode == http.StatusServiceUnavailable {
		e.RetryAfter = retryAfter(answer.Header, time.Now())
	}
	return result{
		outcome:    outcome,
		status:     e.StatusCode,
		err:        e,
		pause:      e.RetryAfter,
		unanswered: e.StatusCode == http.StatusRequestTimeout || e.StatusCode >= 500 && e.StatusCode <= 599,
	}
}

func (t *transport) build(ctx context.Context, r *request) (*http.Request, error) {
	q, err := http.NewRequestWithContext(ctx, r.method, r.url, nil)
	if err != nil {
		return nil, withoutURL(err)
	}
	q.Header.Set("Authorization", t.authorization)
	q.Header.Set("User-Agent", "loopkit-go/"+Version)
	if r.open == nil {
		return q, nil
	}
	q.Header.Set("Content-Type", "application/json")
	if r.compress {
		packed, err := t.compress(r.open())
		if err != nil {
			return nil, err
		}
		q.Header.Set("Content-Encoding", "gzip")
		q.ContentLength = int64(len(packed))
		q.Body = io.NopCloser(bytes.NewReader(packed))
		q.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(packed)), nil }
		return q, nil
	}
	body := r.open()
	q.ContentLength = body.size()
	q.Body = body
	// net/http asks for another only if the server cannot have executed the first.
	q.GetBody = func() (io.ReadCloser, error) { return r.open(), nil }
	return q, nil
}

// gzipLevel takes two thirds of the default level's time, and packs a batch of
// events almost as small.
const gzipLevel = 3

// compress reads the body whole and closes it.
func (t *transport) compress(b *body) ([]byte, error) {
	defer func() { _ = b.Close() }() // it cannot fail
	packed := &bytes.Buffer{}
	w, _ := t.gzips.Get().(*gzip.Writer)
	if w == nil {
		w, _ = gzip.NewWriterLevel(nil, gzipLevel) // the level exists
	}
	w.Reset(packed)
	defer t.gzips.Put(w)
	if _, err := io.Copy(w, b); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return packed.Bytes(), nil
}

func (t *transport) close() {
	if t.owned != nil {
		t.owned.CloseIdleConnections()
	}
}

// isForeign reports whether a success does not look like LoopKit's, whose SDKs
// expect {"success":true}. An answer without a body, or only part of one, can
// tell by its type alone.
func isForeign(contentType string, text []byte, whole bool) bool {
	if contentType != "" && !strings.Contains(strings.ToLower(contentType), "json") {
		return true
	}
	if !whole || len(text) == 0 {
		return false
	}
	var reply struct {
		Success *bool `json:"success"`
	}
	return json.Unmarshal(text, &reply) != nil || reply.Success != nil && !*reply.Success
}

// maxExplanation bounds APIError.Message.
const maxExplanation = 256

// explanation is the "message" of an answer, fit for a terminal and without the
// key, should the server repeat it.
func explanation(answer []byte, authorization string) string {
	var reply struct {
		Message string `json:"message"`
	}
	if json.Unmarshal(answer, &reply) != nil {
		return ""
	}
	text := strings.ReplaceAll(reply.Message, strings.TrimPrefix(authorization, "Bearer "), "[API key]")
	text = strings.Map(func(r rune) rune {
		if r == utf8.RuneError || !unicode.IsPrint(r) {
			return ' '
		}
		return r
	}, text)
	if len(text) > maxExplanation {
		text = strings.ToValidUTF8(text[:maxExplanation], "")
	}
	return text
}
