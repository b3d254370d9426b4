package spool_test

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/loopkitai/loopkit-go"
	"github.com/loopkitai/loopkit-go/spool"
)

// filesWith returns the files of a directory that contain text.
func filesWith(t testing.TB, dir, text string) (found []string) {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, "*"))
	require.NoError(t, err)
	for _, name := range names {
		content, err := os.ReadFile(name)
		require.NoError(t, err)
		if bytes.Contains(content, []byte(text)) {
			found = append(found, name)
		}
	}
	return found
}

func mentions(name string) func(uint64, loopkit.Kind, []byte) bool {
	return func(_ uint64, _ loopkit.Kind, m []byte) bool { return bytes.Contains(m, []byte(name)) }
}

func TestWhatIsPurgedIsInNoFileAnyMore(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, nil)
	for id := uint64(1); id <= 300; id++ { // several transactions, and pages that are freed in each
		b := large(id, 5000)
		b.Messages = append(b.Messages, []byte(`{"userId":"user_123"}`), []byte(`{"userId":"user_456"}`))
		require.NoError(t, s.Append([]loopkit.SpoolBatch{b}))
	}
	require.NoError(t, s.Append([]loopkit.SpoolBatch{events(301, "user_123"), batch(302, loopkit.KindIdentify, "user_123")}))
	require.NoError(t, os.WriteFile(file(dir)+".damaged-20260101T000000.000000000", []byte("user_123"), 0o600))

	n, err := s.Purge(302, mentions("user_123"))
	require.NoError(t, err)
	assert.Equal(t, 301, n)
	assert.Len(t, filesWith(t, dir, "user_123"), 1, "302 is not below 302")
	n, err = s.Purge(303, mentions("user_123"))
	require.NoError(t, err)
	assert.Equal(t, 1, n)
	assert.Empty(t, filesWith(t, dir, "user_123"))
	assert.Len(t, filesWith(t, dir, "user_456"), 1)
	left := drained(t, s)
	assert.Len(t, left, 300)
	for _, b := range left {
		assert.Len(t, b.Messages, 6)
	}
	assert.Equal(t, uint64(302), status(t, s).LastID)
}

func TestWhatWasDeliveredBeforeAPurgeIsInNoFileAnyMore(t *testing.T) {
	dir := t.TempDir()
	s, err := spool.Open(dir, nil)
	require.NoError(t, err)
	var all []uint64
	for id := uint64(1); id <= 30; id++ {
		b := large(id, 3000)
		b.Messages = append(b.Messages, []byte(`{"userId":"user_123"}`))
		require.NoError(t, s.Append([]loopkit.SpoolBatch{b}))
		all = append(all, id)
	}
	require.NoError(t, s.Remove(all))
	require.NoError(t, s.Close())
	require.NotEmpty(t, filesWith(t, dir, "user_123"), "the test tests something")

	s = open(t, dir, nil)
	n, err := s.Purge(31, mentions("user_123"))
	require.NoError(t, err)
	assert.Zero(t, n)
	assert.Empty(t, filesWith(t, dir, "user_123"))
}

func TestAPurgeDeletesTheDamagedFilesOfAllProcesses(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, &spool.Options{Processes: 2})
	for _, name := range []string{"spool.db.damaged-1", "spool-2.db.damaged-1", "spool-64.db.damaged-1", "spool-notes.db.damaged-1"} {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte("user_123"), 0o600))
	}
	assert.Equal(t, 3, stats(t, s).SetAside)
	_, err := s.Purge(1, mentions("user_123"))
	require.NoError(t, err)
	assert.Equal(t, []string{filepath.Join(dir, "spool-notes.db.damaged-1")}, filesWith(t, dir, "user_123"))
}

func TestAPurgeThatMatchesNothingDoesNotRewriteTheFile(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, nil)
	require.NoError(t, s.Append([]loopkit.SpoolBatch{events(1, "user_123")}))
	before, err := os.Stat(file(dir))
	require.NoError(t, err)
	n, err := s.Purge(2, mentions("user_456"))
	require.NoError(t, err)
	assert.Zero(t, n)
	after, err := os.Stat(file(dir))
	require.NoError(t, err)
	assert.True(t, os.SameFile(before, after))
}

func TestTheFileShrinksAfterAnOutage(t *testing.T) {
	dir := t.TempDir()
	fast := &spool.Options{Sync: spool.SyncNever}
	s, err := spool.Open(dir, fast)
	require.NoError(t, err)
	var all []uint64
	for id := uint64(1); id <= 30; id++ {
		require.NoError(t, s.Append([]loopkit.SpoolBatch{large(id, 1<<20)}))
		all = append(all, id)
	}
	require.NoError(t, s.Remove(all[:29]))
	assert.Greater(t, stats(t, s).FileBytes, int64(16<<20))
	require.NoError(t, s.Close())
	s = open(t, dir, fast)
	assert.Less(t, stats(t, s).FileBytes, int64(5<<20))
	assert.Equal(t, []uint64{30}, ids(drained(t, s)))
}

func TestTheFileShrinksWhenALongOutageHasDrained(t *testing.T) {
	s := open(t, t.TempDir(), &spool.Options{Sync: spool.SyncNever})
	var all []uint64
	for id := uint64(1); id <= 10; id++ {
		require.NoError(t, s.Append([]loopkit.SpoolBatch{large(id, 1<<20)}))
		all = append(all, id)
	}
	require.NoError(t, s.SetState([]byte("state")))
	require.NoError(t, s.Remove(all))
	assert.Less(t, stats(t, s).FileBytes, int64(1<<20), "every transaction writes the list of free pages")
	assert.Equal(t, loopkit.SpoolStatus{LastID: 10}, status(t, s))
	state, err := s.State()
	require.NoError(t, err)
	assert.Equal(t, "state", string(state))
	require.NoError(t, s.Append([]loopkit.SpoolBatch{events(11, "a")}))
	assert.Equal(t, []uint64{11}, ids(drained(t, s)))
}

func TestAnOpenDoesNotCopyALargeBacklog(t *testing.T) {
	dir, opts := t.TempDir(), &spool.Options{Sync: spool.SyncNever}
	s, err := spool.Open(dir, opts)
	require.NoError(t, err)
	var all []uint64
	for id := uint64(1); id <= 10; id++ {
		require.NoError(t, s.Append([]loopkit.SpoolBatch{large(id, 4<<20)}))
		all = append(all, id)
	}
	require.NoError(t, s.Remove(all[3:]))
	require.NoError(t, s.Close())
	before, err := os.Stat(file(dir))
	require.NoError(t, err)
	s = open(t, dir, opts)
	require.Less(t, status(t, s).Bytes, before.Size()/3)
	after, err := os.Stat(file(dir))
	require.NoError(t, err)
	assert.True(t, os.SameFile(before, after))
}

func TestStatsCountWhatIsThere(t *testing.T) {
	s := open(t, t.TempDir(), nil)
	require.NoError(t, s.Append([]loopkit.SpoolBatch{events(1, "user_123", "user_456"), large(2, 20_000), batch(3, loopkit.KindGroup, "a")}))
	st := stats(t, s)
	assert.Equal(t, int64(2), st.Kinds[loopkit.KindTrack].Batches)
	assert.Equal(t, int64(22), st.Kinds[loopkit.KindTrack].Messages)
	assert.Equal(t, st.Bytes, st.Kinds[loopkit.KindTrack].Bytes+st.Kinds[loopkit.KindGroup].Bytes)
	_, err := s.Purge(4, mentions("user_456"))
	require.NoError(t, err)
	assert.Equal(t, int64(21), stats(t, s).Kinds[loopkit.KindTrack].Messages)
	require.NoError(t, s.Remove([]uint64{1, 2, 3}))
	st = stats(t, s)
	assert.Empty(t, st.Kinds)
	assert.Zero(t, st.Bytes)
}
