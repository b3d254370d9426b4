package loopkit_test

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	loopkit "github.com/loopkitai/loopkit-go"
	"github.com/loopkitai/loopkit-go/loopkittest"
)

const year = 365 * 24 * time.Hour

// eachStep runs a test with a client whose wall clock can make a step, forth or
// back.
func eachStep(t *testing.T, test func(t *testing.T, s *loopkittest.Server, c *loopkit.Client, step func()), change ...func(*loopkit.Options)) {
	for _, by := range []time.Duration{0, year, -year, 90 * time.Minute, -90 * time.Minute, -30 * year} {
		t.Run(fmt.Sprint(by), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := loopkittest.NewTransport(t)
				c := newClient(t, s, change...)
				step := loopkit.StepWallClock(c)
				test(t, s, c, func() { step(by) })
			})
		})
	}
}

func TestTheTestsStepOneClockAndNotTheOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		before := loopkit.Reading(time.Now(), 0)
		time.Sleep(3 * time.Second)
		after := loopkit.Reading(time.Now(), -year)
		assert.Equal(t, 3*time.Second, after.Sub(before))
		assert.True(t, after.After(before))
		assert.Equal(t, 3*time.Second-year, after.Round(0).Sub(before.Round(0)))
	})
}

func TestAMessageSaysTheTimeThatTheWallClockHadAtItsCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := loopkittest.NewTransport(t)
		c := newClient(t, s)
		step := loopkit.StepWallClock(c)
		start := time.Now()
		for _, by := range []time.Duration{0, year, -year} {
			step(by)
			require.NoError(t, c.Track(visitor("anon_1"), "e", nil))
			time.Sleep(time.Second)
		}
		require.NoError(t, c.Close(t.Context()))
		messages := s.Messages()
		require.Len(t, messages, 3)
		for i, by := range []time.Duration{0, year, -year} {
			assert.WithinDuration(t, start.Add(by+time.Duration(i)*time.Second), messages[i].Timestamp, time.Millisecond)
		}
	})
}

func TestAStepOfTheWallClockNeitherExpiresMessagesNorKeepsThem(t *testing.T) {
	eachStep(t, func(t *testing.T, s *loopkittest.Server, c *loopkit.Client, step func()) {
		s.FailAll(loopkittest.Tracks, loopkittest.Fault{Status: 503})
		trackN(t, c, 3)
		step()
		trackN(t, c, 3)
		time.Sleep(time.Hour - time.Second)
		assert.Equal(t, int64(6), c.Stats().Pending, "the age is below MaxAge")
		time.Sleep(2 * time.Second)
		assert.Equal(t, int64(6), requireBalanced(t, c).Dropped[loopkit.ReasonExpired])
	})
}

func TestAStepOfTheWallClockDelaysNothing(t *testing.T) {
	eachStep(t, func(t *testing.T, s *loopkittest.Server, c *loopkit.Client, step func()) {
		s.Script(loopkittest.Tracks, loopkittest.Fault{Status: 429, RetryAfter: "120"})
		start := time.Now()
		trackN(t, c, 1)
		time.Sleep(time.Second)
		step()
		time.Sleep(3 * time.Minute)
		requests := s.Requests()
		require.Len(t, requests, 2)
		assert.Equal(t, 5*time.Second, requests[0].Time.Sub(start), "FlushInterval")
		assert.Equal(t, 120*time.Second, requests[1].Time.Sub(requests[0].Time), "Retry-After")
	})
}

func TestAStepOfTheWallClockDoesNotEndAPause(t *testing.T) {
	eachStep(t, func(t *testing.T, s *loopkittest.Server, c *loopkit.Client, step func()) {
		s.Script(loopkittest.Tracks, loopkittest.Fault{Status: 429, RetryAfter: "120"})
		trackN(t, c, 1)
		time.Sleep(time.Minute)
		step()
		trackN(t, c, 1)
		time.Sleep(2 * time.Minute)
		requests := s.Requests()
		require.Len(t, requests, 3, "the two batches after the pause")
		assert.Equal(t, 120*time.Second, requests[1].Time.Sub(requests[0].Time))
	})
}

func TestAStepOfTheWallClockDoesNotShortenAQuarantine(t *testing.T) {
	eachStep(t, func(t *testing.T, s *loopkittest.Server, c *loopkit.Client, step func()) {
		s.Script(loopkittest.Tracks, loopkittest.Fault{Reset: true})
		require.NoError(t, c.Track(known("anon_1", "alice"), "e", nil))
		time.Sleep(5 * time.Second) // FlushInterval; the connection breaks
		synctest.Wait()
		broke := time.Now()
		d, err := c.DeleteUser(t.Context(), "alice")
		require.NoError(t, err)
		step()
		require.NoError(t, d.Wait(t.Context()))
		assert.Equal(t, time.Minute, time.Since(broke))
	})
}

func TestAStepOfTheWallClockNeitherFloodsNorSilencesTheLog(t *testing.T) {
	logger, log := newLog()
	lines := 0
	eachStep(t, func(t *testing.T, _ *loopkittest.Server, c *loopkit.Client, step func()) {
		for second := range 150 {
			require.ErrorIs(t, c.Track(t.Context(), "nobody's", nil), loopkit.ErrNoIdentity)
			if second == 30 {
				step()
			}
			time.Sleep(time.Second)
		}
		require.NoError(t, c.Close(t.Context()))
		lines += 4
		assert.Equal(t, lines, len(log.lines()), "one a minute, and one at Close for the rest")
	}, func(o *loopkit.Options) { o.Logger = logger })
}

func TestAStepOfTheWallClockLeavesCloseItsDeadline(t *testing.T) {
	eachStep(t, func(t *testing.T, s *loopkittest.Server, c *loopkit.Client, step func()) {
		s.FailAll(loopkittest.Tracks, loopkittest.Fault{Hang: true})
		trackN(t, c, 1)
		step()
		start := time.Now()
		require.Error(t, c.Close(t.Context()))
		assert.InDelta(t, 10*time.Second, time.Since(start), float64(100*time.Millisecond), "CloseTimeout")
	})
}

func TestAStepOfTheWallClockDoesNotMakeCloseGiveUp(t *testing.T) {
	eachStep(t, func(t *testing.T, s *loopkittest.Server, c *loopkit.Client, step func()) {
		busy := loopkittest.Fault{Status: 503, RetryAfter: "3"}
		s.Script(loopkittest.Tracks, busy, busy)
		trackN(t, c, 1)
		time.AfterFunc(time.Second, step)
		start := time.Now()
		require.NoError(t, c.Close(t.Context()))
		assert.Less(t, time.Since(start), 10*time.Second)
	})
}
