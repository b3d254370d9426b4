//go:build unix

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

func TestFilesThatOthersMayReadAreNarrowed(t *testing.T) {
	dir := t.TempDir()
	s, err := spool.Open(dir, nil)
	require.NoError(t, err)
	require.NoError(t, s.Close())
	paths := []string{file(dir), filepath.Join(dir, "spool.lock")}
	for _, path := range paths {
		require.NoError(t, os.Chmod(path, 0o666))
	}
	open(t, dir, nil)
	for _, path := range paths {
		info, err := os.Stat(path)
		require.NoError(t, err)
		assert.Equal(t, os.FileMode(0o600), info.Mode().Perm(), path)
	}
}

func TestNoLinkIsFollowedAndNoPipeIsWaitedFor(t *testing.T) {
	for _, name := range []string{"spool.db", "spool.db.next", "spool.lock"} {
		for what, make := range map[string]func(elsewhere, path string) error{
			"link": os.Symlink,
			"pipe": func(_, path string) error { return syscall.Mkfifo(path, 0o600) },
		} {
			dir, other := t.TempDir(), t.TempDir()
			s, err := spool.Open(other, nil)
			require.NoError(t, err)
			require.NoError(t, s.Append([]loopkit.SpoolBatch{events(1, "user_123")}))
			require.NoError(t, s.Close())
			require.NoError(t, os.Chmod(file(other), 0o644))
			require.NoError(t, make(file(other), filepath.Join(dir, name)))
			s, err = spool.Open(dir, nil)
			require.ErrorContains(t, err, "is a link, a directory or a device", "%s %s", name, what)
			requireKeepsNothing(t, s, err)
			info, err := os.Stat(file(other))
			require.NoError(t, err)
			assert.Equal(t, os.FileMode(0o644), info.Mode().Perm(), "it was not touched")
		}
	}
}

func TestAPipeInThePlaceOfAnotherSlotIsNotWaitedFor(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, syscall.Mkfifo(filepath.Join(dir, "spool-2.db"), 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "spool-2.lock"), nil, 0o600))
	s := open(t, dir, &spool.Options{Processes: 2})
	require.NoError(t, s.Append([]loopkit.SpoolBatch{events(1, "user_123")}))
}

func TestALinkInThePlaceOfANewFileIsRemovedAndNotWrittenThrough(t *testing.T) {
	dir := t.TempDir()
	notes := filepath.Join(t.TempDir(), "notes")
	require.NoError(t, os.WriteFile(notes, []byte("notes"), 0o600))
	require.NoError(t, os.Symlink(notes, file(dir)+".new"))
	s := open(t, dir, nil)
	require.NoError(t, s.Append([]loopkit.SpoolBatch{events(1, "user_123")}))
	content, err := os.ReadFile(notes)
	require.NoError(t, err)
	assert.Equal(t, "notes", string(content))
}

func TestADirectoryOfAnotherUserIsRefused(t *testing.T) {
	dir := t.TempDir()
	info, err := os.Stat(dir)
	require.NoError(t, err)
	owner := os.Geteuid()
	if owner == 0 { // only root can give a directory away
		owner = 12345
		require.NoError(t, os.Chown(dir, owner, -1))
		info, err = os.Stat(dir)
		require.NoError(t, err)
	}
	require.NoError(t, spool.Trusted(info, owner))
	require.NoError(t, spool.Trusted(info, 0), "a container's root uses what it is given")
	require.ErrorContains(t, spool.Trusted(info, owner+1), "another user")
}
