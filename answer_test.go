package loopkit_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	loopkit "github.com/loopkitai/loopkit-go"
	"github.com/loopkitai/loopkit-go/internal/faulty"
)

func TestA2xxStatusLineDeliversWhateverBecomesOfTheAnswersBody(t *testing.T) {
	for name, answer := range map[string]string{
		"end inside the body":           "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{}",
		"end inside a chunk":            "HTTP/1.1 202 Accepted\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{",
		"chunks that are none":          "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n{}",
		"no length":                     "HTTP/1.0 200 OK\r\n\r\n{}",
		"no body":                       "HTTP/1.1 204 No Content\r\n\r\n",
		"invalid JSON":                  "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 1\r\n\r\n{",
		"another schema":                "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 4\r\n\r\n[[1]",
		"100 Continue before":           "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}",
		"many early hints before":       strings.Repeat("HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n", 1000) + "HTTP/1.1 200 OK\r\n\r\n",
		"a body said to be compressed":  "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\n{}",
		"a status text that is a novel": "HTTP/1.1 299 " + strings.Repeat("once upon a time ", 1000) + "\r\n\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t, func() faulty.Fault { return faulty.Fault{Kind: faulty.Raw, Answer: answer} })
			c := newTCPClient(t, s.url, func(o *loopkit.Options) { // the server closes without a word
				o.HTTPClient = &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
			})
			trackN(t, c, 5)
			require.NoError(t, c.Flush(t.Context()))
			deletion, err := c.DeleteUser(t.Context(), "user_1")
			require.NoError(t, err)
			require.NoError(t, deletion.Wait(contextFor(t, 5*time.Second)), "no quarantine: it was answered")
			stats := requireBalanced(t, c)
			assert.Equal(t, int64(6), stats.Delivered)
			assert.Equal(t, int64(2), stats.Requests, "nothing is repeated")
			assert.Equal(t, int64(2), s.connections.Load())
		})
	}
}

// newAnswerer is a server that reads a request and then answers as told.
func newAnswerer(t testing.TB, choose func() faulty.Fault, answer http.HandlerFunc) (url string, requests *atomic.Int64) {
	requests = &atomic.Int64{}
	l := faulty.Listen(t, choose)
	serve(t, l, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		requests.Add(1)
		_, _ = io.Copy(io.Discard, r.Body)
		answer(w, r)
	}))
	return l.URL(), requests
}

func TestAResetOrASilenceInsideTheBodyOfA2xxIsNoFailure(t *testing.T) {
	for name, row := range map[string]struct {
		fault  faulty.Fault
		answer http.HandlerFunc
	}{
		"reset": {faulty.Fault{Kind: faulty.ResetResponse, Bytes: 500}, func(w http.ResponseWriter, _ *http.Request) {
			_, _ = w.Write(make([]byte, 1000))
		}},
		"half-close": {faulty.Fault{Kind: faulty.HalfClose, Bytes: 500}, func(w http.ResponseWriter, _ *http.Request) {
			_, _ = w.Write(make([]byte, 1000))
		}},
		"silence": {faulty.Fault{}, func(w http.ResponseWriter, r *http.Request) {
			w.(http.Flusher).Flush()
			<-r.Context().Done()
		}},
	} {
		t.Run(name, func(t *testing.T) {
			url, requests := newAnswerer(t, faulty.Script(row.fault), row.answer)
			c := newTCPClient(t, url, func(o *loopkit.Options) { o.RequestTimeout = 50 * time.Millisecond * raceFactor })
			trackN(t, c, 5)
			require.NoError(t, c.Flush(t.Context()))
			assert.Equal(t, int64(5), requireBalanced(t, c).Delivered)
			assert.Equal(t, int64(1), requests.Load())
		})
	}
}

func TestOfAnEndlessAnswerOnly64KiBAreRead(t *testing.T) {
	var megabytes bytes.Buffer // 64 KiB of them say far more
	packed := gzip.NewWriter(&megabytes)
	_, err := packed.Write(make([]byte, 1<<20))
	require.NoError(t, err)
	require.NoError(t, packed.Close())
	for _, status := range []int{200, 503, 401} {
		for _, encoding := range []string{"gzip", "identity"} {
			url, requests := newAnswerer(t, nil, func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Encoding", encoding)
				w.WriteHeader(status)
				for {
					if _, err := w.Write(megabytes.Bytes()); err != nil {
						return
					}
				}
			})
			var read atomic.Int64
			c := newTCPClient(t, url, func(o *loopkit.Options) {
				o.HTTPClient, o.RetryMin, o.RetryMax = countingClient(nil, &read), time.Hour, time.Hour
			})
			trackN(t, c, 5)
			start := time.Now()
			_ = c.Close(contextFor(t, time.Minute)) // the status says whether it succeeds
			assert.Less(t, time.Since(start), 10*time.Second, "RequestTimeout did not have to end it")
			assert.Equal(t, int64(1), requests.Load())
			assert.Less(t, read.Load(), int64(64<<10)+2*(4<<10), "with what net/http has buffered")
		}
	}
}

func TestAnEarlyRefusalOfALargeBodyIsSeenAndNotTheFailureToWriteTheRest(t *testing.T) {
	early := func(status int) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) })
	}
	for _, status := range []int{401, 503} {
		raw := fmt.Sprintf("HTTP/1.1 %d Early\r\nContent-Length: 0\r\n\r\n", status)
		for name, l := range map[string]*faulty.Listener{
			"the rest is never read":                    faulty.Listen(t, func() faulty.Fault { return faulty.Fault{Kind: faulty.Early, Answer: raw} }),
			"a server that closes, as that of net/http": faulty.Listen(t, nil),
		} {
			t.Run(fmt.Sprintf("%d, %s", status, name), func(t *testing.T) {
				serve(t, l, early(status))
				c := newTCPClient(t, l.URL(), largeBatch, func(o *loopkit.Options) {
					o.RequestTimeout, o.RetryMin, o.RetryMax = 10*time.Minute, time.Hour, time.Hour
				})
				trackLarge(t, c)
				start := time.Now()
				err := c.Close(contextFor(t, time.Minute)) // a retry would come too late
				assert.Less(t, time.Since(start), 30*time.Second, "neither RequestTimeout nor Close's deadline ended it")
				var answer *loopkit.APIError
				require.ErrorAs(t, err, &answer)
				assert.Equal(t, status, answer.StatusCode)
				assert.Equal(t, int64(1), requireBalanced(t, c).Requests)
			})
		}
	}
}

func TestAnEarly413OfALargeBodyMakesSmallerOnes(t *testing.T) {
	var sink idSink
	l := faulty.Listen(t, faulty.Script(faulty.Fault{Kind: faulty.Early, Answer: "HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n"}))
	serve(t, l, &sink)
	c := newTCPClient(t, l.URL(), largeBatch)
	trackLarge(t, c)
	require.NoError(t, c.Flush(t.Context()))
	assert.Equal(t, int64(3), requireBalanced(t, c).Requests, "the whole and two halves")
	for id, k := range sink.copies(t) {
		assert.Equal(t, 1, k, id)
	}
}

func TestA101HaltsAndLeavesNoConnectionOpen(t *testing.T) {
	s := newSite(t, func() faulty.Fault {
		return faulty.Fault{Kind: faulty.Early, Answer: "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\nendless"}
	})
	goroutines := runtime.NumGoroutine()
	c := newTCPClient(t, s.url)
	trackN(t, c, 5)
	var answer *loopkit.APIError
	require.ErrorAs(t, c.Flush(t.Context()), &answer)
	assert.Equal(t, 101, answer.StatusCode)
	stats := requireBalanced(t, c)
	assert.ErrorIs(t, stats.Halted["tracks"], answer)
	assert.Equal(t, int64(5), stats.Pending)
	require.Error(t, c.Close(contextFor(t, time.Millisecond)))
	requireGoroutines(t, goroutines)
}

func TestNoCompressedAnswerIsAskedForOrDecoded(t *testing.T) {
	url, _ := newAnswerer(t, nil, func(w http.ResponseWriter, r *http.Request) {
		assert.Empty(t, r.Header.Get("Accept-Encoding"))
		w.Header().Set("Content-Encoding", "gzip")
		w.WriteHeader(403)
		packed := gzip.NewWriter(w)
		_, _ = packed.Write([]byte(`{"message":"decoded"}`)) // a failure shows below
		_ = packed.Close()
	})
	c := newTCPClient(t, url)
	trackN(t, c, 1)
	var answer *loopkit.APIError
	require.ErrorAs(t, c.Flush(t.Context()), &answer)
	assert.Equal(t, 403, answer.StatusCode)
	assert.Empty(t, answer.Message)
}

// countingClient counts the bytes that its connections write and read.
func countingClient(written, read *atomic.Int64) *http.Client {
	return &http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
		c, err := (&net.Dialer{}).DialContext(ctx, network, address)
		if err != nil {
			return nil, err
		}
		return &countingConn{c, written, read}, nil
	}}}
}

type countingConn struct {
	net.Conn
	written, read *atomic.Int64
}

func (c *countingConn) Write(p []byte) (int, error) {
	n, err := c.Conn.Write(p)
	if c.written != nil {
		c.written.Add(int64(n))
	}
	return n, err
}

func (c *countingConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if c.read != nil {
		c.read.Add(int64(n))
	}
	return n, err
}
