package loopkit

import (
	"context"
	"runtime"
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

func TestALargeFirstCapacityLeavesTheLastTenthAlone(t *testing.T) {
	q := unsent(t, Options{QueueBytes: 1 << 20, BatchSize: 500})
	identifies, tracks := &q.lanes[laneIdentify], &q.lanes[laneTrack]
	identifies.usual = capacity{128 << 10, 512}
	track := parcels(q, 1)[0]
	identify := track
	identify.kind = KindIdentify
	for q.freeBytes(KindIdentify) >= identifies.usual.size()+batchBytes+1000 {
		fill(t, q, []parcel{track})
		q.seal(tracks, &tracks.line)
	}
	fill(t, q, []parcel{identify})
	assert.Equal(t, capacity{firstBytes, firstRecords}, identifies.open.capacity())
	assert.NoError(t, q.accept(context.Background(), track, nil), "an event still has room")
}

func TestALargeFirstCapacityTakesNoMemoryFromNotices(t *testing.T) {
	q := unsent(t, Options{QueueBytes: 4 << 20, Hooks: Hooks{Dropped: func(context.Context, Drop) {}}})
	tracks := &q.lanes[laneTrack]
	tracks.usual = capacity{500 << 10, 1024}
	q.noticeBytes = q.settings.QueueBytes - tracks.usual.size()
	fill(t, q, parcels(q, 1))
	assert.Equal(t, capacity{firstBytes, firstRecords}, tracks.open.capacity())
}

// A block of another capacity than those that growing gives cannot be pooled: it
// would be allocated anew for every batch.
func TestBatchesKeepTheirMemoryWhateverBecameOfTheOneBefore(t *testing.T) {
	for name, upset := range map[string]func(q *queue, all []parcel){
		"somebody was purged": func(q *queue, all []parcel) {
			fill(t, q, all[:700])
			q.purge(all[5].keys, ReasonDeleted)
			fill(t, q, all[700:])
		},
		"the server takes less at once": func(q *queue, _ []parcel) { q.lanes[laneTrack].bytes = 60_000 },
		"the messages are smaller": func(q *queue, all []parcel) {
			for i := range all {
				small := (*all[i].body)[:80]
				all[i].body = &small
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			q := unsent(t, Options{})
			tracks := &q.lanes[laneTrack]
			all := parcels(q, 1000)
			round := func() {
				fill(t, q, all)
				deliver(q, tracks)
			}
			round()
			upset(q, all)
			for range 3 {
				round()
			}
			const rounds = 20
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			for range rounds {
				round()
			}
			runtime.ReadMemStats(&after)
			assert.Less(t, (after.TotalAlloc-before.TotalAlloc)/rounds, uint64(20_000), "bytes allocated for a thousand messages")
		})
	}
}
