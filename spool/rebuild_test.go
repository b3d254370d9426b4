package spool_test

import (
	"os"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/loopkitai/loopkit-go"
	"github.com/loopkitai/loopkit-go/loopkittest"
	"github.com/loopkitai/loopkit-go/spool"
)

func TestAClientGoesOnKeepingAfterDamage(t *testing.T) {
	s, dir := loopkittest.NewServer(t), t.TempDir()
	s.FailAll(loopkittest.Any, loopkittest.Fault{Status: 503})
	var told reports
	c := start(t, s, dir, func(o *loopkit.Options) { o.OnError = told.add })
	track(t, c, "before")
	flush(t, c)
	if os.Truncate(file(dir), 8192) != nil {
		return // Windows does not cut off mapped files
	}
	for _, name := range []string{"a", "b", "c"} {
		track(t, c, name)
		flush(t, c)
	}
	require.NoError(t, c.Close(t.Context()))
	assert.Equal(t, int64(1), c.Stats().SpoolDamaged)

	s.Heal()
	c = start(t, s, dir)
	drain(t, c)
	require.NoError(t, c.Close(t.Context()))
	assert.Equal(t, []string{"a", "b", "c"}, names(s), "they were on disk")
}

func TestARebuildKeepsWhatTheProcessKnows(t *testing.T) {
	for _, size := range []int64{0, 4096, 8192, 40_000} {
		dir := t.TempDir()
		s := open(t, dir, &spool.Options{Sync: spool.SyncNever})
		require.NoError(t, s.Append([]loopkit.SpoolBatch{large(1, 100_000), large(7, 100_000)}))
		require.NoError(t, s.SetState([]byte("state")))
		if os.Truncate(file(dir), size) != nil {
			return // Windows does not cut off mapped files
		}
		_, err := s.Purge(8, mentions("user_123"))
		require.NoError(t, err)
		require.NoError(t, s.Append([]loopkit.SpoolBatch{events(8, "new")}))
		assert.Equal(t, []uint64{8}, ids(drained(t, s)))
		state, err := s.State()
		require.NoError(t, err)
		assert.Equal(t, "state", string(state))
		st := status(t, s)
		assert.Equal(t, uint64(8), st.LastID)
		assert.Equal(t, int64(2), st.Damaged, "%d bytes", size)
	}
}

func TestCountersThatDriftedAreCorrectedWhenNothingIsLeft(t *testing.T) {
	s := open(t, t.TempDir(), nil)
	require.NoError(t, s.Append([]loopkit.SpoolBatch{events(1, "a")}))
	s.Miscount(loopkit.KindTrack, 3, 100)
	require.NoError(t, s.Remove([]uint64{1}))
	require.Equal(t, int64(100), status(t, s).Bytes)
	assert.Empty(t, drained(t, s))
	assert.Zero(t, status(t, s).Bytes, "or they would count against MaxBytes for good")
}

func TestARebuildAtOpenCountsOnFromTheLargestIDThatIsLeft(t *testing.T) {
	content, _, _ := tallTree(t)
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(file(dir), content[:len(content)/2], 0o600))
	s := open(t, dir, nil)
	left := drained(t, s)
	largest := uint64(0)
	for _, b := range left {
		largest = max(largest, b.ID)
	}
	assert.GreaterOrEqual(t, status(t, s).LastID, largest)
	assert.LessOrEqual(t, status(t, s).LastID, uint64(40), "it is an ID that was used")
}
