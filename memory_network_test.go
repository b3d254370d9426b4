package loopkit_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	loopkit "github.com/loopkitai/loopkit-go"
)

// memoryNetwork is a listener without sockets, so that all of net/http, client
// and server, runs in fake time.
type memoryNetwork struct {
	accepted chan net.Conn
	closed   chan struct{}
}

func newMemoryNetwork() *memoryNetwork {
	return &memoryNetwork{accepted: make(chan net.Conn), closed: make(chan struct{})}
}

func (n *memoryNetwork) Accept() (net.Conn, error) {
	select {
	case c := <-n.accepted:
		return c, nil
	case <-n.closed:
		return nil, net.ErrClosed
	}
}

func (n *memoryNetwork) Close() error   { close(n.closed); return nil }
func (n *memoryNetwork) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)} }

func (n *memoryNetwork) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	ours, theirs := net.Pipe()
	select {
	case n.accepted <- theirs:
		return ours, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// inMemory runs a story with a client and the server that it reaches.
func inMemory(t *testing.T, serve http.HandlerFunc, retryMin time.Duration, story func(*testing.T, *loopkit.Client)) {
	synctest.Test(t, func(t *testing.T) {
		network := newMemoryNetwork()
		server := &http.Server{Handler: serve, ErrorLog: quietLog()}
		served := make(chan error, 1)
		go func() { served <- server.Serve(network) }()
		transport := &http.Transport{DialContext: network.dial}
		c, err := loopkit.New(testKey, &loopkit.Options{
			BaseURL: "http://loopkit.test/v1", HTTPClient: &http.Client{Transport: transport}, Logger: quietLogger(),
			BatchBytes: 4 << 20, MaxMessageBytes: 1 << 20, RetryMin: retryMin, RetryMax: time.Hour,
		})
		require.NoError(t, err)
		story(t, c)
		_ = c.Close(contextFor(t, time.Millisecond)) // what it says is the story's business
		transport.CloseIdleConnections()
		require.NoError(t, server.Close())
		require.ErrorIs(t, <-served, http.ErrServerClosed)
		time.Sleep(time.Minute) // net/http lets connections linger
	})
}

func TestAnAttemptIsGivenUpAtItsDeadlineToTheMoment(t *testing.T) {
	for name, serve := range map[string]http.HandlerFunc{
		"no answer": func(_ http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body)
			<-r.Context().Done()
		},
		"an answer of one byte a second": func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body)
			conn, _, err := w.(http.Hijacker).Hijack()
			if !assert.NoError(t, err) {
				return
			}
			for _, b := range []byte("HTTP/1.1 200 OK\r\nServer: slow\r\n\r\n") {
				time.Sleep(time.Second)
				if _, err := conn.Write([]byte{b}); err != nil {
					break // the client gave up
				}
			}
			_ = conn.Close()
		},
		"a body that nobody reads": func(w http.ResponseWriter, _ *http.Request) {
			conn, _, err := w.(http.Hijacker).Hijack()
			if assert.NoError(t, err) {
				time.Sleep(time.Minute)
				_ = conn.Close()
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			inMemory(t, serve, time.Hour, func(t *testing.T, c *loopkit.Client) {
				start := time.Now()
				trackMuch(t, c)
				ctx := contextFor(t, time.Minute)
				waiting := make(chan error, 1)
				go func() { waiting <- c.Flush(ctx) }()
				for c.Stats().Failing["tracks"] == nil {
					time.Sleep(time.Millisecond)
				}
				assert.InDelta(t, 10*time.Second, time.Since(start), float64(2*time.Millisecond), "RequestTimeout, from the first byte to the last")
				require.ErrorContains(t, <-waiting, "no answer within 10s (Options.RequestTimeout)")
			})
		})
	}
}

// trackMuch accepts more than the buffers of net/http take.
func trackMuch(t *testing.T, c *loopkit.Client) {
	for range 4 {
		require.NoError(t, c.Track(visitor("anon_1"), "e", loopkit.Properties{"v": strings.Repeat("x", 1_000_000)}))
	}
}

// net/http does not end a dial with its request, which is why the client's own
// transport must be told at Close. Whatever is left would fail the bubble.
func TestAHostThatCannotBeReachedIsGivenUpAtTheSameDeadlineAndAtCloseForGood(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, err := loopkit.New(testKey, &loopkit.Options{
			BaseURL: "http://loopkit.test/v1", Logger: quietLogger(), RetryMin: time.Hour, RetryMax: time.Hour})
		require.NoError(t, err)
		var dials atomic.Int64
		loopkit.SetDial(c, func(ctx context.Context, _, _ string) (net.Conn, error) {
			dials.Add(1)
			<-ctx.Done() // a black hole
			return nil, &net.OpError{Op: "dial", Net: "tcp", Err: ctx.Err()}
		})
		trackN(t, c, 3)
		require.Error(t, c.Flush(contextFor(t, 9999*time.Millisecond)))
		assert.Empty(t, c.Stats().Failing)
		time.Sleep(2 * time.Millisecond)
		synctest.Wait()
		require.ErrorContains(t, c.Stats().Failing["tracks"], "no connection to loopkit.test within 10s")

		deleteUser(t, c, "user_1")
		synctest.Wait()
		assert.Equal(t, int64(2), dials.Load(), "no quarantine: nothing was sent")
		start := time.Now()
		require.Error(t, c.Close(contextFor(t, time.Minute)))
		assert.Equal(t, 10*time.Second, time.Since(start), "the deletion's, and nothing that is left could be tried before the minute is over")
	})
}

func TestAnEarly413IsSeenAtOnceThoughNobodyReadsTheBody(t *testing.T) {
	refuse := func(w http.ResponseWriter, _ *http.Request) {
		conn, _, err := w.(http.Hijacker).Hijack()
		if assert.NoError(t, err) {
			_, err = io.WriteString(conn, "HTTP/1.1 413 Content Too Large\r\nContent-Length: 0\r\n\r\n")
			assert.NoError(t, err)
			time.Sleep(time.Minute)
			_ = conn.Close()
		}
	}
	inMemory(t, refuse, time.Hour, func(t *testing.T, c *loopkit.Client) {
		start := time.Now()
		trackMuch(t, c)
		require.ErrorContains(t, c.Flush(t.Context()), "413")
		assert.Less(t, time.Since(start), time.Second, "net/http waits 50 ms for the rest of a body to be written")
		assert.Equal(t, int64(4), requireBalanced(t, c).Dropped[loopkit.ReasonTooLarge], "split to the single messages")
	})
}

func TestRetryAfterIsKeptToTheSecondByAllOfNetHTTP(t *testing.T) {
	var at []time.Time
	busy := func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		if at = append(at, time.Now()); len(at) == 1 {
			w.Header().Set("Retry-After", "120")
			w.WriteHeader(http.StatusTooManyRequests)
		}
	}
	inMemory(t, busy, time.Second, func(t *testing.T, c *loopkit.Client) {
		trackN(t, c, 3)
		require.NoError(t, c.Flush(t.Context()))
		assert.Equal(t, 2*time.Minute, at[1].Sub(at[0]))
		assert.Equal(t, int64(3), requireBalanced(t, c).Delivered)
	})
}
