package loopkit_test

import (
	"fmt"
	"os"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	loopkit "github.com/loopkitai/loopkit-go"
	"github.com/loopkitai/loopkit-go/loopkittest"
)

// TestADeletedUserStaysDeleted deletes users, and groups, in the midst of what
// they and others do. At the end, when everything late has happened too:
//
//   - Nothing that was accepted before a deletion was executed after it, nor sent
//     or under way after the deletion was first sent.
//   - What was accepted after a deletion was executed after all executions of it:
//     who signed up again exists, and who did not does not.
//   - A Wait returned nil when the server had confirmed the deletion, and none
//     returned anything else.
//   - Every other message was confirmed, and none was sent again after that.
//
// The seed of a failure is in its message; LOOPKIT_DELETION_SEED=17 runs that one
// alone in each network, and 0-9999 a range. It does not decide the client's own
// random waits, so a replay may need -count=100. With the race detector a tenth of
// the users do.
func TestADeletedUserStaysDeleted(t *testing.T) {
	for name, network := range map[string]struct {
		users uint64
		is    func(*deletionServer)
	}{
		"in a network that loses, refuses and stalls": {2000, func(*deletionServer) {}},
		"in a slow network":                           {500, slowNetwork},
		"though the server refuses most deletions":    {200, func(s *deletionServer) { s.refusals = 0.9 }},
	} {
		t.Run(name, func(t *testing.T) {
			first, last := uint64(0), network.users/deletedUsers/raceFactor-1
			if seeds := os.Getenv("LOOPKIT_DELETION_SEED"); seeds != "" {
				n, err := fmt.Sscanf(seeds, "%d-%d", &first, &last)
				require.Positive(t, n, "LOOPKIT_DELETION_SEED: %v", err)
				if n == 1 {
					last = first
				}
			}
			for seed := first; seed <= last; seed++ {
				synctest.Test(t, func(t *testing.T) {
					r := newDeletionRun(t, seed)
					network.is(r.server)
					assert.Empty(t, r.run(seed), "LOOPKIT_DELETION_SEED=%d: users who came back", seed)
					r.verifyStats()
					for _, v := range r.violations[:min(12, len(r.violations))] {
						t.Errorf("LOOPKIT_DELETION_SEED=%d: %s", seed, v)
					}
				})
			}
		})
	}
}

// slowNetwork loses nothing, so it gives no reason for a quarantine.
func slowNetwork(s *deletionServer) { s.lossless, s.most = true, shortestStall }

// Without the fence a deletion overtakes what is under way.
func TestWithoutTheFenceDeletedUsersComeBack(t *testing.T) {
	assert.Positive(t, cameBack(t, func(r *deletionRun) {
		slowNetwork(r.server)
		loopkit.Unfence(r.client)
	}))
}

// Without the quarantine a deletion overtakes what the server has yet to execute
// when the client has given it up.
func TestWithoutTheQuarantineDeletedUsersComeBack(t *testing.T) {
	assert.Positive(t, cameBack(t, func(*deletionRun) {}, func(o *loopkit.Options) { o.DeletionQuarantine = -1 }))
}

// cameBack counts how many of 200 deleted users were re-created by what had been
// accepted before their deletion.
func cameBack(t *testing.T, prepare func(*deletionRun), change ...func(*loopkit.Options)) (n int) {
	const runs = 20
	for seed := range uint64(runs) {
		synctest.Test(t, func(t *testing.T) {
			r := newDeletionRun(t, seed, change...)
			prepare(r)
			n += len(r.run(seed))
		})
	}
	t.Logf("%d of %d", n, runs*deletedUsers)
	return n
}

// They wait here as long as anybody lives.
func TestDeletionsDelayNobodyElse(t *testing.T) {
	for seed := range uint64(10) {
		synctest.Test(t, func(t *testing.T) {
			r := newDeletionRun(t, seed)
			r.server.lossless, r.server.most, r.server.refusals = true, 20*time.Millisecond, 0.9
			r.run(seed)
			for _, q := range r.server.requests {
				for _, id := range q.ids {
					if m := r.messages[id]; m != nil && !r.deleted(m) {
						assert.Less(t, q.executedAt.Sub(m.acceptedAt), 300*time.Millisecond, "seed %d: %s", seed, id)
					}
				}
			}
		})
	}
}

// deleted reports whether a message names someone who is ever deleted.
func (r *deletionRun) deleted(m *deletionMessage) bool {
	for _, d := range r.deletions {
		if d.names(m) {
			return true
		}
	}
	return false
}

// executions is when something was first and last executed, first sent, and how
// often the client was told of it.
type executions struct {
	firstSent, first, last int64
	acknowledged           int
}

func (r *deletionRun) executions() map[string]*executions {
	all := map[string]*executions{}
	for _, q := range r.server.requests {
		for _, id := range q.ids {
			e := all[id]
			if e == nil {
				e = &executions{firstSent: q.sent}
				all[id] = e
			}
			if q.executed > 0 && (e.first == 0 || q.executed < e.first) {
				e.first = q.executed
			}
			e.last = max(e.last, q.executed)
			if q.acknowledged {
				e.acknowledged++
			}
		}
	}
	return all
}

// verify looks at the end at what became of everything. It returns the users
// whom messages re-created that had been accepted before their deletion.
func (r *deletionRun) verify() (recreated map[string]bool) {
	recreated = map[string]bool{}
	all := r.executions()
	for _, d := range r.deletions {
		e := all[d.id]
		if e == nil || e.acknowledged != 1 || e.first > d.ended {
			r.violated("%s ended at %d, and the server has it as %+v", d.id, d.ended, e)
			continue
		}
		for _, q := range r.server.requests {
			for _, id := range q.ids {
				m := r.messages[id]
				if m == nil || !d.names(m) {
					continue
				}
				switch {
				case m.accepted < d.begun && q.executed > e.first:
					r.violated("%s was accepted before %s, and executed after it", id, d.id)
					if d.user != "" {
						recreated[d.user] = true
					}
				case m.accepted < d.begun && q.ended > e.firstSent:
					r.violated("%s was accepted before %s, which was sent before it was settled", id, d.id)
				case m.begun > d.accepted && q.executed > 0 && q.executed < e.last:
					r.violated("%s was accepted after %s, and executed before it", id, d.id)
				}
			}
		}
	}
	r.verifyMessages(all)
	r.verifyPeople(all)
	return recreated
}

// verifyMessages finds what is missing, and what was sent once more for nothing.
func (r *deletionRun) verifyMessages(all map[string]*executions) {
	for id, m := range r.messages {
		purged := false
		for _, d := range r.deletions {
			purged = purged || d.names(m) && m.begun < d.accepted
		}
		times := 0
		if e := all[id]; e != nil {
			times = e.acknowledged
		}
		if times > 1 || times == 0 && !purged {
			r.violated("%s was confirmed %d times", id, times)
		}
	}
}

// verifyPeople looks for those who must exist, and those who must not.
func (r *deletionRun) verifyPeople(all map[string]*executions) {
	exists, wanted, deletedAt, askedAt := map[string]bool{}, map[string]bool{}, map[string]int64{}, map[string]int64{}
	for _, d := range r.deletions {
		if e := all[d.id]; e != nil && d.user != "" {
			deletedAt[d.user] = max(deletedAt[d.user], e.last)
			askedAt[d.user] = max(askedAt[d.user], d.accepted)
		}
	}
	for id, m := range r.messages {
		if m.begun > askedAt[m.user] {
			wanted[m.user] = true
		}
		if e := all[id]; e != nil && e.last > deletedAt[m.user] {
			exists[m.user] = true
		}
	}
	for i := range deletedUsers + otherUsers {
		if user := fmt.Sprint("user_", i); exists[user] != wanted[user] {
			r.violated("%s exists: %v, and must exist: %v", user, exists[user], wanted[user])
		}
	}
}

// verifyStats holds the client's numbers against the server's.
func (r *deletionRun) verifyStats() {
	confirmed := int64(0)
	for _, e := range r.executions() {
		confirmed += int64(e.acknowledged)
	}
	s := r.client.Stats()
	accepted := int64(len(r.messages) + len(r.deletions))
	deleted := s.Dropped[loopkit.ReasonDeleted]
	if s.Accepted != accepted || s.Delivered != confirmed || sumDropped(s) != deleted || s.Pending != 0 || confirmed+deleted != accepted {
		r.violated("%d were accepted and %d confirmed, but %+v", accepted, confirmed, s)
	}
}

func TestADeletionInAnOutageLosesNothingButThePersonsOldMessages(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := stalled(t)
		c := newClient(t, s, func(o *loopkit.Options) { o.BatchSize = 2 })
		for _, user := range []string{"user_1", "user_2", "user_1"} {
			require.NoError(t, c.Identify(visitor("anon_"+user), user, nil))
			require.NoError(t, c.Track(known("anon_"+user, user), "before", nil))
		}
		time.Sleep(10 * time.Minute)
		d := deleteUser(t, c, "user_1")
		require.NoError(t, c.Track(known("anon_new", "user_1"), "after", nil))
		time.Sleep(10 * time.Minute)
		stats := requireBalanced(t, c)
		assert.Empty(t, s.Messages())
		assert.Equal(t, int64(4), stats.Pending, "the deletion, two messages of user_2, and one that follows")
		assert.Equal(t, map[loopkit.Reason]int64{loopkit.ReasonDeleted: 4}, stats.Dropped)

		s.Heal()
		require.NoError(t, c.Flush(t.Context()))
		require.NoError(t, d.Wait(t.Context()))
		require.Len(t, s.Messages(), 4)
		person, _ := s.Person("user_1")
		require.Len(t, person.Events, 1)
		assert.Equal(t, "after", person.Events[0].Name)
	})
}

func TestAFullQueueEvictsEventsAndNeverADeletionOrWhatFollowsIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := stalled(t)
		c := newClient(t, s, func(o *loopkit.Options) { o.QueueSize, o.Overflow = 20, loopkit.DropOldest })
		d := deleteUser(t, c, "user_1")
		require.NoError(t, c.Track(known("anon_new", "user_1"), "after", nil))
		trackN(t, c, 200)
		require.Greater(t, requireBalanced(t, c).Dropped[loopkit.ReasonQueueFull], int64(150))

		s.Heal()
		require.NoError(t, c.Flush(t.Context()))
		require.NoError(t, d.Wait(t.Context()))
		person, _ := s.Person("user_1")
		assert.Len(t, person.Events, 1)
	})
}

func TestADeletionThatIsExecutedTwiceIsOneDeletion(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := loopkittest.NewTransport(t)
		s.Script(loopkittest.UserDeletions, loopkittest.Fault{Reset: true, Store: true})
		c := newClient(t, s, func(o *loopkit.Options) { o.BatchSize = 1 })
		d := deleteUser(t, c, "user_1")
		require.NoError(t, c.Track(known("anon_new", "user_1"), "after", nil))
		require.NoError(t, d.Wait(t.Context()))
		require.NoError(t, c.Flush(t.Context()))
		var kinds []loopkittest.Kind
		for _, m := range s.Messages() {
			kinds = append(kinds, m.Kind)
		}
		assert.Equal(t, []loopkittest.Kind{loopkittest.KindDeleteUser, loopkittest.KindDeleteUser, loopkittest.KindTrack}, kinds)
		assert.Equal(t, int64(2), requireBalanced(t, c).Delivered)
	})
}

func TestEachCallOfDeleteUserIsADeletionOfItsOwn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := loopkittest.NewTransport(t)
		c := newClient(t, s)
		first, second := deleteUser(t, c, "user_1"), deleteUser(t, c, "user_1")
		require.NoError(t, first.Wait(t.Context()))
		require.NoError(t, second.Wait(t.Context()))
		assert.Len(t, s.MessagesOf(loopkittest.KindDeleteUser), 2)
		assert.Equal(t, int64(2), requireBalanced(t, c).Delivered)
	})
}
