package loopkit_test

import (
	"bytes"
	"context"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	loopkit "github.com/loopkitai/loopkit-go"
	"github.com/loopkitai/loopkit-go/loopkittest"
)

func TestAGroupSendsTheIdentifiesBeforeItWhenItsOwnIntervalEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := loopkittest.NewTransport(t)
		c := newClient(t, s)
		start := time.Now()
		require.NoError(t, c.Group(known("anon_1", "user_1"), "team_1", nil))
		time.Sleep(4 * time.Second)
		require.NoError(t, c.Identify(visitor("anon_2"), "user_2", nil))
		time.Sleep(2 * time.Second)
		require.Len(t, s.Requests(), 2)
		assert.Equal(t, 5*time.Second, s.Requests()[1].Time.Sub(start))
	})
}

func TestAMessageAboutTwoUnderDeletionFollowsBoth(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := loopkittest.NewTransport(t)
		s.Script(loopkittest.UserDeletions, loopkittest.Fault{Reset: true}) // so it may be executed for a minute
		c := newClient(t, s, func(o *loopkit.Options) { o.BatchSize = 1 })
		start := time.Now()
		deleteUser(t, c, "user_1")
		_, err := c.DeleteGroup(t.Context(), "team_1")
		require.NoError(t, err)
		require.NoError(t, c.Identify(visitor("anon_1"), "user_1", nil))
		require.NoError(t, c.Group(known("anon_1", "user_1"), "team_1", nil))
		require.NoError(t, c.Flush(t.Context()))
		assert.Equal(t, time.Minute, time.Since(start))
		messages := s.Messages()
		assert.Equal(t, loopkittest.KindIdentify, messages[len(messages)-2].Kind)
		assert.Equal(t, loopkittest.KindGroup, messages[len(messages)-1].Kind)
	})
}

func TestWhatADeletionHeldFollowsAnotherThatHasFallenBehindIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := loopkittest.NewTransport(t)
		s.FailAll(loopkittest.UserDeletions, loopkittest.Fault{Status: 500})
		c := newClient(t, s)
		user := deleteUser(t, c, "user_1") // lets others go first after five failures
		group, err := c.DeleteGroup(t.Context(), "team_1")
		require.NoError(t, err)
		require.NoError(t, c.Group(known("anon_1", "user_1"), "team_1", nil))
		require.NoError(t, c.Group(known("anon_2", "user_2"), "team_1", nil))
		require.NoError(t, group.Wait(t.Context()))
		time.Sleep(time.Minute)
		require.Len(t, s.MessagesOf(loopkittest.KindGroup), 1)
		assert.Equal(t, "user_2", s.MessagesOf(loopkittest.KindGroup)[0].UserID, "who was not under deletion")

		s.Heal()
		require.NoError(t, user.Wait(t.Context()))
		require.NoError(t, c.Flush(t.Context()))
		assert.Len(t, s.MessagesOf(loopkittest.KindGroup), 2)
	})
}

func TestAGroupFollowsAHeldIdentifyOfTheSameAnonymousID(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := loopkittest.NewTransport(t)
		s.Script(loopkittest.UserDeletions, loopkittest.Fault{Status: 429})
		c := newClient(t, s, func(o *loopkit.Options) { o.BatchSize = 1 })
		deleteUser(t, c, "user_1")
		require.NoError(t, c.Identify(visitor("anon_1"), "user_1", nil))
		require.NoError(t, c.Group(visitor("anon_1"), "team_1", nil))
		require.NoError(t, c.Flush(t.Context()))
		assert.Equal(t, loopkittest.KindGroup, s.Messages()[2].Kind)
	})
}

func TestWhatIsLeftOfABatchIsNotJudgedByTheAnswerToTheWhole(t *testing.T) {
	for _, status := range []int{400, 409, 413, 415} {
		for _, dialect := range []loopkit.Dialect{loopkit.DialectAuto, loopkit.DialectEnvelopes} {
			synctest.Test(t, func(t *testing.T) {
				s := loopkittest.NewTransport(t)
				s.FailAll(loopkittest.Identifies, loopkittest.Fault{Status: status, Delay: time.Second,
					If: func(body []byte) bool { return bytes.Contains(body, []byte("poison")) }})
				c := newClient(t, s, func(o *loopkit.Options) { o.BatchSize, o.Dialect = 2, dialect })
				require.NoError(t, c.Identify(visitor("anon_1"), "user_1", loopkit.Traits{"plan": "poison"}))
				require.NoError(t, c.Identify(visitor("anon_2"), "user_2", nil))
				synctest.Wait()
				deleteUser(t, c, "user_1")
				require.NoError(t, c.Flush(t.Context()))
				assert.Equal(t, map[loopkit.Reason]int64{loopkit.ReasonDeleted: 1}, requireBalanced(t, c).Dropped, "%d %v", status, dialect)
			})
		}
	}
}

func TestADeletionThatKeepsFailingDoesNotStopTheOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := loopkittest.NewTransport(t)
		c := newClient(t, s, func(o *loopkit.Options) {
			next := o.HTTPClient.Transport
			o.HTTPClient.Transport = transportFunc(func(r *http.Request) (*http.Response, error) {
				answer, err := next.RoundTrip(r)
				if err == nil && strings.HasSuffix(r.URL.Path, "/poison") {
					answer.StatusCode = 500
				}
				return answer, err
			})
		})
		poisoned := deleteUser(t, c, "poison")
		other := deleteUser(t, c, "user_2")
		require.NoError(t, c.Track(known("anon_2", "user_2"), "signed_up_again", nil))
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
		defer cancel()
		require.NoError(t, other.Wait(ctx))
		time.Sleep(10 * time.Second)
		assert.Len(t, s.MessagesOf(loopkittest.KindTrack), 1, "nor what they hold")
		require.ErrorContains(t, poisoned.Wait(ctx), "500")
	})
}

func TestADeletionMayUseTheRoomThatItMakes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newClient(t, stalled(t), func(o *loopkit.Options) { o.QueueSize = 10 })
		for range 10 {
			require.NoError(t, c.Identify(visitor("anon_1"), "user_1", nil))
		}
		_, err := c.DeleteUser(t.Context(), "nobody")
		require.ErrorIs(t, err, loopkit.ErrQueueFull)
		deleteUser(t, c, "user_1")
	})
}

func TestAgeCountsFromTheAcceptanceAlsoAfterBlocking(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newClient(t, stalled(t), func(o *loopkit.Options) { o.QueueSize, o.Overflow = 10, loopkit.Block })
		trackN(t, c, 9)
		time.Sleep(time.Second)
		start := time.Now()
		require.NoError(t, c.Track(visitor("anon_1"), "late", nil)) // when the nine expire
		require.Greater(t, time.Since(start), 59*time.Minute)
		time.Sleep(59 * time.Minute)
		assert.Equal(t, int64(1), requireBalanced(t, c).Pending)
	})
}

func TestAgeIsThatOfTheMessageHoweverLongItsBatchLives(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := loopkittest.NewTransport(t)
		s.FailAll(loopkittest.UserDeletions, loopkittest.Fault{Status: 401})
		c := newClient(t, s, func(o *loopkit.Options) { o.MaxAge = 72 * time.Hour })
		deleteUser(t, c, "user_1") // what follows is held, in one batch that old messages leave
		for i := range 70 {        // longer than 32 bits of milliseconds
			require.NoError(t, c.Track(known("anon_1", "user_1"), "page_view", nil))
			time.Sleep(20 * time.Hour)
			if i > 3 {
				require.Equal(t, int64(1+3), requireBalanced(t, c).Pending, "the deletion and three days")
			}
		}
	})
}

func TestOneTooLargeMessageDoesNotMakeBatchesSmall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := loopkittest.NewTransport(t)
		s.FailAll(loopkittest.Tracks, loopkittest.Fault{Status: 413, If: func(body []byte) bool { return bytes.Contains(body, []byte("huge")) }})
		c := newClient(t, s)
		trackN(t, c, 500)
		require.NoError(t, c.Track(visitor("anon_1"), "huge", nil))
		trackN(t, c, 499)
		require.Error(t, c.Flush(t.Context()))
		before := len(s.Requests())
		trackN(t, c, 1000)
		require.NoError(t, c.Flush(t.Context()))
		assert.Len(t, s.Requests(), before+1)
	})
}

func TestCloseAfterCloseReturnsItsErrorEvenIfTheContextHasEnded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newClient(t, loopkittest.NewTransport(t))
		trackN(t, c, 1)
		require.NoError(t, c.Close(t.Context()))
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		for range 100 {
			require.NoError(t, c.Close(ctx))
		}
	})
}
