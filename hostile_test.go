package loopkit_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"runtime"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"
	"unsafe"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/loopkitai/loopkit-go"
	"github.com/loopkitai/loopkit-go/loopkittest"
)

func TestOneProcessorIsEnough(t *testing.T) {
	before := runtime.GOMAXPROCS(1)
	t.Cleanup(func() { runtime.GOMAXPROCS(before) })
	t.Run("to deliver while callers never rest", func(t *testing.T) {
		const producers, each = 4, 1000
		s := loopkittest.NewServer(t)
		c := newClient(t, s)
		var wg sync.WaitGroup
		for range producers {
			wg.Go(func() { trackN(t, c, each) })
		}
		wg.Wait()
		require.NoError(t, c.Close(t.Context()))
		assert.Len(t, s.Messages(), producers*each)
	})
	t.Run("to close in time while a hook blocks and calls go on", func(t *testing.T) {
		s := loopkittest.NewTransport(t)
		s.Script(loopkittest.Tracks, loopkittest.Fault{Status: 400})
		s.FailAll(loopkittest.Any, loopkittest.Fault{Hang: true})
		told, release := make(chan struct{}), make(chan struct{})
		t.Cleanup(func() { close(release) })
		c := newClient(t, s, func(o *loopkit.Options) {
			o.Dialect = loopkit.DialectEnvelopes
			o.Hooks.Dropped = func(_ context.Context, d loopkit.Drop) {
				if d.Reason == loopkit.ReasonRejected {
					close(told)
				}
				<-release
			}
		})
		trackN(t, c, 1)
		require.Error(t, c.Flush(t.Context()))
		<-told
		trackN(t, c, 1)
		var calls sync.WaitGroup
		calls.Go(func() {
			for !errors.Is(c.Track(visitor("anon_1"), "page_view", nil), loopkit.ErrClosed) {
				_ = c.Stats()
			}
		})
		start := time.Now()
		require.ErrorIs(t, c.Close(contextFor(t, 30*time.Millisecond)), context.DeadlineExceeded)
		assert.Less(t, time.Since(start), 5*time.Second, "the hook blocks for ever, a request for ten seconds")
		calls.Wait()
		assert.Zero(t, requireBalanced(t, c).Pending)
	})
}

// A request's context ends with the request; what it did is told all the same.
func TestAnEndedContextLosesNoCallAndEndsEveryWait(t *testing.T) {
	cancelled, cancel := context.WithCancel(known("anon_1", "user_1"))
	cancel()
	expired, cancel := context.WithDeadline(known("anon_1", "user_1"), time.Unix(0, 0))
	t.Cleanup(cancel)
	for ctx, why := range map[context.Context]error{cancelled: context.Canceled, expired: context.DeadlineExceeded} {
		t.Run(why.Error(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := loopkittest.NewTransport(t)
				s.FailAll(loopkittest.Any, loopkittest.Fault{Delay: time.Second})
				c := newClient(t, s)
				start := time.Now()
				for _, sender := range []interface {
					Identify(context.Context, string, loopkit.Traits, ...loopkit.CallOption) error
					Group(context.Context, string, loopkit.Traits, ...loopkit.GroupOption) error
					Track(context.Context, string, loopkit.Properties, ...loopkit.CallOption) error
				}{c, c.Session()} {
					assert.NoError(t, sender.Identify(ctx, "user_1", nil))
					assert.NoError(t, sender.Group(ctx, "team_1", nil))
					assert.NoError(t, sender.Track(ctx, "e", nil))
				}
				user, err := c.DeleteUser(ctx, "user_2")
				require.NoError(t, err)
				group, err := c.DeleteGroup(ctx, "team_2")
				require.NoError(t, err)
				assert.ErrorIs(t, user.Wait(ctx), why)
				assert.ErrorIs(t, c.Flush(ctx), why)
				assert.Zero(t, time.Since(start))

				require.NoError(t, c.Flush(context.Background()))
				assert.Len(t, s.Messages(), 8)
				assert.NoError(t, user.Wait(ctx), "what is known is told whatever the context")
				assert.NoError(t, group.Wait(ctx))
				assert.NoError(t, c.Flush(ctx), "there is nothing to wait for")

				trackN(t, c, 1)
				start = time.Now()
				err = c.Close(ctx)
				assert.ErrorIs(t, err, why)
				assert.LessOrEqual(t, time.Since(start), 100*time.Millisecond)
				assert.Equal(t, err, c.Close(ctx))
				assert.Equal(t, map[loopkit.Reason]int64{loopkit.ReasonClosed: 1}, requireBalanced(t, c).Dropped)
				assert.ErrorIs(t, c.Track(ctx, "e", nil), loopkit.ErrClosed)

				unused := newClient(t, s)
				assert.NoError(t, unused.Close(ctx), "nothing is lost")
			})
			synctest.Test(t, func(t *testing.T) {
				c := newClient(t, stalled(t), func(o *loopkit.Options) { o.QueueSize, o.Overflow = 10, loopkit.Block })
				trackN(t, c, 9)
				start := time.Now()
				err := c.Track(ctx, "e", nil)
				assert.ErrorIs(t, err, loopkit.ErrQueueFull)
				assert.ErrorIs(t, err, why)
				assert.Zero(t, time.Since(start))
			})
		})
	}
}

func TestHugeValuesAreRefusedBeforeTheyAreCopied(t *testing.T) {
	zeros := make([]byte, 100<<20)
	text := unsafe.String(unsafe.SliceData(zeros), len(zeros)) // memory that nobody touches costs the test no time
	names := map[string]any{}
	for i := range 200_000 / raceFactor {
		names[strconv.Itoa(i)] = nil
	}
	c := newClient(t, loopkittest.NewTransport(t))
	copies := newClient(t, loopkittest.NewTransport(t), func(o *loopkit.Options) {
		o.BeforeSend = func(_ context.Context, m *loopkit.Message) *loopkit.Message { return m }
	})
	for name, value := range map[string]any{
		"string": text, "name": map[string]any{text[:4<<20]: 1}, "names": names, "named map": loopkit.Traits(names), "list": []any{1, []string{"a", text}},
		"bytes": zeros, "raw": json.RawMessage(zeros), "elements": make([]any, 1<<20), "numbers": make([]int, 100<<17),
	} {
		t.Run(name, func(t *testing.T) {
			before := allocated()
			assert.ErrorIs(t, c.Track(visitor("anon_1"), "e", loopkit.Properties{"v": value}), loopkit.ErrTooLarge)
			assert.ErrorIs(t, c.Identify(visitor("anon_1"), "u", loopkit.Traits{"v": map[string]any{"in": value}}), loopkit.ErrTooLarge)
			assert.ErrorIs(t, c.Group(visitor("anon_1"), "g", loopkit.Traits{"v": []any{value}}), loopkit.ErrTooLarge)
			assert.ErrorIs(t, copies.Track(visitor("anon_1"), "e", loopkit.Properties{"v": value}), loopkit.ErrTooLarge, "before BeforeSend")
			assert.Less(t, allocated()-before, uint64(1<<20))

			ctx := loopkit.WithContextFields(visitor("anon_1"), loopkit.Properties{"v": value})
			assert.ErrorIs(t, c.Track(ctx, "e", nil), loopkit.ErrTooLarge)
			assert.Less(t, allocated()-before, uint64(16<<20), "the fields of a context may take 1 MiB, which grows by doubling")
		})
	}
	assert.Zero(t, requireBalanced(t, c).Accepted)
}

// allocated is how much memory the process has allocated so far.
func allocated() uint64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.TotalAlloc
}

type slicesOfItself []slicesOfItself

func TestValuesThatContainThemselvesAreRefusedInNoTime(t *testing.T) {
	list, own := []any{nil}, slicesOfItself{nil}
	list[0], own[0] = list, own
	a, b := map[string]any{}, loopkit.Traits{}
	a["b"], b["a"] = b, a
	wide := map[string]any{}
	for i := range 100 {
		wide[fmt.Sprint(i)] = wide
	}
	c := newClient(t, loopkittest.NewTransport(t))
	for name, value := range map[string]any{
		"slice": list, "named slice": own, "maps of each other": a, "a hundred times": wide,
		"map in a struct": struct{ In any }{a}, "pointer to itself": func() any { var p any; p = &p; return p }(),
	} {
		var wrong *loopkit.ArgumentError
		require.ErrorAs(t, c.Track(visitor("anon_1"), "e", loopkit.Properties{"v": value}), &wrong, name)
		assert.Contains(t, wrong.Reason, "contains itself", name)
	}

	shared := map[string]any{"n": 1}
	require.NoError(t, c.Track(visitor("anon_1"), "e", loopkit.Properties{"a": shared, "b": shared}), "twice is no cycle")
	for range 28 { // 2^28 of them, if all were written
		shared = map[string]any{"l": shared, "r": shared}
	}
	before := allocated()
	require.ErrorIs(t, c.Track(visitor("anon_1"), "e", loopkit.Properties{"v": shared}), loopkit.ErrTooLarge)
	assert.Less(t, allocated()-before, uint64(1<<20))
}

// duringText is duringEncoding for a value that JSON shows as a string.
type duringText func()

func (f *duringText) MarshalText() ([]byte, error) { (*f)(); return []byte("text"), nil }
func (f *duringText) String() string               { panic("String") }
func (f *duringText) Error() string                { panic("Error") }

func TestAValueMayUseTheClientWhileItIsEncoded(t *testing.T) {
	ctx := known("anon_1", "user_1")
	for name, use := range map[string]struct {
		call    func(*testing.T, *loopkit.Client)
		arrives int // besides the value's own message
		closed  bool
	}{
		"Track":    {arrives: 1, call: func(t *testing.T, c *loopkit.Client) { assert.NoError(t, c.Track(ctx, "inner", nil)) }},
		"Identify": {arrives: 1, call: func(t *testing.T, c *loopkit.Client) { assert.NoError(t, c.Session().Identify(ctx, "user_1", nil)) }},
		"Reset":    {call: func(_ *testing.T, c *loopkit.Client) { c.Session().Reset() }},
		"OptOut":   {call: func(_ *testing.T, c *loopkit.Client) { c.Session().OptOut() }},
		"Flush":    {call: func(t *testing.T, c *loopkit.Client) { assert.NoError(t, c.Flush(ctx)) }},
		"Stats":    {call: func(t *testing.T, c *loopkit.Client) { requireBalanced(t, c) }},
		"DeleteUser": {arrives: 1, call: func(t *testing.T, c *loopkit.Client) {
			assert.NoError(t, deleteUser(t, c, "user_2").Wait(ctx))
		}},
		"Close": {closed: true, call: func(t *testing.T, c *loopkit.Client) { assert.NoError(t, c.Close(ctx)) }},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := loopkittest.NewTransport(t)
				c := newClient(t, s)
				call := func() { use.call(t, c) }
				text := duringText(call)
				err := c.Track(ctx, "outer", loopkit.Properties{"v": duringEncoding(call)})
				if use.closed {
					require.ErrorIs(t, err, loopkit.ErrClosed)
					return
				}
				require.NoError(t, err)
				require.NoError(t, c.Group(ctx, "team_1", loopkit.Traits{"v": &text, "m": map[*duringText]int{&text: 1}}))
				require.NoError(t, c.Session().Track(t.Context(), "outer", loopkit.Properties{"v": duringEncoding(call)}))
				require.NoError(t, c.Close(ctx))
				withheld := requireBalanced(t, c).Withheld
				assert.Equal(t, name == "OptOut", withheld == 1)
				assert.Len(t, s.Messages(), 3+4*use.arrives-int(withheld))
			})
		})
	}
}

func TestAValueThatBreaksDownLeavesTheClientWhole(t *testing.T) {
	for how, breakDown := range breakdowns {
		text := duringText(breakDown)
		for where, value := range map[string]any{
			"MarshalJSON": duringEncoding(breakDown), "MarshalText": &text, "name": map[*duringText]int{&text: 1},
			"struct": struct{ In []any }{[]any{&text}},
		} {
			t.Run(how+" in "+where, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					s := loopkittest.NewTransport(t)
					c := newClient(t, s)
					for _, call := range []func(loopkit.Traits) error{
						func(v loopkit.Traits) error { return c.Identify(visitor("anon_1"), "user_1", v) },
						func(v loopkit.Traits) error { return c.Session().Identify(t.Context(), "user_2", v) },
						func(v loopkit.Traits) error { return c.Session().Track(t.Context(), "e", loopkit.Properties(v)) },
					} {
						returned := false
						var wg sync.WaitGroup
						wg.Go(func() { assert.Error(t, call(loopkit.Traits{"v": value})); returned = true })
						wg.Wait()
						assert.Equal(t, how != "Goexit", returned)
					}
					assert.Empty(t, c.Session().Identity().UserID)
					trackN(t, c, 1)
					require.NoError(t, c.Close(t.Context()))
					stats := requireBalanced(t, c)
					assert.Equal(t, int64(1), stats.Delivered)
					if how != "Goexit" { // it ends the program's own goroutine, and nothing is left to count it
						assert.Equal(t, int64(3), stats.Panics)
						assert.Equal(t, int64(3), stats.Refused)
					}
				})
			})
		}
	}
}

func TestErrorAndStringOfAValueAreNotCalled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := loopkittest.NewTransport(t)
		c := newClient(t, s)
		text := duringText(func() {})
		require.NoError(t, c.Track(visitor("anon_1"), "e", loopkit.Properties{"error": &brokenError{}, "text": &text}))
		require.NoError(t, c.Close(t.Context()))
		assert.Equal(t, map[string]any{"error": map[string]any{}, "text": "text"}, s.Messages()[0].Values)
		assert.Zero(t, c.Stats().Panics)
	})
}

func TestATransportMayUseTheClient(t *testing.T) {
	for name, use := range map[string]func(*loopkit.Client, context.Context) error{
		"Track": func(c *loopkit.Client, _ context.Context) error { return c.Track(visitor("anon_1"), "inner", nil) },
		"Flush": (*loopkit.Client).Flush, // which waits for the request itself, until it times out
		"Close": (*loopkit.Client).Close,
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := loopkittest.NewTransport(t)
				var once sync.Once
				var c *loopkit.Client
				c = newClient(t, s, func(o *loopkit.Options) {
					o.HTTPClient.Transport = transportFunc(func(r *http.Request) (*http.Response, error) {
						once.Do(func() { assert.Equal(t, name != "Track", use(c, r.Context()) != nil) })
						return s.RoundTripper().RoundTrip(r)
					})
				})
				start := time.Now()
				trackN(t, c, 1)
				err := c.Flush(contextFor(t, time.Minute))
				assert.Equal(t, name == "Close", err != nil, "%v", err)
				_ = c.Close(t.Context()) // the first one's error, which the transport has seen
				assert.LessOrEqual(t, time.Since(start), 10*time.Second+2*time.Second)
				assert.Zero(t, requireBalanced(t, c).Pending)
			})
		})
	}
}

func TestCallsFlushesAndClosesInAnyOrderAllEndInTime(t *testing.T) {
	for seed := range uint64(25) {
		synctest.Test(t, func(t *testing.T) {
			d := rand.New(rand.NewPCG(seed, 3))
			s := loopkittest.NewTransport(t)
			for _, f := range []loopkittest.Fault{{Status: 503}, {Hang: true}, {Delay: 3 * time.Second}, {Status: 400}, {Status: 401}, {Reset: true}} {
				f.If = func([]byte) bool { return d.IntN(8) == 0 } // one request at a time asks: see Fault.If
				s.FailAll(loopkittest.Any, f)
			}
			c := newClient(t, s, func(o *loopkit.Options) {
				o.QueueSize, o.BatchSize = pick(d, 10, 1000), pick(d, 1, 10)
				o.Overflow = pick(d, loopkit.RejectNewest, loopkit.DropOldest, loopkit.Block)
			})
			var wg sync.WaitGroup
			for worker := range uint64(6) {
				wg.Go(func() { useInAnyOrder(t, c, rand.New(rand.NewPCG(seed, 100+worker))) })
			}
			wg.Wait()
			_ = c.Close(context.Background()) // whatever the first one's error
			assert.Zero(t, requireBalanced(t, c).Pending, "seed %d", seed)
			assert.ErrorIs(t, c.Flush(t.Context()), loopkit.ErrClosed, "seed %d", seed)
		})
	}
}

// useInAnyOrder makes calls, and asserts that none takes longer than its context.
func useInAnyOrder(t *testing.T, c *loopkit.Client, d *rand.Rand) {
	for range 15 {
		most := time.Duration(d.IntN(15_000)) * time.Millisecond
		ctx, cancel := context.WithTimeout(known("anon_1", fmt.Sprint("user_", d.IntN(3))), most)
		grace, start := time.Duration(0), time.Now()
		call := d.IntN(20)
		switch {
		case call < 6:
			for range 5 {
				_ = c.Track(ctx, "e", nil) // any of the errors of these calls is fine
			}
		case call < 8:
			_ = c.Identify(ctx, "user_1", nil)
		case call < 10:
			_ = c.Group(ctx, "team_1", nil)
		case call < 12:
			if deletion, err := c.DeleteUser(ctx, "user_2"); err == nil {
				_ = deletion.Wait(ctx)
			}
		case call < 16:
			_ = c.Flush(ctx)
		case call == 16:
			grace = 100 * time.Millisecond
			_ = c.Close(ctx)
		case call == 17 && d.IntN(2) == 0:
			most, grace = 15*time.Second, 100*time.Millisecond // it may wait for another Close, and has no deadline of its own
			_ = c.Close(context.Background())
		default:
			c.Stats()
			time.Sleep(most)
		}
		assert.LessOrEqual(t, time.Since(start), most+grace, "call %d", call)
		cancel()
	}
}
