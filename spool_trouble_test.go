package loopkit_test

import (
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

var errDisk = errors.New("input/output error")

// leaveBacklog has an earlier process leave n batches of one event.
func leaveBacklog(t *testing.T, s *loopkittest.Server, disk *loopkittest.Spool, n int) {
	t.Helper()
	s.FailAll(loopkittest.Any, loopkittest.Fault{Status: 503})
	first := startProcess(t, s, disk)
	for i := range n {
		trackNamed(t, first, fmt.Sprintf("old_%d", i))
		require.NoError(t, first.Flush(t.Context()))
	}
	require.NoError(t, first.Close(t.Context()))
	s.Heal()
}

func TestADiskThatTakesNothingNewStillForgetsAndDeletes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, disk := loopkittest.NewTransport(t), loopkittest.NewSpool()
		leaveBacklog(t, s, disk, 3)
		c := startProcess(t, s, disk)
		disk.FailAll(loopkittest.SpoolAppend, loopkittest.SpoolFault{Err: errDisk})
		d := deleteUser(t, c.Client, "user_1")
		for range 100 { // a steady load, so that Append fails again and again
			trackNamed(t, c, "new")
			time.Sleep(100 * time.Millisecond)
		}
		require.NoError(t, d.Wait(t.Context()))
		assert.Empty(t, disk.Batches())
	})
}

func TestASpoolThatTakesNothingCostsNoMoreRequests(t *testing.T) {
	for name, fail := range map[string]func(*loopkittest.Spool){
		"healthy": func(*loopkittest.Spool) {},
		"full":    func(disk *loopkittest.Spool) { disk.Limit(1) },
		"failing": func(disk *loopkittest.Spool) {
			disk.FailAll(loopkittest.SpoolAppend, loopkittest.SpoolFault{Err: errDisk})
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s, disk := loopkittest.NewTransport(t), loopkittest.NewSpool()
				fail(disk)
				c := startProcess(t, s, disk)
				for range 1000 {
					trackNamed(t, c, "page_view")
					time.Sleep(100 * time.Millisecond)
				}
				assert.LessOrEqual(t, c.Stats().Requests, int64(25), "100 s, with a FlushInterval of 5 s")
			})
		})
	}
}

func TestOneBatchThatTheDiskRefusesDoesNotFillTheMemory(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, disk := loopkittest.NewTransport(t), loopkittest.NewSpool()
		s.FailAll(loopkittest.Any, loopkittest.Fault{Status: 503})
		c := startProcess(t, s, disk, small)
		outage(t, c, 700)
		disk.Script(loopkittest.SpoolAppend, loopkittest.SpoolFault{Err: errDisk})
		outage(t, c, 1500)
		assert.Zero(t, requireBalanced(t, c.Client).Refused)
	})
}

func TestAfterAMinuteNothingWaitsForADiskThatCannotBeRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, disk := loopkittest.NewTransport(t), loopkittest.NewSpool()
		leaveBacklog(t, s, disk, 3)
		c := startProcess(t, s, disk)
		disk.FailAll(loopkittest.AnySpoolCall, loopkittest.SpoolFault{Err: errDisk})
		trackNamed(t, c, "new")
		time.Sleep(2 * time.Minute)
		synctest.Wait()
		assert.Equal(t, []string{"new"}, eventNames(s))
		disk.Heal()
		time.Sleep(2 * time.Minute)
		synctest.Wait()
		assert.ElementsMatch(t, []string{"new", "old_0", "old_1", "old_2"}, eventNames(s))
		requireBalanced(t, c.Client)
	})
}

func TestWhatADeletionHoldsIsInTheBooksOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, disk := loopkittest.NewTransport(t), loopkittest.NewSpool()
		leaveBacklog(t, s, disk, 3)
		s.FailAll(loopkittest.Any, loopkittest.Fault{Status: 503})
		c := startProcess(t, s, disk, func(o *loopkit.Options) { o.BatchSize, o.MaxInFlight = 1, 1 })
		deleteUser(t, c.Client, "user_1")
		disk.FailAll(loopkittest.SpoolNext, loopkittest.SpoolFault{Err: errDisk}) // the backlog stays open
		synctest.Wait()
		require.NoError(t, c.Track(known("anon_2", "user_1"), "held", nil))
		synctest.Wait()
		trackNamed(t, c, "behind_it")
		synctest.Wait()
		deleteUser(t, c.Client, "user_1") // what the first one holds goes
		time.Sleep(3 * time.Second)
		synctest.Wait()
		assert.Equal(t, map[loopkit.Reason]int64{loopkit.ReasonDeleted: 1}, requireBalanced(t, c.Client).Dropped)
		disk.Heal()
		s.Heal()
		time.Sleep(20 * time.Minute)
		synctest.Wait()
		stats := requireBalanced(t, c.Client)
		assert.Zero(t, stats.Pending)
		assert.Zero(t, stats.Spooled)
	})
}

func TestABatchThatIsThinnedWhileItIsWrittenIsInTheBooksAsItIs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, disk := loopkittest.NewTransport(t), loopkittest.NewSpool()
		leaveBacklog(t, s, disk, 3)
		s.FailAll(loopkittest.Any, loopkittest.Fault{Status: 503})
		c := startProcess(t, s, disk, func(o *loopkit.Options) { o.MaxInFlight = 1 })
		slow := make(chan struct{})
		disk.Script(loopkittest.SpoolAppend, loopkittest.SpoolFault{Until: slow})
		require.NoError(t, c.Track(known("anon_2", "user_1"), "mine", nil))
		trackNamed(t, c, "other")
		time.Sleep(100 * time.Millisecond)
		synctest.Wait()
		c.NewSession(loopkit.Identity{AnonymousID: "anon_2", UserID: "user_1"}).OptOut()
		close(slow)
		s.Heal()
		time.Sleep(20 * time.Minute)
		synctest.Wait()
		stats := requireBalanced(t, c.Client)
		assert.Zero(t, stats.Pending)
		assert.Equal(t, map[loopkit.Reason]int64{loopkit.ReasonConsent: 1}, stats.Dropped)
		assert.NotContains(t, eventNames(s), "mine")
	})
}

func TestCloseDoesNotWaitForASlowDiskAndLeavesNothingHalf(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, disk := loopkittest.NewTransport(t), loopkittest.NewSpool()
		c := startProcess(t, s, disk)
		slow := make(chan struct{})
		disk.Script(loopkittest.SpoolAppend, loopkittest.SpoolFault{Until: slow})
		trackNamed(t, c, "x")
		time.Sleep(100 * time.Millisecond)
		synctest.Wait()
		d := deleteUser(t, c.Client, "user_1") // waits behind it
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
		defer cancel()
		start := time.Now()
		require.Error(t, c.Close(ctx))
		assert.LessOrEqual(t, time.Since(start), 110*time.Millisecond)
		require.ErrorIs(t, d.Wait(t.Context()), loopkit.ErrClosed)
		assert.Equal(t, map[loopkit.Reason]int64{loopkit.ReasonClosed: 2}, requireBalanced(t, c.Client).Dropped)
		close(slow)
		synctest.Wait()
		assert.Empty(t, disk.Batches(), "what was told as dropped is not sent by the next client")
	})
}

func TestCloseSendsWhatADeletionLetsGo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, disk := loopkittest.NewTransport(t), loopkittest.NewSpool()
		s.Script(loopkittest.UserDeletions, loopkittest.Fault{Delay: time.Second})
		c := startProcess(t, s, disk, func(o *loopkit.Options) { o.FlushInterval = -1 })
		deleteUser(t, c.Client, "user_1")
		require.NoError(t, c.Track(known("anon_2", "user_1"), "after", nil))
		start := time.Now()
		require.NoError(t, c.Close(t.Context()))
		assert.Equal(t, time.Second, time.Since(start))
		assert.Equal(t, []string{"after"}, eventNames(s))
	})
}

func TestAHeldGroupFollowsItsIdentifyOverARestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, disk := loopkittest.NewTransport(t), loopkittest.NewSpool()
		s.FailAll(loopkittest.Any, loopkittest.Fault{Status: 503})
		s.Script(loopkittest.UserDeletions, loopkittest.Fault{Status: 200})
		first := startProcess(t, s, disk, func(o *loopkit.Options) { o.BatchSize = 2 })
		deleteUser(t, first.Client, "user_1")
		require.NoError(t, first.Identify(known("anon_2", "user_1"), "user_1", nil))
		require.NoError(t, first.Group(known("anon_2", "user_1"), "team_1", nil))
		require.NoError(t, first.Group(known("anon_2", "user_1"), "team_2", nil)) // the batch is full, that of the identify is not
		require.NoError(t, first.Close(t.Context()))
		s.Heal()
		s.Script(loopkittest.Identifies, loopkittest.Fault{Status: 503})
		startProcess(t, s, disk)
		time.Sleep(10 * time.Minute)
		synctest.Wait()
		var kinds []loopkittest.Kind
		for _, m := range s.Messages() {
			if m.Kind != loopkittest.KindDeleteUser {
				kinds = append(kinds, m.Kind)
			}
		}
		assert.Equal(t, []loopkittest.Kind{loopkittest.KindIdentify, loopkittest.KindGroup, loopkittest.KindGroup}, kinds)
	})
}

func TestADeletionThatCannotBeAddressedAnyMoreIsObeyedOnDisk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, disk := loopkittest.NewTransport(t), loopkittest.NewSpool()
		s.FailAll(loopkittest.Any, loopkittest.Fault{Status: 503})
		first := startProcess(t, s, disk, func(o *loopkit.Options) {
			o.DeletionEndpoint = func(loopkit.Kind, string) (string, string) { return "DELETE", "/people" }
		})
		require.NoError(t, first.Track(known("anon_2", ".."), "before", nil))
		require.NoError(t, first.Flush(t.Context()))
		disk.FailAll(loopkittest.SpoolPurge, loopkittest.SpoolFault{Err: errDisk})
		deleteUser(t, first.Client, "..") // which the default endpoint has no path for
		require.NoError(t, first.Flush(t.Context()))
		first.kill()
		disk.Heal()
		s.Heal()
		second := startProcess(t, s, disk)
		require.NoError(t, second.Close(t.Context()))
		assert.Empty(t, eventNames(s))
	})
}
