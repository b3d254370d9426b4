package loopkit_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	loopkit "github.com/loopkitai/loopkit-go"
	"github.com/loopkitai/loopkit-go/loopkittest"
)

func TestFlushWithNothingToSendReturnsAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := loopkittest.NewTransport(t)
		c := newClient(t, s)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		require.NoError(t, c.Flush(ctx))
		require.NoError(t, c.Flush(t.Context()))
		assert.Empty(t, s.Requests())
	})
}

func TestFlushSendsWithoutWaitingForTheFlushInterval(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := loopkittest.NewTransport(t)
		c := newClient(t, s)
		trackN(t, c, 3)
		start := time.Now()
		require.NoError(t, c.Flush(t.Context()))
		assert.Zero(t, time.Since(start))
		assert.Len(t, s.Messages(), 3)
		assert.Len(t, s.Requests(), 1)
	})
}

func TestFlushWaitsForWhatWasAcceptedBeforeItAndForNothingElse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := loopkittest.NewTransport(t)
		s.FailAll(loopkittest.Tracks, loopkittest.Fault{Delay: time.Second})
		c := newClient(t, s, func(o *loopkit.Options) { o.MaxInFlight = 1 })
		trackN(t, c, 1)
		flushed := make(chan time.Duration)
		start := time.Now()
		go func() {
			assert.NoError(t, c.Flush(t.Context()))
			flushed <- time.Since(start)
		}()
		synctest.Wait()
		for range 10 { // later messages keep the endpoint busy
			trackN(t, c, 1)
			go func() { _ = c.Flush(context.Background()) }()
			synctest.Wait()
		}
		assert.Equal(t, time.Second, <-flushed)
		require.NoError(t, c.Close(context.Background()))
	})
}

func TestFlushEndsWithItsContextAndSaysWhatIsLeftAndWhy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := loopkittest.NewTransport(t)
		s.FailAll(loopkittest.Tracks, loopkittest.Fault{Status: 503})
		c := newClient(t, s)
		trackN(t, c, 7)
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		start := time.Now()
		err := c.Flush(ctx)
		assert.Equal(t, time.Minute, time.Since(start))

		var undelivered *loopkit.UndeliveredError
		require.ErrorAs(t, err, &undelivered)
		assert.Equal(t, int64(7), undelivered.Pending)
		assert.Zero(t, undelivered.Dropped)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		var answer *loopkit.APIError
		require.ErrorAs(t, err, &answer)
		assert.Equal(t, 503, answer.StatusCode)
		assert.True(t, answer.Retryable())
	})
}

func TestFlushWithACancelledContextStillStartsSending(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := loopkittest.NewTransport(t)
		s.FailAll(loopkittest.Any, loopkittest.Fault{Delay: time.Second}) // else it may be all delivered at once
		c := newClient(t, s)
		trackN(t, c, 2)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		require.ErrorIs(t, c.Flush(ctx), context.Canceled)
		time.Sleep(time.Second)
		synctest.Wait()
		assert.Len(t, s.Messages(), 2)
	})
}

func TestManyFlushesAtOnceAllEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := loopkittest.NewTransport(t)
		s.FailAll(loopkittest.Any, loopkittest.Fault{Delay: 10 * time.Millisecond})
		c := newClient(t, s)
		var wg sync.WaitGroup
		for i := range 50 {
			wg.Go(func() {
				time.Sleep(time.Duration(i) * time.Millisecond)
				trackN(t, c, 3)
				assert.NoError(t, c.Identify(visitor("anon_1"), "user_1", nil))
				assert.NoError(t, c.Group(known("anon_1", "user_1"), "team_1", nil))
				assert.NoError(t, c.Flush(t.Context()))
			})
		}
		wg.Wait()
		assert.Len(t, s.Messages(), 250)
	})
}

func TestFlushAfterCloseReturnsErrClosed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newClient(t, loopkittest.NewTransport(t))
		require.NoError(t, c.Close(t.Context()))
		require.ErrorIs(t, c.Flush(t.Context()), loopkit.ErrClosed)
		require.ErrorIs(t, c.Track(visitor("anon_1"), "late", nil), loopkit.ErrClosed)
		_, err := c.DeleteUser(t.Context(), "user_1")
		require.ErrorIs(t, err, loopkit.ErrClosed)
		assert.Equal(t, int64(2), requireBalanced(t, c).Refused)
	})
}

func TestFlushDuringCloseEndsWithIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := loopkittest.NewTransport(t)
		s.FailAll(loopkittest.Any, loopkittest.Fault{Hang: true})
		c := newClient(t, s)
		trackN(t, c, 2)
		closed := make(chan error)
		go func() { closed <- c.Close(context.Background()) }()
		time.Sleep(time.Second)
		err := c.Flush(t.Context())
		var undelivered *loopkit.UndeliveredError
		require.ErrorAs(t, err, &undelivered)
		assert.Equal(t, int64(2), undelivered.Dropped)
		require.Error(t, <-closed)
	})
}

// The Close of the peers lost everything after one failure, or hung.
func TestClose(t *testing.T) {
	for _, c := range []struct {
		name      string
		fault     loopkittest.Fault
		deadline  time.Duration // 0: none, so CloseTimeout
		takes     time.Duration // at least
		delivered int64
		is        error
		status    int
	}{
		{name: "a healthy server takes no time", delivered: 5},
		{name: "a hanging server takes until the deadline", fault: loopkittest.Fault{Hang: true}, deadline: 3 * time.Second, takes: 3 * time.Second, is: context.DeadlineExceeded},
		{name: "without a deadline CloseTimeout bounds it", fault: loopkittest.Fault{Hang: true}, takes: 10 * time.Second, is: context.DeadlineExceeded},
		{name: "a halted endpoint does not use the time up", fault: loopkittest.Fault{Status: 401}, deadline: time.Hour, status: 401},
		{name: "a pause beyond the deadline is not waited for", fault: loopkittest.Fault{Status: 429, RetryAfter: "600"}, deadline: time.Minute, status: 429},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := loopkittest.NewTransport(t)
				s.FailAll(loopkittest.Any, c.fault)
				client := newClient(t, s, func(o *loopkit.Options) { o.RequestTimeout = time.Minute })
				trackN(t, client, 5)
				ctx := context.Background()
				if c.deadline > 0 {
					var cancel context.CancelFunc
					ctx, cancel = context.WithTimeout(ctx, c.deadline)
					defer cancel()
				}
				start := time.Now()
				err := client.Close(ctx)
				took := time.Since(start)
				assert.GreaterOrEqual(t, took, c.takes)
				assert.LessOrEqual(t, took, c.takes+100*time.Millisecond)

				stats := requireBalanced(t, client)
				assert.Zero(t, stats.Pending)
				assert.Equal(t, c.delivered, stats.Delivered)
				if c.delivered == 5 {
					require.NoError(t, err)
					return
				}
				var undelivered *loopkit.UndeliveredError
				require.ErrorAs(t, err, &undelivered)
				assert.Equal(t, int64(5), undelivered.Dropped)
				assert.Equal(t, int64(5), stats.Dropped[loopkit.ReasonClosed])
				if c.is != nil {
					require.ErrorIs(t, err, c.is)
				}
				if c.status != 0 {
					var answer *loopkit.APIError
					require.ErrorAs(t, err, &answer)
					assert.Equal(t, c.status, answer.StatusCode)
				}
			})
		})
	}
}

func TestCloseRetriesUntilItsDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := loopkittest.NewTransport(t)
		s.FailAll(loopkittest.Any, loopkittest.Fault{Status: 503})
		c := newClient(t, s)
		trackN(t, c, 5)
		go func() {
			time.Sleep(40 * time.Second)
			s.Heal()
		}()
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
		defer cancel()
		require.NoError(t, c.Close(ctx))
		assert.Len(t, s.Messages(), 5)
	})
}

func TestCloseIsIdempotentAndEveryCallGetsTheFirstOnesError(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := loopkittest.NewTransport(t)
		s.FailAll(loopkittest.Any, loopkittest.Fault{Hang: true})
		c := newClient(t, s)
		trackN(t, c, 1)
		var wg sync.WaitGroup
		errs := make([]error, 64)
		for i := range errs {
			wg.Go(func() { errs[i] = c.Close(context.Background()) })
		}
		wg.Wait()
		for _, err := range errs {
			require.Error(t, err)
			assert.Equal(t, errs[0], err)
		}
		assert.Equal(t, errs[0], c.Close(t.Context()))
		assert.Equal(t, int64(1), requireBalanced(t, c).Dropped[loopkit.ReasonClosed])
	})
}

func TestASecondCloseWaitsUnderItsOwnContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := loopkittest.NewTransport(t)
		s.FailAll(loopkittest.Any, loopkittest.Fault{Hang: true})
		c := newClient(t, s)
		trackN(t, c, 1)
		first := make(chan error)
		go func() { first <- c.Close(context.Background()) }()
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		start := time.Now()
		require.ErrorIs(t, c.Close(ctx), context.DeadlineExceeded)
		assert.Equal(t, time.Second, time.Since(start))
		require.Error(t, <-first)
	})
}

func TestWhatIsLeftAtCloseIsHandedToTheHook(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := loopkittest.NewTransport(t)
		s.FailAll(loopkittest.Any, loopkittest.Fault{Status: 401})
		kept := 0
		c := newClient(t, s, func(o *loopkit.Options) {
			o.Hooks.Dropped = func(_ context.Context, d loopkit.Drop) {
				assert.Equal(t, loopkit.ReasonClosed, d.Reason)
				assert.ErrorIs(t, d.Err, loopkit.ErrClosed)
				kept += len(d.Messages)
			}
		})
		trackN(t, c, 2500)
		require.NoError(t, c.Identify(visitor("anon_1"), "user_1", nil))
		require.Error(t, c.Close(t.Context()))
		assert.Equal(t, 2501, kept, "Close waits for the callbacks")
	})
}

func TestAccountingIsExactWhileCallsRaceWithClose(t *testing.T) {
	for range 5 {
		s := loopkittest.NewServer(t)
		c := newClient(t, s, func(o *loopkit.Options) { o.BatchSize = 50 })
		var accepted, refused int64
		var mu sync.Mutex
		var wg sync.WaitGroup
		begin := make(chan struct{})
		for range 8 {
			wg.Go(func() {
				<-begin
				for {
					err := c.Track(visitor("anon_1"), "page_view", nil)
					requireBalanced(t, c)
					mu.Lock()
					if err == nil {
						accepted++
					} else {
						refused++
					}
					enough := accepted == 1000
					mu.Unlock()
					if enough && err == nil {
						assert.NoError(t, c.Close(context.Background()))
					}
					if errors.Is(err, loopkit.ErrClosed) {
						return
					}
				}
			})
		}
		close(begin)
		wg.Wait()
		require.NoError(t, c.Close(context.Background()))
		stats := requireBalanced(t, c)
		assert.Equal(t, accepted, stats.Accepted)
		assert.Equal(t, refused, stats.Refused)
		assert.Zero(t, stats.Pending)
		assert.Len(t, s.Messages(), int(stats.Delivered))
	}
}

func TestARoundTripperThatIgnoresItsContextDoesNotHoldClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := loopkittest.NewTransport(t)
		deaf := deafTransport{release: make(chan struct{})}
		c := newClient(t, s, func(o *loopkit.Options) { o.HTTPClient.Transport = deaf })
		trackN(t, c, 3)
		_, err := c.DeleteUser(t.Context(), "user_1")
		require.NoError(t, err)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		start := time.Now()
		require.Error(t, c.Close(ctx))
		assert.LessOrEqual(t, time.Since(start), 1100*time.Millisecond)
		stats := requireBalanced(t, c)
		assert.Zero(t, stats.Pending)
		assert.Equal(t, int64(4), stats.Dropped[loopkit.ReasonClosed])
		close(deaf.release)
		synctest.Wait()
		assert.Equal(t, stats.Dropped, requireBalanced(t, c).Dropped)
		assert.Zero(t, c.Stats().QueueBytes)
	})
}
