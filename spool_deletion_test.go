package loopkit_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	loopkit "github.com/loopkitai/loopkit-go"
	"github.com/loopkitai/loopkit-go/loopkittest"
)

// mentions counts the batches on disk with messages that contain text, other than deletions.
func mentions(disk *loopkittest.Spool, text string) (n int) {
	for _, b := range disk.Batches() {
		if b.Kind == loopkit.KindDeleteUser || b.Kind == loopkit.KindDeleteGroup {
			continue
		}
		for _, m := range b.Messages {
			if bytes.Contains(m, []byte(text)) {
				n++
			}
		}
	}
	return n
}

func TestADeletionRemovesThePersonFromTheDisk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, disk := loopkittest.NewTransport(t), loopkittest.NewSpool()
		s.FailAll(loopkittest.Any, loopkittest.Fault{Status: 503})
		var shown int
		c := startProcess(t, s, disk, small, func(o *loopkit.Options) {
			o.Hooks.Dropped = func(_ context.Context, d loopkit.Drop) {
				assert.Equal(t, loopkit.ReasonDeleted, d.Reason)
				shown += len(d.Messages)
			}
		})
		for i := range 900 {
			require.NoError(t, c.Track(known("", fmt.Sprintf("user_%d", i%3)), "page_view", nil))
			if i%20 == 19 {
				time.Sleep(100 * time.Millisecond)
				synctest.Wait() // what the queue holds is on disk
			}
		}
		require.NoError(t, c.Flush(t.Context()))
		d := deleteUser(t, c.Client, "user_1")
		require.NoError(t, c.Flush(t.Context()))
		synctest.Wait()
		assert.Zero(t, mentions(disk, `"user_1"`))
		assert.NotZero(t, mentions(disk, `"user_2"`))
		stats := requireBalanced(t, c.Client)
		assert.Equal(t, int64(300), stats.Dropped[loopkit.ReasonDeleted])
		s.Heal()
		require.NoError(t, d.Wait(t.Context()))
		time.Sleep(5 * time.Minute)
		synctest.Wait()
		assert.Positive(t, shown, "as many as there is memory for")
		assert.Equal(t, int64(1), requireBalanced(t, c.Client).NoticesLost, "there were more")
		loopkittest.RequireNothingAbout(t, s, "user_1")
		assert.Equal(t, int64(601), requireBalanced(t, c.Client).Delivered)
		assert.Empty(t, disk.Batches())
	})
}

func TestADeletionThatWasAcceptedIsSentByTheNextProcess(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, disk := loopkittest.NewTransport(t), loopkittest.NewSpool()
		s.FailAll(loopkittest.Any, loopkittest.Fault{Status: 503})
		first := startProcess(t, s, disk)
		require.NoError(t, first.Track(known("anon_1", "user_1"), "before", nil))
		require.NoError(t, first.Flush(t.Context()))
		d := deleteUser(t, first.Client, "user_1")
		_, err := first.DeleteGroup(t.Context(), "team_1")
		require.NoError(t, err)
		require.NoError(t, first.Track(known("anon_2", "user_1"), "after", nil)) // signed up anew
		require.NoError(t, first.Flush(t.Context()))
		first.kill()
		_ = first.Close(context.Background()) // ends what is left of it
		require.ErrorIs(t, d.Wait(t.Context()), loopkit.ErrClosed)
		s.Heal()

		second := startProcess(t, s, disk)
		restored := requireBalanced(t, second.Client)
		assert.GreaterOrEqual(t, restored.Pending, int64(2), "deletions are there before the first call")
		require.NoError(t, second.Track(known("anon_2", "user_1"), "later", nil))
		time.Sleep(5 * time.Minute)
		synctest.Wait()
		assert.ElementsMatch(t, []string{"after", "later"}, eventNames(s))
		assert.Equal(t, loopkittest.KindDeleteUser, s.Messages()[0].Kind, "they follow their deletion")
		group, ok := s.Group("team_1")
		assert.True(t, ok && group.Deleted)
		requireBalanced(t, second.Client)
		assert.Empty(t, disk.Batches())
	})
}

func TestAfterACloseTheWaitOfADeletionOnDiskSaysThatItGoesOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, disk := loopkittest.NewTransport(t), loopkittest.NewSpool()
		s.FailAll(loopkittest.Any, loopkittest.Fault{Hang: true})
		first := startProcess(t, s, disk)
		d := deleteUser(t, first.Client, "user_1")
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		require.NoError(t, first.Close(ctx))
		err := d.Wait(t.Context())
		require.ErrorIs(t, err, loopkit.ErrClosed)
		assert.ErrorContains(t, err, "Options.Spool")
		assert.Equal(t, int64(1), requireBalanced(t, first.Client).Spooled)
	})
}

func TestAQuarantineGoesOnInTheNextProcess(t *testing.T) {
	for name, story := range map[string]struct {
		end  func(*testing.T, *process)
		wait time.Duration // of the quarantine, that is left when the next process starts 20 s later
	}{
		"after a Close, from the unanswered request on": {func(t *testing.T, p *process) { require.NoError(t, p.Close(t.Context())) }, 40 * time.Second},
		"after a crash, from the new start on":          {func(_ *testing.T, p *process) { p.kill() }, 60 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s, disk := loopkittest.NewTransport(t), loopkittest.NewSpool()
				s.FailAll(loopkittest.Tracks, loopkittest.Fault{Reset: true}) // it may have arrived
				first := startProcess(t, s, disk, func(o *loopkit.Options) { o.RetryMin, o.RetryMax = time.Hour, time.Hour })
				require.NoError(t, first.Track(known("anon_1", "user_1"), "before", nil))
				require.NoError(t, first.Flush(t.Context()))
				synctest.Wait()
				story.end(t, first)
				time.Sleep(20 * time.Second)
				s.Heal()

				second := startProcess(t, s, disk)
				start := time.Now()
				require.NoError(t, deleteUser(t, second.Client, "user_1").Wait(t.Context()))
				assert.Equal(t, story.wait, time.Since(start))
				assert.Empty(t, eventNames(s))
			})
		})
	}
}

func TestADeletionIsNotSentBeforeTheDiskHasForgottenThePerson(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, disk := loopkittest.NewTransport(t), loopkittest.NewSpool()
		disk.FailAll(loopkittest.SpoolPurge, loopkittest.SpoolFault{Err: errors.New("input/output error")})
		c := startProcess(t, s, disk)
		d := deleteUser(t, c.Client, "user_1")
		time.Sleep(time.Hour)
		synctest.Wait()
		assert.Empty(t, s.Requests())
		disk.Heal()
		require.NoError(t, d.Wait(t.Context()))
	})
}

func TestWhatADeletionHoldsStaysBehindItOverARestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, disk := loopkittest.NewTransport(t), loopkittest.NewSpool()
		s.FailAll(loopkittest.Any, loopkittest.Fault{Status: 503})
		first := startProcess(t, s, disk, small)
		outage(t, first, 1000)
		deleteUser(t, first.Client, "user_1")
		for range 25 {
			require.NoError(t, first.Track(known("anon_2", "user_1"), "after", nil))
			require.NoError(t, first.Track(visitor("anon_1"), "other", nil))
		}
		require.NoError(t, first.Flush(t.Context()))
		first.kill()
		s.Heal()
		s.FailAll(loopkittest.UserDeletions, loopkittest.Fault{Status: 429, RetryAfter: "600"})
		second := startProcess(t, s, disk, small)
		time.Sleep(5 * time.Minute)
		synctest.Wait()
		assert.Len(t, eventNames(s), 1025, "a deletion never stalls other people's messages")
		assert.NotContains(t, eventNames(s), "after")
		s.Heal()
		time.Sleep(20 * time.Minute)
		synctest.Wait()
		assert.Len(t, eventNames(s), 1050)
		requireBalanced(t, second.Client)
		assert.Empty(t, disk.Batches())
	})
}

func TestAnOptOutRemovesThePersonFromTheDisk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, disk := loopkittest.NewTransport(t), loopkittest.NewSpool()
		s.FailAll(loopkittest.Any, loopkittest.Fault{Status: 503})
		c := startProcess(t, s, disk)
		require.NoError(t, c.Session().Track(t.Context(), "mine", nil))
		trackNamed(t, c, "other")
		require.NoError(t, c.Flush(t.Context()))
		c.Session().OptOut()
		synctest.Wait()
		assert.Zero(t, mentions(disk, `"mine"`))
		assert.Equal(t, 1, mentions(disk, `"other"`))
		s.Heal()
		require.NoError(t, c.Close(t.Context()))
		assert.Equal(t, map[loopkit.Reason]int64{loopkit.ReasonConsent: 1}, requireBalanced(t, c.Client).Dropped)
	})
}
