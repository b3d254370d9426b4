package loopkit_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	loopkit "github.com/loopkitai/loopkit-go"
	"github.com/loopkitai/loopkit-go/internal/collector"
	"github.com/loopkitai/loopkit-go/internal/faulty"
)

// site is a LoopKit server behind a listener that misbehaves.
type site struct {
	*collector.Collector
	url         string
	connections atomic.Int64
}

func newSite(t testing.TB, choose func() faulty.Fault) *site {
	t.Helper()
	s := &site{Collector: collector.New(collector.Options{})}
	l := faulty.Listen(t, func() faulty.Fault {
		s.connections.Add(1)
		return choose()
	})
	s.url = l.URL()
	serve(t, l, s.Collector)
	return s
}

// untilHealed gives every connection the fault until heal is called.
func untilHealed(f faulty.Fault) (choose func() faulty.Fault, heal func()) {
	var healed atomic.Bool
	choose = func() faulty.Fault {
		if healed.Load() {
			return faulty.Fault{}
		}
		return f
	}
	return choose, func() { healed.Store(true) }
}

// serve serves on a listener until the test ends.
func serve(t testing.TB, l net.Listener, h http.Handler, change ...func(*http.Server)) {
	server := &http.Server{Handler: h, ErrorLog: quietLog()}
	for _, c := range change {
		c(server)
	}
	var serving sync.WaitGroup
	serving.Go(func() { _ = server.Serve(l) }) // it ends with server.Close
	t.Cleanup(func() {
		_ = server.Close() // of connections that are closed already
		serving.Wait()
	})
}

// newTCPClient returns a client with its own transport, for a server that fails
// only for moments.
func newTCPClient(t testing.TB, url string, change ...func(*loopkit.Options)) *loopkit.Client {
	t.Helper()
	opts := loopkit.Options{BaseURL: url, RetryMin: time.Millisecond, RetryMax: 5 * time.Millisecond, Logger: quietLogger()}
	for _, c := range change {
		c(&opts)
	}
	client, err := loopkit.New(testKey, &opts)
	require.NoError(t, err)
	t.Cleanup(func() {
		_ = client.Close(contextFor(t, 50*time.Millisecond)) // what it says is the test's business, if anybody's
	})
	return client
}

// trackIDs tracks messages with IDs of their own.
func trackIDs(t testing.TB, c *loopkit.Client, from, to int, props loopkit.Properties) {
	t.Helper()
	for i := from; i < to; i++ {
		require.NoError(t, c.Track(visitor("anon_1"), "page_view", props, loopkit.WithMessageID(fmt.Sprintf("id_%d", i))))
	}
}

// copies counts how often each message arrived. It fails the test if one of
// these IDs is missing, or another is there.
func (s *site) copies(t testing.TB, n int) map[string]int {
	t.Helper()
	copies := map[string]int{}
	for _, m := range s.Messages() {
		if m.Kind == collector.KindTrack {
			copies[m.MessageID]++
		}
	}
	for i := range n {
		require.Contains(t, copies, fmt.Sprintf("id_%d", i))
	}
	require.Len(t, copies, n)
	return copies
}

// awaitFailing waits until an attempt has failed, and returns a moment before
// its end, and why it failed.
func awaitFailing(t testing.TB, c *loopkit.Client) (before time.Time, err error) {
	t.Helper()
	for start := time.Now(); ; runtime.Gosched() {
		now := time.Now()
		if err := c.Stats().Failing["tracks"]; err != nil {
			return before, err
		}
		before = now
		require.Less(t, now.Sub(start), 5*time.Second, "%+v", c.Stats())
	}
}

// tcpFault is a way for an attempt to go unanswered.
type tcpFault struct {
	name    string
	fault   faulty.Fault
	arrives bool          // the server has the messages although the client cannot know
	timeout time.Duration // of the attempt, if that is what ends it
	says    []string
}

// header is about the size of a request's header; the body of the batch below
// is much longer than the difference.
const header = 250

const deadline = 60 * time.Millisecond * raceFactor

var tcpFaults = []tcpFault{
	{name: "reset before any byte of the request", fault: faulty.Fault{Kind: faulty.ResetRequest}},
	{name: "reset after one byte", fault: faulty.Fault{Kind: faulty.ResetRequest, Bytes: 1}},
	{name: "reset after the header", fault: faulty.Fault{Kind: faulty.ResetRequest, Bytes: header}},
	{name: "reset half way through the body", fault: faulty.Fault{Kind: faulty.ResetRequest, Bytes: 5000}},
	{name: "reset before the response", fault: faulty.Fault{Kind: faulty.ResetResponse}, arrives: true},
	{name: "reset inside the status line", fault: faulty.Fault{Kind: faulty.ResetResponse, Bytes: 10}, arrives: true},
	{name: "close before the response", fault: faulty.Fault{Kind: faulty.Truncate}, arrives: true, says: []string{"EOF"}},
	{name: "close inside the header", fault: faulty.Fault{Kind: faulty.Truncate, Bytes: 40}, arrives: true, says: []string{"unexpected EOF"}},
	{name: "half-close before the response", fault: faulty.Fault{Kind: faulty.HalfClose}, arrives: true, says: []string{"EOF"}},
	{name: "half-close inside the header", fault: faulty.Fault{Kind: faulty.HalfClose, Bytes: 40}, arrives: true, says: []string{"unexpected EOF"}},
	{name: "response slower than the attempt's deadline", fault: faulty.Fault{Kind: faulty.Trickle, Bytes: 1, Pause: deadline / 10}, arrives: true, timeout: deadline, says: []string{"no answer within " + deadline.String()}},
	{name: "black hole", fault: faulty.Fault{Kind: faulty.BlackHole}, timeout: deadline, says: []string{"no answer within " + deadline.String()}},
	{name: "garbage that repeats the key", fault: faulty.Fault{Kind: faulty.Raw, Answer: "\x00\x01 Bearer " + testKey + "\r\n\r\n"}, says: []string{"not HTTP", "Options.BaseURL"}},
	{name: "a header that repeats the key", fault: faulty.Fault{Kind: faulty.Raw, Answer: "HTTP/1.1 200 OK\r\n" + testKey + "\r\n\r\n"}, says: []string{"not HTTP"}},
	{name: "a status that is no number", fault: faulty.Fault{Kind: faulty.Raw, Answer: "HTTP/1.1 2x0 OK\r\n\r\n"}, says: []string{"not HTTP"}},
	{name: "a banner of another protocol", fault: faulty.Fault{Kind: faulty.Raw, Answer: "SSH-2.0-OpenSSH_9.6\r\n"}, says: []string{"not HTTP"}},
	{name: "early hints without end", fault: faulty.Fault{Kind: faulty.Raw, Answer: strings.Repeat("HTTP/1.1 103 Early Hints\r\nLink: </"+strings.Repeat("x", 8000)+">\r\n\r\n", 1500)}, timeout: deadline},
}

func TestAnAttemptThatGoesUnansweredCostsARetryAndNoMessage(t *testing.T) {
	const n = 100
	for _, row := range tcpFaults {
		t.Run(row.name, func(t *testing.T) {
			choose, heal := untilHealed(row.fault)
			s := newSite(t, choose)
			const quarantine = 10 * time.Millisecond
			c := newTCPClient(t, s.url, func(o *loopkit.Options) {
				o.RequestTimeout, o.DeletionQuarantine = row.timeout, quarantine
			})
			trackIDs(t, c, 0, n, nil)
			flushed := make(chan error, 1)
			go func() { flushed <- c.Flush(t.Context()) }()
			before, err := awaitFailing(t, c)
			for _, part := range row.says {
				require.ErrorContains(t, err, part)
			}
			assert.NotContains(t, err.Error(), testKey)
			heal()
			require.NoError(t, <-flushed)

			stats := requireBalanced(t, c)
			assert.Equal(t, int64(n), stats.Delivered)
			assert.Positive(t, stats.Retries)
			assert.Empty(t, stats.Failing)
			assert.Zero(t, stats.QueueBytes)
			for id, k := range s.copies(t, n) {
				switch {
				case row.timeout > 0: // which may also end a healthy attempt of a slow machine
				case row.arrives:
					assert.EqualValues(t, stats.Requests, k, "%s: every attempt arrives", id)
				default:
					assert.Equal(t, 1, k, id)
				}
			}
			deletion, err := c.DeleteUser(t.Context(), "user_1")
			require.NoError(t, err)
			require.NoError(t, deletion.Wait(contextFor(t, 5*time.Second)))
			assert.GreaterOrEqual(t, time.Since(before), quarantine, "the server may still execute what it did not answer")
		})
	}
}

func TestAResetBeforeTheLastByteOfTheRequestIsRetried(t *testing.T) {
	// The size is that of a request that passed. Its message's time is given, so
	// that the next one has the same.
	send := func(url string) (size, retries int64) {
		var written atomic.Int64
		c := newTCPClient(t, url, func(o *loopkit.Options) { o.HTTPClient = countingClient(&written, nil) })
		require.NoError(t, c.Track(visitor("anon_1"), "page_view", nil, loopkit.WithMessageID("id_0"), loopkit.At(time.Unix(1, 0))))
		require.NoError(t, c.Flush(t.Context()))
		return written.Load(), requireBalanced(t, c).Retries
	}
	size, _ := send(newSite(t, faulty.Script()).url)

	s := newSite(t, faulty.Script(faulty.Fault{Kind: faulty.ResetRequest, Bytes: int(size) - 1}))
	_, retries := send(s.url)
	assert.Equal(t, int64(1), retries)
	assert.Equal(t, 1, s.copies(t, 1)["id_0"], "the server never had it whole before")

	exact := newSite(t, faulty.Script(faulty.Fault{Kind: faulty.ResetRequest, Bytes: int(size)}))
	_, retries = send(exact.url)
	assert.Zero(t, retries, "one byte more and it is whole")
}

func TestConnectionsThatAreResetAtOnceCostRetriesAndNoMessage(t *testing.T) {
	refuse := faulty.Fault{Kind: faulty.Refuse}
	s := newSite(t, faulty.Script(refuse, refuse, refuse))
	c := newTCPClient(t, s.url)
	trackIDs(t, c, 0, 10, nil)
	require.NoError(t, c.Flush(t.Context()))
	assert.Equal(t, int64(3), requireBalanced(t, c).Retries)
	for id, k := range s.copies(t, 10) {
		assert.Equal(t, 1, k, id)
	}
}

func TestAConnectionThatTheServerClosedWhileItWasIdleDuplicatesNothing(t *testing.T) {
	s := &site{Collector: collector.New(collector.Options{})}
	l := faulty.Listen(t, nil)
	s.url = l.URL()
	serve(t, l, s.Collector, func(server *http.Server) {
		server.ConnState = func(c net.Conn, state http.ConnState) {
			if state == http.StateIdle {
				_ = c.Close() // without a word in the answer before
			}
		}
	})
	c := newTCPClient(t, s.url)
	const n = 50
	for i := range n {
		trackIDs(t, c, i, i+1, nil)
		require.NoError(t, c.Flush(t.Context()))
	}
	assert.Equal(t, int64(n), requireBalanced(t, c).Delivered)
	for id, k := range s.copies(t, n) {
		assert.Equal(t, 1, k, id)
	}
}

// largeBatch makes one request of what trackLarge tracks.
func largeBatch(o *loopkit.Options) { o.BatchBytes, o.QueueBytes = 8<<20, 64<<20 }

const large = 140

// trackLarge tracks over 4 MB, more than the buffers of a connection hold.
func trackLarge(t testing.TB, c *loopkit.Client) {
	trackIDs(t, c, 0, large, loopkit.Properties{"text": strings.Repeat("x", 30_000)})
}

// idSink takes everything and keeps only the IDs, because a collector needs
// longer for megabytes than the deadline of these tests.
type idSink struct {
	mu  sync.Mutex
	ids []string
}

func (s *idSink) ServeHTTP(_ http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	s.keep(string(body))
}

func (s *idSink) keep(body string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, part := range strings.Split(body, `"messageId":"`)[1:] {
		id, _, _ := strings.Cut(part, `"`)
		s.ids = append(s.ids, id)
	}
}

// copies counts how often each message of trackLarge arrived. It fails the test
// if one is missing.
func (s *idSink) copies(t testing.TB) map[string]int {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	copies := map[string]int{}
	for _, id := range s.ids {
		copies[id]++
	}
	for i := range large {
		require.Contains(t, copies, fmt.Sprintf("id_%d", i))
	}
	return copies
}

func TestAServerThatNeverReadsTheBodyMeetsTheAttemptsDeadline(t *testing.T) {
	l := faulty.Listen(t, faulty.Script(faulty.Fault{Kind: faulty.BlackHole}))
	var sink idSink
	serve(t, l, &sink)
	timeout := 100 * time.Millisecond * raceFactor // enough for another attempt, unless the machine is busy
	c := newTCPClient(t, l.URL(), largeBatch, func(o *loopkit.Options) { o.RequestTimeout = timeout })
	trackLarge(t, c)
	start := time.Now()
	require.NoError(t, c.Flush(t.Context()))
	assert.GreaterOrEqual(t, time.Since(start), timeout)
	assert.Equal(t, int64(large), requireBalanced(t, c).Delivered)
	sink.copies(t)
}

func TestAFailureToFindOrReachTheHostIsRetriedAndLeavesNothingUnanswered(t *testing.T) {
	noServer := &net.Resolver{PreferGo: true, Dial: func(context.Context, string, string) (net.Conn, error) {
		return nil, syscall.ECONNREFUSED
	}}
	const host = "loopkit.invalid"
	for name, row := range map[string]struct {
		dial func(ctx context.Context) error
		says string
	}{
		"no such host": {func(context.Context) error {
			return &net.OpError{Op: "dial", Err: &net.DNSError{Err: "no such host", Name: host, IsNotFound: true}}
		}, "lookup loopkit.invalid: no such host"},
		"a name server that is too slow": {func(context.Context) error {
			return &net.OpError{Op: "dial", Err: &net.DNSError{Err: "i/o timeout", Name: host, IsTimeout: true}}
		}, "lookup loopkit.invalid: i/o timeout"},
		"a name server that is down": {func(ctx context.Context) error {
			_, err := (&net.Dialer{Resolver: noServer}).DialContext(ctx, "tcp", host+":80")
			return err
		}, "lookup loopkit.invalid on "},
		"no route": {func(context.Context) error {
			return &net.OpError{Op: "dial", Net: "tcp", Addr: &net.TCPAddr{IP: net.IPv4(192, 0, 2, 1), Port: 80}, Err: syscall.EHOSTUNREACH}
		}, "dial tcp 192.0.2.1:80: no route to host"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t, faulty.Script())
			var healed atomic.Bool
			c := newTCPClient(t, "http://"+host, func(o *loopkit.Options) {
				o.HTTPClient = &http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
					if healed.Load() {
						return (&net.Dialer{}).DialContext(ctx, network, strings.TrimPrefix(s.url, "http://"))
					}
					return nil, row.dial(ctx)
				}}}
				o.DeletionQuarantine = time.Hour
			})
			trackIDs(t, c, 0, 10, nil)
			flushed := make(chan error, 1)
			go func() { flushed <- c.Flush(t.Context()) }()
			_, err := awaitFailing(t, c)
			require.ErrorContains(t, err, row.says)
			assert.NotContains(t, err.Error(), testKey)
			healed.Store(true)
			require.NoError(t, <-flushed)
			requireBalanced(t, c)
			for id, k := range s.copies(t, 10) {
				assert.Equal(t, 1, k, id)
			}
			deletion, err := c.DeleteUser(t.Context(), "user_1")
			require.NoError(t, err)
			require.NoError(t, deletion.Wait(contextFor(t, 5*time.Second)), "no quarantine: nothing was sent")
		})
	}
}
