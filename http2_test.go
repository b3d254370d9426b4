package loopkit_test

import (
	"bytes"
	"crypto/tls"
	"encoding/binary"
	"io"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	loopkit "github.com/loopkitai/loopkit-go"
	"github.com/loopkitai/loopkit-go/internal/collector"
	"github.com/loopkitai/loopkit-go/internal/faulty"
)

// http2Site is a LoopKit server that speaks HTTP/2 over TLS.
type http2Site struct {
	site
	authority *authority
	handler   func(w http.ResponseWriter, r *http.Request, next http.Handler)
	old       atomic.Int64 // requests that were not HTTP/2
}

func newHTTP2Site(t testing.TB, handler func(http.ResponseWriter, *http.Request, http.Handler)) *http2Site {
	s := &http2Site{site: site{Collector: collector.New(collector.Options{})}, authority: newAuthority(t), handler: handler}
	l := faulty.Listen(t, nil)
	s.url = "https://" + l.Addr().String()
	s.serve(t, l)
	return s
}

// serve may be called again when the server that it returns has been shut down.
func (s *http2Site) serve(t testing.TB, l net.Listener) *http.Server {
	server := &http.Server{
		ErrorLog:  quietLog(),
		TLSConfig: &tls.Config{Certificates: []tls.Certificate{s.authority.issue(t)}},
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.ProtoMajor != 2 {
				s.old.Add(1)
			}
			s.handler(w, r, s.Collector)
		}),
	}
	var serving sync.WaitGroup
	serving.Go(func() { _ = server.ServeTLS(l, "", "") }) // it ends with the server
	t.Cleanup(func() {
		_ = server.Close() // it may be closed
		serving.Wait()
	})
	return server
}

func (s *http2Site) client(t testing.TB, change ...func(*loopkit.Options)) *loopkit.Client {
	change = append(change, func(o *loopkit.Options) {
		o.HTTPClient = s.authority.trusting(func(h *http.Transport) { h.ForceAttemptHTTP2 = true })
	})
	return newTCPClient(t, s.url, change...)
}

// requireOnce asserts that each of n messages arrived exactly once, all of them
// over HTTP/2.
func (s *http2Site) requireOnce(t testing.TB, n int) {
	t.Helper()
	for id, k := range s.copies(t, n) {
		assert.Equal(t, 1, k, id)
	}
	assert.Zero(t, s.old.Load())
}

func TestAServerThatAsksForNewConnectionsOverHTTP2LosesAndDuplicatesNothing(t *testing.T) {
	var requests atomic.Int64
	s := newHTTP2Site(t, func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		if requests.Add(1)%25 == 0 {
			w.Header().Set("Connection", "close") // which is GOAWAY, after what is under way
		}
		next.ServeHTTP(w, r)
	})
	c := s.client(t, func(o *loopkit.Options) { o.BatchSize, o.MaxInFlight = 1, 8 })
	const n = 100
	trackIDs(t, c, 0, n, nil)
	require.NoError(t, c.Flush(t.Context()))
	assert.Equal(t, int64(n), requireBalanced(t, c).Delivered)
	s.requireOnce(t, n)
}

func TestAServerThatIsReplacedOverHTTP2LosesAndDuplicatesNothing(t *testing.T) {
	const n, before = 300, 100
	enough := make(chan struct{})
	var requests atomic.Int64
	s := &http2Site{site: site{Collector: collector.New(collector.Options{})}, authority: newAuthority(t),
		handler: func(w http.ResponseWriter, r *http.Request, next http.Handler) {
			if requests.Add(1) == before {
				close(enough)
			}
			next.ServeHTTP(w, r)
		}}
	first, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	s.url = "https://" + first.Addr().String()
	server := s.serve(t, first)
	c := s.client(t, func(o *loopkit.Options) { o.BatchSize, o.MaxInFlight = 1, 8 })
	trackIDs(t, c, 0, n, nil)
	flushed := make(chan error, 1)
	go func() { flushed <- c.Flush(t.Context()) }()
	<-enough
	require.NoError(t, server.Shutdown(contextFor(t, 5*time.Second)))
	assert.Less(t, len(s.Messages()), n, "the shutdown came in the middle")
	second, err := net.Listen("tcp", first.Addr().String())
	require.NoError(t, err)
	s.serve(t, second)
	require.NoError(t, <-flushed)
	assert.Equal(t, int64(n), requireBalanced(t, c).Delivered)
	s.requireOnce(t, n)
}

func TestAStreamThatTheServerResetsIsRetried(t *testing.T) {
	var requests atomic.Int64
	s := newHTTP2Site(t, func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		if requests.Add(1) <= 3 {
			_, _ = io.CopyN(io.Discard, r.Body, requests.Load()*100)
			panic(http.ErrAbortHandler) // which is RST_STREAM
		}
		next.ServeHTTP(w, r)
	})
	c := s.client(t)
	trackIDs(t, c, 0, 20, nil)
	require.NoError(t, c.Flush(t.Context()))
	stats := requireBalanced(t, c)
	assert.Equal(t, int64(3), stats.Retries)
	assert.Zero(t, stats.QueueBytes)
	s.requireOnce(t, 20)
}

// The types, flags and codes of RFC 9113 that the tests below need.
const (
	frameData, frameHeaders, frameReset, frameSettings, framePing, frameGoAway = 0, 1, 3, 4, 6, 7

	flagEndStream, flagAck, flagEndHeaders = 1, 1, 4

	codeNoError, codeInternal, codeRefused, codeEnhanceYourCalm = 0, 2, 7, 11
)

// frames writes and reads HTTP/2 by hand, to be wrong where net/http is right.
type frames struct{ net.Conn }

func (f frames) write(kind, flags byte, stream uint32, payload ...byte) error {
	frame := []byte{0, byte(len(payload) >> 8), byte(len(payload)), kind, flags}
	frame = binary.BigEndian.AppendUint32(frame, stream)
	_, err := f.Write(append(frame, payload...))
	return err
}

func (f frames) read() (kind, flags byte, stream uint32, payload []byte, err error) {
	var head [9]byte
	if _, err := io.ReadFull(f, head[:]); err != nil {
		return 0, 0, 0, nil, err
	}
	payload = make([]byte, binary.BigEndian.Uint32(head[:4])>>8)
	_, err = io.ReadFull(f, payload)
	return head[3], head[4], binary.BigEndian.Uint32(head[5:]), payload, err
}

func (f frames) reset(stream, code uint32) error {
	return f.write(frameReset, 0, stream, binary.BigEndian.AppendUint32(nil, code)...)
}

func (f frames) goAway(last, code uint32) error {
	payload := binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(nil, last), code)
	return f.write(frameGoAway, 0, 0, append(payload, testKey...)...) // debug data may be anything
}

// ok is 200 without a body: the eighth entry of HPACK's static table.
func (f frames) ok(stream uint32) error {
	return f.write(frameHeaders, flagEndHeaders|flagEndStream, stream, 0x88)
}

// byHand is an HTTP/2 server of frames. It asks for a fault at the header of
// each request, and again at the end of its body; without one it takes the
// messages and answers 200.
type byHand struct {
	idSink
	early, late func(f frames, stream uint32) (handled bool)
}

func (s *byHand) serve(c net.Conn) error {
	f := frames{c}
	preface := make([]byte, len("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"))
	if _, err := io.ReadFull(f, preface); err != nil {
		return err
	}
	if err := f.write(frameSettings, 0, 0); err != nil {
		return err
	}
	bodies := map[uint32]*bytes.Buffer{}
	for {
		kind, flags, stream, payload, err := f.read()
		if err != nil {
			return err
		}
		body := bodies[stream]
		switch {
		case kind == frameSettings && flags&flagAck == 0:
			err = f.write(frameSettings, flagAck, 0)
		case kind == framePing && flags&flagAck == 0:
			err = f.write(framePing, flagAck, 0, payload...)
		case kind == frameHeaders && !s.early(f, stream):
			bodies[stream] = &bytes.Buffer{}
		case kind == frameData && body != nil:
			body.Write(payload)
			if flags&flagEndStream != 0 {
				delete(bodies, stream)
				s.keep(body.String())
				if !s.late(f, stream) {
					err = f.ok(stream)
				}
			}
		}
		if err != nil {
			return err
		}
	}
}

// once does something to the first request that it sees.
func once(do func(f frames, stream uint32) error) func(frames, uint32) bool {
	var done atomic.Bool
	return func(f frames, stream uint32) bool {
		if done.Swap(true) {
			return false
		}
		_ = do(f, stream) // a client that is gone comes again
		return true
	}
}

func never(frames, uint32) bool { return false }

func TestWhatAnHTTP2ServerMayDoToARequestLosesNothing(t *testing.T) {
	goAway := func(last, code uint32) func(frames, uint32) error {
		return func(f frames, _ uint32) error {
			if err := f.goAway(last, code); err != nil || last == 0 {
				return err // the client leaves by itself
			}
			return f.Close()
		}
	}
	for _, row := range []struct {
		name        string
		early, late func(frames, uint32) bool
		copies      int   // of each message at the server
		retries     int64 // that net/http leaves to the client
	}{
		{name: "GOAWAY that took no stream", early: once(goAway(0, codeNoError)), late: never, copies: 1},
		{name: "GOAWAY that took the stream, and no answer", early: never, late: once(goAway(1, codeNoError)), copies: 2, retries: 1},
		{name: "GOAWAY for bad behaviour", early: never, late: once(goAway(1, codeEnhanceYourCalm)), copies: 2, retries: 1},
		{name: "REFUSED_STREAM", early: once(func(f frames, stream uint32) error { return f.reset(stream, codeRefused) }), late: never, copies: 1},
		{name: "REFUSED_STREAM after the body", early: never, late: once(func(f frames, stream uint32) error { return f.reset(stream, codeRefused) }), copies: 2},
		{name: "RST_STREAM before the body", early: once(func(f frames, stream uint32) error { return f.reset(stream, codeInternal) }), late: never, copies: 1, retries: 1},
		{name: "RST_STREAM after the body", early: never, late: once(func(f frames, stream uint32) error { return f.reset(stream, codeInternal) }), copies: 2, retries: 1},
		{name: "an answer and RST_STREAM without error", early: never, late: once(func(f frames, stream uint32) error {
			if err := f.ok(stream); err != nil {
				return err
			}
			return f.reset(stream, codeNoError)
		}), copies: 1},
		{name: "the end of the connection without a word", early: never, late: once(func(f frames, _ uint32) error { return f.Close() }), copies: 2, retries: 1},
	} {
		t.Run(row.name, func(t *testing.T) {
			a := newAuthority(t)
			s := &byHand{early: row.early, late: row.late}
			l := tls.NewListener(faulty.Listen(t, nil), &tls.Config{Certificates: []tls.Certificate{a.issue(t)}, NextProtos: []string{"h2"}})
			var serving sync.WaitGroup
			serving.Go(func() {
				for {
					conn, err := l.Accept()
					if err != nil {
						return
					}
					serving.Go(func() {
						_ = s.serve(conn) // until the client has enough, or the listener closes
						_ = conn.Close()
					})
				}
			})
			t.Cleanup(func() {
				_ = l.Close() // a faulty listener ends its connections
				serving.Wait()
			})
			c := newTCPClient(t, "https://"+l.Addr().String(), func(o *loopkit.Options) {
				o.HTTPClient = a.trusting(func(h *http.Transport) { h.ForceAttemptHTTP2 = true })
			})
			trackIDs(t, c, 0, large, nil)
			require.NoError(t, c.Flush(t.Context()))
			stats := requireBalanced(t, c)
			assert.Equal(t, int64(large), stats.Delivered)
			assert.Equal(t, row.retries, stats.Retries)
			await(t, "net/http closes every body, when it likes", func() bool { return c.Stats().QueueBytes == 0 })
			for id, k := range s.copies(t) {
				assert.Equal(t, row.copies, k, id)
			}
		})
	}
}
