package loopkit_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	loopkit "github.com/loopkitai/loopkit-go"
	"github.com/loopkitai/loopkit-go/loopkittest"
)

func TestFlushReturnsUnauthorizedWithoutDroppingMessages(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := loopkittest.NewTransport(t)
		s.FailAll(loopkittest.Any, loopkittest.Fault{Status: 401})
		var halts []error
		c := newClient(t, s, func(o *loopkit.Options) {
			o.OnError = func(_ context.Context, err error) { halts = append(halts, err) }
		})
		trackN(t, c, 10)

		start := time.Now()
		err := c.Flush(t.Context())
		assert.Less(t, time.Since(start), time.Second)
		var undelivered *loopkit.UndeliveredError
		require.ErrorAs(t, err, &undelivered)
		assert.Equal(t, int64(10), undelivered.Pending)
		var answer *loopkit.APIError
		require.ErrorAs(t, err, &answer)
		assert.Equal(t, 401, answer.StatusCode)
		assert.Equal(t, "tracks", answer.Endpoint)
		assert.False(t, answer.Retryable())

		time.Sleep(20 * time.Minute)
		stats := requireBalanced(t, c)
		assert.Equal(t, int64(10), stats.Pending)
		assert.ErrorAs(t, stats.Halted["tracks"], &answer)
		synctest.Wait()
		assert.Len(t, halts, 1, "OnError is told once")

		s.Heal()
		start = time.Now()
		require.NoError(t, c.Flush(t.Context()), "delivery resumes when the server accepts")
		assert.Zero(t, time.Since(start), "Flush does not wait for the next probe")
		assert.Len(t, s.Messages(), 10)
		assert.Empty(t, c.Stats().Halted)
	})
}

func TestAHaltedEndpointIsProbedEvery30SecondsGrowingTo5Minutes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := loopkittest.NewTransport(t)
		s.FailAll(loopkittest.Tracks, loopkittest.Fault{Status: 404})
		c := newClient(t, s, func(o *loopkit.Options) { o.FlushInterval = time.Millisecond })
		trackN(t, c, 3)
		time.Sleep(20 * time.Minute)
		var waits []time.Duration
		requests := s.Requests()
		for i := 1; i < len(requests); i++ {
			waits = append(waits, requests[i].Time.Sub(requests[i-1].Time))
		}
		const s30, m = 30 * time.Second, time.Minute
		assert.Equal(t, []time.Duration{s30, m, 2 * m, 4 * m, 5 * m, 5 * m}, waits)
	})
}

func TestFlushProbesAHaltedEndpointAtMostOnceASecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := loopkittest.NewTransport(t)
		s.FailAll(loopkittest.Tracks, loopkittest.Fault{Status: 401})
		c := newClient(t, s)
		trackN(t, c, 1)
		require.Error(t, c.Flush(t.Context()))
		for range 100 {
			require.Error(t, c.Flush(t.Context()))
			time.Sleep(100 * time.Millisecond)
		}
		assert.LessOrEqual(t, len(s.Requests()), 12, "in 10 seconds")
		assert.GreaterOrEqual(t, len(s.Requests()), 9)
	})
}

func TestAHaltedEndpointDoesNotStopTheOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := loopkittest.NewTransport(t)
		s.FailAll(loopkittest.Identifies, loopkittest.Fault{Status: 403})
		c := newClient(t, s)
		require.NoError(t, c.Identify(visitor("anon_1"), "user_1", nil))
		trackN(t, c, 10)
		var undelivered *loopkit.UndeliveredError
		require.ErrorAs(t, c.Flush(t.Context()), &undelivered)
		assert.Equal(t, int64(1), undelivered.Pending)
		assert.Len(t, s.MessagesOf(loopkittest.KindTrack), 10)
	})
}

func TestMessagesOfAHaltedEndpointStillExpire(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := loopkittest.NewTransport(t)
		s.FailAll(loopkittest.Any, loopkittest.Fault{Status: 401})
		c := newClient(t, s)
		trackN(t, c, 10)
		time.Sleep(time.Hour + time.Minute)
		assert.Equal(t, map[loopkit.Reason]int64{loopkit.ReasonExpired: 10}, requireBalanced(t, c).Dropped)
	})
}

func TestStatusesThatRefuseEverythingHalt(t *testing.T) {
	for _, status := range []int{301, 302, 307, 308, 401, 402, 403, 404, 405, 407, 410, 451, 501, 505, 600, 999} {
		synctest.Test(t, func(t *testing.T) {
			s := loopkittest.NewTransport(t)
			s.FailAll(loopkittest.Any, loopkittest.Fault{Status: status})
			c := newClient(t, s)
			trackN(t, c, 1)
			require.Error(t, c.Flush(t.Context()))
			stats := requireBalanced(t, c)
			assert.Contains(t, stats.Halted, "tracks", "status %d", status)
			assert.Equal(t, int64(1), stats.Pending, "status %d", status)
		})
	}
}

func TestFlushWaitsForRequestsUnderWayThoughTheirEndpointHasHalted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := loopkittest.NewTransport(t)
		s.Script(loopkittest.Tracks, loopkittest.Fault{Status: 401, Delay: time.Second}, loopkittest.Fault{Delay: 5 * time.Second})
		c := newClient(t, s, func(o *loopkit.Options) { o.BatchSize, o.FlushInterval = 1, -1 })
		trackN(t, c, 2)
		start := time.Now()
		require.NoError(t, c.Flush(t.Context()), "the success of the other opened it again")
		assert.Equal(t, 5*time.Second, time.Since(start))
		assert.Len(t, s.Messages(), 2)
	})
}
