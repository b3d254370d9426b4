package importer_test

import (
	"fmt"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/loopkitai/loopkit-go/cmd/loopkit/internal/importer"
	"github.com/loopkitai/loopkit-go/loopkittest"
)

// requireRefusal checks that an import stopped as an endpoint refuses everything.
func requireRefusal(t *testing.T, err error, endpoint string) {
	t.Helper()
	var refusal *importer.RefusalError
	var stop *importer.StoppedError
	require.ErrorAs(t, err, &refusal)
	require.ErrorAs(t, err, &stop)
	assert.Equal(t, endpoint, refusal.Endpoint)
}

func TestAServerThatRefusesEverythingSinceAnImportBeforeStopsTheNext(t *testing.T) {
	server := loopkittest.NewServer(t)
	path := write(t, tracks(50)...)
	opts := to(server)
	mustImport(t, path, opts)
	appendTo(t, path, strings.Join(tracks(700), "\n")+"\n")
	server.Reset()
	refuse(server, http.StatusBadRequest, "")
	opts.Resume = true
	_, err := runImport(t, path, opts)
	requireRefusal(t, err, "tracks")
	assert.EqualValues(t, 50, checkpointOf(t, path).Line)
	assert.NoFileExists(t, path+".rejected.ndjson")
	assert.Less(t, len(server.Requests()), 3*700)

	server.Heal()
	assert.EqualValues(t, 750, mustImport(t, path, opts).Sent)
}

func TestAnEndpointThatRefusesEverythingIsNotExcusedByAnother(t *testing.T) {
	server := loopkittest.NewServer(t)
	server.FailAll(loopkittest.Tracks, loopkittest.Fault{Status: http.StatusBadRequest})
	var lines []string
	for i := range 40 {
		lines = append(lines, fmt.Sprintf(`{"type":"identify","userId":"user_%d"}`, i))
	}
	path := write(t, append(lines, tracks(300)...)...)
	_, err := runImport(t, path, to(server))
	requireRefusal(t, err, "tracks")
	assert.Zero(t, checkpointOf(t, path).ByteOffset)
	assert.NoFileExists(t, path+".rejected.ndjson")
}

func TestAServerThatTurnsToRefuseEverythingStopsTheImport(t *testing.T) {
	server := loopkittest.NewServer(t)
	lines := tracks(1000)
	for i := 100; i < len(lines); i++ {
		lines[i] = strings.Replace(lines[i], "feature_used", "refused", 1)
	}
	refuse(server, http.StatusBadRequest, "refused")
	for window, line := range map[int]int64{100: 100, 1000: 0} {
		path := write(t, lines...)
		opts := to(server)
		importer.Window(&opts, window)
		_, err := runImport(t, path, opts)
		requireRefusal(t, err, "tracks")
		assert.Equal(t, line, checkpointOf(t, path).Line)
		_, err = os.Stat(path + ".rejected.ndjson")
		assert.ErrorIs(t, err, os.ErrNotExist)
	}
}
