package spool_test

import (
	"bytes"
	"encoding/binary"
	"io"
	"os"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/loopkitai/loopkit-go"
	"github.com/loopkitai/loopkit-go/spool"
)

// events of a size at which two share a leaf, which then has two pages.
const tall = 3000

// tallTree returns the file of a spool whose events need a branch, and those.
func tallTree(t testing.TB) (content []byte, layout spool.Layout, want sample) {
	t.Helper()
	dir := t.TempDir()
	s, err := spool.Open(dir, &spool.Options{Sync: spool.SyncNever})
	require.NoError(t, err)
	want.batches = map[uint64]loopkit.SpoolBatch{}
	for id := uint64(1); id <= 40; id++ {
		want.batches[id] = large(id, tall)
		require.NoError(t, s.Append([]loopkit.SpoolBatch{want.batches[id]}))
	}
	require.NoError(t, s.Close())
	content, err = os.ReadFile(file(dir))
	require.NoError(t, err)
	layout = spool.LayoutOf(t, content)
	require.Greater(t, len(layout.Leaves), 5)
	return content, layout, want
}

// putHead writes the head of a page: its ID, flags, count and overflow.
func putHead(page []byte, id uint64, flags, count uint16) {
	binary.NativeEndian.PutUint64(page, id)
	binary.NativeEndian.PutUint16(page[8:], flags)
	binary.NativeEndian.PutUint16(page[10:], count)
	binary.NativeEndian.PutUint32(page[12:], 0)
}

// requireDamaged asserts that the damage is found before bbolt sees the file.
func requireDamaged(t testing.TB, content []byte) {
	t.Helper()
	damaged, err := spool.CheckFails(bytes.NewReader(content), int64(len(content)))
	require.Error(t, err)
	require.True(t, damaged)
}

// bbolt would follow such a branch until the stack overflows, which ends the process.
func TestABranchInThePlaceOfALeafIsDamage(t *testing.T) {
	content, layout, want := tallTree(t)
	leaf := layout.Leaves[1]
	page := content[leaf*layout.PageSize:][:layout.PageSize]
	clear(page)
	putHead(page, leaf, 1, 1)
	binary.NativeEndian.PutUint32(page[16:], 16) // where the key is
	binary.NativeEndian.PutUint32(page[20:], 12)
	binary.NativeEndian.PutUint64(page[24:], layout.Branch) // the one above
	requireDamaged(t, content)
	intact := requireSurvives(t, t.TempDir(), want, content)
	assert.GreaterOrEqual(t, intact, 36)
}

// A purge would overwrite what is in it.
func TestAPartOfALeafThatCallsItselfFreeIsDamage(t *testing.T) {
	content, layout, want := tallTree(t)
	leaf := layout.Leaves[1]
	require.NotZero(t, binary.NativeEndian.Uint32(content[leaf*layout.PageSize+12:]), "it has two pages")
	list := content[layout.Free*layout.PageSize:]
	putHead(list, layout.Free, 0x10, 1)
	binary.NativeEndian.PutUint64(list[16:], leaf+1)
	requireDamaged(t, content)
	intact := requireSurvives(t, t.TempDir(), want, content)
	assert.Equal(t, len(want.batches), intact)
}

func TestAnOldPageInThePlaceOfTheRootIsDamageAndNoForeignFile(t *testing.T) {
	content, layout, want := tallTree(t)
	root := content[layout.Root*layout.PageSize:][:layout.PageSize]
	copy(root, content[layout.Leaves[1]*layout.PageSize:])
	binary.NativeEndian.PutUint64(root, layout.Root)
	requireSurvives(t, t.TempDir(), want, content)
}

func TestAHeaderThatPromisesMoreThanThereIsIsDamage(t *testing.T) {
	for _, high := range []uint64{1 << 62, 1<<63 + 1, 1<<64 - 1, 1 << 20} {
		content, layout, want := tallTree(t)
		spool.SetHigh(t, content, layout.PageSize, high)
		intact := requireSurvives(t, t.TempDir(), want, content)
		assert.Equal(t, len(want.batches), intact)
	}
}

// failingReader fails from a read on, as a disk or a network does for a while.
type failingReader struct {
	io.ReaderAt
	good int
}

func (f *failingReader) ReadAt(p []byte, at int64) (int, error) {
	if f.good == 0 {
		return 0, syscall.EIO
	}
	f.good--
	return f.ReaderAt.ReadAt(p, at)
}

func TestAReadErrorIsNoDamage(t *testing.T) {
	content, _, _ := tallTree(t)
	reads := 0
	for ; ; reads++ {
		file := &failingReader{ReaderAt: bytes.NewReader(content), good: reads}
		damaged, err := spool.CheckFails(file, int64(len(content)))
		if err == nil {
			break
		}
		require.ErrorIs(t, err, syscall.EIO, "read %d", reads)
		require.False(t, damaged, "read %d", reads)
	}
	assert.Greater(t, reads, 30)
}
