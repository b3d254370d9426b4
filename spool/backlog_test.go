package spool_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/loopkitai/loopkit-go"
	"github.com/loopkitai/loopkit-go/spool"
)

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
