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

func deleteUser(t testing.TB, c *loopkit.Client, userID string) *loopkit.Deletion {
	t.Helper()
	d, err := c.DeleteUser(context.Background(), userID)
	require.NoError(t, err)
	return d
}

func TestADeletionIsSentAtOnceAndItsWaitEndsWithTheServersSuccess(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := loopkittest.NewTransport(t)
		c := newClient(t, s)
		require.NoError(t, c.Identify(visitor("anon_1"), "user 1/ä", nil))
		require.NoError(t, c.Flush(t.Context()))

		require.NoError(t, deleteUser(t, c, "user 1/ä").Wait(t.Context()))
		person, ok := s.Person("user 1/ä")
		require.True(t, ok)
		assert.True(t, person.Deleted)

		d, err := c.DeleteGroup(t.Context(), "team_1")
		require.NoError(t, err)
		require.NoError(t, d.Wait(t.Context()))
		<-d.Done()

		requests := s.Requests()
		assert.Equal(t, "DELETE", requests[1].Method)
		assert.Equal(t, "/v1/users/user%201%2F%C3%A4", requests[1].Path)
		assert.Equal(t, "/v1/groups/team_1", requests[2].Path)
		assert.Equal(t, int64(3), requireBalanced(t, c).Delivered)
	})
}

func TestADeletionPurgesThePersonsUnsentMessagesAndNobodyElses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := loopkittest.NewTransport(t)
		c := newClient(t, s)
		for _, user := range []string{"user_1", "user_2", "user_1"} {
			require.NoError(t, c.Identify(visitor("anon_"+user), user, nil))
			require.NoError(t, c.Group(known("anon_"+user, user), "team_1", nil))
			require.NoError(t, c.Track(known("", user), "page_view", nil))
		}
		d := deleteUser(t, c, "user_1")
		stats := requireBalanced(t, c)
		assert.Equal(t, map[loopkit.Reason]int64{loopkit.ReasonDeleted: 6}, stats.Dropped)
		require.NoError(t, d.Wait(t.Context()))
		require.NoError(t, c.Flush(t.Context()), "what a deletion drops is no failure")
		for _, m := range s.Messages() {
			if m.Kind != loopkittest.KindDeleteUser {
				assert.Equal(t, "user_2", m.UserID)
			}
		}
		assert.Len(t, s.Messages(), 4)
	})
}

func TestADeletedGroupPurgesOnlyItsGroupCalls(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := loopkittest.NewTransport(t)
		c := newClient(t, s)
		require.NoError(t, c.Group(known("anon_1", "user_1"), "team_1", nil))
		require.NoError(t, c.Group(known("anon_1", "user_1"), "team_2", nil))
		trackN(t, c, 1)
		_, err := c.DeleteGroup(t.Context(), "team_1")
		require.NoError(t, err)
		require.NoError(t, c.Flush(t.Context()))
		assert.Len(t, s.Messages(), 3)
		assert.Equal(t, "team_2", s.MessagesOf(loopkittest.KindGroup)[0].GroupID)
	})
}

func TestADeletionWaitsForAttemptsThatMayCarryThePerson(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := loopkittest.NewTransport(t)
		s.Script(loopkittest.Tracks, loopkittest.Fault{Delay: 3 * time.Second})
		c := newClient(t, s, func(o *loopkit.Options) { o.BatchSize = 1 })
		require.NoError(t, c.Track(known("anon_1", "user_1"), "page_view", nil))
		synctest.Wait()
		start := time.Now()
		d := deleteUser(t, c, "user_1")
		// A request that begins later cannot carry the person and is no reason to wait.
		s.Script(loopkittest.Tracks, loopkittest.Fault{Delay: 9 * time.Second})
		require.NoError(t, c.Track(known("anon_2", "user_2"), "page_view", nil))
		require.NoError(t, d.Wait(t.Context()))
		assert.Equal(t, 3*time.Second, time.Since(start))
		person, _ := s.Person("user_1")
		assert.True(t, person.Deleted, "the track arrived before")
	})
}

func TestABatchThatComesBackIsThinnedOfWhoeverIsUnderDeletion(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := loopkittest.NewTransport(t)
		s.Script(loopkittest.Tracks, loopkittest.Fault{Status: 429, Delay: time.Second})
		c := newClient(t, s, func(o *loopkit.Options) { o.BatchSize = 3 })
		for _, user := range []string{"user_1", "user_2", "user_3"} {
			require.NoError(t, c.Track(known("anon_"+user, user), "page_view", nil))
		}
		synctest.Wait()
		d := deleteUser(t, c, "user_2")
		assert.Zero(t, sumDropped(c.Stats()), "it is in flight")
		require.NoError(t, d.Wait(t.Context()))
		require.NoError(t, c.Flush(t.Context()))
		var users []string
		for _, m := range s.MessagesOf(loopkittest.KindTrack) {
			users = append(users, m.UserID)
		}
		assert.Equal(t, []string{"user_1", "user_3"}, users)
		assert.Equal(t, map[loopkit.Reason]int64{loopkit.ReasonDeleted: 1}, requireBalanced(t, c).Dropped)
	})
}

func TestAnUnansweredAttemptQuarantinesTheDeletion(t *testing.T) {
	for name, fault := range map[string]loopkittest.Fault{
		"reset":                {Reset: true},
		"lost answer":          {Reset: true, Store: true},
		"500":                  {Status: 500},
		"503":                  {Status: 503},
		"408":                  {Status: 408},
		"hangs until it times": {Hang: true},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := loopkittest.NewTransport(t)
				s.Script(loopkittest.Tracks, fault)
				c := newClient(t, s, func(o *loopkit.Options) { o.BatchSize = 1 })
				require.NoError(t, c.Track(known("anon_1", "user_1"), "page_view", nil))
				time.Sleep(20 * time.Second) // it failed, and the retry was delivered
				ended := s.Requests()[0].Time
				if fault.Hang {
					ended = ended.Add(10 * time.Second)
				}
				require.NoError(t, deleteUser(t, c, "user_1").Wait(t.Context()))
				last := s.Requests()[len(s.Requests())-1]
				assert.Equal(t, "DELETE", last.Method)
				assert.Equal(t, time.Minute, last.Time.Sub(ended))
			})
		})
	}
}

func TestAnAttemptThatGoesUnansweredDuringTheFenceQuarantinesToo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := loopkittest.NewTransport(t)
		s.Script(loopkittest.Tracks, loopkittest.Fault{Hang: true})
		c := newClient(t, s, func(o *loopkit.Options) { o.BatchSize = 1 })
		require.NoError(t, c.Track(known("anon_1", "user_1"), "page_view", nil))
		time.Sleep(5 * time.Second)
		start := time.Now()
		require.NoError(t, deleteUser(t, c, "user_1").Wait(t.Context()))
		assert.Equal(t, 65*time.Second, time.Since(start), "it timed out after 5 more seconds")
		assert.Len(t, s.Messages(), 1, "the track was not sent again")
	})
}

func TestAnUnansweredAttemptThatBeganLaterDoesNotDelayADeletion(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := loopkittest.NewTransport(t)
		s.Script(loopkittest.Tracks, loopkittest.Fault{Delay: 2 * time.Second}, loopkittest.Fault{Reset: true})
		c := newClient(t, s, func(o *loopkit.Options) { o.BatchSize = 1 })
		require.NoError(t, c.Track(known("anon_1", "user_1"), "page_view", nil))
		synctest.Wait()
		start := time.Now()
		d := deleteUser(t, c, "user_1")
		require.NoError(t, c.Track(known("anon_2", "user_2"), "page_view", nil))
		require.NoError(t, d.Wait(t.Context()))
		assert.Equal(t, 2*time.Second, time.Since(start))
	})
}

func TestCloseWaitsForHeldMessagesOnlyIfTheyCouldGoBeforeItsDeadline(t *testing.T) {
	for _, c := range []struct{ deadline, takes time.Duration }{
		{2 * time.Minute, time.Minute},
		{30 * time.Second, 0},
	} {
		synctest.Test(t, func(t *testing.T) {
			s := loopkittest.NewTransport(t)
			s.Script(loopkittest.UserDeletions, loopkittest.Fault{Reset: true})
			client := newClient(t, s)
			start := time.Now()
			require.NoError(t, deleteUser(t, client, "user_1").Wait(t.Context())) // held for a minute
			took := time.Since(start)
			require.NoError(t, client.Track(known("anon_1", "user_1"), "page_view", nil))
			ctx, cancel := context.WithTimeout(t.Context(), c.deadline)
			defer cancel()
			err := client.Close(ctx)
			if c.takes > 0 {
				require.NoError(t, err)
				assert.Equal(t, c.takes, time.Since(start))
				return
			}
			require.Error(t, err)
			assert.Less(t, time.Since(start)-took, time.Second)
		})
	}
}

func TestAnAnsweredFailureDoesNotQuarantine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := loopkittest.NewTransport(t)
		s.Script(loopkittest.Tracks, loopkittest.Fault{Status: 429})
		c := newClient(t, s, func(o *loopkit.Options) { o.BatchSize = 1 })
		trackN(t, c, 1)
		synctest.Wait()
		start := time.Now()
		require.NoError(t, deleteUser(t, c, "user_1").Wait(t.Context()))
		assert.Zero(t, time.Since(start))
	})
}

func TestMessagesAboutADeletedPersonFollowTheDeletion(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := loopkittest.NewTransport(t)
		s.FailAll(loopkittest.UserDeletions, loopkittest.Fault{Status: 429})
		c := newClient(t, s, func(o *loopkit.Options) { o.BatchSize = 2 })
		deleteUser(t, c, "user_1")
		synctest.Wait()
		require.NoError(t, c.Identify(visitor("anon_new"), "user_1", nil))
		require.NoError(t, c.Group(known("anon_new", "user_1"), "team_1", nil))
		for range 5 {
			require.NoError(t, c.Track(known("anon_new", "user_1"), "page_view", nil))
		}
		require.NoError(t, c.Track(known("anon_2", "user_2"), "page_view", nil))

		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		var undelivered *loopkit.UndeliveredError
		require.ErrorAs(t, c.Flush(ctx), &undelivered)
		assert.Equal(t, int64(8), undelivered.Pending, "the deletion and what it holds")
		require.Len(t, s.Messages(), 1)
		assert.Equal(t, "user_2", s.Messages()[0].UserID, "other people's messages never wait")

		s.Heal()
		require.NoError(t, c.Flush(t.Context()))
		messages := s.Messages()
		require.Len(t, messages, 9)
		assert.Equal(t, loopkittest.KindDeleteUser, messages[1].Kind)
		var identified bool
		for _, m := range messages[2:] {
			identified = identified || m.Kind == loopkittest.KindIdentify
			if m.Kind == loopkittest.KindGroup {
				assert.True(t, identified, "the order of held identifies and groups is kept")
			}
		}
		person, _ := s.Person("user_1")
		assert.True(t, person.RecreatedAfterDeletion, "a new signup exists afterwards")
	})
}

func TestHeldMessagesWaitTheQuarantineOfAnUnansweredDeletion(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := loopkittest.NewTransport(t)
		s.Script(loopkittest.UserDeletions, loopkittest.Fault{Reset: true})
		c := newClient(t, s, func(o *loopkit.Options) { o.BatchSize = 1 })
		start := time.Now()
		d := deleteUser(t, c, "user_1")
		require.NoError(t, c.Track(known("anon_1", "user_1"), "page_view", nil))
		require.NoError(t, d.Wait(t.Context()))
		assert.Less(t, time.Since(start), 2*time.Second, "the retry of a deletion itself does not wait")
		assert.Equal(t, int64(1), c.Stats().Pending)
		require.NoError(t, c.Flush(t.Context()))
		assert.Equal(t, time.Minute, time.Since(start))
		person, _ := s.Person("user_1")
		assert.True(t, person.RecreatedAfterDeletion)
	})
}

func TestASecondDeletionPurgesWhatTheFirstHeld(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := loopkittest.NewTransport(t)
		s.Script(loopkittest.UserDeletions, loopkittest.Fault{Reset: true})
		c := newClient(t, s)
		start := time.Now()
		first := deleteUser(t, c, "user_1")
		require.NoError(t, c.Track(known("anon_1", "user_1"), "between", nil))
		second := deleteUser(t, c, "user_1")
		require.NoError(t, c.Track(known("anon_1", "user_1"), "after", nil))
		require.NoError(t, first.Wait(t.Context()))
		require.NoError(t, second.Wait(t.Context()))
		require.NoError(t, c.Flush(t.Context()))
		assert.Equal(t, time.Minute, time.Since(start), "also the first one's late execution is waited for")
		tracks := s.MessagesOf(loopkittest.KindTrack)
		require.Len(t, tracks, 1)
		assert.Equal(t, "after", tracks[0].Name)
	})
}

func TestHeldMessagesExpire(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := loopkittest.NewTransport(t)
		s.FailAll(loopkittest.UserDeletions, loopkittest.Fault{Status: 401})
		c := newClient(t, s)
		d := deleteUser(t, c, "user_1")
		require.NoError(t, c.Track(known("anon_1", "user_1"), "page_view", nil))
		time.Sleep(3 * time.Hour)
		stats := requireBalanced(t, c)
		assert.Equal(t, map[loopkit.Reason]int64{loopkit.ReasonExpired: 1}, stats.Dropped)
		assert.Equal(t, int64(1), stats.Pending, "the deletion does not expire")
		s.Heal()
		require.NoError(t, c.Flush(t.Context()))
		require.NoError(t, d.Wait(t.Context()))
	})
}
