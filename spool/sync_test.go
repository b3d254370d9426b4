package spool_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/loopkitai/loopkit-go"
	"github.com/loopkitai/loopkit-go/spool"
)

func TestASyncThatFailsIsNeverTriedAgain(t *testing.T) {
	dir := t.TempDir()
	s, err := spool.Open(dir, &spool.Options{Sync: spool.SyncInterval, SyncEvery: 10 * time.Millisecond})
	require.NoError(t, err)
	require.NoError(t, s.Append([]loopkit.SpoolBatch{events(1, "a")}))
	require.NoError(t, s.CloseFile())
	require.Eventually(t, func() bool { _, err = s.Status(); return err != nil }, 10*time.Second, time.Millisecond)
	assert.ErrorContains(t, err, "nothing can be kept any more")
	assert.ErrorIs(t, s.Append([]loopkit.SpoolBatch{events(2, "a")}), err)
	assert.Error(t, s.Close(), "the file was closed already")

	s = open(t, dir, nil)
	assert.Equal(t, []uint64{1}, ids(drained(t, s)), "the lock was given up, and the next Open checks the file")
}
