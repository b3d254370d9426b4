package spool_test

import (
	"errors"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/loopkitai/loopkit-go"
	"github.com/loopkitai/loopkit-go/spool"
)

// childVariable makes this test program the child of one of its tests.
const childVariable = "LOOPKIT_SPOOL_TEST_CHILD"

// runChild runs one test of this program in a process of its own, with a directory.
func runChild(t *testing.T, name, dir string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^"+name+"$", "-test.v")
	cmd.Env = append(os.Environ(), childVariable+"="+dir)
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s", out)
	require.Contains(t, string(out), "--- PASS: "+name)
}

func TestADiskThatIsFullCostsNothingAndDrains(t *testing.T) {
	t.Run("a limit on the size of files", func(t *testing.T) {
		runChild(t, "TestInAChildWithALimitOnFiles", t.TempDir())
	})
	t.Run("a small file system", func(t *testing.T) {
		dir := t.TempDir()
		if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=4m"); err != nil {
			assert.ErrorIs(t, err, os.ErrPermission, "only root may mount; the limit above runs for everybody")
			return
		}
		defer func() { assert.NoError(t, syscall.Unmount(dir, 0)) }()
		for _, size := range []int{300, 20_000, 300_000} {
			fillAndDrain(t, filepath.Join(dir, "spool"), size, func() {}, func() {})
			require.NoError(t, os.RemoveAll(filepath.Join(dir, "spool")))
		}
		// Not a page is left.
		hog := filepath.Join(dir, "hog")
		fillAndDrain(t, filepath.Join(dir, "spool"), 20_000, func() {
			f, err := os.Create(hog)
			require.NoError(t, err)
			for err == nil {
				_, err = f.Write(make([]byte, 4096))
			}
			require.ErrorIs(t, err, syscall.ENOSPC)
			require.NoError(t, f.Close())
		}, func() { require.NoError(t, os.Remove(hog)) })
	})
}

func TestInAChildWithALimitOnFiles(t *testing.T) {
	dir := os.Getenv(childVariable)
	if dir == "" {
		return // TestADiskThatIsFullCostsNothingAndDrains starts it
	}
	signal.Ignore(syscall.SIGXFSZ) // or it would end the process
	var before syscall.Rlimit
	require.NoError(t, syscall.Getrlimit(syscall.RLIMIT_FSIZE, &before))
	limited := before
	limited.Cur = 1 << 20
	for _, size := range []int{300, 20_000, 100_000} {
		require.NoError(t, syscall.Setrlimit(syscall.RLIMIT_FSIZE, &limited))
		fillAndDrain(t, filepath.Join(dir, "spool"), size, func() {}, func() {
			require.NoError(t, syscall.Setrlimit(syscall.RLIMIT_FSIZE, &before))
		})
		require.NoError(t, os.RemoveAll(filepath.Join(dir, "spool")))
	}
}

// fillAndDrain appends batches of a size until the disk is full, fills the rest
// with fill, and checks that nothing was lost and that the spool recovers.
func fillAndDrain(t *testing.T, dir string, size int, fill, space func()) {
	t.Helper()
	s, err := spool.Open(dir, &spool.Options{Sync: spool.SyncNever})
	require.NoError(t, err)
	var kept []uint64
	id := uint64(1)
	for ; ; id++ {
		if err = s.Append([]loopkit.SpoolBatch{large(id, size)}); err != nil {
			break
		}
		kept = append(kept, id)
	}
	require.False(t, errors.Is(err, loopkit.ErrSpoolFull), "%v", err)
	fill()
	for range 3 {
		require.Error(t, s.Append([]loopkit.SpoolBatch{large(id, size)}))
	}
	require.NotEmpty(t, kept)
	require.Equal(t, kept, ids(drained(t, s)), "an Append that failed changed nothing")
	require.NoError(t, s.Close())

	s, err = spool.Open(dir, &spool.Options{Sync: spool.SyncAlways})
	require.NoError(t, err, "a full spool opens")
	require.Equal(t, kept, ids(drained(t, s)))
	half := len(kept) / 2
	for _, id := range kept[:half] {
		require.NoError(t, s.Remove([]uint64{id}), "it drains one by one, %d of %d", id, len(kept))
	}
	if len(kept) > 20 {
		require.NoError(t, s.Append([]loopkit.SpoolBatch{large(id, size)}), "there is room in the file")
	}
	require.NoError(t, s.Remove(kept[half:]))
	require.Zero(t, status(t, s).Damaged)
	space()
	id++
	require.NoError(t, s.Append([]loopkit.SpoolBatch{large(id, size)}))
	_, err = s.Purge(id+1, func(uint64, loopkit.Kind, []byte) bool { return true })
	require.NoError(t, err)
	require.Empty(t, drained(t, s))
	require.NoError(t, s.Close())
}
