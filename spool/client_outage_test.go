package spool_test

import (
	"fmt"
	"net/http"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/loopkitai/loopkit-go"
	"github.com/loopkitai/loopkit-go/loopkittest"
)

func TestAnOutageOfMuchMoreThanTheQueueHoldsLosesAndRepeatsNothing(t *testing.T) {
	const users, eventsOfEach, memory = 250, 20, 64 << 10
	synctest.Test(t, func(t *testing.T) {
		s, dir := loopkittest.NewTransport(t), t.TempDir()
		s.FailAll(loopkittest.Any, loopkittest.Fault{Status: 503})
		c := start(t, s, dir, func(o *loopkit.Options) {
			o.QueueBytes, o.MaxMessageBytes, o.MaxInFlight = memory, 2<<10, 1
			o.Overflow = loopkit.Block
		})
		most := int64(0)
		for i := range users {
			user := fmt.Sprintf("user_%d", i)
			require.NoError(t, c.Identify(known(user), user, loopkit.Traits{"n": i}))
			require.NoError(t, c.Group(known(user), "team_456", loopkit.Traits{"n": i}))
			for j := range eventsOfEach {
				require.NoError(t, c.Track(known(user), "page_view", loopkit.Properties{"n": i*eventsOfEach + j}))
			}
			most = max(most, c.Stats().QueueBytes)
		}
		flush(t, c)
		stats := requireBalanced(t, c)
		const accepted = users * (eventsOfEach + 2)
		assert.Equal(t, int64(accepted), stats.Pending)
		assert.Equal(t, stats.Pending, stats.Spooled, "all of it is on disk")
		assert.LessOrEqual(t, most, int64(memory))
		assert.Greater(t, stats.SpoolBytes, int64(10*memory), "which the memory could not hold")

		s.Heal()
		s.Reset()
		drainWithin(t, c, time.Hour)
		assert.Equal(t, int64(accepted), requireSettled(t, c).Delivered)
		for _, kind := range []loopkittest.Kind{loopkittest.KindIdentify, loopkittest.KindGroup, loopkittest.KindTrack} {
			messages := s.MessagesOf(kind)
			for i, m := range messages {
				require.Equal(t, float64(i), m.Values["n"], "%s: in order, and each once", kind)
			}
			assert.Len(t, messages, map[bool]int{true: users * eventsOfEach, false: users}[kind == loopkittest.KindTrack])
		}
		require.NoError(t, c.Close(t.Context()))
		requireEmpty(t, dir)
	})
}

// The same across a restart: the next client has not seen any of it.
func TestABacklogOfAnEarlierProcessIsReadInPartsAndSentInOrder(t *testing.T) {
	const messages, memory, batch = 5_000, 64 << 10, 32 << 10
	synctest.Test(t, func(t *testing.T) {
		s, dir := loopkittest.NewTransport(t), t.TempDir()
		s.FailAll(loopkittest.Any, loopkittest.Fault{Status: 503})
		first := start(t, s, dir, func(o *loopkit.Options) { o.BatchBytes = batch })
		for i := range messages {
			require.NoError(t, first.Track(known("user_123"), "page_view", loopkit.Properties{"n": i}))
		}
		flush(t, first)
		require.NoError(t, first.Close(t.Context()))

		s.Reset()
		watch := &watcher{next: s.HTTPClient().Transport}
		next := start(t, s, dir, func(o *loopkit.Options) {
			o.QueueBytes, o.MaxMessageBytes, o.MaxInFlight = memory, 2<<10, 1
			o.HTTPClient = &http.Client{Transport: watch}
		})
		watch.client.Store(next)
		require.NoError(t, next.Track(known("user_123"), "page_view", loopkit.Properties{"n": messages}))
		flush(t, next)
		s.Heal()
		drainWithin(t, next, time.Hour)
		stats := requireSettled(t, next)
		assert.Equal(t, int64(messages), stats.Restored)
		assert.Equal(t, int64(messages+1), stats.Delivered)
		assert.NotZero(t, watch.most)
		assert.LessOrEqual(t, watch.most, int64(memory+2*batch), "batches are as large as the earlier client made them, and one is read at a time")
		for i, m := range s.MessagesOf(loopkittest.KindTrack) {
			require.Equal(t, float64(i), m.Values["n"], "what is new comes last")
		}
		require.NoError(t, next.Close(t.Context()))
		requireEmpty(t, dir)
	})
}

// watcher looks at the memory of a client whenever it sends something.
type watcher struct {
	next   http.RoundTripper
	client atomic.Pointer[loopkit.Client]
	most   int64 // requests go one at a time
}

func (w *watcher) RoundTrip(r *http.Request) (*http.Response, error) {
	if c := w.client.Load(); c != nil {
		w.most = max(w.most, c.Stats().QueueBytes)
	}
	return w.next.RoundTrip(r)
}
