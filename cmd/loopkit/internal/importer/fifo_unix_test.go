//go:build unix

package importer_test

import (
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/loopkitai/loopkit-go/loopkittest"
)

func TestAPipeIsRefusedAtOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "pipe.ndjson")
	require.NoError(t, syscall.Mkfifo(path, 0o600))
	opts := to(loopkittest.NewServer(t))
	for _, opts.DryRun = range []bool{false, true} {
		_, err := runImport(t, path, opts)
		assert.ErrorContains(t, err, "not a regular file")
	}
}
