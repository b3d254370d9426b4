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

// sample is a spool's file and what is in it.
type sample struct {
	content []byte
	batches map[uint64]loopkit.SpoolBatch
}

// newSample has batches of all kinds and sizes, free pages, and a state.
func newSample(t testing.TB) sample {
	t.Helper()
	dir := t.TempDir()
	s, err := spool.Open(dir, &spool.Options{Sync: spool.SyncNever})
	require.NoError(t, err)
	all := map[uint64]loopkit.SpoolBatch{}
	var gone []uint64
	for id := uint64(1); id <= 24; id++ {
		b := batch(id, loopkit.Kind(id%5), "user_123", "user_456")
		if id%12 == 11 {
			b = large(id, 12_000)
		}
		require.NoError(t, s.Append([]loopkit.SpoolBatch{b}))
		if id%3 == 0 {
			gone = append(gone, id)
		} else {
			all[id] = b
		}
	}
	require.NoError(t, s.Remove(gone))
	require.NoError(t, s.SetState([]byte("state")))
	require.NoError(t, s.Close())
	content, err := os.ReadFile(file(dir))
	require.NoError(t, err)
	return sample{content, all}
}

// requireSurvives opens a damaged copy of a sample: whatever is still there must be
// as it was, and the spool must work.
func requireSurvives(t testing.TB, dir string, want sample, damaged []byte, what ...any) (intact int) {
	t.Helper()
	require.NoError(t, os.WriteFile(file(dir), damaged, 0o600))
	s, err := spool.Open(dir, &spool.Options{Sync: spool.SyncNever})
	require.NoError(t, err, what...)
	intact = 0
	largest := uint64(0)
	for range 3 { // what damage hid at first comes back when its removal shows that something is missing
		got := drained(t, s)
		for _, b := range got {
			require.Equal(t, want.batches[b.ID].Kind, b.Kind, what...)
			require.Equal(t, want.batches[b.ID].Messages, b.Messages, what...)
			largest = max(largest, b.ID)
		}
		require.NoError(t, s.Remove(ids(got)), what...)
		intact += len(got)
	}
	require.Empty(t, drained(t, s), what...)
	st := status(t, s)
	require.GreaterOrEqual(t, st.LastID, largest, what...)
	require.Zero(t, st.Bytes, what...)
	if intact < len(want.batches) {
		require.NotZero(t, st.Damaged, what...)
		require.NotZero(t, stats(t, s).SetAside, what...)
	}
	require.NoError(t, s.Append([]loopkit.SpoolBatch{events(st.LastID+1, "new")}), what...)
	require.Len(t, drained(t, s), 1, what...)
	require.NoError(t, s.Close(), what...)
	names, err := filepath.Glob(filepath.Join(dir, "*"))
	require.NoError(t, err)
	for _, name := range names {
		require.NoError(t, os.Remove(name))
	}
	return intact
}

func TestAFlippedByteNeverCrashesAndNeverChangesABatch(t *testing.T) {
	t.Parallel() // most of the time is spent on syncs
	want, dir := newSample(t), t.TempDir()
	all := 0
	for at := 0; at < len(want.content); at += 211 * raceFactor {
		if len(bytes.Trim(want.content[at&^4095:min(len(want.content), at&^4095+4096)], "\x00")) <= 16 {
			continue // nothing is there
		}
		damaged := bytes.Clone(want.content)
		damaged[at] ^= 0xff
		if requireSurvives(t, dir, want, damaged, "byte %d", at) == len(want.batches) {
			all++
		}
	}
	assert.NotZero(t, all, "some bytes are of no use")
}

func TestAFileCutOffAnywhereKeepsWhatIsLeft(t *testing.T) {
	t.Parallel() // most of the time is spent on syncs
	want, dir := newSample(t), t.TempDir()
	used := len(bytes.TrimRight(want.content, "\x00"))
	for size := 0; size < used; size += (4096 + 1) * raceFactor {
		requireSurvives(t, dir, want, want.content[:size], "%d bytes", size)
		page := size &^ 4095
		requireSurvives(t, dir, want, want.content[:page], "%d bytes", page)
	}
}

func TestAZeroedPageKeepsWhatIsInOthers(t *testing.T) {
	t.Parallel() // most of the time is spent on syncs
	want, dir := newSample(t), t.TempDir()
	for at := 0; at+4096 <= len(want.content); at += 4096 * raceFactor {
		damaged := bytes.Clone(want.content)
		if len(bytes.Trim(damaged[at+16:at+4096], "\x00")) == 0 {
			continue // nothing is there
		}
		clear(damaged[at : at+4096])
		requireSurvives(t, dir, want, damaged, "page %d", at/4096)
		clear(damaged[at:])
		requireSurvives(t, dir, want, damaged, "all from page %d", at/4096)
	}
	requireSurvives(t, dir, want, bytes.Repeat([]byte{0}, 100_000))
}

func TestGarbageBehindTheEndIsIgnored(t *testing.T) {
	want, dir := newSample(t), t.TempDir()
	damaged := append(bytes.Clone(want.content), bytes.Repeat([]byte("garbage"), 1000)...)
	assert.Equal(t, len(want.batches), requireSurvives(t, dir, want, damaged))
}

func TestAFileThatIsNoSpoolStaysAsItIs(t *testing.T) {
	for name, content := range map[string]string{
		"text":  "Keep me, I am somebody's notes.",
		"short": "x",
		"long":  string(bytes.Repeat([]byte("notes"), 10_000)),
	} {
		dir := t.TempDir()
		require.NoError(t, os.WriteFile(file(dir), []byte(content), 0o600))
		_, err := spool.Open(dir, nil)
		assert.ErrorContains(t, err, "is not a spool", name)
		got, err := os.ReadFile(file(dir))
		require.NoError(t, err)
		assert.Equal(t, content, string(got), name)
	}
}

func TestAFileThatIsCutOffWhileItIsOpenCostsNoCrash(t *testing.T) {
	for _, size := range []int64{0, 4096, 40_000} {
		dir := t.TempDir()
		s := open(t, dir, nil)
		require.NoError(t, s.Append([]loopkit.SpoolBatch{large(1, 100_000), large(2, 100_000)}))
		if os.Truncate(file(dir), size) != nil {
			return // Windows does not cut off mapped files
		}
		var err error
		for id := uint64(0); err == nil && id < 3; id++ {
			_, err = s.Next(loopkit.KindTrack, id)
		}
		require.Error(t, err, "nothing can be read, or all is read, up to io.EOF")
		require.Equal(t, uint64(2), status(t, s).LastID, "the client counts on from it")
		require.NoError(t, s.Append([]loopkit.SpoolBatch{events(3, "new")}))
		assert.NotEmpty(t, drained(t, s))
		assert.NotZero(t, status(t, s).Damaged)
	}
}

func TestAFileThatIsDeletedWhileItIsOpenIsAnError(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, nil)
	if os.Remove(file(dir)) != nil {
		return // Windows keeps open files
	}
	assert.ErrorIs(t, s.Append([]loopkit.SpoolBatch{events(1, "a")}), os.ErrNotExist)
	_, err := s.Next(loopkit.KindTrack, 0)
	assert.ErrorIs(t, err, os.ErrNotExist)
	require.NoError(t, os.WriteFile(file(dir), nil, 0o600))
	assert.ErrorContains(t, s.Append([]loopkit.SpoolBatch{events(1, "a")}), "replaced by another")
	_, err = s.Status()
	assert.ErrorContains(t, err, "nothing can be kept any more")
}

func TestAFileThatComesBackIsUsedAgain(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "spool")
	s := open(t, dir, nil)
	require.NoError(t, s.Append([]loopkit.SpoolBatch{events(1, "a")}))
	if os.Rename(dir, dir+".away") != nil {
		return // Windows keeps the directories of open files
	}
	require.ErrorIs(t, s.Append([]loopkit.SpoolBatch{events(2, "a")}), os.ErrNotExist)
	require.NoError(t, os.Rename(dir+".away", dir))
	require.NoError(t, s.Append([]loopkit.SpoolBatch{events(2, "a")}))
	assert.Equal(t, []uint64{1, 2}, ids(drained(t, s)))
}

func TestThreeDamagedFilesAreKept(t *testing.T) {
	dir := t.TempDir()
	for range 5 {
		s, err := spool.Open(dir, nil)
		require.NoError(t, err)
		require.NoError(t, s.Append([]loopkit.SpoolBatch{events(status(t, s).LastID+1, "a")}))
		require.NoError(t, s.Close())
		require.NoError(t, os.Truncate(file(dir), 8192))
	}
	s := open(t, dir, nil)
	assert.Equal(t, 3, stats(t, s).SetAside)
	_, err := s.Purge(1, func(uint64, loopkit.Kind, []byte) bool { return false })
	require.NoError(t, err)
	assert.Zero(t, stats(t, s).SetAside, "they cannot be searched for people")
}
