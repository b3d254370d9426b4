package devserver

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/loopkitai/loopkit-go/cmd/loopkit/internal/journey"
	"github.com/loopkitai/loopkit-go/internal/collector"
)

const (
	// maxWaiting and maxWaitingBytes bound what waits to be forwarded.
	maxWaiting      = 1000
	maxWaitingBytes = 32 << 20

	forwardTimeout = 10 * time.Second
	via            = journey.Via // marks what was forwarded, which is not forwarded again
)

// forwardedHeaders are those that say how to read the body, whose it is, and
// what sent it.
var forwardedHeaders = []string{"Authorization", "Content-Type", "Content-Encoding", "User-Agent"}

// forwarder sends the accepted requests on to another LoopKit, in their order,
// once each, with the key that they came with.
type forwarder struct {
	base   string
	log    func(string)
	client *http.Client
	wake   chan struct{}

	mu      sync.Mutex
	waiting []*forwarded
	bytes   int
	counts  forwardCounts
}

// forwardCounts is what became of the requests to forward.
type forwardCounts struct {
	Forwarded int `json:"forwarded"`
	Failed    int `json:"failed"`  // refused there, or without an answer
	Dropped   int `json:"dropped"` // there was no room for them to wait
	Waiting   int `json:"waiting"`
}

type forwarded struct {
	method, target string
	header         http.Header
	body           []byte
}

// CheckForward refuses what is no base URL of a LoopKit.
func CheckForward(base string) error {
	u, err := url.Parse(base)
	switch {
	case err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "":
		return errors.New("the address to forward to must look like https://api.loopkit.ai/v1")
	case u.User != nil || strings.ContainsAny(base, "?#"):
		return errors.New("the address to forward to must not have credentials, a query or a fragment")
	}
	return nil
}

func newForwarder(base, own string, log func(string)) (*forwarder, error) {
	if err := CheckForward(base); err != nil {
		return nil, err
	}
	if u, err := url.Parse(base); err != nil || u.Host == own {
		return nil, errors.New("the address to forward to is this server itself")
	}
	return &forwarder{
		base: strings.TrimRight(base, "/"),
		log:  log,
		client: &http.Client{
			Timeout:       forwardTimeout,
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
		wake: make(chan struct{}, 1),
	}, nil
}

// tee forwards what next accepts. The answer does not wait for that.
func (f *forwarder) tee(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if endpoint := collector.EndpointOf(r); endpoint == "" || endpoint == collector.SDKVersions || r.Header.Get("Via") == via {
			next.ServeHTTP(w, r)
			return
		}
		var body bytes.Buffer
		r.Body = &copied{ReadCloser: r.Body, to: &body}
		// Before the answer, so that what a client sends in order is forwarded in order.
		next.ServeHTTP(&acceptance{ResponseWriter: w, accepted: func() { f.add(r, body.Bytes()) }}, r)
	})
}

func (f *forwarder) add(r *http.Request, body []byte) {
	header := make(http.Header)
	for _, name := range forwardedHeaders {
		if values := r.Header.Values(name); len(values) > 0 {
			header[name] = values
		}
	}
	header.Set("Via", via)
	target := f.base + endpointPath(r)
	if key := r.URL.Query().Get("apiKey"); key != "" {
		target += "?" + url.Values{"apiKey": {key}}.Encode()
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.waiting) == maxWaiting || f.bytes+len(body) > maxWaitingBytes {
		f.drop(1)
		return
	}
	f.waiting = append(f.waiting, &forwarded{r.Method, target, header, body})
	f.bytes += len(body)
	select {
	case f.wake <- struct{}{}:
	default: // it is awake
	}
}

// endpointPath is the end of the path, which alone says what a request is for.
func endpointPath(r *http.Request) string {
	path := r.URL.EscapedPath()
	last := strings.LastIndexByte(path, '/')
	switch collector.EndpointOf(r) {
	case collector.UserDeletions, collector.GroupDeletions:
		last = strings.LastIndexByte(path[:last], '/')
	}
	return path[last:]
}

// drop counts requests that are lost, and says so when that begins and when it
// has become ten times as bad.
func (f *forwarder) drop(n int) {
	before := f.counts.Dropped
	f.counts.Dropped += n
	if notable(before, f.counts.Dropped) {
		f.log(fmt.Sprintf("forwarding is too slow: %d requests were not forwarded so far", f.counts.Dropped))
	}
}

// notable reports whether a count got a further digit.
func notable(before, after int) bool {
	return before == 0 || len(fmt.Sprint(before)) < len(fmt.Sprint(after))
}

// run forwards what comes until the first context is done, and then what waits
// until the second is.
func (f *forwarder) run(coming, lasting context.Context) {
	defer f.client.CloseIdleConnections()
	for {
		for next := f.take(); next != nil; next = f.take() {
			err := f.send(lasting, next)
			if err != nil && lasting.Err() != nil {
				f.giveUp()
				return
			}
			f.settle(err)
		}
		select {
		case <-f.wake:
		case <-coming.Done():
			if f.idle() {
				return
			}
		}
	}
}

func (f *forwarder) idle() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.waiting) == 0
}

// giveUp counts what is under way and what waits as lost.
func (f *forwarder) giveUp() {
	f.mu.Lock()
	defer f.mu.Unlock()
	n := 1 + len(f.waiting)
	f.waiting, f.bytes = nil, 0
	f.counts.Dropped += n
	f.log(fmt.Sprintf("%d requests were not forwarded, because the server stops", n))
}

func (f *forwarder) take() *forwarded {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.waiting) == 0 {
		return nil
	}
	next := f.waiting[0]
	f.waiting[0] = nil
	f.waiting = f.waiting[1:]
	f.bytes -= len(next.body)
	return next
}

func (f *forwarder) send(ctx context.Context, next *forwarded) error {
	request, err := http.NewRequestWithContext(ctx, next.method, next.target, bytes.NewReader(next.body))
	if err != nil {
		return errors.New("the request could not be made")
	}
	request.Header = next.header
	response, err := f.client.Do(request)
	if err != nil {
		return fmt.Errorf("no answer: %w", withoutURL(err))
	}
	defer func() { _ = response.Body.Close() }() // its content is of no interest
	if _, err := io.Copy(io.Discard, io.LimitReader(response.Body, maxBody)); err != nil {
		return fmt.Errorf("the answer broke off: %w", err)
	}
	if response.StatusCode/100 != 2 {
		return fmt.Errorf("answered %s", response.Status)
	}
	return nil
}

// withoutURL takes the URL out of an error, for it may hold the key.
func withoutURL(err error) error {
	var wrapped *url.Error
	if errors.As(err, &wrapped) {
		return wrapped.Err
	}
	return err
}

func (f *forwarder) settle(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err == nil {
		f.counts.Forwarded++
		return
	}
	before := f.counts.Failed
	f.counts.Failed++
	if notable(before, f.counts.Failed) {
		f.log(fmt.Sprintf("%d requests could not be forwarded so far: %v", f.counts.Failed, err))
	}
}

func (f *forwarder) summary() forwardCounts {
	f.mu.Lock()
	defer f.mu.Unlock()
	counts := f.counts
	counts.Waiting = len(f.waiting)
	return counts
}

// copied keeps a copy of what is read.
type copied struct {
	io.ReadCloser
	to *bytes.Buffer
}

func (c *copied) Read(p []byte) (int, error) {
	n, err := c.ReadCloser.Read(p)
	if c.to.Len() <= maxBody {
		c.to.Write(p[:n])
	}
	return n, err
}

// acceptance calls accepted before the answer to a request that was.
type acceptance struct {
	http.ResponseWriter
	accepted func()
}

func (w *acceptance) WriteHeader(status int) {
	if status == http.StatusOK {
		w.accepted()
	}
	w.ResponseWriter.WriteHeader(status)
}

// Unwrap is for http.ResponseController.
func (w *acceptance) Unwrap() http.ResponseWriter { return w.ResponseWriter }
