package loopkit

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestABatchAfterAFullOneBeginsAsLarge(t *testing.T) {
	q := unsent(t, Options{})
	tracks := &q.lanes[laneTrack]
	all := parcels(q, 1001)

	fill(t, q, all)
	require.Equal(t, 1000, tracks.sealed.head.len())
	full := tracks.sealed.head.capacity()
	assert.Equal(t, full, tracks.open.capacity())

	q.seal(tracks, &tracks.line) // with one message, as after an interval
	assert.Less(t, tracks.sealed.tail.size(), full.size()/100, "it is fitted")
	fill(t, q, all[:1])
	assert.Equal(t, capacity{firstBytes, firstRecords}, tracks.open.capacity(), "the one before was not full")
}

func TestABatchBeginsSmallWhereThereIsNoMemoryForALargeOne(t *testing.T) {
	q := unsent(t, Options{QueueBytes: 1 << 20, BatchSize: 100})
	tracks := &q.lanes[laneTrack]
	all := parcels(q, 100)
	for tracks.sealed.tail == nil || tracks.line.usual.size()+batchBytes <= q.freeBytes(KindTrack) {
		fill(t, q, all)
	}
	require.Positive(t, tracks.usual.size())
	fill(t, q, all[:1])
	assert.Equal(t, capacity{firstBytes, firstRecords}, tracks.open.capacity())
	assert.LessOrEqual(t, q.held, q.byteBound())
}
