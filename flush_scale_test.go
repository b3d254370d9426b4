package loopkit_test

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	loopkit "github.com/loopkitai/loopkit-go"
	"github.com/loopkitai/loopkit-go/loopkittest"
)

// Looking through all flushes for each of them would take longer.
func TestThousandsOfFlushesInAnOutageAllEndWithTheirContext(t *testing.T) {
	begin := time.Now()
	synctest.Test(t, func(t *testing.T) {
		c := newClient(t, stalled(t), func(o *loopkit.Options) { o.FlushInterval = -1 })
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		start := time.Now()
		var wg sync.WaitGroup
		for range flushesAtOnce {
			trackN(t, c, 1) // each flush has an epoch of its own
			wg.Go(func() { assert.ErrorIs(t, c.Flush(ctx), context.DeadlineExceeded) })
		}
		wg.Wait()
		assert.Equal(t, time.Minute, time.Since(start))
	})
	assert.Less(t, time.Since(begin), 4*time.Second*raceFactor)
}

const flushesAtOnce = 7000 // the race detector takes 8128 goroutines

func TestFlushWaitsForHeldMessagesThoughAnotherDeletionHaltsTheEndpoint(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := loopkittest.NewTransport(t)
		s.Script(loopkittest.UserDeletions,
			loopkittest.Fault{Reset: true}, loopkittest.Fault{Status: 200}, // user_1: what follows is held for a minute
			loopkittest.Fault{Status: 401}) // user_2
		c := newClient(t, s)
		start := time.Now()
		require.NoError(t, deleteUser(t, c, "user_1").Wait(t.Context()))
		require.NoError(t, c.Track(known("anon_1", "user_1"), "held", nil))
		deleteUser(t, c, "user_2")
		synctest.Wait()
		require.Contains(t, c.Stats().Halted, "deletions")
		require.NoError(t, c.Flush(t.Context()), "the deletion is probed meanwhile")
		assert.Equal(t, time.Minute, time.Since(start))
		loopkittest.RequireTracked(t, s, "user_1", "held")
	})
}

func TestCloseReportsWhatIsRefusedAfterItBegan(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := loopkittest.NewTransport(t)
		s.Script(loopkittest.Tracks, loopkittest.Fault{Status: 400, Delay: time.Second}, loopkittest.Fault{Status: 400})
		c := newClient(t, s, func(o *loopkit.Options) { o.BatchSize = 1 })
		trackN(t, c, 1)
		synctest.Wait()
		var undelivered *loopkit.UndeliveredError
		require.ErrorAs(t, c.Close(t.Context()), &undelivered)
		assert.Equal(t, int64(1), undelivered.Dropped)
		assert.Zero(t, undelivered.Pending)
	})
}
