package loopkit_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	loopkit "github.com/loopkitai/loopkit-go"
	"github.com/loopkitai/loopkit-go/loopkittest"
)

// stalled is a server that does not answer before it is healed.
func stalled(t testing.TB) *loopkittest.Server {
	s := loopkittest.NewTransport(t)
	s.FailAll(loopkittest.Any, loopkittest.Fault{Status: 503})
	return s
}

func TestABatchIsSealed(t *testing.T) {
	for _, c := range []struct {
		name    string
		options func(*loopkit.Options)
		after   time.Duration
		batches []int
	}{
		{"at BatchSize", func(o *loopkit.Options) { o.BatchSize = 4 }, 0, []int{4, 4}},
		{"at BatchBytes", func(o *loopkit.Options) { o.BatchBytes, o.MaxMessageBytes = 1<<10, 1<<10 }, 0, []int{4, 4}},
		{"after FlushInterval", func(*loopkit.Options) {}, 5 * time.Second, []int{10}},
		{"not before FlushInterval", func(*loopkit.Options) {}, 5*time.Second - 1, nil},
		{"not by time without an interval", func(o *loopkit.Options) { o.FlushInterval = -1 }, time.Hour - 1, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := loopkittest.NewTransport(t)
				client := newClient(t, s, c.options)
				trackN(t, client, 10)
				time.Sleep(c.after)
				synctest.Wait()
				var batches []int
				for _, r := range s.Requests() {
					batches = append(batches, r.Messages)
					assert.LessOrEqual(t, r.Bytes, int64(500<<10))
				}
				assert.Equal(t, c.batches, batches)
			})
		})
	}
}

func TestNoRequestIsLargerThanBatchBytes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := loopkittest.NewTransport(t)
		c := newClient(t, s, func(o *loopkit.Options) { o.BatchBytes, o.MaxMessageBytes = 4<<10, 4<<10 })
		for i := range 300 {
			require.NoError(t, c.Track(visitor("anon_1"), "page_view", loopkit.Properties{"text": strings.Repeat("x", i*7)}))
		}
		require.NoError(t, c.Close(t.Context()))
		require.Len(t, s.Messages(), 300)
		for _, r := range s.Requests() {
			assert.LessOrEqual(t, r.Bytes, int64(4<<10))
		}
	})
}

func TestAnOutageDoesNotFragmentTheQueue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := stalled(t)
		c := newClient(t, s, func(o *loopkit.Options) { o.FlushInterval = 10 * time.Millisecond })
		for range 200 {
			trackN(t, c, 1)
			time.Sleep(100 * time.Millisecond)
		}
		s.Heal()
		require.NoError(t, c.Flush(t.Context()))
		delivered := 0
		for _, r := range s.Requests() {
			if r.Status == 200 {
				delivered++
			}
		}
		assert.LessOrEqual(t, delivered, 20, "messages wait together while nothing can be sent")
	})
}

func TestAFullQueueRejectsAtOnceAndCountsExactly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := stalled(t)
		c := newClient(t, s, func(o *loopkit.Options) { o.QueueSize, o.DeletionQuarantine = 100, -1 })
		var accepted, refused int
		start := time.Now()
		for range 250 {
			switch err := c.Track(visitor("anon_1"), "page_view", nil); err {
			case nil:
				accepted++
			default:
				require.ErrorIs(t, err, loopkit.ErrQueueFull)
				refused++
			}
		}
		assert.Zero(t, time.Since(start))
		assert.Equal(t, 90, accepted, "the last tenth is for identifies, groups and deletions")
		stats := requireBalanced(t, c)
		assert.Equal(t, int64(160), stats.Refused)
		assert.Equal(t, int64(90), stats.Pending)

		for range 9 {
			require.NoError(t, c.Identify(visitor("anon_1"), "user_1", nil))
		}
		_, err := c.DeleteUser(t.Context(), "user_2")
		require.NoError(t, err)
		require.ErrorIs(t, c.Identify(visitor("anon_1"), "user_1", nil), loopkit.ErrQueueFull)
		_, err = c.DeleteUser(t.Context(), "user_3")
		require.ErrorIs(t, err, loopkit.ErrQueueFull)

		s.Heal()
		require.NoError(t, c.Close(t.Context()))
		assert.Len(t, s.Messages(), 100)
	})
}

func TestTheQueueIsBoundedInBytesToo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const bound = 1 << 20
		s := stalled(t)
		c := newClient(t, s, func(o *loopkit.Options) { o.QueueBytes, o.BatchBytes = bound, 64<<10 })
		text := strings.Repeat("x", 2000)
		accepted := 0
		for {
			err := c.Track(visitor("anon_1"), "page_view", loopkit.Properties{"text": text})
			if err != nil {
				require.ErrorIs(t, err, loopkit.ErrQueueFull)
				break
			}
			accepted++
			require.LessOrEqual(t, c.Stats().QueueBytes, int64(bound))
		}
		assert.Greater(t, accepted, 300, "most of the memory holds messages")
		require.NoError(t, c.Identify(visitor("anon_1"), "user_1", loopkit.Traits{"text": text}))
		s.Heal()
		require.NoError(t, c.Close(t.Context()))
		assert.Len(t, s.Messages(), accepted+1)
		assert.Zero(t, c.Stats().QueueBytes)
	})
}

func TestAQueueOfOneStillWorks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := loopkittest.NewTransport(t)
		s.FailAll(loopkittest.Tracks, loopkittest.Fault{Delay: time.Millisecond})
		c := newClient(t, s, func(o *loopkit.Options) { o.QueueSize = 1 })
		for range 3 {
			trackN(t, c, 1)
			require.ErrorIs(t, c.Track(visitor("anon_1"), "page_view", nil), loopkit.ErrQueueFull)
			time.Sleep(2 * time.Millisecond) // being full makes it send without the interval
		}
		assert.Len(t, s.Messages(), 3)
	})
}

func TestMemoryKeptForReuseTakesNoMessagesPlace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		value := strings.Repeat("x", 1000)
		track := func(c *loopkit.Client) error {
			return c.Track(visitor("anon_1"), "e", loopkit.Properties{"v": value})
		}
		fill := func(c *loopkit.Client) int64 {
			for track(c) == nil {
			}
			for c.Identify(visitor("anon_1"), "user_1", loopkit.Traits{"v": value}) == nil { // the last tenth
			}
			return c.Stats().Pending
		}
		bounded := func(o *loopkit.Options) { o.QueueBytes = 1 << 20 }
		fresh := fill(newClient(t, stalled(t), bounded))

		s := loopkittest.NewTransport(t)
		c := newClient(t, s, bounded)
		for range 500 {
			require.NoError(t, track(c))
		}
		require.NoError(t, c.Flush(t.Context()))
		s.FailAll(loopkittest.Any, loopkittest.Fault{Status: 503})
		assert.Equal(t, fresh, fill(c))
	})
}

func TestDropOldestEvictsTheOldestBatchOfEvents(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := stalled(t)
		var lost []string
		c := newClient(t, s, func(o *loopkit.Options) {
			o.QueueSize, o.BatchSize, o.Overflow = 100, 10, loopkit.DropOldest
			o.Hooks.Dropped = func(_ context.Context, d loopkit.Drop) {
				assert.Equal(t, loopkit.ReasonQueueFull, d.Reason)
				for _, m := range d.Messages {
					var message struct{ Name string }
					assert.NoError(t, json.Unmarshal(m, &message))
					lost = append(lost, message.Name)
				}
			}
		})
		require.NoError(t, c.Identify(visitor("anon_1"), "user_1", nil))
		for i := range 120 {
			require.NoError(t, c.Track(visitor("anon_1"), "event_"+string(rune('a'+i/10)), nil))
		}
		synctest.Wait()
		stats := requireBalanced(t, c)
		assert.Equal(t, stats.Dropped[loopkit.ReasonQueueFull], int64(len(lost)))
		assert.Equal(t, map[loopkit.Reason]int64{loopkit.ReasonQueueFull: 40}, stats.Dropped)
		s.Heal()
		require.NoError(t, c.Close(t.Context()))
		assert.Len(t, s.MessagesOf(loopkittest.KindIdentify), 1, "identity is never evicted")
		last := s.MessagesOf(loopkittest.KindTrack)
		assert.Len(t, last, 80)
		for _, m := range last {
			assert.NotContains(t, lost, m.Name)
		}
	})
}

func TestDropOldestRejectsWhenNothingCanBeEvicted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := loopkittest.NewTransport(t)
		s.FailAll(loopkittest.Any, loopkittest.Fault{Hang: true})
		c := newClient(t, s, func(o *loopkit.Options) {
			o.QueueSize, o.BatchSize, o.MaxInFlight, o.Overflow = 10, 1, 64, loopkit.DropOldest
		})
		trackN(t, c, 9)
		synctest.Wait() // all of them are in flight
		require.ErrorIs(t, c.Track(visitor("anon_1"), "page_view", nil), loopkit.ErrQueueFull)
	})
}

func TestBlockWaitsForSpace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := loopkittest.NewTransport(t)
		s.FailAll(loopkittest.Tracks, loopkittest.Fault{Delay: time.Second})
		c := newClient(t, s, func(o *loopkit.Options) {
			o.QueueSize, o.BatchSize, o.MaxInFlight, o.Overflow = 20, 2, 1, loopkit.Block
		})
		var wg sync.WaitGroup
		start := time.Now()
		for range 30 {
			wg.Go(func() { assert.NoError(t, c.Track(visitor("anon_1"), "page_view", nil)) })
		}
		wg.Wait()
		assert.GreaterOrEqual(t, time.Since(start), 2*time.Second)
		require.NoError(t, c.Flush(t.Context()))
		assert.Len(t, s.Messages(), 30)
	})
}

func TestBlockedCallsWakeWithTheirContextAndWithClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newClient(t, stalled(t), func(o *loopkit.Options) { o.QueueSize, o.Overflow = 10, loopkit.Block })
		trackN(t, c, 9)
		ctx, cancel := context.WithTimeout(visitor("anon_1"), time.Second)
		defer cancel()
		start := time.Now()
		err := c.Track(ctx, "page_view", nil)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.ErrorIs(t, err, loopkit.ErrQueueFull)
		assert.Equal(t, time.Second, time.Since(start))

		blocked := make(chan error)
		go func() { blocked <- c.Track(visitor("anon_1"), "page_view", nil) }()
		synctest.Wait()
		go func() { _ = c.Close(context.Background()) }()
		require.ErrorIs(t, <-blocked, loopkit.ErrClosed)
		require.Error(t, c.Close(context.Background()))
		assert.Equal(t, int64(2), requireBalanced(t, c).Refused)
	})
}

func TestAHangingServerCostsBoundedMemoryAndNoTime(t *testing.T) {
	goroutines := runtime.NumGoroutine()
	hang := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		<-hang
	}))
	c, err := loopkit.New(testKey, &loopkit.Options{BaseURL: server.URL, QueueBytes: 8 << 20, Logger: quietLogger()})
	require.NoError(t, err)

	heap := func() uint64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	before := heap()
	ctx := known("anon_1", "user_1")
	properties := loopkit.Properties{"a": "pricing", "b": 12, "c": true, "d": 1.5, "e": "hello world", "f": nil}
	took := make([]time.Duration, 100_000)
	for i := range took {
		start := time.Now()
		_ = c.Track(ctx, "page_view", properties) // most are refused
		took[i] = time.Since(start)
	}
	slices.Sort(took)
	assert.Less(t, took[len(took)*99/100], time.Millisecond*raceFactor) // a busy machine may stop any program for longer
	assert.Less(t, took[len(took)-1], 5*time.Second, "nobody waits for a request, which takes ten")
	assert.Less(t, int64(heap())-int64(before), int64(24<<20))
	assert.LessOrEqual(t, c.Stats().QueueBytes, int64(8<<20))
	stats := requireBalanced(t, c)
	assert.Equal(t, int64(len(took)), stats.Accepted+stats.Refused)

	deadline, cancel := context.WithTimeout(context.Background(), 200*time.Millisecond)
	defer cancel()
	start := time.Now()
	require.Error(t, c.Close(deadline))
	assert.Less(t, time.Since(start), 5*time.Second, "nor does Close")
	assert.Zero(t, requireBalanced(t, c).Pending)
	close(hang)
	server.Close()
	requireGoroutines(t, goroutines)
}

// requireGoroutines waits until no more than these are left.
func requireGoroutines(t testing.TB, most int) {
	t.Helper()
	for start := time.Now(); runtime.NumGoroutine() > most; runtime.Gosched() {
		if time.Since(start) > 5*time.Second {
			stacks := make([]byte, 1<<20)
			t.Fatalf("more than %d goroutines:\n%s", most, stacks[:runtime.Stack(stacks, true)])
		}
	}
}

// newSink is a server that takes everything and remembers nothing.
func newSink(t testing.TB) (url string) {
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
	}))
	t.Cleanup(server.Close)
	return server.URL
}
