package loopkit_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	loopkit "github.com/loopkitai/loopkit-go"
	"github.com/loopkitai/loopkit-go/loopkittest"
)

func TestConnectionsAreReused(t *testing.T) {
	var connections atomic.Int64
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		_, _ = io.WriteString(w, `{"success":true,"data":"`+strings.Repeat("x", 20_000)+`"}`)
	}))
	server.Config.ConnState = func(_ net.Conn, s http.ConnState) {
		if s == http.StateNew {
			connections.Add(1)
		}
	}
	server.Start()
	defer server.Close()
	c, err := loopkit.New(testKey, &loopkit.Options{BaseURL: server.URL, Logger: quietLogger()})
	require.NoError(t, err)
	for range 50 {
		trackN(t, c, 1)
		require.NoError(t, c.Flush(t.Context()))
	}
	require.NoError(t, c.Close(t.Context()))
	assert.Equal(t, int64(1), connections.Load())
}

func TestRedirectsAreNeverFollowed(t *testing.T) {
	for _, status := range []int{301, 302, 303, 307, 308} {
		var elsewhere atomic.Int64
		other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { elsewhere.Add(1) }))
		server := httptest.NewServer(http.RedirectHandler(other.URL, status))
		follows := server.Client()
		follows.CheckRedirect = nil // net/http's default: follow
		for _, client := range []*http.Client{nil, follows} {
			c, err := loopkit.New(testKey, &loopkit.Options{BaseURL: server.URL, HTTPClient: client, Logger: quietLogger()})
			require.NoError(t, err)
			trackN(t, c, 1)
			var answer *loopkit.APIError
			require.ErrorAs(t, c.Close(t.Context()), &answer)
			assert.Equal(t, status, answer.StatusCode)
		}
		assert.Zero(t, elsewhere.Load(), "the key would go with it")
		assert.Nil(t, follows.CheckRedirect, "the program's client is copied, not changed")
		server.Close()
		other.Close()
	}
}

func TestARefusedConnectionIsRetriedUntilTheServerIsThere(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	address := listener.Addr().String()
	require.NoError(t, listener.Close())

	c, err := loopkit.New(testKey, &loopkit.Options{
		BaseURL: "http://" + address, RetryMin: time.Millisecond, RetryMax: 5 * time.Millisecond, Logger: quietLogger()})
	require.NoError(t, err)
	trackN(t, c, 10)
	ctx, cancel := context.WithCancel(t.Context())
	flushed := make(chan error, 1)
	go func() { flushed <- c.Flush(ctx) }()
	_, err = awaitFailing(t, c)
	require.ErrorContains(t, err, "dial tcp "+address+": connect: connection refused")
	cancel()
	err = <-flushed
	require.ErrorIs(t, err, context.Canceled)
	require.ErrorContains(t, err, "connection refused")

	listener, err = net.Listen("tcp", address)
	require.NoError(t, err)
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { _, _ = io.Copy(io.Discard, r.Body) }))
	require.NoError(t, s.Listener.Close())
	s.Listener = listener
	s.Start()
	defer s.Close()
	deletion, err := c.DeleteUser(t.Context(), "user_1")
	require.NoError(t, err)
	require.NoError(t, deletion.Wait(contextFor(t, 5*time.Second)), "no quarantine: nothing was sent")
	require.NoError(t, c.Close(t.Context()))
	assert.Equal(t, int64(11), requireBalanced(t, c).Delivered)
}

// A transport may read the body after it has returned the answer. The memory
// must not hold another message by then.
func TestABodyReadAfterAnEarlyAnswerNeverHasAnotherMessagesBytes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := loopkittest.NewTransport(t)
		var late io.ReadCloser
		first := make([]byte, 1000)
		c := newClient(t, s, func(o *loopkit.Options) {
			o.BatchSize = 100
			next := o.HTTPClient.Transport
			o.HTTPClient.Transport = transportFunc(func(r *http.Request) (*http.Response, error) {
				if late == nil {
					late = r.Body
					_, _ = io.ReadFull(late, first)
					return &http.Response{StatusCode: 401, Body: http.NoBody, Header: http.Header{}}, nil
				}
				return next.RoundTrip(r)
			})
		})
		send := func(name string) {
			for range 100 {
				require.NoError(t, c.Track(visitor("anon_1"), name, nil))
			}
			_ = c.Flush(t.Context()) // the endpoint is halted at first
			time.Sleep(time.Minute)
		}
		send("early")
		for range 20 {
			send("later")
		}
		require.Len(t, s.Messages(), 21*100)

		rest, err := io.ReadAll(late)
		require.NoError(t, err)
		require.NoError(t, late.Close())
		body := append(first, rest...)
		assert.Equal(t, 100, bytes.Count(body, []byte(`"early"`)))
		assert.NotContains(t, string(body), `"later"`)
		_, err = late.Read(first)
		require.Error(t, err)
		assert.Zero(t, c.Stats().QueueBytes, "closing the body gave the memory back")
	})
}

// A transport that mirrors requests may ask for the body when it finds the time.
func TestABodyThatIsAskedForAfterTheAnswerNeverHasAnotherMessagesBytes(t *testing.T) {
	s := loopkittest.NewServer(t)
	var first *http.Request
	c := newClient(t, s, func(o *loopkit.Options) {
		o.HTTPClient = &http.Client{Transport: transportFunc(func(r *http.Request) (*http.Response, error) {
			if first == nil {
				first = r
			}
			return http.DefaultTransport.RoundTrip(r)
		})}
	})
	require.NoError(t, c.Track(visitor("anon_1"), "early", nil))
	require.NoError(t, c.Flush(t.Context()))
	require.NoError(t, c.Track(visitor("anon_2"), "later", nil))
	late, err := first.GetBody()
	require.NoError(t, err)
	body, err := io.ReadAll(late)
	require.Error(t, err)
	assert.Empty(t, body)
	require.NoError(t, late.Close())
	require.NoError(t, c.Flush(t.Context()))
	assert.Zero(t, c.Stats().QueueBytes)
}

func TestAnEarly401OverTCPNeverSendsAnotherMessagesBytes(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	var mu sync.Mutex
	var received bytes.Buffer // whole connections, one after the other
	var serving sync.WaitGroup
	serving.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return // closed by the test
			}
			serving.Go(func() {
				defer func() { _ = conn.Close() }()
				head := make([]byte, 512)
				n, _ := io.ReadFull(conn, head)
				_, _ = io.WriteString(conn, "HTTP/1.1 401 Unauthorized\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")
				rest, _ := io.ReadAll(conn) // until the client gives up
				mu.Lock()
				defer mu.Unlock()
				received.Write(head[:n])
				received.Write(rest)
			})
		}
	})
	c, err := loopkit.New(testKey, &loopkit.Options{
		BaseURL: "http://" + listener.Addr().String(), MaxInFlight: 2, BatchSize: 500, QueueBytes: 16 << 20, Logger: quietLogger()})
	require.NoError(t, err)
	filler := strings.Repeat("x", 1000)
	for batch := range 8 {
		for range 500 {
			require.NoError(t, c.Track(visitor("anon_1"), fmt.Sprintf("batch_%d", batch), loopkit.Properties{"filler": filler}))
		}
		require.Error(t, c.Flush(t.Context()))
	}
	require.Error(t, c.Close(t.Context()))
	require.NoError(t, listener.Close())
	serving.Wait()

	requests := strings.Split(received.String(), "POST /tracks ")[1:]
	require.NotEmpty(t, requests)
	for _, request := range requests {
		batches := 0
		for batch := range 8 {
			if strings.Contains(request, fmt.Sprintf(`"batch_%d"`, batch)) {
				batches++
			}
		}
		assert.LessOrEqual(t, batches, 1)
	}
}

// endless is an answer's body that never ends.
type endless struct{}

func (endless) Read(p []byte) (int, error) { return copy(p, " "), nil }
func (endless) Close() error               { return nil }

func TestTheStatusDecidesAndAnEndlessAnswerIsNotReadToItsEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newClient(t, loopkittest.NewTransport(t), func(o *loopkit.Options) {
			o.HTTPClient.Transport = transportFunc(func(r *http.Request) (*http.Response, error) {
				_, _ = io.Copy(io.Discard, r.Body)
				_ = r.Body.Close()
				return &http.Response{StatusCode: 200, Body: endless{}, Header: http.Header{}}, nil
			})
		})
		trackN(t, c, 3)
		require.NoError(t, c.Close(t.Context()))
		assert.Equal(t, int64(3), requireBalanced(t, c).Delivered)
	})
}

func TestOneAttemptEndsAtRequestTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := loopkittest.NewTransport(t)
		s.Script(loopkittest.Tracks, loopkittest.Fault{Hang: true})
		c := newClient(t, s)
		trackN(t, c, 1)
		require.NoError(t, c.Flush(t.Context()))
		wait := s.Requests()[1].Time.Sub(s.Requests()[0].Time)
		assert.GreaterOrEqual(t, wait, 10*time.Second+500*time.Millisecond)
		assert.LessOrEqual(t, wait, 10*time.Second+1500*time.Millisecond)
	})
}

func TestTheEndOfRequestTimeoutIsNotTakenForTheEndOfTheCallersContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := loopkittest.NewTransport(t)
		s.FailAll(loopkittest.Any, loopkittest.Fault{Hang: true})
		c := newClient(t, s, func(o *loopkit.Options) { o.RequestTimeout, o.RetryMin = time.Second, 30*time.Second })
		trackN(t, c, 1)
		err := c.Close(t.Context())
		require.ErrorContains(t, err, "no answer within 1s")
		assert.NotErrorIs(t, err, context.DeadlineExceeded, "what is left could not be tried before it")
	})
}

func TestNetworkErrorsNameTheHostAndNotTheURL(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newClient(t, loopkittest.NewTransport(t), func(o *loopkit.Options) {
			o.HTTPClient.Transport = transportFunc(func(r *http.Request) (*http.Response, error) {
				return nil, &net.OpError{Op: "dial", Net: "tcp", Err: errors.New("lookup " + r.URL.Host + ": no such host")}
			})
		})
		_, err := c.DeleteUser(t.Context(), "user_private")
		require.NoError(t, err)
		err = c.Close(t.Context())
		require.ErrorContains(t, err, "lookup loopkit.test")
		assert.NotContains(t, err.Error(), "user_private")
		assert.NotContains(t, err.Error(), testKey)
	})
}

// quietLog keeps the test server's own complaints out of the output.
func quietLog() *log.Logger { return log.New(io.Discard, "", 0) }
