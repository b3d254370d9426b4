package devserver

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"
)

// Troublemaker answers requests without a network, for tests with synctest.
type Troublemaker struct{ handler http.Handler }

func NewTroublemaker(c Chaos) *Troublemaker {
	t := newTroublemaker(c, func() float64 { return 0 })
	return &Troublemaker{t.delay(t.wrap(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusOK)
	})))}
}

// Serve returns the status of the answer, or "none" or "broken", and Retry-After.
func (m *Troublemaker) Serve(t testing.TB) (status, wait string) { return m.ServeFor(t, time.Hour) }

// ServeFor is for a client that goes away after a time.
func (m *Troublemaker) ServeFor(t testing.TB, patience time.Duration) (status, wait string) {
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	r := httptest.NewRequestWithContext(ctx, http.MethodPost, "/v1/tracks", strings.NewReader("{}"))
	w := &quiet{header: make(http.Header), status: "none"}
	defer func() {
		if broken := recover(); broken != nil {
			status = "broken"
		}
	}()
	m.handler.ServeHTTP(w, r)
	return w.status, w.header.Get("Retry-After")
}

// WithBodyPatience is how long a body may take.
func WithBodyPatience(d time.Duration) Options { return Options{bodyPatience: d} }

// LimitBodies bounds the bodies that a handler reads at once.
func LimitBodies(next http.Handler) http.Handler { return newIntake(bodyPatience).limit(next) }

// quiet is a writer that knows whether anything was answered.
type quiet struct {
	header http.Header
	status string
}

func (q *quiet) Header() http.Header         { return q.header }
func (q *quiet) WriteHeader(status int)      { q.status = strconv.Itoa(status) }
func (q *quiet) Write(p []byte) (int, error) { return len(p), nil }

// Forward is a forwarder that does not run, in front of a server that takes everything.
type Forward struct {
	http.Handler
	forwarder *forwarder
}

func NewForward(t testing.TB, log func(string)) *Forward {
	f, err := newForwarder("http://127.0.0.1:1/v1", "", log)
	if err != nil {
		t.Fatal(err)
	}
	return &Forward{f.tee(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, err := io.Copy(io.Discard, r.Body); err != nil {
			t.Error(err)
		}
		w.WriteHeader(http.StatusOK)
	})), f}
}

// Counts returns how many requests wait, and how many had no room to.
func (f *Forward) Counts() (waiting, dropped int) {
	c := f.forwarder.summary()
	return c.Waiting, c.Dropped
}
