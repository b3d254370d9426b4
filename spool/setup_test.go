package spool_test

import (
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/loopkitai/loopkit-go"
	"github.com/loopkitai/loopkit-go/spool"
)

var accepted = time.UnixMilli(1_700_000_000_123)

// batch returns a batch with a message for each name.
func batch(id uint64, kind loopkit.Kind, names ...string) loopkit.SpoolBatch {
	b := loopkit.SpoolBatch{ID: id, Kind: kind, Accepted: accepted}
	for _, name := range names {
		b.Messages = append(b.Messages, fmt.Appendf(nil, `{"userId":%q}`, name))
	}
	return b
}

func events(id uint64, names ...string) loopkit.SpoolBatch {
	return batch(id, loopkit.KindTrack, names...)
}

// large returns a batch of events of about n bytes.
func large(id uint64, n int) loopkit.SpoolBatch {
	b := loopkit.SpoolBatch{ID: id, Kind: loopkit.KindTrack, Accepted: accepted}
	for i := range max(1, n/1000) {
		b.Messages = append(b.Messages, fmt.Appendf(nil, `{"event":"%d-%d","pad":"%0*d"}`, id, i, 960, i))
	}
	return b
}

func open(t testing.TB, dir string, opts *spool.Options) *spool.Spool {
	t.Helper()
	s, err := spool.Open(dir, opts)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	return s
}

// drained returns all batches of all kinds.
func drained(t testing.TB, s *spool.Spool) (all []loopkit.SpoolBatch) {
	t.Helper()
	for kind := loopkit.KindIdentify; kind <= loopkit.KindDeleteGroup; kind++ {
		for after := uint64(0); ; {
			b, err := s.Next(kind, after)
			if errors.Is(err, io.EOF) {
				break
			}
			require.NoError(t, err)
			all = append(all, b)
			after = b.ID
		}
	}
	return all
}

func ids(batches []loopkit.SpoolBatch) (all []uint64) {
	for _, b := range batches {
		all = append(all, b.ID)
	}
	return all
}

func status(t testing.TB, s *spool.Spool) loopkit.SpoolStatus {
	t.Helper()
	st, err := s.Status()
	require.NoError(t, err)
	return st
}

func stats(t testing.TB, s *spool.Spool) spool.Stats {
	t.Helper()
	st, err := s.Stats()
	require.NoError(t, err)
	return st
}

func file(dir string) string { return filepath.Join(dir, "spool.db") }
