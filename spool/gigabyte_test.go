//go:build !race

// The race detector changes the memory and the time that this measures.

package spool_test

import (
	"runtime"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/loopkitai/loopkit-go"
	"github.com/loopkitai/loopkit-go/spool"
)

// allocated returns what fn allocated, whether or not it was freed since.
func allocated(fn func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	fn()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

func TestABacklogOfAGigabyteOpensAtOnceInLittleMemory(t *testing.T) {
	total := 1 << 30
	if strconv.IntSize == 32 {
		total = 256 << 20 // the address space has no room for more
	}
	const size = 512 << 10
	dir, opts := t.TempDir(), &spool.Options{Sync: spool.SyncNever, MaxBytes: int64(total)}
	s, err := spool.Open(dir, opts)
	require.NoError(t, err)
	message := large(1, size).Messages
	id := uint64(0)
	for status(t, s).Bytes < int64(total)-8*size {
		group := make([]loopkit.SpoolBatch, 8)
		for i := range group {
			id++
			group[i] = loopkit.SpoolBatch{ID: id, Kind: loopkit.KindTrack, Accepted: accepted, Messages: message}
		}
		require.NoError(t, s.Append(group))
	}
	require.NoError(t, s.Close())

	start := time.Now()
	bytes := allocated(func() { s = open(t, dir, opts) })
	assert.Less(t, time.Since(start), 2*time.Second)
	assert.Less(t, bytes, uint64(16<<20), "bytes allocated by Open")
	bytes = allocated(func() {
		b, err := s.Next(loopkit.KindTrack, id/2)
		require.NoError(t, err)
		assert.Equal(t, id/2+1, b.ID)
		require.NoError(t, s.Remove([]uint64{b.ID}))
	})
	assert.Less(t, bytes, uint64(8*size), "bytes allocated for one batch")
	t.Logf("%d batches", id)
}
