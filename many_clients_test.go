package loopkit_test

import (
	"context"
	"io"
	"net/http"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/loopkitai/loopkit-go"
	"github.com/loopkitai/loopkit-go/loopkittest"
)

// newCounter is an HTTP client of a server in the process that takes everything
// and remembers how many requests there were.
func newCounter() (*http.Client, *atomic.Int64) {
	var requests atomic.Int64
	return &http.Client{Transport: transportFunc(func(r *http.Request) (*http.Response, error) {
		requests.Add(1)
		_, err := io.Copy(io.Discard, r.Body)
		_ = r.Body.Close() // of the client's own: it cannot fail
		return &http.Response{StatusCode: 200, Body: http.NoBody, Header: http.Header{}}, err
	})}, &requests
}

// requireNoLeak runs what makes and closes clients and asserts that neither
// goroutines nor memory are left of them.
func requireNoLeak(t *testing.T, run func()) {
	t.Helper()
	heap := func() int64 {
		runtime.GC()
		runtime.GC() // what a sync.Pool held lives for two
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return int64(m.HeapAlloc)
	}
	run() // what is made once in a process
	goroutines, before := runtime.NumGoroutine(), heap()
	run()
	requireGoroutines(t, goroutines)
	assert.Less(t, heap()-before, int64(5<<20))
}

func TestTenThousandClientsOneAfterTheOtherLeaveNothingBehind(t *testing.T) {
	const rounds, clients = 5, 1000 / raceFactor // each round twice
	httpClient, requests := newCounter()
	opts := loopkit.Options{BaseURL: "http://loopkit.test", HTTPClient: httpClient, Logger: quietLogger()}
	ctx, best := visitor("anon_1"), time.Hour
	requireNoLeak(t, func() {
		for range rounds {
			start := time.Now()
			for range clients {
				c, err := loopkit.New(testKey, &opts)
				require.NoError(t, err)
				require.NoError(t, c.Track(ctx, "e", nil))
				require.NoError(t, c.Close(context.Background()))
			}
			best = min(best, time.Since(start)) // a busy machine may stop any program for longer
		}
	})
	assert.Less(t, best, time.Second, "so all take less than ten seconds")
	assert.Equal(t, int64(2*rounds*clients), requests.Load())
}

func TestManyClientsAtOnceLeaveNothingBehind(t *testing.T) {
	const clients = 1000 / raceFactor
	httpClient, requests := newCounter()
	opts := loopkit.Options{BaseURL: "http://loopkit.test", HTTPClient: httpClient, Logger: quietLogger()}
	requireNoLeak(t, func() {
		var all []*loopkit.Client
		for range clients {
			c, err := loopkit.New(testKey, &opts)
			require.NoError(t, err)
			trackN(t, c, 1)
			all = append(all, c)
		}
		assert.LessOrEqual(t, runtime.NumGoroutine(), clients+100, "one a client")
		for _, c := range all {
			require.NoError(t, c.Close(context.Background()))
		}
	})
	assert.Equal(t, int64(2*clients), requests.Load())
}

func TestClientsThatAreNotUsedLeaveNothingBehind(t *testing.T) {
	requireNoLeak(t, func() {
		for range 1000 / raceFactor {
			c, err := loopkit.New(testKey, nil) // each with a transport of its own
			require.NoError(t, err)
			require.NoError(t, c.Close(context.Background()))
			require.ErrorIs(t, c.Flush(context.Background()), loopkit.ErrClosed)
		}
	})
}

func TestClientsWithConnectionsOfTheirOwnLeaveNothingBehind(t *testing.T) {
	server := newSink(t)
	requireNoLeak(t, func() {
		for range 50 {
			c, err := loopkit.New(testKey, &loopkit.Options{BaseURL: server, Logger: quietLogger()})
			require.NoError(t, err)
			trackN(t, c, 1)
			require.NoError(t, c.Close(context.Background()))
		}
	})
}

func TestClientsThatCannotDeliverLeaveNothingBehind(t *testing.T) {
	s := loopkittest.NewTransport(t)
	for name, fault := range map[string]loopkittest.Fault{"halted": {Status: 401}, "outage": {Status: 503}, "hanging": {Hang: true}, "refused": {Status: 400}} {
		t.Run(name, func(t *testing.T) {
			s.Heal()
			s.FailAll(loopkittest.Any, fault)
			noTime := contextFor(t, 0)
			var all []*loopkit.Client
			requireNoLeak(t, func() {
				all = nil
				for range 20 {
					c, err := loopkit.New(testKey, &loopkit.Options{
						BaseURL: s.BaseURL(), HTTPClient: s.HTTPClient(), BatchSize: 10, Overflow: loopkit.Block, Logger: quietLogger()})
					require.NoError(t, err)
					trackN(t, c, 100)
					_ = deleteUser(t, c, "user_1").Wait(noTime) // so it is not waited for
					require.Error(t, c.Close(noTime))
					assert.Zero(t, requireBalanced(t, c).Pending)
					all = append(all, c)
				}
				s.Reset()
			})
			for _, c := range all { // their last requests have ended by now
				assert.Zero(t, c.Stats().QueueBytes)
			}
		})
	}
}

func TestSixtyFourClosesAtOnceReturnTheSameError(t *testing.T) {
	goroutines := runtime.NumGoroutine()
	for _, status := range []int{200, 401} {
		s := loopkittest.NewTransport(t)
		s.FailAll(loopkittest.Any, loopkittest.Fault{Status: status})
		for range 20 {
			c, err := loopkit.New(testKey, &loopkit.Options{BaseURL: s.BaseURL(), HTTPClient: s.HTTPClient(), Logger: quietLogger()})
			require.NoError(t, err)
			trackN(t, c, 3)
			var wg sync.WaitGroup
			errs := make([]error, 64)
			for i := range errs {
				wg.Go(func() { errs[i] = c.Close(context.Background()) })
			}
			wg.Wait()
			for _, err := range errs {
				assert.Same(t, undeliveredOf(errs[0]), undeliveredOf(err))
			}
			assert.Equal(t, status == 200, errs[0] == nil)
			assert.Zero(t, requireBalanced(t, c).Pending)
		}
	}
	requireGoroutines(t, goroutines)
}

// undeliveredOf returns the error itself, to compare pointers; nil if there is none.
func undeliveredOf(err error) *loopkit.UndeliveredError {
	undelivered, _ := err.(*loopkit.UndeliveredError)
	return undelivered
}
