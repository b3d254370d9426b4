// Package devserver is a LoopKit to develop against: the collector, what it
// received as an API for tests, and the web page, on a loopback address.
package devserver

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log"
	"math/rand/v2"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/loopkitai/loopkit-go/cmd/loopkit/internal/page"
	"github.com/loopkitai/loopkit-go/cmd/loopkit/internal/store"
	"github.com/loopkitai/loopkit-go/internal/collector"
)

const (
	// DefaultAddr is where the server listens unless told otherwise.
	DefaultAddr = "127.0.0.1:4850"
	// Key is an API key for the server, which takes any.
	Key = "lk_dev"
)

// grace is how long requests may take that are under way when the server stops, and
// then what is to be forwarded.
const grace = 450 * time.Millisecond

// Options configure a Server. The zero value is a server at DefaultAddr that
// keeps what it receives in memory.
type Options struct {
	Addr    string // host and port, of the loopback interface only
	Max     int    // see store.New
	Journal string // file to append messages to, and to read back first; empty for none
	Forward string // base URL of a LoopKit that gets the accepted requests too; empty for none
	Chaos   Chaos
	Version string            // of loopkit, for the page
	Log     func(text string) // what the user should know, line by line; never personal data
	Random  func() float64    // in [0, 1), for the chaos; nil is the usual generator

	bodyPatience time.Duration // 0 is the usual one
}

// Server is a development server that listens.
type Server struct {
	opts      Options
	listener  net.Listener
	store     *store.Store
	trouble   *troublemaker
	intake    *intake
	journal   *journal   // nil without one
	forward   *forwarder // nil without one
	handler   http.Handler
	recording sync.Mutex // the journal has the order of the store
	touring   sync.Mutex // held during a demo

	stopping context.Context // done when the server stops: streams, which have no end, end then
	stop     context.CancelFunc
}

// Listen opens the address and reads the journal. The server answers when Serve runs.
func Listen(opts Options) (*Server, error) {
	if opts.Addr == "" {
		opts.Addr = DefaultAddr
	}
	if opts.Log == nil {
		opts.Log = func(string) {}
	}
	if opts.Random == nil {
		opts.Random = rand.Float64
	}
	listener, err := listen(opts.Addr)
	if err != nil {
		return nil, err
	}
	s := &Server{
		opts:     opts,
		listener: listener,
		store:    store.New(opts.Max),
		trouble:  newTroublemaker(opts.Chaos, opts.Random),
		intake:   newIntake(cmp.Or(opts.bodyPatience, bodyPatience)),
	}
	s.stopping, s.stop = context.WithCancel(context.Background())
	if err := s.prepare(); err != nil {
		return nil, errors.Join(err, listener.Close())
	}
	return s, nil
}

func (s *Server) prepare() (err error) {
	if s.opts.Forward != "" {
		if s.forward, err = newForwarder(s.opts.Forward, s.listener.Addr().String(), s.opts.Log); err != nil {
			return err
		}
	}
	if s.opts.Journal != "" {
		if s.journal, err = openJournal(s.opts.Journal, s.store, s.opts.Log); err != nil {
			return err
		}
	}
	s.handler = s.routes()
	return nil
}

// CheckAddr refuses addresses that other machines can reach, without exception:
// whoever reaches the server sees everything that it received.
func CheckAddr(addr string) error {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return fmt.Errorf("the address %.60q is no host and port, such as %s", addr, DefaultAddr)
	}
	if ip := net.ParseIP(host); host != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return fmt.Errorf("the address %.60q is not of this machine alone: anybody who reaches it could read what is sent; "+
			"use 127.0.0.1 or [::1] (from another machine, use ssh -L)", addr)
	}
	return nil
}

func listen(addr string) (net.Listener, error) {
	if err := CheckAddr(addr); err != nil {
		return nil, err
	}
	listener, err := net.Listen("tcp", addr)
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return nil, &InUseError{Addr: addr, err: err}
	case err != nil:
		return nil, fmt.Errorf("cannot listen: %w", err)
	}
	if !listener.Addr().(*net.TCPAddr).IP.IsLoopback() { // localhost may be anything in a hosts file
		return nil, errors.Join(fmt.Errorf("%s is %s, which is not of this machine alone; use 127.0.0.1", addr, listener.Addr()), listener.Close())
	}
	return listener, nil
}

// InUseError says that another program has the address.
type InUseError struct {
	Addr string
	err  error
}

func (e *InUseError) Error() string { return "another program listens on " + e.Addr }

func (e *InUseError) Unwrap() error { return e.err }

// URL returns the address of the page, "http://127.0.0.1:4850".
func (s *Server) URL() string {
	host, port, _ := net.SplitHostPort(s.listener.Addr().String())
	if name, _, _ := net.SplitHostPort(s.opts.Addr); name == "localhost" {
		host = name
	}
	return "http://" + net.JoinHostPort(host, port)
}

// BaseURL returns the base URL for LoopKit's SDKs.
func (s *Server) BaseURL() string { return s.URL() + "/v1" }

// Store returns what the server received.
func (s *Server) Store() *store.Store { return s.store }

func (s *Server) hosts() hosts {
	own, _, _ := net.SplitHostPort(s.opts.Addr)
	allowed := hosts{"localhost", "127.0.0.1", "::1"}
	if own = strings.ToLower(own); !slices.Contains(allowed, own) {
		allowed = append(allowed, own)
	}
	return allowed
}

func (s *Server) routes() http.Handler {
	collect := http.Handler(collector.New(collector.Options{Wrap: s.wrap, Record: s.record}))
	if s.forward != nil {
		collect = s.forward.tee(collect)
	}
	collect = withCORS(collect)
	lost := withCORS(http.HandlerFunc(s.misled))
	own := protect(s.own(page.New(page.Options{Store: s.store, BaseURL: s.URL(), Version: s.opts.Version})))
	// No ServeMux: it would redirect DELETE /v1/users/.. elsewhere.
	return s.hosts().guard(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch path := r.URL.Path; {
		case strings.HasPrefix(path, "/v1/"):
			collect.ServeHTTP(w, r)
		case path == "/livez", path == "/readyz":
			answer(w, http.StatusOK, verdict{Success: true})
		case !strings.HasPrefix(path, "/api/") && changes(r) && collector.EndpointOf(r) != "":
			lost.ServeHTTP(w, r)
		default:
			own.ServeHTTP(w, r)
		}
	}))
}

// wrap is the collector's Options.Wrap.
func (s *Server) wrap(process http.Handler) http.Handler {
	return s.trouble.delay(s.intake.limit(s.trouble.wrap(process)))
}

// misled answers what was sent to an endpoint's name without the path of the base URL.
func (s *Server) misled(w http.ResponseWriter, _ *http.Request) {
	fail(w, http.StatusNotFound, "the base URL of this server is %s", s.BaseURL())
}

// own serves the page and the API.
func (s *Server) own(page http.Handler) http.Handler {
	api := s.api()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithCancel(r.Context())
		defer cancel()
		defer context.AfterFunc(s.stopping, cancel)()
		r = r.WithContext(ctx)
		switch {
		case strings.HasPrefix(r.URL.Path, "/api/"):
			api.ServeHTTP(w, r)
		default:
			page.ServeHTTP(w, r)
		}
	})
}

// record is the collector's Options.Record.
func (s *Server) record(r collector.Request, messages []collector.Message) {
	r.Header = shown(r.Header)
	if r.Refusal == "" && r.Status >= 400 {
		r.Refusal = "refused on purpose, by the chaos or the name of the key"
	}
	s.recording.Lock()
	defer s.recording.Unlock()
	if s.journal != nil {
		s.journal.add(messages)
	}
	s.store.Record(r, messages)
}

// Serve answers requests until the context is done, and then ends those under
// way, streams included, within a second.
func (s *Server) Serve(ctx context.Context) error {
	defer s.stop()
	server := &http.Server{
		Handler:           s.handler,
		ReadHeaderTimeout: 10 * time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    maxHeader,
		ErrorLog:          log.New(lines(s.opts.Log), "", 0),
	}
	var forwarding sync.WaitGroup
	coming, endComing := context.WithCancel(context.Background())
	lasting, endForwarding := context.WithCancel(context.Background())
	defer endForwarding()
	if s.forward != nil {
		forwarding.Go(func() { s.forward.run(coming, lasting) })
	}
	served := make(chan error, 1)
	go func() { served <- server.Serve(s.listener) }()

	var err error
	select {
	case err = <-served:
		endForwarding()
	case <-ctx.Done():
		s.stop()
		err = shutDown(server)
		if e := <-served; !errors.Is(e, http.ErrServerClosed) {
			err = errors.Join(err, e)
		}
		defer time.AfterFunc(grace, endForwarding).Stop()
	}
	endComing()
	forwarding.Wait()
	return errors.Join(err, s.closeJournal())
}

func (s *Server) closeJournal() error {
	s.recording.Lock() // what had no time to end may still be recorded
	defer s.recording.Unlock()
	if s.journal == nil {
		return nil
	}
	return s.journal.close()
}

func shutDown(server *http.Server) error {
	ctx, cancel := context.WithTimeout(context.Background(), grace)
	defer cancel()
	if err := server.Shutdown(ctx); !errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return server.Close()
}

// lines is a writer that gives what it gets to a function.
type lines func(text string)

func (l lines) Write(text []byte) (int, error) {
	l(strings.TrimSpace(string(text)))
	return len(text), nil
}
