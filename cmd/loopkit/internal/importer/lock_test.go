package importer_test

import (
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/loopkitai/loopkit-go/cmd/loopkit/internal/importer"
	"github.com/loopkitai/loopkit-go/loopkittest"
)

func TestASecondImportOfAFileIsRefusedWhileTheFirstRuns(t *testing.T) {
	server := loopkittest.NewServer(t)
	lines := tracks(20)
	lines[3] = "rubbish"
	path := write(t, lines...)
	link := filepath.Join(t.TempDir(), "link.ndjson")
	require.NoError(t, os.Symlink(path, link))
	opts := to(server)
	importer.Window(&opts, 10)
	var once sync.Once
	server.FailAll(loopkittest.Any, loopkittest.Fault{If: func(body []byte) bool {
		if strings.Contains(string(body), `"n":15`) { // in the second window
			once.Do(func() {
				for _, second := range []importer.Options{to(server), {Restart: true}, {Resume: true}} {
					second.BaseURL, second.NewClient = opts.BaseURL, opts.NewClient
					for _, name := range []string{path, link} {
						_, err := runImport(t, name, second)
						assert.ErrorIs(t, err, importer.ErrRunning)
						assert.ErrorContains(t, err, "; wait until it has ended")
					}
				}
				dry := to(loopkittest.NewServer(t)) // this one is busy here
				dry.DryRun = true
				assert.EqualValues(t, 19, mustImport(t, path, dry).Sent, "which writes nothing")
			})
		}
		return false
	}})
	result := mustImport(t, path, opts)
	assert.EqualValues(t, 19, result.Sent)
	assert.Len(t, rejected(t, path), 1, "the second has not touched them")

	opts.Resume = true
	assert.EqualValues(t, 19, mustImport(t, path, opts).Sent, "the first has ended")
}
