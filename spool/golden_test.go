package spool_test

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"io"
	"os"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/loopkitai/loopkit-go"
	"github.com/loopkitai/loopkit-go/spool"
)

// The golden file is what version 1 wrote; it must stay readable. It is in the byte
// order of most machines, which is that of bbolt's pages.
const golden = "testdata/format1.db.gz"

func goldenBatches() []loopkit.SpoolBatch {
	return []loopkit.SpoolBatch{
		batch(1, loopkit.KindIdentify, "user_123"),
		batch(2, loopkit.KindGroup, "team_456"),
		events(3, "user_123", "user_456"),
		large(4, 10_000),
		batch(7, loopkit.KindDeleteUser, "user_123"),
		batch(8, loopkit.KindDeleteGroup, "team_456"),
	}
}

func goldenFile(t *testing.T) []byte {
	t.Helper()
	packed, err := os.Open(golden)
	require.NoError(t, err)
	defer func() { require.NoError(t, packed.Close()) }()
	r, err := gzip.NewReader(packed)
	require.NoError(t, err)
	content, err := io.ReadAll(r)
	require.NoError(t, err)
	return content
}

func TestAFileOfFormatOneIsReadable(t *testing.T) {
	if binary.NativeEndian.Uint16([]byte{1, 0}) != 1 {
		return // bbolt's files are not portable to such a machine
	}
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(file(dir), goldenFile(t), 0o600))
	s := open(t, dir, nil)
	got := drained(t, s)
	require.Equal(t, []uint64{1, 2, 3, 4, 7, 8}, ids(got))
	for i, want := range goldenBatches() {
		assert.Equal(t, want.Messages, got[i].Messages)
		assert.Equal(t, want.Kind, got[i].Kind)
		assert.True(t, want.Accepted.Equal(got[i].Accepted))
	}
	state, err := s.State()
	require.NoError(t, err)
	assert.Equal(t, "state", string(state))
	assert.Equal(t, uint64(9), status(t, s).LastID)
	require.NoError(t, s.Append([]loopkit.SpoolBatch{events(10, "a")}))
}

func TestAFileOfANewerFormatStaysAsItIs(t *testing.T) {
	if binary.NativeEndian.Uint16([]byte{1, 0}) != 1 {
		return
	}
	dir := t.TempDir()
	content := spool.WithFormat(t, goldenFile(t), 2)
	require.NoError(t, os.WriteFile(file(dir), content, 0o600))
	_, err := spool.Open(dir, nil)
	require.ErrorContains(t, err, "newer version")
	got, err := os.ReadFile(file(dir))
	require.NoError(t, err)
	assert.True(t, bytes.Equal(content, got))
}
