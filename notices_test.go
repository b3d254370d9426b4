package loopkit_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log"
	"log/slog"
	"runtime"
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

// logBuffer keeps what a logger writes.
type logBuffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func newLog() (*slog.Logger, *logBuffer) {
	b := new(logBuffer)
	return slog.New(slog.NewTextHandler(b, &slog.HandlerOptions{Level: slog.LevelDebug - 100})), b
}

func (b *logBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *logBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

// lines returns those that contain all of parts.
func (b *logBuffer) lines(parts ...string) (found []string) {
	for line := range strings.Lines(b.String()) {
		missing := false
		for _, part := range parts {
			missing = missing || !strings.Contains(line, part)
		}
		if !missing {
			found = append(found, line)
		}
	}
	return found
}

func TestASlowHookDoesNotStopSending(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := loopkittest.NewTransport(t)
		refuse(server, 400, "refused")
		var told int
		c := newClient(t, server, func(o *loopkit.Options) {
			o.Hooks.Dropped = func(context.Context, loopkit.Drop) { told++; time.Sleep(time.Hour) }
		})
		require.NoError(t, c.Track(visitor("anon_1"), "refused", nil))
		require.Error(t, c.Flush(t.Context()))
		synctest.Wait()
		require.Equal(t, 1, told, "the hook is at work now")
		start := time.Now()
		for range 10 {
			require.NoError(t, c.Track(visitor("anon_1"), "fine", nil))
			require.NoError(t, c.Flush(t.Context()), "Flush does not wait for hooks")
		}
		assert.Zero(t, time.Since(start))
		assert.Equal(t, int64(10), requireBalanced(t, c).Delivered)
		time.Sleep(2 * time.Hour)
	})
}

// TestLossesThatAHookIsTooSlowForAreCounted has each loss told or counted.
func TestLossesThatAHookIsTooSlowForAreCounted(t *testing.T) {
	for name, test := range map[string]struct {
		losses int
		size   int
	}{"small": {5000, 1}, "large": {500, 8 << 10}} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				server := loopkittest.NewTransport(t)
				refuse(server, 413, "lost")
				var told int64
				proceed := make(chan struct{})
				const queueBytes = 1 << 20
				c := newClient(t, server, func(o *loopkit.Options) {
					o.BatchSize, o.MaxMessageBytes, o.BatchBytes, o.QueueBytes = 1, 16<<10, 16<<10, queueBytes
					o.Hooks.Dropped = func(_ context.Context, d loopkit.Drop) {
						<-proceed
						told += int64(len(d.Messages))
					}
				})
				value := strings.Repeat("x", test.size)
				for i := range test.losses {
					name := "lost"
					if i%10 == 0 { // a success between them keeps the endpoint from being halted
						name = "fine"
					}
					require.NoError(t, c.Track(visitor("anon_1"), name, loopkit.Properties{"v": value}))
					_ = c.Flush(t.Context())
					require.LessOrEqual(t, c.Stats().QueueBytes, int64(queueBytes), "bounded")
				}
				stats := requireBalanced(t, c)
				lost := int64(test.losses - test.losses/10)
				assert.Equal(t, lost, stats.Dropped[loopkit.ReasonTooLarge])
				assert.Positive(t, stats.NoticesLost)
				close(proceed)
				require.NoError(t, c.Close(context.Background()))
				assert.Positive(t, told)
				assert.Equal(t, lost, told+c.Stats().NoticesLost, "told or counted")
				assert.Zero(t, c.Stats().QueueBytes, "what notices held is free")
			})
		})
	}
}

func TestAHookIsToldOfAWholeQueueThatExpiresAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := loopkittest.NewTransport(t)
		server.FailAll(loopkittest.Any, loopkittest.Fault{Status: 503})
		var told int
		c := newClient(t, server, func(o *loopkit.Options) {
			o.QueueBytes, o.BatchSize = 1<<20, 10
			o.Hooks.Dropped = func(_ context.Context, d loopkit.Drop) { told += len(d.Messages) }
		})
		for c.Track(visitor("anon_1"), "e", nil) == nil {
		}
		full := c.Stats().Pending
		time.Sleep(time.Hour + time.Minute)
		synctest.Wait()
		assert.EqualValues(t, full, told)
		assert.Equal(t, full, requireBalanced(t, c).Dropped[loopkit.ReasonExpired])
		assert.Zero(t, c.Stats().NoticesLost)
	})
}

func TestMemoryThatNoticesBorrowedGoesToMessagesThatNeedIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := loopkittest.NewTransport(t)
		server.FailAll(loopkittest.Any, loopkittest.Fault{Status: 503})
		proceed := make(chan struct{})
		var told int64
		c := newClient(t, server, func(o *loopkit.Options) {
			o.QueueBytes, o.BatchSize = 1<<20, 1
			o.Hooks.Dropped = func(_ context.Context, d loopkit.Drop) { <-proceed; told += int64(len(d.Messages)) }
		})
		fill := func() int64 {
			before := c.Stats().Pending
			for c.Track(visitor("anon_1"), "e", nil) == nil {
			}
			return c.Stats().Pending - before
		}
		full := fill()
		time.Sleep(time.Hour + time.Minute) // the hook hangs meanwhile
		assert.Zero(t, c.Stats().NoticesLost)
		assert.InDelta(t, full, fill(), 5, "a hook that hangs costs no message its place")
		assert.LessOrEqual(t, c.Stats().QueueBytes, int64(1<<20))
		close(proceed)
		require.Error(t, c.Close(t.Context()))
		assert.Equal(t, 2*full, told+c.Stats().NoticesLost, "told or counted")
		assert.Positive(t, c.Stats().NoticesLost)
		assert.Zero(t, c.Stats().QueueBytes)
	})
}

func TestErrorsThatOnErrorIsTooSlowForAreCounted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const halts = 1500
		server := loopkittest.NewTransport(t)
		for range halts {
			server.Script(loopkittest.Tracks, loopkittest.Fault{Status: 401}, loopkittest.Fault{})
		}
		var told int64
		proceed := make(chan struct{})
		c := newClient(t, server, func(o *loopkit.Options) {
			o.OnError = func(context.Context, error) { <-proceed; told++ }
		})
		for range halts {
			trackN(t, c, 1)
			_ = c.Flush(t.Context()) // the endpoint is halted
			time.Sleep(time.Second)
		}
		close(proceed)
		require.NoError(t, c.Close(t.Context()))
		lost := c.Stats().NoticesLost
		assert.Positive(t, lost)
		assert.InDelta(t, halts, told+lost, halts/60+1, "told or counted, as are the log's lines, one a minute")
	})
}

func TestAtCloseEveryLossIsTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := loopkittest.NewTransport(t)
		server.FailAll(loopkittest.Any, loopkittest.Fault{Hang: true})
		var told int64
		c := newClient(t, server, func(o *loopkit.Options) {
			o.BatchSize = 1
			o.Hooks.Dropped = func(_ context.Context, d loopkit.Drop) { told += int64(len(d.Messages)) }
		})
		for range 3000 {
			require.NoError(t, c.Track(visitor("anon_1"), "lost", nil))
		}
		require.Error(t, c.Close(t.Context()))
		time.Sleep(time.Second)
		synctest.Wait()
		assert.Equal(t, int64(3000), told)
		assert.Zero(t, c.Stats().NoticesLost)
	})
}

func TestTheLogHasOneLineACauseAndMinute(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		logger, log := newLog()
		server := loopkittest.NewTransport(t)
		server.FailAll(loopkittest.Groups, loopkittest.Fault{Status: 401})
		refuse(server, 400, "refused")
		c := newClient(t, server, func(o *loopkit.Options) { o.Logger = logger })
		const seconds = 150
		for second := range seconds {
			assert.Error(t, c.Track(t.Context(), "nobody's", nil))
			assert.NoError(t, c.Identify(known("anon_1", "alice"), "bob", nil))
			assert.NoError(t, c.Group(visitor("anon_1"), "team_1", nil))
			assert.NoError(t, c.Track(visitor("anon_1"), "refused", nil))
			if second%10 == 0 {
				assert.NoError(t, c.Track(visitor("anon_1"), "fine", nil))
			}
			_ = c.Flush(t.Context())
			time.Sleep(time.Second)
		}
		for _, cause := range []string{"cause=refused", "cause=other_user", "cause=drop_rejected"} {
			lines := log.lines(cause)
			assert.Len(t, lines, 3, cause)
			for i, line := range lines {
				assert.Equal(t, i > 0, strings.Contains(line, "count=60"), "a later line counts those without one: %s", line)
			}
		}
		assert.Len(t, log.lines("cause=halt_groups"), 1)
		assert.Len(t, log.lines(), 10)
		assert.Len(t, log.lines("level=WARN"), 9)
		assert.Len(t, log.lines("level=ERROR"), 1)
	})
}

func TestAHealthyClientLogsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		logger, log := newLog()
		server := loopkittest.NewTransport(t)
		server.Script(loopkittest.Tracks, loopkittest.Fault{Status: 503}, loopkittest.Fault{Reset: true})
		c := newClient(t, server, func(o *loopkit.Options) { o.Logger = logger })
		for i := range 100 {
			require.NoError(t, c.Track(visitor(fmt.Sprint("anon_", i)), "e", nil))
		}
		require.NoError(t, c.Identify(visitor("anon_1"), "user_1", nil))
		_, err := c.DeleteUser(t.Context(), "user_1")
		require.NoError(t, err)
		require.NoError(t, c.Close(context.Background()))
		assert.Empty(t, log.String(), "nor does one that was retried")
	})
}

func TestTheDefaultLoggerIsThatOfTheMoment(t *testing.T) {
	before, writer, flags := slog.Default(), log.Writer(), log.Flags()
	t.Cleanup(func() {
		slog.SetDefault(before)
		log.SetOutput(writer)
		log.SetFlags(flags)
	})
	synctest.Test(t, func(t *testing.T) {
		c := newClient(t, loopkittest.NewTransport(t), func(o *loopkit.Options) { o.Logger = nil })
		logger, lines := newLog()
		slog.SetDefault(logger)
		require.Error(t, c.Track(t.Context(), "nobody's", nil))
		synctest.Wait()
		assert.Len(t, lines.lines("no identity", "level=WARN"), 1)
	})
}

// breakdowns end a callback in the ways that code can end badly.
var breakdowns = map[string]func(){
	"panic":      func() { panic("secret") },
	"error":      func() { panic(errors.New("secret")) },
	"panic(nil)": func() { panic(nil) },
	"Goexit":     runtime.Goexit,
}

func TestCallbacksThatBreakDownAreSurvivedAndCounted(t *testing.T) {
	for how, breakDown := range breakdowns {
		for where, install := range map[string]func(o *loopkit.Options, call func()){
			"Dropped": func(o *loopkit.Options, call func()) {
				o.Hooks.Dropped = func(context.Context, loopkit.Drop) { call() }
			},
			"OnError": func(o *loopkit.Options, call func()) { o.OnError = func(context.Context, error) { call() } },
			"Logger":  func(o *loopkit.Options, call func()) { o.Logger = slog.New(callHandler(call)) },
		} {
			t.Run(how+" in "+where, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					var calls atomic.Int64
					server := loopkittest.NewTransport(t)
					server.FailAll(loopkittest.Tracks, loopkittest.Fault{Status: 400})
					server.FailAll(loopkittest.Identifies, loopkittest.Fault{Status: 401})
					server.FailAll(loopkittest.Groups, loopkittest.Fault{Status: 403})
					c := newClient(t, server, func(o *loopkit.Options) {
						install(o, func() { calls.Add(1); breakDown() })
					})
					for range 3 {
						require.NoError(t, c.Track(visitor("anon_1"), "e", nil))
						_ = c.Flush(t.Context())
					}
					require.NoError(t, c.Identify(visitor("anon_1"), "user_1", nil))
					require.NoError(t, c.Group(visitor("anon_1"), "team_1", nil))
					time.Sleep(time.Minute)
					synctest.Wait()
					assert.GreaterOrEqual(t, calls.Load(), int64(2), "the next one still comes")
					assert.Equal(t, calls.Load(), requireBalanced(t, c).Panics)

					server.Heal()
					require.NoError(t, c.Track(visitor("anon_1"), "fine", nil))
					require.NoError(t, c.Close(t.Context()))
					loopkittest.RequireTracked(t, server, "anon_1", "fine")
				})
			})
		}
	}
}

// callHandler is a slog handler that calls itself for each line.
type callHandler func()

func (h callHandler) Enabled(context.Context, slog.Level) bool  { return true }
func (h callHandler) Handle(context.Context, slog.Record) error { h(); return nil }
func (h callHandler) WithAttrs([]slog.Attr) slog.Handler        { return h }
func (h callHandler) WithGroup(string) slog.Handler             { return h }

func TestOnErrorIsToldOfAHookThatPanics(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var told []error
		server := loopkittest.NewTransport(t)
		server.FailAll(loopkittest.Tracks, loopkittest.Fault{Status: 400})
		c := newClient(t, server, func(o *loopkit.Options) {
			o.Hooks.Dropped = func(context.Context, loopkit.Drop) { panic("secret") }
			o.OnError = func(_ context.Context, err error) { told = append(told, err) }
		})
		for range 3 {
			require.NoError(t, c.Track(visitor("anon_1"), "e", nil))
			_ = c.Flush(t.Context())
		}
		synctest.Wait()
		require.Len(t, told, 1, "once")
		assert.ErrorContains(t, told[0], "panicked")
		assert.NotContains(t, told[0].Error(), "secret")
	})
}
