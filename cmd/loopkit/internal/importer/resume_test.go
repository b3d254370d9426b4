package importer_test

import (
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/loopkitai/loopkit-go/cmd/loopkit/internal/importer"
	"github.com/loopkitai/loopkit-go/loopkittest"
)

// stopAt makes an import stop when the server sees a text.
func stopAt(server *loopkittest.Server, text string) {
	server.FailAll(loopkittest.Any, loopkittest.Fault{Status: http.StatusUnauthorized, If: func(body []byte) bool {
		return strings.Contains(string(body), text)
	}})
}

// halfway returns a file whose import stopped after its first window.
func halfway(t *testing.T, server *loopkittest.Server) (path string, opts importer.Options) {
	t.Helper()
	lines := tracks(20)
	lines[3] = "rubbish"
	path = write(t, lines...)
	opts = to(server)
	importer.Window(&opts, 10)
	stopAt(server, `"n":15`)
	_, err := runImport(t, path, opts)
	var stop *importer.StoppedError
	require.ErrorAs(t, err, &stop)
	require.EqualValues(t, 11, stop.First)
	require.EqualValues(t, 20, stop.Last)
	server.Heal()
	return path, opts
}

func TestAnImportGoesOnWhereItStopped(t *testing.T) {
	server := loopkittest.NewServer(t)
	path, opts := halfway(t, server)
	assert.Equal(t, checkpoint{ByteOffset: offset(t, path, 10), Line: 10, Sent: 9, Failed: 1, RejectedBytes: size(t, path+".rejected.ndjson")}, checkpointOf(t, path))

	_, err := runImport(t, path, opts)
	assert.ErrorIs(t, err, importer.ErrUnfinished)
	assert.ErrorContains(t, err, "up to line 10; --resume goes on there, --restart sends all of it again")

	// A kill may leave rejected records behind that the checkpoint does not know.
	appendTo(t, path+".rejected.ndjson", `{"line":12,"rea`)
	opts.Resume = true
	result := mustImport(t, path, opts)
	assert.EqualValues(t, 19, result.Sent)
	assert.EqualValues(t, 1, result.Rejected)
	assert.True(t, result.Resumed)
	require.Len(t, rejected(t, path), 1, "none is there twice")
	seen := map[int]bool{}
	for _, n := range numbers(server.Messages()) {
		seen[n] = true
	}
	assert.Len(t, seen, 19)
	assert.True(t, checkpointOf(t, path).Done)
}

func offset(t *testing.T, path string, lines int) (n int64) {
	t.Helper()
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	for _, line := range strings.SplitAfter(string(text), "\n")[:lines] {
		n += int64(len(line))
	}
	return n
}

func size(t *testing.T, path string) int64 {
	t.Helper()
	info, err := os.Stat(path)
	require.NoError(t, err)
	return info.Size()
}

func TestAFinishedImportIsNotRepeatedByMistake(t *testing.T) {
	server := loopkittest.NewServer(t)
	path := write(t, tracks(5)...)
	opts := to(server)
	mustImport(t, path, opts)
	_, err := runImport(t, path, opts)
	assert.ErrorIs(t, err, importer.ErrFinished)
	assert.ErrorContains(t, err, "5 records sent, 0 set aside; --resume sends what was added to it since, --restart all of it again under the same message IDs")
	require.Len(t, server.Messages(), 5)

	opts.Resume = true
	assert.EqualValues(t, 5, mustImport(t, path, opts).Sent, "nothing is left")
	appendTo(t, path, track("user_1", 5)+"\n"+`{"type":"track"`)
	result := mustImport(t, path, opts)
	assert.EqualValues(t, 6, result.Sent)
	assert.EqualValues(t, 1, result.Rejected)
	assert.EqualValues(t, 6, checkpointOf(t, path).Line, "half a line is not passed")
	appendTo(t, path, track("user_1", 6)[len(`{"type":"track"`):]+"\n")
	assert.EqualValues(t, 7, mustImport(t, path, opts).Sent)
	assert.Empty(t, rejected(t, path), "it was completed")
	assert.ElementsMatch(t, []int{0, 1, 2, 3, 4, 5, 6}, numbers(server.Messages()))

	opts.Resume, opts.Restart = false, true
	mustImport(t, path, opts)
	assert.Len(t, server.Messages(), 14)
}

func TestAnImportDoesNotGoOnInAnotherFile(t *testing.T) {
	for name, change := range map[string]func(text string) string{
		"the head differs": func(text string) string { return strings.Replace(text, "user_0", "user_9", 1) },
		"it is shorter":    func(text string) string { return text[:len(text)/2] },
		"it is empty":      func(string) string { return "" },
	} {
		t.Run(name, func(t *testing.T) {
			server := loopkittest.NewServer(t)
			path, opts := halfway(t, server)
			text, err := os.ReadFile(path)
			require.NoError(t, err)
			require.NoError(t, os.WriteFile(path, []byte(change(string(text))), 0o600))
			before := checkpointOf(t, path)
			for _, resume := range []bool{false, true} {
				opts.Resume = resume
				_, err = runImport(t, path, opts)
				assert.ErrorIs(t, err, importer.ErrChanged)
				assert.ErrorContains(t, err, "--restart")
			}
			assert.Equal(t, before, checkpointOf(t, path))
		})
	}
}

func TestAChangeIsNoticedThatIsNotAtTheBeginning(t *testing.T) {
	long := tracks(1200) // more than what is hashed at the beginning
	for name, test := range map[string]struct{ first, grown, changed []string }{
		"shorter than what was read": {tracks(1), tracks(200), append(tracks(1), tracks(3)...)},
		"empty at first":             {nil, tracks(200), append([]string{`{"type":"identify","userId":"user_123"}`}, tracks(300)...)},
		"changed far behind":         {long, long, append(append(tracks(1100), "x"), tracks(200)...)},
	} {
		t.Run(name, func(t *testing.T) {
			server := loopkittest.NewServer(t)
			path, opts := write(t), to(server)
			replace := func(lines []string) {
				text := strings.Join(append(lines, ""), "\n")
				require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
			}
			opts.Resume = true
			for _, lines := range [][]string{test.first, test.grown} {
				replace(lines)
				mustImport(t, path, opts)
			}
			sent := len(server.Messages())
			replace(test.changed)
			_, err := runImport(t, path, opts)
			assert.ErrorIs(t, err, importer.ErrChanged)
			assert.Len(t, server.Messages(), sent)
		})
	}
}

func TestAnImportDoesNotGoOnToAnotherServer(t *testing.T) {
	path, opts := halfway(t, loopkittest.NewServer(t))
	opts.Resume, opts.BaseURL = true, "https://other.test/v1"
	_, err := runImport(t, path, opts)
	assert.ErrorIs(t, err, importer.ErrCheckpoint)
	assert.ErrorContains(t, err, "cannot go on to https://other.test/v1")
}

func TestADamagedCheckpointIsNotTrusted(t *testing.T) {
	server := loopkittest.NewServer(t)
	path, opts := halfway(t, server)
	whole, err := os.ReadFile(path + ".loopkit-progress")
	require.NoError(t, err)
	for name, text := range map[string]string{
		"torn":            string(whole[:len(whole)/2]),
		"empty":           "",
		"garbage":         "\x00\x01",
		"another version": strings.Replace(string(whole), `"version":1`, `"version":2`, 1),
		"negative":        strings.Replace(string(whole), `"byteOffset":`, `"byteOffset":-`, 1),
		"no hash":         strings.Replace(string(whole), `"sha256":"`, `"sha256":"x`, 1),
		"no tail":         strings.Replace(string(whole), `"tailSha256":"`, `"tailSha256":"x`, 1),
		"no beginning":    strings.Replace(string(whole), `"began":"2`, `"began":"x`, 1),
		"twice":           string(whole) + string(whole),
		"unknown member":  strings.Replace(string(whole), `{`, `{"x":1,`, 1),
	} {
		require.NoError(t, os.WriteFile(path+".loopkit-progress", []byte(text), 0o600))
		opts.Resume, opts.Restart = true, false
		_, err := runImport(t, path, opts)
		assert.ErrorIs(t, err, importer.ErrCheckpoint, name)
		assert.ErrorContains(t, err, "--restart sends the whole file again", name)
	}
	opts.Resume, opts.Restart = false, true
	assert.EqualValues(t, 19, mustImport(t, path, opts).Sent)
}

func TestRejectedRecordsOfAnImportBeforeAreKept(t *testing.T) {
	server := loopkittest.NewServer(t)
	path, opts := halfway(t, server)
	require.NoError(t, os.Remove(path+".loopkit-progress"))
	_, err := runImport(t, path, opts)
	assert.ErrorContains(t, err, "holds what an import before has set aside; move it away, or replace it with --restart")
	require.Len(t, rejected(t, path), 1)

	path, opts = halfway(t, server)
	require.NoError(t, os.Truncate(path+".rejected.ndjson", 5))
	opts.Resume = true
	_, err = runImport(t, path, opts)
	assert.ErrorIs(t, err, importer.ErrCheckpoint, "some of them are gone")
}

func TestRejectedRecordsThatSomebodySawToCanBeDeleted(t *testing.T) {
	server := loopkittest.NewServer(t)
	path, opts := halfway(t, server)
	opts.Resume = true
	mustImport(t, path, opts)
	require.NoError(t, os.Remove(path+".rejected.ndjson"))
	appendTo(t, path, "rubbish\n"+track("user_1", 20)+"\n")
	result := mustImport(t, path, opts)
	assert.EqualValues(t, 20, result.Sent)
	assert.EqualValues(t, 1, result.Rejected)
	assert.Len(t, rejected(t, path), 1)

	path, opts = halfway(t, server)
	require.NoError(t, os.Remove(path+".rejected.ndjson"))
	opts.Resume = true
	_, err := runImport(t, path, opts)
	assert.ErrorIs(t, err, importer.ErrCheckpoint, "an import that has not ended would leave them out of what it reports")
	assert.ErrorContains(t, err, "is gone; put it back")
}

func TestARefusedKeyStopsTheImportAndSetsNothingAside(t *testing.T) {
	for _, status := range []int{401, 403, 404} {
		server := loopkittest.NewServer(t)
		server.FailAll(loopkittest.Any, loopkittest.Fault{Status: status})
		path := write(t, tracks(100)...)
		_, err := runImport(t, path, to(server))
		var stop *importer.StoppedError
		require.ErrorAs(t, err, &stop)
		assert.ErrorContains(t, err, http.StatusText(status))
		assert.ErrorContains(t, err, "some of lines 1 to 100 may have arrived")
		assert.NoFileExists(t, path+".rejected.ndjson")
		assert.Zero(t, checkpointOf(t, path).ByteOffset)

		server.Heal()
		assert.EqualValues(t, 100, mustImport(t, path, to(server)).Sent, "nothing was acknowledged, so nothing has to be resumed")
	}
}

func TestCheckFindsWhatStandsInTheWayAndChangesNothing(t *testing.T) {
	server := loopkittest.NewServer(t)
	path := write(t, tracks(5)...)
	im, err := importer.New(to(server))
	require.NoError(t, err)
	defer im.Close()
	assert.NoError(t, im.Check(path))
	assert.NoFileExists(t, path+".loopkit-progress")
	assert.ErrorIs(t, im.Check(path+".none"), os.ErrNotExist)
	assert.ErrorContains(t, im.Check(t.TempDir()), "not a regular file")
	other := write(t, tracks(5)...)
	assert.NoError(t, im.Check(path, other))
	assert.ErrorIs(t, im.Check(path, other, filepath.Dir(path)+"/./events.ndjson"), importer.ErrTwice)
	require.NoError(t, os.Mkdir(other+".loopkit-progress.new", 0o700)) // nothing can be written, as in a directory of others
	assert.ErrorContains(t, im.Check(path, other), "copy the file, or link to it with ln -s, in a directory of yours")
	_, err = im.Import(t.Context(), path)
	require.NoError(t, err)
	assert.ErrorIs(t, im.Check(path), importer.ErrFinished)
	assert.False(t, errors.Is(im.Check(path), importer.ErrUnfinished))
}
