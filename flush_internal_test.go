package loopkit

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestAFlushCountsWhatIsDroppedBetweenItsAnswerAndItsReturn(t *testing.T) {
	q := unsent(t, Options{Overflow: DropOldest})
	tracks := &q.lanes[laneTrack]
	fill(t, q, parcels(q, 1))
	w := q.beginFlush()
	tracks.gate.begin(&attempt{lane: tracks})
	tracks.gate.halt(q.settings.now(), true, errors.New("the key is refused"))
	q.answerWaiters() // it need not wait for an endpoint that is halted
	require.True(t, w.answered)

	q.mu.Lock()
	defer q.mu.Unlock()
	require.NoError(t, q.makeRoom(t.Context()), "another call evicts what the flush waited for")
	err := q.endFlush(nil, w)
	var undelivered *UndeliveredError
	require.ErrorAs(t, err, &undelivered)
	assert.Equal(t, int64(1), undelivered.Dropped)
	assert.Empty(t, q.watermark.waiters)
}
