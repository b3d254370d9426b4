package loopkit_test

import (
	"context"
	"errors"
	"io"
	"math/big"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/loopkitai/loopkit-go"
	"github.com/loopkitai/loopkit-go/loopkittest"
)

// What other clients do wrong, measured on their code, and what this one does
// instead. The rest of these rules are tested where they belong.

func TestAnEventThatIsAnswered403Or429CausesNoStormAndDoesNotHoldClose(t *testing.T) {
	for status, most := range map[int]int{403: 1, 429: 4} {
		synctest.Test(t, func(t *testing.T) {
			s := loopkittest.NewTransport(t)
			s.FailAll(loopkittest.Any, loopkittest.Fault{Status: status})
			c := newClient(t, s, func(o *loopkit.Options) { o.FlushInterval = time.Millisecond })
			trackN(t, c, 1)
			time.Sleep(2 * time.Second)
			assert.NotEmpty(t, s.Requests())
			assert.LessOrEqual(t, len(s.Requests()), most, "status %d, in two seconds", status)

			start := time.Now()
			var answer *loopkit.APIError
			require.ErrorAs(t, c.Close(contextFor(t, 5*time.Second)), &answer)
			assert.Equal(t, status, answer.StatusCode)
			assert.LessOrEqual(t, time.Since(start), 5*time.Second+100*time.Millisecond)
			assert.Equal(t, map[loopkit.Reason]int64{loopkit.ReasonClosed: 1}, requireBalanced(t, c).Dropped)
		})
	}
}

func TestA401IsSentAtMostOncePerProbe(t *testing.T) {
	for _, inFlight := range []int{1, 4} {
		synctest.Test(t, func(t *testing.T) {
			s := loopkittest.NewTransport(t)
			s.FailAll(loopkittest.Any, loopkittest.Fault{Status: 401})
			c := newClient(t, s, func(o *loopkit.Options) { o.BatchSize, o.MaxInFlight = 5, inFlight })
			trackN(t, c, 50)
			time.Sleep(29 * time.Second)
			assert.NotEmpty(t, s.Requests())
			assert.LessOrEqual(t, len(s.Requests()), inFlight, "those that were under way before the first answer")
			first := len(s.Requests())
			for i, next := range []time.Duration{2 * time.Second, time.Minute, 2 * time.Minute, 4 * time.Minute} {
				time.Sleep(next)
				assert.Len(t, s.Requests(), first+i+1, "one a probe, though ten batches wait")
			}
			assert.Equal(t, int64(50), requireBalanced(t, c).Pending)
		})
	}
}

func TestOneRefusalOfAnEndpointDoesNotDisableItForEver(t *testing.T) {
	for _, status := range []int{401, 403, 404, 405, 410} {
		synctest.Test(t, func(t *testing.T) {
			s := loopkittest.NewTransport(t)
			s.Script(loopkittest.Tracks, loopkittest.Fault{Status: status})
			c := newClient(t, s)
			trackN(t, c, 25)
			time.Sleep(6 * time.Second)
			require.Contains(t, c.Stats().Halted, "tracks")
			trackN(t, c, 25)

			time.Sleep(35 * time.Second) // nobody calls Flush or anything else
			assert.Len(t, s.Messages(), 50, "status %d", status)
			assert.Empty(t, c.Stats().Halted)
			trackN(t, c, 1)
			time.Sleep(6 * time.Second)
			assert.Len(t, s.Messages(), 51, "and it is as quick as before")
		})
	}
}

func TestAQueueOfTenKeepsFewRequestsInFlightWhileTheServerHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		var inFlight, most int
		count := func(n int) {
			mu.Lock()
			defer mu.Unlock()
			inFlight += n
			most = max(most, inFlight)
		}
		c := newClient(t, loopkittest.NewTransport(t), func(o *loopkit.Options) {
			o.QueueSize, o.FlushInterval = 10, time.Millisecond
			o.HTTPClient.Transport = transportFunc(func(r *http.Request) (*http.Response, error) {
				defer func() { _ = r.Body.Close() }()
				count(1)
				defer count(-1)
				<-r.Context().Done()
				return nil, r.Context().Err()
			})
		})
		goroutines := runtime.NumGoroutine()
		for range 60 {
			for range 200 {
				_ = c.Track(visitor("anon_1"), "page_view", nil) // nearly all are refused
			}
			time.Sleep(time.Second)
			synctest.Wait()
			assert.LessOrEqual(t, runtime.NumGoroutine()-goroutines, 5, "the attempts and the reporter")
		}
		assert.Equal(t, 4, most, "MaxInFlight, and not one a batch")
		stats := requireBalanced(t, c)
		assert.LessOrEqual(t, stats.Accepted, int64(10))
		assert.Equal(t, int64(12_000), stats.Accepted+stats.Refused)
		assert.Positive(t, stats.Retries, "the attempts time out, and others follow")
	})
}

func TestAHangingServerIsReported(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		logger, lines := newLog()
		s := loopkittest.NewTransport(t)
		s.FailAll(loopkittest.Any, loopkittest.Fault{Hang: true})
		c := newClient(t, s, func(o *loopkit.Options) { o.Logger, o.QueueSize = logger, 100 })
		for range 200 {
			_ = c.Track(visitor("anon_1"), "page_view", nil) // the queue is full soon
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		assert.ErrorContains(t, c.Stats().Failing["tracks"], "no answer within 10s")
		assert.Len(t, lines.lines("cause=outage_tracks", "pending=90"), 1)
		assert.Len(t, lines.lines("cause=queue_full"), 1)
		assert.Equal(t, int64(110), requireBalanced(t, c).Refused)
		var undelivered *loopkit.UndeliveredError
		require.ErrorAs(t, c.Close(contextFor(t, time.Second)), &undelivered)
		assert.Equal(t, int64(90), undelivered.Dropped)
	})
}

func TestNeitherFlushNorCloseReportsSuccessWithEverythingLost(t *testing.T) {
	for name, story := range map[string]struct {
		fault  loopkittest.Fault
		change func(*loopkit.Options)
	}{
		"refused":         {fault: loopkittest.Fault{Status: 400}},
		"too large":       {fault: loopkittest.Fault{Status: 413}},
		"key refused":     {fault: loopkittest.Fault{Status: 401}},
		"no such address": {fault: loopkittest.Fault{Status: 404}},
		"redirected":      {fault: loopkittest.Fault{Status: 302, Header: http.Header{"Location": {"/x"}}}},
		"limited":         {fault: loopkittest.Fault{Status: 429, RetryAfter: "600"}},
		"outage":          {fault: loopkittest.Fault{Status: 503}},
		"crashing":        {fault: loopkittest.Fault{Status: 500}},
		"reset":           {fault: loopkittest.Fault{Reset: true}},
		"hanging":         {fault: loopkittest.Fault{Hang: true}},
		"expired":         {fault: loopkittest.Fault{Status: 503}, change: func(o *loopkit.Options) { o.MaxAge = 5 * time.Second }},
	} {
		for call, end := range map[string]func(*loopkit.Client, context.Context) error{
			"Flush": (*loopkit.Client).Flush, "Close": (*loopkit.Client).Close,
		} {
			t.Run(name+" "+call, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					s := loopkittest.NewTransport(t)
					s.FailAll(loopkittest.Any, story.fault)
					c := newClient(t, s, func(o *loopkit.Options) {
						if story.change != nil {
							story.change(o)
						}
					})
					trackN(t, c, 10)
					var undelivered *loopkit.UndeliveredError
					require.ErrorAs(t, end(c, contextFor(t, 20*time.Second)), &undelivered)
					assert.Equal(t, int64(10), undelivered.Pending+undelivered.Dropped)
					require.Error(t, undelivered.Err)
					assert.Empty(t, s.Messages())
					assert.Zero(t, requireBalanced(t, c).Delivered)
				})
			})
		}
	}
}

// TestAPartialFailureDuplicatesNothingAndTellsOfEachLossOnce has a server where
// any request may fail, a large one always, and seven messages for good.
func TestAPartialFailureDuplicatesNothingAndTellsOfEachLossOnce(t *testing.T) {
	for seed := range uint64(3) {
		synctest.Test(t, func(t *testing.T) {
			d := rand.New(rand.NewPCG(seed, 1))
			sometimes := func([]byte) bool { return d.IntN(6) == 0 } // one request at a time asks: see Fault.If
			s := loopkittest.NewTransport(t)
			for _, f := range []loopkittest.Fault{{Status: 503}, {Status: 429}, {Status: 502}, {Reset: true}} {
				f.If = sometimes
				s.FailAll(loopkittest.Tracks, f)
			}
			s.FailAll(loopkittest.Tracks, loopkittest.Fault{Status: 413, If: func(body []byte) bool { return len(body) > 3000 }})
			refuse(s, 422, "poison")
			var losses []loss
			c := newClient(t, s, keepLosses(t, &losses), func(o *loopkit.Options) { o.BatchSize = 20 })
			const events, poisonous = 500, 7
			for i := range events {
				name := "page_view"
				if i%(events/poisonous) == 5 && i < events-10 {
					name = "poison"
				}
				require.NoError(t, c.Track(visitor("anon_1"), name, loopkit.Properties{"n": i}))
			}
			var undelivered *loopkit.UndeliveredError
			require.ErrorAs(t, c.Close(contextFor(t, time.Hour)), &undelivered)
			assert.Zero(t, undelivered.Pending)
			assert.LessOrEqual(t, undelivered.Dropped, int64(poisonous), "what was dropped before Close is not its to tell")

			seen := make([]int, events)
			for _, m := range s.Messages() {
				seen[int(m.Values["n"].(float64))]++
			}
			for _, l := range losses {
				assert.Equal(t, loopkit.ReasonRejected, l.reason)
				for _, m := range l.messages {
					assert.Equal(t, "poison", m["name"])
					seen[int(m["properties"].(map[string]any)["n"].(float64))]++
				}
			}
			for n, times := range seen {
				assert.Equal(t, 1, times, "seed %d: event %d was delivered or told of, once", seed, n)
			}
			assert.Equal(t, map[loopkit.Reason]int64{loopkit.ReasonRejected: poisonous}, requireBalanced(t, c).Dropped)
		})
	}
}

func TestEveryCallMayRaceWithClose(t *testing.T) {
	noTime := contextFor(t, 0)
	for range 2 {
		s := loopkittest.NewTransport(t)
		c := newClient(t, s, func(o *loopkit.Options) { o.BatchSize = 10 })
		calls := []func(context.Context, loopkit.Traits) error{
			func(ctx context.Context, v loopkit.Traits) error { return c.Identify(ctx, "user_1", v) },
			func(ctx context.Context, v loopkit.Traits) error { return c.Group(ctx, "team_1", v) },
			func(ctx context.Context, v loopkit.Traits) error { return c.Track(ctx, "e", loopkit.Properties(v)) },
			func(ctx context.Context, v loopkit.Traits) error { return c.Session().Identify(ctx, "user_2", v) },
			func(ctx context.Context, v loopkit.Traits) error {
				return c.Session().Track(ctx, "e", loopkit.Properties(v))
			},
			func(ctx context.Context, _ loopkit.Traits) error { _, err := c.DeleteUser(ctx, "user_3"); return err },
			func(ctx context.Context, _ loopkit.Traits) error { _, err := c.DeleteGroup(ctx, "team_3"); return err },
		}
		var accepted, refused atomic.Int64
		var started, ended sync.WaitGroup
		started.Add(64)
		for g := range 64 {
			ended.Go(func() {
				ctx, mine := known("anon_1", "user_1"), loopkit.Traits{}
				for i := g; ; i++ {
					mine["n"] = i // also right after the call that took it
					err := calls[i%len(calls)](ctx, mine)
					if err == nil {
						accepted.Add(1)
					} else {
						refused.Add(1)
					}
					if i == g {
						started.Done()
					}
					_ = c.Flush(noTime) // so it fails, mostly
					if errors.Is(err, loopkit.ErrClosed) {
						return
					}
				}
			})
		}
		started.Wait()
		assert.NoError(t, c.Close(context.Background()))
		ended.Wait()
		stats := requireBalanced(t, c)
		assert.Equal(t, accepted.Load(), stats.Accepted)
		assert.Equal(t, refused.Load(), stats.Refused)
		assert.Zero(t, stats.Pending)
		assert.Len(t, s.Messages(), int(stats.Delivered))
	}
}

func TestTypedNilsNeverPanicInTheCaller(t *testing.T) {
	c := newClient(t, loopkittest.NewTransport(t))
	null := map[string]any{
		"pointer": (*int)(nil), "pointer to pointer": (**knot)(nil), "named map": loopkit.Traits(nil), "named slice": net.IP(nil),
		"Marshaler": (*big.Int)(nil), "Marshaler by value": (*panicking)(nil), "TextMarshaler": (*net.IP)(nil), "Stringer": (*url.URL)(nil),
		"error": error((*brokenError)(nil)), "map in a pointer": new(map[string]int),
	}
	for name, value := range null {
		inside := map[string]any{"value": value, "slice": []any{value}, "map": map[string]any{"v": value}, "struct": struct{ V any }{value}}
		for where, v := range inside {
			assert.NotPanics(t, func() {
				assert.NoError(t, c.Track(visitor("a"), "e", loopkit.Properties{"v": v}), "%s in a %s", name, where)
				assert.NoError(t, c.Identify(visitor("a"), "u", loopkit.Traits{"v": v}), "%s in a %s", name, where)
			})
		}
	}
	assert.Zero(t, c.Stats().Panics)
	for name, value := range map[string]any{
		"function": (func())(nil), "channel": (chan int)(nil), "Marshaler that writes to its map": selfWriting(nil), "function with MarshalJSON": duringEncoding(nil),
	} {
		assert.NotPanics(t, func() {
			var wrong *loopkit.ArgumentError
			assert.ErrorAs(t, c.Track(visitor("a"), "e", loopkit.Properties{"v": value}), &wrong, name)
			_, err := loopkit.TraitsOf(value)
			assert.ErrorAs(t, err, &wrong, name)
		})
	}
	assert.Equal(t, int64(2), c.Stats().Panics)
}

// selfWriting has a MarshalJSON that does not expect to be nil.
type selfWriting map[string]int

func (m selfWriting) MarshalJSON() ([]byte, error) { m["n"]++; return []byte("1"), nil }

func TestASlowHookDoesNotSlowTrack(t *testing.T) {
	s := loopkittest.NewTransport(t)
	s.FailAll(loopkittest.Tracks, loopkittest.Fault{Status: 400})
	told, release := make(chan struct{}, 1), make(chan struct{})
	c := newClient(t, s, func(o *loopkit.Options) {
		o.BatchSize = 1
		o.Hooks.Dropped = func(context.Context, loopkit.Drop) {
			select {
			case told <- struct{}{}:
			default:
			}
			select {
			case <-release:
			case <-time.After(10 * time.Second): // whoever waits for the hook takes that long
			}
		}
	})
	trackN(t, c, 1)
	<-told
	took := make([]time.Duration, 2000)
	for i := range took {
		start := time.Now()
		require.NoError(t, c.Track(visitor("anon_1"), "page_view", nil))
		took[i] = time.Since(start)
		require.Less(t, took[i], 5*time.Second, "it waited for the hook")
	}
	close(release)
	slices.Sort(took)
	assert.Less(t, took[len(took)*99/100], 5*time.Millisecond*raceFactor)
}

func TestCloseOfOneEventTakesLessThan20Milliseconds(t *testing.T) {
	s := loopkittest.NewServer(t)
	best := time.Hour
	for range 5 { // the best of them: a busy machine may stop any program for longer
		c := newClient(t, s)
		trackN(t, c, 1)
		start := time.Now()
		require.NoError(t, c.Close(t.Context()))
		best = min(best, time.Since(start))
	}
	assert.Len(t, s.Messages(), 5)
	assert.Less(t, best, 20*time.Millisecond*raceFactor)
}

func TestConnectionsAreReusedAlsoAfterErrors(t *testing.T) {
	var connections, requests atomic.Int64
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		if status := []int{503, 200, 429, 502, 200, 500}[requests.Add(1)%6]; status != 200 {
			w.WriteHeader(status)
		}
		_, _ = io.WriteString(w, `{"success":true,"data":"`+strings.Repeat("x", 50_000)+`"}`)
	}))
	server.Config.ConnState = func(_ net.Conn, s http.ConnState) {
		if s == http.StateNew {
			connections.Add(1)
		}
	}
	server.Start()
	defer server.Close()
	c, err := loopkit.New(testKey, &loopkit.Options{
		BaseURL: server.URL, RetryMin: time.Millisecond, RetryMax: time.Millisecond, Logger: quietLogger()})
	require.NoError(t, err)
	for range 20 {
		trackN(t, c, 1)
		require.NoError(t, c.Flush(t.Context()))
	}
	require.NoError(t, c.Close(t.Context()))
	assert.Greater(t, requests.Load(), int64(40))
	assert.Equal(t, int64(1), connections.Load())
}
