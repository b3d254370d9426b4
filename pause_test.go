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

// waitAfter is how long the client waits after the last of some answers; what it
// must wait after the ones before comes first.
func waitAfter(t *testing.T, answers ...loopkittest.Fault) time.Duration {
	s := loopkittest.NewTransport(t)
	s.Script(loopkittest.Tracks, answers...)
	c := newClient(t, s, func(o *loopkit.Options) { o.FlushInterval = time.Millisecond })
	trackN(t, c, 1)
	require.NoError(t, c.Flush(contextFor(t, 2*time.Hour)))
	requests := s.Requests()
	require.Len(t, requests, len(answers)+1)
	return requests[len(answers)].Time.Sub(requests[len(answers)-1].Time)
}

func TestTheWaitAfterAnAnswerIsTheLongerOfItsPauseAndTheBackoff(t *testing.T) {
	busy := func(status int, retryAfter string) loopkittest.Fault {
		return loopkittest.Fault{Status: status, RetryAfter: retryAfter}
	}
	const second = time.Second
	for name, row := range map[string]struct {
		answers     []loopkittest.Fault
		least, most time.Duration
	}{
		"no pause":                     {[]loopkittest.Fault{busy(429, "")}, second / 2, second * 3 / 2},
		"a pause of nothing":           {[]loopkittest.Fault{busy(429, "0")}, second / 2, second * 3 / 2},
		"a longer pause":               {[]loopkittest.Fault{busy(429, "40")}, 40 * second, 40 * second},
		"a longer pause of 503":        {[]loopkittest.Fault{busy(503, "40")}, 40 * second, 40 * second},
		"another status has no pause":  {[]loopkittest.Fault{busy(502, "40")}, second / 2, second * 3 / 2},
		"a pause longer than anybody":  {[]loopkittest.Fault{busy(503, "86400")}, 15 * time.Minute, 15 * time.Minute},
		"a pause that overflows":       {[]loopkittest.Fault{busy(429, "9223372036854775808")}, 15 * time.Minute, 15 * time.Minute},
		"a negative pause":             {[]loopkittest.Fault{busy(429, "-40")}, second / 2, second * 3 / 2},
		"a pause that is an exponent":  {[]loopkittest.Fault{busy(429, "1e308")}, second / 2, second * 3 / 2},
		"a pause that is no number":    {[]loopkittest.Fault{busy(429, "NaN")}, second / 2, second * 3 / 2},
		"a pause that has passed":      {[]loopkittest.Fault{busy(429, "Tue, 24 Nov 1992 12:00:00 GMT")}, second / 2, second * 3 / 2},
		"a shorter pause":              {[]loopkittest.Fault{busy(503, ""), busy(503, ""), busy(503, ""), busy(503, "1")}, 4 * second, 12 * second},
		"a backoff after a long pause": {[]loopkittest.Fault{busy(503, "40"), busy(503, "")}, second, 3 * second},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				wait := waitAfter(t, row.answers...)
				assert.GreaterOrEqual(t, wait, row.least)
				assert.LessOrEqual(t, wait, row.most)
			})
		})
	}
}

// A client that counts attempts loses its messages in an outage that is longer
// than it thought; one that splits for want of another idea floods the server.
func TestNoNumberOfRetriesDropsOrSplitsABatch(t *testing.T) {
	const messages, times = 20, 40
	for name, fault := range map[string]loopkittest.Fault{
		"408": {Status: 408}, "421": {Status: 421}, "425": {Status: 425}, "429": {Status: 429},
		"429 with a pause": {Status: 429, RetryAfter: "60"}, "502": {Status: 502}, "503": {Status: 503},
		"503 with a pause": {Status: 503, RetryAfter: "60"}, "504": {Status: 504}, "507": {Status: 507}, "599": {Status: 599},
		"reset": {Reset: true}, "hang": {Hang: true},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := loopkittest.NewTransport(t)
				for range times {
					s.Script(loopkittest.Tracks, fault)
					s.Script(loopkittest.Identifies, fault)
				}
				c := newClient(t, s, func(o *loopkit.Options) { o.MaxAge = -1 })
				trackN(t, c, messages)
				for range messages {
					require.NoError(t, c.Identify(visitor("anon_1"), "user_1", nil))
				}
				require.NoError(t, c.Flush(context.Background()))
				stats := requireBalanced(t, c)
				assert.Equal(t, int64(2*messages), stats.Delivered)
				assert.Equal(t, int64(2*times), stats.Retries)
				for _, r := range s.Requests() {
					if r.Status == 200 {
						assert.Equal(t, messages, r.Messages)
					}
				}
			})
		})
	}
}

func TestAPauseIsThatOfItsEndpointAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := loopkittest.NewTransport(t)
		s.FailAll(loopkittest.Tracks, loopkittest.Fault{Status: 429, RetryAfter: "600"})
		c := newClient(t, s)
		trackN(t, c, 1)
		time.Sleep(6 * time.Second)
		require.Contains(t, c.Stats().Failing, "tracks")
		start := time.Now()
		require.NoError(t, c.Identify(visitor("anon_1"), "user_1", nil))
		require.NoError(t, c.Group(known("anon_1", "user_1"), "team_1", nil))
		require.NoError(t, deleteUser(t, c, "user_2").Wait(t.Context()))
		require.ErrorContains(t, c.Flush(contextFor(t, time.Second)), "429")
		assert.Equal(t, time.Second, time.Since(start))
		assert.Len(t, s.Messages(), 3)
		assert.Equal(t, int64(1), requireBalanced(t, c).Pending)
	})
}
