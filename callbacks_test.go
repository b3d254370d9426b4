package loopkit_test

import (
	"context"
	"log/slog"
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

// handler is a slog.Handler of which either method may be the program's trouble.
type handler struct {
	enabled, handle func(context.Context)
}

func (h handler) Enabled(ctx context.Context, _ slog.Level) bool { h.enabled(ctx); return true }
func (h handler) Handle(ctx context.Context, _ slog.Record) error {
	h.handle(ctx)
	return nil
}
func (h handler) WithAttrs([]slog.Attr) slog.Handler { return h }
func (h handler) WithGroup(string) slog.Handler      { return h }

// callbacks are all the places where the client calls the program.
var callbacks = map[string]func(o *loopkit.Options, call func(context.Context)){
	"Dropped": func(o *loopkit.Options, call func(context.Context)) {
		o.Hooks.Dropped = func(ctx context.Context, _ loopkit.Drop) { call(ctx) }
	},
	"OnError": func(o *loopkit.Options, call func(context.Context)) {
		o.OnError = func(ctx context.Context, _ error) { call(ctx) }
	},
	"Handle": func(o *loopkit.Options, call func(context.Context)) {
		o.Logger = slog.New(handler{func(context.Context) {}, call})
	},
	"Enabled": func(o *loopkit.Options, call func(context.Context)) {
		o.Logger = slog.New(handler{call, func(context.Context) {}})
	},
}

// troubled returns a server, and calls that make every callback happen: one
// event is refused, and the key of groups. Everything else takes a second.
func troubled(t testing.TB) (*loopkittest.Server, func(*loopkit.Client)) {
	s := loopkittest.NewTransport(t)
	s.FailAll(loopkittest.Any, loopkittest.Fault{Delay: time.Second})
	s.FailAll(loopkittest.Groups, loopkittest.Fault{Status: 401})
	refuse(s, 400, "refused")
	return s, func(c *loopkit.Client) {
		require.NoError(t, c.Group(visitor("anon_1"), "team_1", nil))
		require.NoError(t, c.Track(visitor("anon_1"), "refused", nil))
	}
}

// uses are what a callback may do with the client, how long that takes at most,
// and whether the client is closed then.
var uses = map[string]struct {
	call   func(context.Context, *testing.T, *loopkit.Client)
	most   time.Duration
	closed bool
}{
	"Track and Identify": {call: func(ctx context.Context, t *testing.T, c *loopkit.Client) {
		assert.NoError(t, c.Identify(ctx, "user_2", nil))
		assert.NoError(t, c.Group(loopkit.WithUser(ctx, "user_2"), "team_1", nil))
		assert.NoError(t, c.Track(loopkit.WithUser(ctx, "user_2"), "inner", nil))
	}},
	"wrong calls": {call: func(ctx context.Context, t *testing.T, c *loopkit.Client) {
		assert.Error(t, c.Track(ctx, "", nil))
		assert.Error(t, c.Identify(ctx, "user_2", loopkit.Traits{"v": panicking{"secret"}}))
	}},
	"a Session": {call: func(ctx context.Context, t *testing.T, c *loopkit.Client) {
		assert.NoError(t, c.Session().Identify(ctx, "user_2", nil))
		c.Session().Reset()
		c.Session().OptOut()
		requireBalanced(t, c)
	}},
	"deletions": {most: 2 * time.Second, call: func(ctx context.Context, t *testing.T, c *loopkit.Client) {
		group, err := c.DeleteGroup(ctx, "team_2")
		assert.NoError(t, err)
		assert.NoError(t, deleteUser(t, c, "user_3").Wait(ctx))
		assert.NoError(t, group.Wait(context.Background()))
	}},
	"Flush": {call: func(ctx context.Context, t *testing.T, c *loopkit.Client) {
		assert.ErrorContains(t, c.Flush(ctx), "callback")
	}},
	"Flush with another context": {most: time.Second, call: func(_ context.Context, t *testing.T, c *loopkit.Client) {
		var undelivered *loopkit.UndeliveredError
		assert.ErrorAs(t, c.Flush(context.Background()), &undelivered) // groups are halted
	}},
	"Close": {closed: true, call: func(ctx context.Context, t *testing.T, c *loopkit.Client) {
		assert.ErrorContains(t, c.Close(ctx), "callback")
	}},
	// A Close that is not told by its context whom it runs in waits for itself.
	"Close with another context": {closed: true, most: 3*time.Second + 100*time.Millisecond, call: func(_ context.Context, t *testing.T, c *loopkit.Client) {
		assert.Error(t, c.Close(contextFor(t, 3*time.Second)))
	}},
	"Close with no deadline": {closed: true, most: 10*time.Second + 100*time.Millisecond, call: func(_ context.Context, t *testing.T, c *loopkit.Client) {
		assert.Error(t, c.Close(context.Background()))
	}},
}

func TestACallbackMayUseTheClientThatCallsIt(t *testing.T) {
	for name, use := range uses {
		for where, install := range callbacks {
			t.Run(name+" in "+where, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					s, makeTrouble := troubled(t)
					var once sync.Once
					returned := make(chan time.Duration, 1)
					var c *loopkit.Client
					c = newClient(t, s, func(o *loopkit.Options) {
						o.DeletionQuarantine = -1
						install(o, func(ctx context.Context) {
							once.Do(func() {
								start := time.Now()
								use.call(ctx, t, c)
								returned <- time.Since(start)
							})
						})
					})
					makeTrouble(c)
					assert.LessOrEqual(t, <-returned, use.most)
					if use.closed {
						assert.ErrorIs(t, c.Track(visitor("anon_1"), "late", nil), loopkit.ErrClosed)
					} else {
						require.NoError(t, c.Track(visitor("anon_1"), "fine", nil), "the client goes on")
					}
					start := time.Now()
					assert.Error(t, c.Close(contextFor(t, 20*time.Second)), "groups are halted")
					assert.LessOrEqual(t, time.Since(start), 3*time.Second)
					stats := requireBalanced(t, c)
					assert.Zero(t, stats.Pending)
					if !use.closed {
						loopkittest.RequireTracked(t, s, "anon_1", "fine")
					}
					assert.Zero(t, stats.NoticesLost)
				})
			})
		}
	}
}

func TestACallbackThatBlocksForEverHoldsUpNothingButOtherCallbacks(t *testing.T) {
	for where, install := range callbacks {
		t.Run(where, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s, makeTrouble := troubled(t)
				var calls atomic.Int64
				release := make(chan struct{})
				c := newClient(t, s, func(o *loopkit.Options) {
					install(o, func(context.Context) { calls.Add(1); <-release })
				})
				makeTrouble(c)
				require.Error(t, c.Flush(t.Context()), "which does not wait for callbacks")
				synctest.Wait()
				require.Equal(t, int64(1), calls.Load())
				start := time.Now()
				for range 3 {
					require.Error(t, c.Track(visitor("anon_1"), "", nil), "something to log")
					require.NoError(t, c.Track(visitor("anon_1"), "fine", nil))
					require.Error(t, c.Flush(t.Context()), "groups are halted")
				}
				assert.Equal(t, 3*time.Second, time.Since(start), "the server's second for each")
				assert.Len(t, s.Messages(), 3)

				start = time.Now()
				assert.Error(t, c.Close(contextFor(t, 5*time.Second)))
				assert.GreaterOrEqual(t, time.Since(start), 5*time.Second, "it waits for them, but not for ever")
				assert.LessOrEqual(t, time.Since(start), 5*time.Second+100*time.Millisecond)
				assert.Zero(t, requireBalanced(t, c).Pending)
				assert.Equal(t, int64(1), calls.Load())
				close(release)
				synctest.Wait()
				if where != "OnError" { // which has heard of the one halt that there was
					assert.Greater(t, calls.Load(), int64(1), "the others follow")
				}
			})
		})
	}
}

func TestCallbacksAreCalledOneAtATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, makeTrouble := troubled(t)
		var running, calls atomic.Int64
		c := newClient(t, s, func(o *loopkit.Options) {
			for _, where := range []string{"Dropped", "OnError", "Handle"} {
				callbacks[where](o, func(context.Context) {
					calls.Add(1)
					assert.Equal(t, int64(1), running.Add(1))
					time.Sleep(time.Second) // another could begin meanwhile
					running.Add(-1)
				})
			}
		})
		makeTrouble(c)
		assert.Error(t, c.Close(contextFor(t, time.Minute)))
		assert.GreaterOrEqual(t, calls.Load(), int64(4))
	})
}

func TestCallbacksThatAllBreakDownAreSurvivedToTheEnd(t *testing.T) {
	for how, breakDown := range breakdowns {
		t.Run(how, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s, makeTrouble := troubled(t)
				var calls, lost atomic.Int64
				c := newClient(t, s, func(o *loopkit.Options) {
					o.BatchSize = 1
					fail := func(context.Context) { calls.Add(1); breakDown() }
					callbacks["OnError"](o, fail)
					callbacks["Enabled"](o, fail)
					o.Hooks.Dropped = func(ctx context.Context, d loopkit.Drop) {
						lost.Add(int64(len(d.Messages)))
						fail(ctx)
					}
				})
				makeTrouble(c)
				require.NoError(t, c.Track(visitor("anon_1"), "fine", nil))
				require.Error(t, c.Flush(t.Context()))
				loopkittest.RequireTracked(t, s, "anon_1", "fine")
				synctest.Wait()
				assert.Equal(t, int64(1), lost.Load())

				s.FailAll(loopkittest.Tracks, loopkittest.Fault{Hang: true})
				trackN(t, c, 200)
				assert.Error(t, c.Close(contextFor(t, time.Second)))
				synctest.Wait()
				assert.Equal(t, int64(1+1+200), lost.Load(), "each loss is told, though telling fails each time")
				assert.Greater(t, calls.Load(), int64(204))
				assert.Equal(t, calls.Load(), requireBalanced(t, c).Panics)
				assert.Zero(t, c.Stats().QueueBytes)
			})
		})
	}
}
