package lockfile_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/loopkitai/loopkit-go/cmd/loopkit/internal/lockfile"
)

func TestALockLastsUntilTheFileIsClosed(t *testing.T) {
	name := filepath.Join(t.TempDir(), "events.ndjson")
	require.NoError(t, os.WriteFile(name, []byte("content\n"), 0o600))
	open := func() *os.File {
		file, err := os.OpenFile(name, os.O_RDWR|os.O_APPEND, 0)
		require.NoError(t, err)
		return file
	}
	first, second := open(), open()
	require.NoError(t, lockfile.Lock(first))
	assert.ErrorIs(t, lockfile.Lock(second), lockfile.ErrLocked)
	text, err := os.ReadFile(name)
	require.NoError(t, err)
	assert.Equal(t, "content\n", string(text), "everybody may read it")
	require.NoError(t, first.Close())
	assert.NoError(t, lockfile.Lock(second))
	require.NoError(t, second.Close())
}
