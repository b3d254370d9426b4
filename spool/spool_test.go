package spool_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/loopkitai/loopkit-go"
	"github.com/loopkitai/loopkit-go/spool"
)

func TestBatchesSurviveTheProcess(t *testing.T) {
	for _, policy := range []spool.SyncPolicy{spool.SyncAlways, spool.SyncInterval, spool.SyncNever} {
		dir := t.TempDir()
		s, err := spool.Open(dir, &spool.Options{Sync: policy})
		require.NoError(t, err)
		want := []loopkit.SpoolBatch{events(1, "user_123", "user_456"), large(2, 100_000), events(9, "")}
		require.NoError(t, s.Append(want))
		require.NoError(t, s.Append([]loopkit.SpoolBatch{batch(10, loopkit.KindDeleteUser, "user_123")}))
		require.NoError(t, s.SetState([]byte("state")))
		require.NoError(t, s.Close())

		s = open(t, dir, nil)
		got := drained(t, s)
		require.Equal(t, []uint64{1, 2, 9, 10}, ids(got))
		for i, b := range want {
			assert.Equal(t, b.Messages, got[i].Messages)
			assert.True(t, b.Accepted.Equal(got[i].Accepted))
		}
		state, err := s.State()
		require.NoError(t, err)
		assert.Equal(t, "state", string(state))
		assert.Equal(t, uint64(10), status(t, s).LastID)
		assert.Zero(t, status(t, s).Damaged)
	}
}

func TestTheLastIDSurvivesTheRemovalOfEverything(t *testing.T) {
	dir := t.TempDir()
	s, err := spool.Open(dir, nil)
	require.NoError(t, err)
	require.NoError(t, s.Append([]loopkit.SpoolBatch{events(41, "a"), events(42, "b")}))
	require.NoError(t, s.Remove([]uint64{42, 41, 7}))
	require.NoError(t, s.Close())
	s = open(t, dir, nil)
	assert.Empty(t, drained(t, s))
	assert.Equal(t, loopkit.SpoolStatus{LastID: 42}, status(t, s))
	assert.ErrorContains(t, s.Append([]loopkit.SpoolBatch{events(42, "a")}), "not above 42")
}
