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

func BenchmarkAppend(b *testing.B) {
	for name, policy := range map[string]spool.SyncPolicy{
		"always": spool.SyncAlways, "interval": spool.SyncInterval, "never": spool.SyncNever,
	} {
		b.Run(name, func(b *testing.B) {
			s := open(b, b.TempDir(), &spool.Options{Sync: policy, MaxBytes: 1 << 30})
			messages := event(100)
			id := uint64(0)
			for b.Loop() {
				id++
				require.NoError(b, s.Append([]loopkit.SpoolBatch{{ID: id, Kind: loopkit.KindTrack, Accepted: accepted, Messages: messages}}))
				if id >= 100 {
					require.NoError(b, s.Remove([]uint64{id - 99})) // as if it were delivered
				}
			}
			b.ReportMetric(float64(id)*100/b.Elapsed().Seconds(), "messages/s")
		})
	}
}

func BenchmarkOpen(b *testing.B) {
	dir := b.TempDir()
	s, err := spool.Open(dir, &spool.Options{Sync: spool.SyncNever})
	require.NoError(b, err)
	messages := event(100)
	for id := uint64(1); id <= 1000; id++ {
		require.NoError(b, s.Append([]loopkit.SpoolBatch{{ID: id, Kind: loopkit.KindTrack, Accepted: accepted, Messages: messages}}))
	}
	st, err := s.Stats()
	require.NoError(b, err)
	require.NoError(b, s.Close())
	for b.Loop() {
		s, err := spool.Open(dir, nil)
		require.NoError(b, err)
		require.NoError(b, s.Close())
	}
	b.ReportMetric(float64(st.Bytes)/100_000, "bytes/message")
	b.ReportMetric(float64(st.FileBytes)/100_000, "file-bytes/message")
}

// event returns n copies of a message of about the usual size.
func event(n int) [][]byte {
	const message = `{"messageId":"0190163d-8694-739b-aea5-966c26f8ad91","userId":"user_123","name":"feature_used","properties":{"feature":"export","duration_ms":1500},"timestamp":"2024-01-15T10:30:00.000Z","system":{"sessionId":"0190163d-8694-739b-aea5-966c26f8ad92"}}`
	all := make([][]byte, n)
	for i := range all {
		all[i] = []byte(message)
	}
	return all
}
