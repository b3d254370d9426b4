package spool_test

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/loopkitai/loopkit-go"
	"github.com/loopkitai/loopkit-go/spool"
)

func TestADirectoryThatCannotBeWrittenIsAnError(t *testing.T) {
	dir := t.TempDir()
	s, err := spool.Open(dir, nil)
	require.NoError(t, err)
	require.NoError(t, s.Append([]loopkit.SpoolBatch{events(1, "a")}))
	require.NoError(t, s.Close())
	if os.Geteuid() == 0 { // whom permissions do not stop
		if err := syscall.Mount(dir, dir, "", syscall.MS_BIND, ""); err != nil {
			require.ErrorIs(t, err, os.ErrPermission, "in a container without mounts")
			return
		}
		defer func() { require.NoError(t, syscall.Unmount(dir, 0)) }()
		require.NoError(t, syscall.Mount("", dir, "", syscall.MS_BIND|syscall.MS_REMOUNT|syscall.MS_RDONLY, ""))
	} else {
		for _, name := range []string{"spool.db", "spool.lock"} {
			require.NoError(t, os.Chmod(filepath.Join(dir, name), 0o400))
		}
		require.NoError(t, os.Chmod(dir, 0o500))
		defer func() { require.NoError(t, os.Chmod(dir, 0o700)) }()
	}
	s, err = spool.Open(dir, nil)
	requireKeepsNothing(t, s, err)
	s, err = spool.Open(filepath.Join(dir, "new"), nil)
	requireKeepsNothing(t, s, err)
	assert.FileExists(t, file(dir))
}
