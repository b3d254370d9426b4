package spool_test

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/loopkitai/loopkit-go"
	"github.com/loopkitai/loopkit-go/spool"
)

func TestAllWrongOptionsAreNamedAtOnce(t *testing.T) {
	s, err := spool.Open(t.TempDir(), &spool.Options{Sync: 7, SyncEvery: -1, MaxBytes: 1, Processes: 65})
	for _, name := range []string{"Sync ", "SyncEvery", "MaxBytes", "Processes"} {
		assert.ErrorContains(t, err, "spool.Options: "+name)
	}
	assert.NoError(t, s.Close())
}

// requireKeepsNothing checks what Open promises with an error.
func requireKeepsNothing(t *testing.T, s *spool.Spool, cause error) {
	t.Helper()
	require.NotNil(t, s)
	require.Error(t, cause)
	_, next := s.Next(loopkit.KindTrack, 0)
	_, purge := s.Purge(1, mentions("a"))
	_, state := s.State()
	_, status := s.Status()
	_, stats := s.Stats()
	for i, err := range []error{
		s.Append([]loopkit.SpoolBatch{events(1, "a")}), s.Append(nil), next, s.Remove([]uint64{1}), s.Remove(nil), purge,
		s.SetState([]byte("a")), state, status, stats,
	} {
		require.ErrorIs(t, err, cause, "call %d", i)
	}
	require.NoError(t, s.Close())
	require.NoError(t, s.Close())
}

func TestASpoolThatCannotBeOpenedKeepsNothing(t *testing.T) {
	blocked := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(blocked, nil, 0o600))
	s, err := spool.Open(filepath.Join(blocked, "spool"), nil)
	requireKeepsNothing(t, s, err)
}

func TestASecondSpoolGetsErrLockedAtOnce(t *testing.T) {
	dir := t.TempDir()
	first := open(t, dir, nil)
	start := time.Now()
	second, err := spool.Open(dir, nil)
	assert.Less(t, time.Since(start), time.Second)
	require.ErrorIs(t, err, spool.ErrLocked)
	requireKeepsNothing(t, second, err)
	require.NoError(t, first.Append([]loopkit.SpoolBatch{events(1, "a")}), "the first goes on")
	require.NoError(t, first.Close())
	assert.Len(t, drained(t, open(t, dir, nil)), 1)
}

func TestAfterCloseNothingIsKept(t *testing.T) {
	s, err := spool.Open(t.TempDir(), &spool.Options{Sync: spool.SyncInterval})
	require.NoError(t, err)
	require.NoError(t, s.Close())
	err = s.Append(nil)
	require.ErrorContains(t, err, "closed")
	requireKeepsNothing(t, s, err)
}

func TestOnlyTheOwnerCanReadTheFiles(t *testing.T) {
	if runtime.GOOS == "windows" {
		return // which has no such permissions
	}
	mode := func(path string) os.FileMode {
		info, err := os.Stat(path)
		require.NoError(t, err)
		return info.Mode().Perm()
	}
	parent := t.TempDir()
	existing, shared := filepath.Join(parent, "existing"), filepath.Join(parent, "shared")
	for _, dir := range []string{existing, shared} {
		require.NoError(t, os.Mkdir(dir, 0o755))
		require.NoError(t, os.Chmod(dir, 0o755))
	}
	require.NoError(t, os.WriteFile(filepath.Join(shared, "notes"), nil, 0o644))
	for dir, want := range map[string]os.FileMode{
		filepath.Join(parent, "a", "b"): 0o700,
		existing:                        0o700,
		shared:                          0o755, // it is not the spool's alone
	} {
		s := open(t, dir, nil)
		require.NoError(t, s.Append([]loopkit.SpoolBatch{events(1, "user_123")}))
		_, err := s.Purge(2, mentions("user_123"))
		require.NoError(t, err)
		assert.Equal(t, want, mode(dir), dir)
		names, err := filepath.Glob(filepath.Join(dir, "spool*"))
		require.NoError(t, err)
		assert.GreaterOrEqual(t, len(names), 2)
		for _, name := range names {
			assert.Equal(t, os.FileMode(0o600), mode(name), name)
		}
	}
}

func TestABoundRejectsWithErrSpoolFull(t *testing.T) {
	dir := t.TempDir()
	s, err := spool.Open(dir, &spool.Options{MaxBytes: 64 << 10})
	require.NoError(t, err)
	require.NoError(t, s.Append([]loopkit.SpoolBatch{large(1, 60_000)}))
	full := []loopkit.SpoolBatch{events(2, "a"), large(3, 10_000)}
	require.ErrorIs(t, s.Append(full), loopkit.ErrSpoolFull)
	assert.Equal(t, uint64(1), status(t, s).LastID, "none of them was kept")
	require.NoError(t, s.Append([]loopkit.SpoolBatch{events(2, "a")}), "this one fits")
	for id := uint64(3); id < 200; id++ {
		require.NoError(t, s.Append([]loopkit.SpoolBatch{batch(id, loopkit.KindDeleteUser, "user_123")}), "deletions are exempt")
	}
	assert.Greater(t, status(t, s).Bytes, int64(64<<10))
	require.ErrorIs(t, s.Append([]loopkit.SpoolBatch{events(200, "a")}), loopkit.ErrSpoolFull)
	require.NoError(t, s.Close())

	s = open(t, dir, &spool.Options{MaxBytes: 64 << 10})
	require.ErrorIs(t, s.Append([]loopkit.SpoolBatch{events(200, "a")}), loopkit.ErrSpoolFull, "it is larger than its bound")
	require.Len(t, drained(t, s), 199)
	require.NoError(t, s.Remove([]uint64{1}))
	require.NoError(t, s.Append([]loopkit.SpoolBatch{events(200, "a")}))
}

func TestTheSyncOfAnIntervalEndsWithClose(t *testing.T) {
	for range 20 {
		s, err := spool.Open(t.TempDir(), &spool.Options{Sync: spool.SyncInterval, SyncEvery: 10 * time.Millisecond})
		require.NoError(t, err)
		require.NoError(t, s.Append([]loopkit.SpoolBatch{events(1, "a")}))
		require.NoError(t, errors.Join(s.Close(), s.Close()))
	}
}
