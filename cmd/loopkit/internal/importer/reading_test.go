package importer_test

import (
	"bytes"
	"compress/gzip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/loopkitai/loopkit-go/cmd/loopkit/internal/importer"
	"github.com/loopkitai/loopkit-go/cmd/loopkit/internal/records"
	"github.com/loopkitai/loopkit-go/loopkittest"
)

func writeAs(t testing.TB, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	return path
}

func TestTheLastRowOfCSVIsNotSentUntilItHasAnEnd(t *testing.T) {
	server := loopkittest.NewServer(t)
	path := writeAs(t, "users.csv", "type,userId\nidentify,user_1\nidentify,user_12")
	opts := to(server)
	result := mustImport(t, path, opts)
	assert.EqualValues(t, 1, result.Sent)
	require.Len(t, rejected(t, path), 1)
	assert.Contains(t, rejected(t, path)[0].Reason, "add a line end to the file, and go on with --resume")

	appendTo(t, path, "3\n")
	opts.Resume = true
	assert.EqualValues(t, 2, mustImport(t, path, opts).Sent)
	assert.Empty(t, rejected(t, path))
	users := []string{}
	for _, m := range server.Messages() {
		users = append(users, m.UserID)
	}
	assert.ElementsMatch(t, []string{"user_1", "user_123"}, users)
}

func TestWhatCanBeReadOfADamagedFileIsSent(t *testing.T) {
	server := loopkittest.NewServer(t)
	var packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	_, err := w.Write([]byte(strings.Join(tracks(300), "\n")))
	require.NoError(t, err)
	require.NoError(t, w.Flush())
	whole := packed.Len()
	_, err = w.Write([]byte("\n" + track("user_1", 300) + "\n"))
	require.NoError(t, err)
	require.NoError(t, w.Close())
	path := writeAs(t, "events.ndjson.gz", packed.String()[:whole])
	opts := to(server)
	_, err = runImport(t, path, opts)
	var local *importer.FileError
	require.ErrorAs(t, err, &local)
	assert.ErrorContains(t, err, "the file cannot be read beyond line 299: unexpected EOF")
	assert.Len(t, server.Messages(), 299, "the last line may be half of itself")

	require.NoError(t, os.WriteFile(path, packed.Bytes(), 0o600))
	opts.Resume = true
	assert.EqualValues(t, 301, mustImport(t, path, opts).Sent)
	assert.Len(t, server.Messages(), 301)
}

// sentBy are message IDs by user, and the time of each message.
func sentBy(t *testing.T, path string, opts importer.Options) (ids map[string]string, times map[string]time.Time) {
	t.Helper()
	server := loopkittest.NewServer(t)
	opts.BaseURL, opts.NewClient, opts.Restart = "the same", to(server).NewClient, true
	mustImport(t, path, opts)
	ids, times = map[string]string{}, map[string]time.Time{}
	for _, m := range server.Messages() {
		ids[m.UserID], times[m.UserID] = m.MessageID, m.Timestamp
	}
	return ids, times
}

func TestARowThatIsReadInAnotherWayIsAnotherMessage(t *testing.T) {
	path := writeAs(t, "users.csv", "type,id,plan\nidentify,user_123,3\nidentify,user_124,\n")
	as := func(plan string, infer bool) map[string]string {
		ids, _ := sentBy(t, path, importer.Options{Records: records.Options{Map: map[string]string{"id": "userId", "plan": plan}, Infer: infer}})
		return ids
	}
	without, with, inferred := as("", false), as("traits.plan", false), as("traits.plan", true)
	assert.Equal(t, with, as("traits.plan", false))
	assert.NotEqual(t, without["user_123"], with["user_123"])
	assert.NotEqual(t, with["user_123"], inferred["user_123"])
	assert.Equal(t, without["user_124"], inferred["user_124"], "which is the same")
}

func TestARecordWithoutATimeHasTheSameWheneverItIsSent(t *testing.T) {
	path := write(t, `{"type":"identify","userId":"user_123"}`, `{"type":"group","groupId":"g","userId":"user_124"}`, track("user_125", 1))
	began := time.Now().Truncate(time.Millisecond)
	ids, times := sentBy(t, path, importer.Options{})
	assert.False(t, times["user_123"].Before(began))
	assert.Equal(t, times["user_123"], times["user_124"])
	assert.Equal(t, 2025, times["user_125"].Year())
	again, repeated := sentBy(t, path, importer.Options{})
	assert.Equal(t, ids, again)
	assert.Equal(t, times, repeated)
}

func TestAnImportDoesNotGoOnInAnotherReading(t *testing.T) {
	server := loopkittest.NewServer(t)
	path, opts := halfway(t, server)
	opts.Resume = true
	for name, reading := range map[string]records.Options{
		"format": {Format: records.NDJSON}, "map": {Map: map[string]string{"a": "userId"}}, "infer": {Infer: true},
	} {
		opts.Records = reading
		_, err := runImport(t, path, opts)
		assert.ErrorIs(t, err, importer.ErrCheckpoint, name)
		assert.ErrorContains(t, err, "began with another --format, --map or --infer; go on with the same", name)
	}
	opts.Records = records.Options{Format: records.Auto, Map: map[string]string{}}
	assert.EqualValues(t, 19, mustImport(t, path, opts).Sent, "these are the defaults")
}
