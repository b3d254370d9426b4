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

// small bounds memory to little more than a few batches.
func small(o *loopkit.Options) {
	o.QueueBytes, o.BatchBytes, o.MaxMessageBytes = 64<<10, 4<<10, 1<<10
	o.MaxInFlight = 1 // events keep their order
}

// outage tracks n events while nothing can be sent, at a pace that the spool can follow.
func outage(t testing.TB, p *process, n int) (names []string) {
	t.Helper()
	for i := range n {
		names = append(names, fmt.Sprintf("event_%d", i))
		trackNamed(t, p, names[i])
		if i%20 == 19 {
			time.Sleep(100 * time.Millisecond)
			synctest.Wait()
		}
	}
	return names
}

func TestAnOutageFillsTheDiskAndNotTheMemory(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, disk := loopkittest.NewTransport(t), loopkittest.NewSpool()
		s.FailAll(loopkittest.Any, loopkittest.Fault{Status: 503})
		c := startProcess(t, s, disk, small)
		names := outage(t, c, 2000)
		require.NoError(t, c.Flush(t.Context()))
		stats := requireBalanced(t, c.Client)
		assert.Equal(t, int64(2000), stats.Spooled)
		assert.LessOrEqual(t, stats.QueueBytes, int64(64<<10))
		assert.Zero(t, stats.Refused)

		s.Heal()
		time.Sleep(5 * time.Minute)
		synctest.Wait()
		assert.Equal(t, names, eventNames(s), "in order, each once")
		assert.Empty(t, disk.Batches())
		assert.Equal(t, int64(2000), requireBalanced(t, c.Client).Delivered)
	})
}

func TestABacklogThatIsLargerThanTheMemoryIsSentInOrderByTheNextProcess(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, disk := loopkittest.NewTransport(t), loopkittest.NewSpool()
		s.FailAll(loopkittest.Any, loopkittest.Fault{Status: 503})
		first := startProcess(t, s, disk, small)
		names := outage(t, first, 1500)
		require.NoError(t, first.Flush(t.Context()))
		first.kill()
		s.Heal()
		second := startProcess(t, s, disk, small)
		trackNamed(t, second, "new")
		require.NoError(t, second.Close(t.Context()))
		assert.Equal(t, append(names, "new"), eventNames(s))
		stats := requireBalanced(t, second.Client)
		assert.Equal(t, int64(1500), stats.Restored)
		assert.Equal(t, int64(1501), stats.Delivered)
		assert.Empty(t, disk.Batches())
	})
}

func TestAHaltedEndpointDoesNotKeepTheBacklogsOfOthersFromMoving(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, disk := loopkittest.NewTransport(t), loopkittest.NewSpool()
		s.FailAll(loopkittest.Any, loopkittest.Fault{Status: 503})
		first := startProcess(t, s, disk, small)
		outage(t, first, 2000)
		for i := range 200 {
			require.NoError(t, first.Identify(visitor(fmt.Sprintf("anon_%d", i)), fmt.Sprintf("user_%d", i), nil))
			if i%20 == 19 {
				time.Sleep(100 * time.Millisecond)
				synctest.Wait()
			}
		}
		require.NoError(t, first.Flush(t.Context()))
		first.kill()
		s.Heal()
		s.FailAll(loopkittest.Tracks, loopkittest.Fault{Status: 403})
		second := startProcess(t, s, disk, small)
		time.Sleep(time.Minute)
		synctest.Wait()
		assert.Equal(t, int64(200), requireBalanced(t, second.Client).Delivered)
		assert.Empty(t, eventNames(s))
		s.Heal()
		time.Sleep(10 * time.Minute)
		synctest.Wait()
		assert.Len(t, eventNames(s), 2000)
		requireBalanced(t, second.Client)
	})
}

func TestAGroupWaitsForTheIdentifiesThatWereBeforeItOnDisk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, disk := loopkittest.NewTransport(t, loopkittest.Strict()), loopkittest.NewSpool()
		s.FailAll(loopkittest.Any, loopkittest.Fault{Status: 503})
		first := startProcess(t, s, disk, small)
		for i := range 500 {
			user := fmt.Sprintf("user_%d", i)
			require.NoError(t, first.Identify(visitor("anon_"+user), user, nil))
			require.NoError(t, first.Group(known("anon_"+user, user), "team_1", nil))
			time.Sleep(100 * time.Millisecond)
		}
		require.NoError(t, first.Flush(t.Context()))
		first.kill()
		s.Heal()
		second := startProcess(t, s, disk, small)
		require.NoError(t, second.Close(t.Context()))
		identified := map[string]bool{}
		for _, m := range s.Messages() {
			switch m.Kind {
			case loopkittest.KindIdentify:
				identified[m.UserID] = true
			case loopkittest.KindGroup:
				require.True(t, identified[m.UserID], "the group of %s came before its identify", m.UserID)
			}
		}
		assert.Len(t, s.Messages(), 1000)
		requireBalanced(t, second.Client)
	})
}

func TestAFullSpoolRefusesTheNewestOnceTheMemoryIsFullAsWell(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, disk := loopkittest.NewTransport(t), loopkittest.NewSpool()
		disk.Limit(100 << 10)
		s.FailAll(loopkittest.Any, loopkittest.Fault{Status: 503})
		c := startProcess(t, s, disk, small)
		var taken []string
		for i := 0; ; i++ {
			name := fmt.Sprintf("event_%d", i)
			err := c.Track(visitor("anon_1"), name, nil)
			if err != nil {
				require.ErrorIs(t, err, loopkit.ErrQueueFull)
				break
			}
			taken = append(taken, name)
			if i%20 == 19 {
				time.Sleep(100 * time.Millisecond)
				synctest.Wait()
			}
		}
		assert.Greater(t, len(taken), 500)
		s.Heal()
		time.Sleep(5 * time.Minute)
		synctest.Wait()
		assert.ElementsMatch(t, taken, eventNames(s), "each once: what was on disk, and what was in memory alone")
		requireBalanced(t, c.Client)
		assert.Empty(t, disk.Batches())
	})
}

func TestDropOldestEvictsTheOldestEventsFromAFullSpool(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, disk := loopkittest.NewTransport(t), loopkittest.NewSpool()
		disk.Limit(100 << 10)
		s.FailAll(loopkittest.Any, loopkittest.Fault{Status: 503})
		var lost int
		c := startProcess(t, s, disk, small, func(o *loopkit.Options) {
			o.Overflow = loopkit.DropOldest
			o.Hooks.Dropped = func(_ context.Context, d loopkit.Drop) {
				assert.Equal(t, loopkit.ReasonQueueFull, d.Reason)
				lost += len(d.Messages)
			}
		})
		require.NoError(t, c.Identify(visitor("anon_1"), "user_1", nil))
		names := outage(t, c, 2000)
		require.NoError(t, c.Flush(t.Context()))
		s.Heal()
		time.Sleep(5 * time.Minute)
		synctest.Wait()
		stats := requireBalanced(t, c.Client)
		dropped := int(stats.Dropped[loopkit.ReasonQueueFull])
		assert.Positive(t, dropped)
		assert.Equal(t, dropped, lost, "the hook was shown each of them")
		arrived := eventNames(s)
		assert.Len(t, arrived, 2000-dropped)
		assert.Equal(t, names[2000-100:], arrived[len(arrived)-100:], "the newest are there")
		loopkittest.RequireIdentified(t, s, "user_1", "anon_1")
	})
}

func TestWhatTheDiskCannotReadBackIsCountedAsDamaged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, disk := loopkittest.NewTransport(t), loopkittest.NewSpool()
		s.FailAll(loopkittest.Any, loopkittest.Fault{Status: 503})
		var told []error
		c := startProcess(t, s, disk, small, func(o *loopkit.Options) {
			o.OnError = func(_ context.Context, err error) { told = append(told, err) }
		})
		outage(t, c, 2000)
		require.NoError(t, c.Flush(t.Context()))
		batches := disk.Batches()
		hurt := batches[len(batches)/2]
		disk.Damage(hurt.ID)
		s.Heal()
		time.Sleep(5 * time.Minute)
		synctest.Wait()
		stats := requireBalanced(t, c.Client)
		assert.Equal(t, map[loopkit.Reason]int64{loopkit.ReasonDamaged: int64(len(hurt.Messages))}, stats.Dropped)
		assert.Equal(t, int64(1), stats.SpoolDamaged)
		assert.Len(t, eventNames(s), 2000-len(hurt.Messages))
		assert.Len(t, told, 1)
	})
}

func TestABacklogThatCannotBeReadForAWhileIsNotLost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, disk := loopkittest.NewTransport(t), loopkittest.NewSpool()
		s.FailAll(loopkittest.Any, loopkittest.Fault{Status: 503})
		c := startProcess(t, s, disk, small)
		names := outage(t, c, 2000)
		require.NoError(t, c.Flush(t.Context()))
		for _, call := range []loopkittest.SpoolCall{loopkittest.SpoolNext, loopkittest.SpoolRemove, loopkittest.SpoolStatus} {
			disk.FailAll(call, loopkittest.SpoolFault{Err: errors.New("input/output error")})
		}
		s.Heal()
		time.Sleep(5 * time.Minute)
		disk.Heal()
		time.Sleep(5 * time.Minute)
		synctest.Wait()
		assert.Equal(t, names, eventNames(s))
		assert.Empty(t, disk.Batches())
		requireBalanced(t, c.Client)
	})
}

func TestAPoisonMessageIsIsolatedAfterARestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, disk := loopkittest.NewTransport(t), loopkittest.NewSpool()
		s.FailAll(loopkittest.Any, loopkittest.Fault{Status: 503})
		first := startProcess(t, s, disk)
		trackNamed(t, first, "a", "b", "poison", "c", "d")
		require.NoError(t, first.Flush(t.Context()))
		first.kill()
		s.Heal()
		refuse(s, 400, "poison")
		second := startProcess(t, s, disk)
		require.Error(t, second.Close(t.Context()), "the poison was dropped")
		assert.ElementsMatch(t, []string{"a", "b", "c", "d"}, eventNames(s))
		assert.Equal(t, map[loopkit.Reason]int64{loopkit.ReasonRejected: 1}, requireBalanced(t, second.Client).Dropped)
		assert.Empty(t, disk.Batches())
	})
}
