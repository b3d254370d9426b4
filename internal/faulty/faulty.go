// Package faulty is a TCP listener for tests that misbehaves on command. An
// ordinary http.Server, or a script of raw bytes, can serve on it.
package faulty

import (
	"net"
	"sync"
	"testing"
	"time"
)

// Kind is a way for one connection to fail.
type Kind int

// The kinds of Fault. Bytes are counted from the start of the connection, and
// a fault that waits for n of them strikes as the next one comes: a request or
// response of n bytes or fewer passes.
const (
	// Healthy serves the connection as if it came from net.Listen.
	Healthy Kind = iota
	// Refuse resets the connection as soon as it is accepted.
	Refuse
	// ResetRequest resets it after Bytes of the request were read.
	ResetRequest
	// ResetResponse resets it after Bytes of the response were written.
	ResetResponse
	// Truncate closes it after Bytes of the response were written.
	Truncate
	// HalfClose ends the response after Bytes of it, but goes on reading.
	HalfClose
	// Trickle writes the response Bytes at a time, with Pause after each.
	Trickle
	// Raw reads one whole request, writes Answer instead of serving it, and
	// closes.
	Raw
	// Early writes Answer after the header of the request, and never reads the
	// rest. The connection stays open for Pause, or until the listener closes.
	Early
	// BlackHole neither reads nor writes for Pause, or until the listener closes.
	BlackHole
)

// Fault says how one connection fails. The zero Fault is a healthy connection.
type Fault struct {
	Kind   Kind
	Bytes  int           // of ResetRequest, ResetResponse, Truncate, HalfClose and Trickle
	Pause  time.Duration // of Trickle, Early and BlackHole
	Answer string        // of Raw and Early, as it goes over the wire
}

// Script returns a choice for Listen and Wrap: each connection gets the next of
// the faults, and those that come after the last one are healthy.
func Script(faults ...Fault) func() Fault {
	var mu sync.Mutex
	return func() Fault {
		mu.Lock()
		defer mu.Unlock()
		if len(faults) == 0 {
			return Fault{}
		}
		next := faults[0]
		faults = faults[1:]
		return next
	}
}

// Listener gives each connection that it accepts one Fault.
type Listener struct {
	net.Listener

	choosing sync.Mutex
	choose   func() Fault

	mu       sync.Mutex
	open     map[*conn]struct{}
	closed   chan struct{}
	closing  sync.Once
	answerer sync.WaitGroup
}

// Listen listens on a free port of 127.0.0.1 until the test ends. choose is
// called once for each connection, one call at a time; nil means healthy ones.
func Listen(t testing.TB, choose func() Fault) *Listener {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	wrapped := Wrap(l, choose)
	t.Cleanup(func() { _ = wrapped.Close() }) // the test may have closed it
	return wrapped
}

// Wrap makes a TCP listener misbehave. Whoever wraps it has to close it.
func Wrap(l net.Listener, choose func() Fault) *Listener {
	if choose == nil {
		choose = Script()
	}
	return &Listener{Listener: l, choose: choose, open: map[*conn]struct{}{}, closed: make(chan struct{})}
}

// URL is the address for a client that speaks plain HTTP.
func (l *Listener) URL() string { return "http://" + l.Addr().String() }

// Accept returns the next connection that is to be served. It deals itself with
// those whose fault leaves nothing to serve.
func (l *Listener) Accept() (net.Conn, error) {
	for {
		accepted, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		c := &conn{Conn: accepted, listener: l, fault: l.next()}
		if c.fault.Kind == Refuse {
			c.reset()
			continue
		}
		if !l.keep(c) {
			c.reset()
			return nil, net.ErrClosed
		}
		switch c.fault.Kind {
		case BlackHole:
			c.closeAfter(c.fault.Pause)
		case Raw, Early:
			go c.answer()
		default:
			return c, nil
		}
	}
}

func (l *Listener) next() Fault {
	l.choosing.Lock()
	defer l.choosing.Unlock()
	return l.choose()
}

// Close stops listening and resets every connection, also those that are being
// served: it is the end of a process, not of http.Server.Shutdown. Nothing runs
// any more when it returns.
func (l *Listener) Close() error {
	err := l.Listener.Close()
	l.closing.Do(func() { close(l.closed) })
	l.mu.Lock()
	open := l.open
	l.open = map[*conn]struct{}{}
	l.mu.Unlock()
	for c := range open {
		c.reset()
	}
	l.answerer.Wait()
	return err
}

// keep remembers a connection, unless the listener is closed.
func (l *Listener) keep(c *conn) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	select {
	case <-l.closed:
		return false
	default:
	}
	l.open[c] = struct{}{}
	if c.fault.Kind == Raw || c.fault.Kind == Early {
		l.answerer.Add(1)
	}
	return true
}

func (l *Listener) forget(c *conn) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.open, c)
}
