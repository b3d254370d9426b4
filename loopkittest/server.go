package loopkittest

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/loopkitai/loopkit-go/internal/collector"
)

// Server is a LoopKit server that remembers what it receives until Reset and
// answers with faults when told to. Its methods may be called from any goroutine.
type Server struct {
	t         testing.TB
	collector *collector.Collector
	faults    faults
	http      *httptest.Server // nil without a socket
	closing   chan struct{}    // closed before http; nil without a socket
}

// Option changes how a Server behaves.
type Option func(*options)

type options collector.Options

// Strict makes the server refuse what LoopKit's documentation page and the
// vendor's SDKs do not attest together with Bearer authentication: keys sent
// otherwise (401), compressed bodies (415), and messages in any other form (400).
func Strict() Option {
	return func(o *options) { o.Strict = true }
}

// WithKeys makes the server answer other API keys with 401. By default it
// accepts every key but the empty one.
func WithKeys(keys ...string) Option {
	return func(o *options) { o.Keys = append(o.Keys, keys...) }
}

// WithoutDeletion makes the server answer deletions with 404, as one that does not know them.
func WithoutDeletion() Option {
	return func(o *options) { o.NoDeletion = true }
}

// NewServer starts a server on a free port of 127.0.0.1. It is closed when the
// test ends. A failure to listen panics, as with httptest.NewServer.
func NewServer(t testing.TB, opts ...Option) *Server {
	s := newServer(t, opts)
	s.closing = make(chan struct{})
	s.http = httptest.NewServer(s.collector)
	t.Cleanup(func() {
		close(s.closing)
		s.http.Close()
	})
	return s
}

// NewTransport returns a server without a socket: requests reach it only
// through its HTTPClient or RoundTripper. Use it inside a testing/synctest
// bubble, where real sockets would stop the fake clock.
func NewTransport(t testing.TB, opts ...Option) *Server {
	return newServer(t, opts)
}

func newServer(t testing.TB, opts []Option) *Server {
	s := &Server{t: t}
	var o options
	for _, opt := range opts {
		opt(&o)
	}
	o.Wrap = s.inject
	s.collector = collector.New(collector.Options(o))
	return s
}

// BaseURL returns what a client takes as its base URL, the version's path included.
func (s *Server) BaseURL() string {
	if s.http == nil {
		return "http://loopkit.test/v1"
	}
	return s.http.URL + "/v1"
}

// HTTPClient returns a client that reaches this server: over TCP for NewServer,
// in the process for NewTransport. It has no timeout.
func (s *Server) HTTPClient() *http.Client {
	if s.http == nil {
		return &http.Client{Transport: s.RoundTripper()}
	}
	return s.http.Client()
}

// Requests returns the requests since the last Reset in order of arrival,
// refused and unanswered ones included.
func (s *Server) Requests() []Request { return s.collector.Requests() }

// Messages returns the stored messages since the last Reset in order of arrival.
func (s *Server) Messages() []Message { return s.collector.Messages() }

// MessagesOf returns the stored messages of one kind in order of arrival.
func (s *Server) MessagesOf(kind Kind) []Message {
	var out []Message
	for _, m := range s.collector.Messages() {
		if m.Kind == kind {
			out = append(out, m)
		}
	}
	return out
}

// Person returns the person with the given user ID, or else the one that owns
// the given anonymous ID.
func (s *Server) Person(id string) (Person, bool) { return s.collector.Person(id) }

// People returns everybody, deleted people included, in order of their first message.
func (s *Server) People() []Person { return s.collector.People() }

// Group returns the group with the given ID.
func (s *Server) Group(id string) (Group, bool) { return s.collector.Group(id) }

// Groups returns all groups, deleted ones included, in order of their first message.
func (s *Server) Groups() []Group { return s.collector.Groups() }

// Reset forgets what was received. Faults stay; see [Server.Heal].
func (s *Server) Reset() { s.collector.Reset() }
