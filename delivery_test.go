package loopkit_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	loopkit "github.com/loopkitai/loopkit-go"
	"github.com/loopkitai/loopkit-go/loopkittest"
)

func trackN(t testing.TB, c *loopkit.Client, n int) {
	t.Helper()
	for i := range n {
		require.NoError(t, c.Track(visitor("anon_1"), "page_view", loopkit.Properties{"n": i}))
	}
}

func TestCloseDeliversAfterOne503(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := loopkittest.NewTransport(t)
		s.Script(loopkittest.Tracks, loopkittest.Fault{Status: 503})
		c := newClient(t, s)
		trackN(t, c, 50)

		require.NoError(t, c.Close(t.Context()))
		assert.Len(t, s.Messages(), 50)
		assert.Equal(t, int64(1), requireBalanced(t, c).Retries)
	})
}

func TestRetriesBackOffExponentiallyWithJitter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := loopkittest.NewTransport(t)
		s.FailAll(loopkittest.Tracks, loopkittest.Fault{Status: 503})
		c := newClient(t, s, func(o *loopkit.Options) { o.FlushInterval = time.Millisecond })
		trackN(t, c, 1)
		time.Sleep(10 * time.Minute)

		requests := s.Requests()
		require.Greater(t, len(requests), 15)
		var longest []time.Duration // those around RetryMax
		for i := 1; i < len(requests); i++ {
			wait := requests[i].Time.Sub(requests[i-1].Time)
			if i > 5 {
				longest = append(longest, wait)
			}
			interval := min(time.Second<<(i-1), 30*time.Second)
			assert.GreaterOrEqual(t, wait, interval/2, "wait %d", i)
			assert.LessOrEqual(t, wait, interval*3/2+time.Millisecond, "wait %d", i)
		}
		assert.Greater(t, slices.Max(longest)-slices.Min(longest), 5*time.Second, "no two clients wait alike")
	})
}

func TestAnOutageSeesOneProbeAndNotOneRequestASender(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := loopkittest.NewTransport(t)
		s.FailAll(loopkittest.Tracks, loopkittest.Fault{Status: 503, Delay: 10 * time.Millisecond})
		c := newClient(t, s, func(o *loopkit.Options) { o.BatchSize = 1 })
		trackN(t, c, 20)
		synctest.Wait()
		time.Sleep(400 * time.Millisecond)
		assert.Len(t, s.Requests(), 4, "MaxInFlight, before anybody knew")

		time.Sleep(3 * time.Second)
		assert.LessOrEqual(t, len(s.Requests()), 7)
		s.Heal()
		require.NoError(t, c.Close(t.Context()))
		assert.Len(t, s.Messages(), 20)
	})
}

func TestA429WithoutRetryAfterGetsAtMostFourRequestsInTwoSeconds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := loopkittest.NewTransport(t)
		s.FailAll(loopkittest.Tracks, loopkittest.Fault{Status: 429})
		c := newClient(t, s, func(o *loopkit.Options) { o.FlushInterval = time.Millisecond })
		trackN(t, c, 1)
		time.Sleep(2 * time.Second)
		assert.LessOrEqual(t, len(s.Requests()), 4)
		assert.Zero(t, sumDropped(requireBalanced(t, c)))
	})
}

func TestRetryAfterClosesTheGateForThatLong(t *testing.T) {
	for _, c := range []struct {
		name   string
		status int
		header func() string
	}{
		{"seconds of a 429", 429, func() string { return "120" }},
		{"seconds of a 503", 503, func() string { return "120" }},
		{"date of a 429", 429, func() string { return time.Now().Add(120 * time.Second).UTC().Format(http.TimeFormat) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := loopkittest.NewTransport(t)
				client := newClient(t, s, func(o *loopkit.Options) { o.FlushInterval = time.Second })
				trackN(t, client, 1)
				s.Script(loopkittest.Tracks, loopkittest.Fault{Status: c.status, RetryAfter: c.header()})
				time.Sleep(119 * time.Second)
				require.Len(t, s.Requests(), 1)
				time.Sleep(3 * time.Second)
				require.Len(t, s.Requests(), 2)
				wait := s.Requests()[1].Time.Sub(s.Requests()[0].Time)
				assert.InDelta(t, 120, wait.Seconds(), 1)
			})
		})
	}
}

func TestOnePoisonMessageIsIsolatedAndDropped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := loopkittest.NewTransport(t)
		s.FailAll(loopkittest.Tracks, loopkittest.Fault{
			Status: 400,
			If:     func(body []byte) bool { return bytes.Contains(body, []byte("poison")) },
		})
		var drops []loopkit.Drop
		c := newClient(t, s, func(o *loopkit.Options) {
			o.Hooks.Dropped = func(_ context.Context, d loopkit.Drop) {
				d.Messages = [][]byte{bytes.Clone(d.Messages[0])}
				drops = append(drops, d)
			}
		})
		for i := range 100 {
			name := fmt.Sprintf("event_%d", i)
			if i == 61 {
				name = "poison"
			}
			require.NoError(t, c.Track(visitor("anon_1"), name, nil))
		}

		var undelivered *loopkit.UndeliveredError
		require.ErrorAs(t, c.Close(t.Context()), &undelivered)
		assert.Equal(t, int64(1), undelivered.Dropped)
		assert.Zero(t, undelivered.Pending)
		var answer *loopkit.APIError
		require.ErrorAs(t, undelivered, &answer)
		assert.Equal(t, 400, answer.StatusCode)

		assert.LessOrEqual(t, len(s.Requests()), 16)
		seen := map[string]int{}
		for _, m := range s.Messages() {
			seen[m.Name]++
		}
		assert.Len(t, seen, 99)
		for name, n := range seen {
			assert.Equal(t, 1, n, name)
		}
		stats := requireBalanced(t, c)
		assert.Equal(t, map[loopkit.Reason]int64{loopkit.ReasonRejected: 1}, stats.Dropped)
		require.Len(t, drops, 1)
		assert.Equal(t, loopkit.ReasonRejected, drops[0].Reason)
		var lost struct{ Name string }
		require.NoError(t, json.Unmarshal(drops[0].Messages[0], &lost))
		assert.Equal(t, "poison", lost.Name)
	})
}

func TestA413SplitsUntilItFitsAndIsRemembered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := loopkittest.NewTransport(t)
		const limit = 4 << 10
		s.FailAll(loopkittest.Tracks, loopkittest.Fault{Status: 413, If: func(body []byte) bool { return len(body) > limit }})
		c := newClient(t, s)
		trackN(t, c, 100)
		require.NoError(t, c.Flush(t.Context()))
		assert.Len(t, s.Messages(), 100)

		before := len(s.Requests())
		trackN(t, c, 100)
		require.NoError(t, c.Flush(t.Context()))
		assert.Len(t, s.Messages(), 200)
		for _, r := range s.Requests()[before:] {
			assert.Equal(t, 200, r.Status, "later batches are sealed below the refused size")
		}
	})
}

func TestA413ForOneMessageDropsItAsTooLarge(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := loopkittest.NewTransport(t)
		s.FailAll(loopkittest.Any, loopkittest.Fault{Status: 413, If: func(body []byte) bool { return len(body) > 1000 }})
		c := newClient(t, s)
		require.NoError(t, c.Track(visitor("anon_1"), "large", loopkit.Properties{"text": strings.Repeat("x", 2000)}))
		trackN(t, c, 3)
		require.Error(t, c.Flush(t.Context()))
		assert.Equal(t, map[loopkit.Reason]int64{loopkit.ReasonTooLarge: 1}, requireBalanced(t, c).Dropped)
		assert.Len(t, s.Messages(), 3)
	})
}

func TestA415OnCompressedBodiesTurnsCompressionOffForGood(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := loopkittest.NewTransport(t)
		c := newClient(t, s, func(o *loopkit.Options) { o.Compression = loopkit.Gzip })
		trackN(t, c, 10)
		require.NoError(t, c.Flush(t.Context()))
		require.Equal(t, "gzip", s.Requests()[0].Compression)

		s.Script(loopkittest.Tracks, loopkittest.Fault{Status: 415})
		for range 2 {
			trackN(t, c, 10)
			require.NoError(t, c.Flush(t.Context()))
		}
		requests := s.Requests()
		require.Len(t, requests, 4)
		assert.Equal(t, []string{"gzip", "gzip", "", ""}, []string{
			requests[0].Compression, requests[1].Compression, requests[2].Compression, requests[3].Compression})
		assert.Len(t, s.Messages(), 30)
	})
}

func TestSeveralCompressedRequestsThatAreAnswered415AtOnceLoseNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := loopkittest.NewTransport(t)
		for range 4 {
			s.Script(loopkittest.Tracks, loopkittest.Fault{Status: 415, Delay: time.Second})
		}
		c := newClient(t, s, func(o *loopkit.Options) { o.Compression, o.BatchSize = loopkit.Gzip, 1 })
		trackN(t, c, 8)
		require.NoError(t, c.Close(t.Context()))
		assert.Len(t, s.Messages(), 8)
	})
}

func TestA409CountsAsDeliveredOnlyAfterAnUnansweredAttempt(t *testing.T) {
	t.Run("after a lost answer", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			s := loopkittest.NewTransport(t)
			s.Script(loopkittest.Tracks,
				loopkittest.Fault{Store: true, Reset: true},
				loopkittest.Fault{Status: 409})
			c := newClient(t, s)
			trackN(t, c, 5)
			require.NoError(t, c.Close(t.Context()))
			assert.Equal(t, int64(5), requireBalanced(t, c).Delivered)
		})
	})
	t.Run("at the first attempt", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			s := loopkittest.NewTransport(t)
			s.Script(loopkittest.Tracks, loopkittest.Fault{Status: 409})
			c := newClient(t, s)
			trackN(t, c, 1)
			require.Error(t, c.Close(t.Context()))
			assert.Equal(t, map[loopkit.Reason]int64{loopkit.ReasonRejected: 1}, requireBalanced(t, c).Dropped)
		})
	})
}

func TestABatchThatIsAnswered500FiveTimesIsSplit(t *testing.T) {
	crashes := func(body []byte) bool { return bytes.Contains(body, []byte("crash")) }
	t.Run("a track that crashes the server does not stop the others", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			s := loopkittest.NewTransport(t)
			s.FailAll(loopkittest.Tracks, loopkittest.Fault{Status: 500, If: crashes})
			c := newClient(t, s)
			for _, name := range []string{"one", "crash", "three", "four"} {
				require.NoError(t, c.Track(visitor("anon_1"), name, nil))
			}
			ctx, cancel := context.WithTimeout(t.Context(), 30*time.Minute)
			defer cancel()
			require.ErrorIs(t, c.Flush(ctx), context.DeadlineExceeded)
			assert.Len(t, s.Messages(), 3)
			stats := requireBalanced(t, c)
			assert.Equal(t, int64(1), stats.Pending, "it goes on being tried, behind the others, until MaxAge")
			time.Sleep(time.Hour)
			assert.Equal(t, map[loopkit.Reason]int64{loopkit.ReasonExpired: 1}, requireBalanced(t, c).Dropped)
		})
	})
	t.Run("an identify that crashes the server is dropped after ten", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			s := loopkittest.NewTransport(t)
			s.FailAll(loopkittest.Identifies, loopkittest.Fault{Status: 500, If: crashes})
			c := newClient(t, s)
			require.NoError(t, c.Identify(visitor("anon_1"), "user_1", loopkit.Traits{"plan": "crash"}))
			require.NoError(t, c.Identify(visitor("anon_2"), "user_2", nil))
			require.Error(t, c.Flush(t.Context()))
			assert.Equal(t, map[loopkit.Reason]int64{loopkit.ReasonRejected: 1}, requireBalanced(t, c).Dropped)
			assert.Len(t, s.Messages(), 1)
			assert.Len(t, s.Requests(), 5+10+1)
		})
	})
	t.Run("502 is an outage and never splits", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			s := loopkittest.NewTransport(t)
			s.FailAll(loopkittest.Tracks, loopkittest.Fault{Status: 502})
			c := newClient(t, s)
			trackN(t, c, 4)
			ctx, cancel := context.WithTimeout(t.Context(), 30*time.Minute)
			defer cancel()
			require.Error(t, c.Flush(ctx))
			s.Heal()
			require.NoError(t, c.Flush(t.Context()))
			last := s.Requests()[len(s.Requests())-1]
			assert.Equal(t, 4, last.Messages)
		})
	})
}

func TestTwentyRefusedSinglesInARowHaltTheEndpoint(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := loopkittest.NewTransport(t)
		s.FailAll(loopkittest.Tracks, loopkittest.Fault{Status: 422})
		c := newClient(t, s, func(o *loopkit.Options) { o.MaxInFlight = 1 })
		trackN(t, c, 100)
		require.Error(t, c.Flush(t.Context()))
		stats := requireBalanced(t, c)
		assert.Equal(t, map[loopkit.Reason]int64{loopkit.ReasonRejected: 20}, stats.Dropped)
		assert.Equal(t, int64(80), stats.Pending)
		assert.ErrorContains(t, stats.Halted["tracks"], "Options.Dialect")
		for range 5 {
			time.Sleep(2 * time.Second)
			require.Error(t, c.Flush(t.Context()))
		}
		time.Sleep(20 * time.Minute)
		assert.Equal(t, int64(80), requireBalanced(t, c).Pending, "nothing is dropped while it is halted")

		s.Heal()
		time.Sleep(6 * time.Minute)
		stats = requireBalanced(t, c)
		assert.Zero(t, stats.Pending)
		assert.Empty(t, stats.Halted)
		assert.Len(t, s.Messages(), 80)
	})
}

func TestMessagesOlderThanMaxAgeExpire(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := loopkittest.NewTransport(t)
		s.FailAll(loopkittest.Tracks, loopkittest.Fault{Status: 503})
		c := newClient(t, s, func(o *loopkit.Options) { o.MaxAge = 10 * time.Minute })
		trackN(t, c, 3)
		time.Sleep(5 * time.Minute)
		trackN(t, c, 2)
		time.Sleep(5*time.Minute + 35*time.Second) // a probe may be under way at the moment itself
		assert.Equal(t, map[loopkit.Reason]int64{loopkit.ReasonExpired: 3}, requireBalanced(t, c).Dropped)
		s.Heal()
		require.NoError(t, c.Flush(t.Context()))
		assert.Len(t, s.Messages(), 2)
	})
}

func TestAGroupIsSentOnlyAfterTheIdentifiesBeforeIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := loopkittest.NewTransport(t, loopkittest.Strict())
		s.Script(loopkittest.Identifies, loopkittest.Fault{Status: 503}, loopkittest.Fault{Status: 503})
		c := newClient(t, s)
		require.NoError(t, c.Identify(visitor("anon_1"), "user_1", nil))
		require.NoError(t, c.Group(known("anon_1", "user_1"), "team_1", nil))
		require.NoError(t, c.Flush(t.Context()))
		messages := s.Messages()
		require.Len(t, messages, 2)
		assert.Equal(t, loopkittest.KindIdentify, messages[0].Kind)
		assert.Equal(t, loopkittest.KindGroup, messages[1].Kind)
		for _, r := range s.Requests()[:3] {
			assert.Equal(t, loopkittest.Identifies, r.Endpoint)
		}
	})
}

func TestAGroupDoesNotWaitForIdentifiesWhoseEndpointIsHalted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := loopkittest.NewTransport(t)
		s.FailAll(loopkittest.Identifies, loopkittest.Fault{Status: 403})
		c := newClient(t, s)
		require.NoError(t, c.Identify(visitor("anon_1"), "user_1", nil))
		require.NoError(t, c.Group(known("anon_1", "user_1"), "team_1", nil))
		require.Error(t, c.Flush(t.Context()))
		assert.Len(t, s.MessagesOf(loopkittest.KindGroup), 1)
	})
}

func TestTracksNeverWaitForIdentifies(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := loopkittest.NewTransport(t)
		s.FailAll(loopkittest.Identifies, loopkittest.Fault{Hang: true})
		c := newClient(t, s)
		require.NoError(t, c.Identify(visitor("anon_1"), "user_1", nil))
		trackN(t, c, 1)
		time.Sleep(5 * time.Second)
		synctest.Wait()
		assert.Len(t, s.MessagesOf(loopkittest.KindTrack), 1)
	})
}
