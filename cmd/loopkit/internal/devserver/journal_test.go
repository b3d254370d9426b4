package devserver_test

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/loopkitai/loopkit-go/cmd/loopkit/internal/devserver"
)

func readFile(t testing.TB, name string) string {
	t.Helper()
	text, err := os.ReadFile(name)
	require.NoError(t, err)
	return string(text)
}

func journalOf(t testing.TB, text string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "events.ndjson")
	require.NoError(t, os.WriteFile(name, []byte(text), 0o600))
	return name
}

func line(name string) string {
	return fmt.Sprintf(`{"type":"track","name":%q,"anonymousId":"anon_456","timestamp":"2025-01-15T10:30:00Z","properties":{}}`+"\n", name)
}

func TestTheJournalIsReadBack(t *testing.T) {
	name := filepath.Join(t.TempDir(), "events.ndjson")
	first := travelled(t, devserver.Options{Journal: name})
	first.send(http.MethodPost, "/v1/tracks", "{}", nil) // refused, and not in the journal
	first.send(http.MethodDelete, "/v1/groups/team_456", "", header{"Authorization", "Bearer lk_dev"})
	before, _ := first.Store().Snapshot().Person("user_123")
	require.NoError(t, first.stop())
	assert.Len(t, lines(readFile(t, name)), 8)
	if runtime.GOOS != "windows" {
		info, err := os.Stat(name)
		require.NoError(t, err)
		assert.Equal(t, os.FileMode(0o600), info.Mode().Perm())
	}

	second := start(t, devserver.Options{Journal: name})
	after, _ := second.Store().Snapshot().Person("user_123")
	assert.Equal(t, before.AnonymousIDs, after.AnonymousIDs)
	assert.Equal(t, before.Traits, after.Traits)
	assert.Len(t, after.Events, 5)
	assert.WithinDuration(t, before.LastSeen, after.LastSeen, 0)
	group, _ := second.Store().Snapshot().Group("team_456")
	assert.True(t, group.Deleted)
	assert.Empty(t, second.log.String())
	second.track("page_view")
	require.NoError(t, second.stop())
	assert.Len(t, lines(readFile(t, name)), 9)
}

func TestALineThatACrashCutOffIsTakenAway(t *testing.T) {
	name := journalOf(t, line("a")+line("b")+line("torn")[:40])
	s := start(t, devserver.Options{Journal: name})
	assert.Equal(t, []string{"a", "b"}, s.names())
	assert.Contains(t, s.log.String(), "the last line was cut off by a crash")
	s.track("c")
	require.NoError(t, s.stop())
	written := lines(readFile(t, name))
	require.Len(t, written, 3)
	assert.Contains(t, written[2], `"name":"c"`)
}

func TestAWholeLastLineWithoutItsEndIsKept(t *testing.T) {
	name := journalOf(t, line("a")+strings.TrimSpace(line("b")))
	s := start(t, devserver.Options{Journal: name})
	s.track("c")
	assert.Equal(t, []string{"a", "b", "c"}, s.names())
	require.NoError(t, s.stop())
	assert.Len(t, lines(readFile(t, name)), 3)
	assert.Empty(t, s.log.String())
}

func TestLinesThatAreNoMessagesAreLeftOutAndCounted(t *testing.T) {
	name := journalOf(t, line("a")+"{}\n"+"what?\n"+line("b"))
	s := start(t, devserver.Options{Journal: name})
	assert.Equal(t, []string{"a", "b"}, s.names())
	assert.Contains(t, s.log.String(), "2 lines are no messages and were left out, the first is line 2")
	require.NoError(t, s.stop())
	assert.Len(t, lines(readFile(t, name)), 4, "they stay in the file")
}

func TestAFileOfAnotherProgramIsLeftAlone(t *testing.T) {
	for _, text := range []string{"SQLite format 3\x00\n" + line("a"), "no line end", "# Notes\n\nBuy milk\n", "{}", line("a")[:30]} {
		name := journalOf(t, text)
		_, err := devserver.Listen(devserver.Options{Addr: "127.0.0.1:0", Journal: name})
		assert.ErrorContains(t, err, "is it another program's", "%q", text)
		assert.Equal(t, text, readFile(t, name))
	}
	_, err := devserver.Listen(devserver.Options{Addr: "127.0.0.1:0", Journal: t.TempDir()})
	assert.Error(t, err)
	_, err = devserver.Listen(devserver.Options{Addr: "127.0.0.1:0", Journal: filepath.Join(t.TempDir(), "no", "such", "file")})
	assert.ErrorContains(t, err, "cannot open the journal")
}

func TestASecondServerWithOneJournalIsRefused(t *testing.T) {
	name := journalOf(t, line("a"))
	first := start(t, devserver.Options{Journal: name})
	second := func() error {
		_, err := devserver.Listen(devserver.Options{Addr: "127.0.0.1:0", Journal: name})
		return err
	}
	var inUse *devserver.JournalInUseError
	require.ErrorAs(t, second(), &inUse)
	assert.ErrorContains(t, second(), `events.ndjson is the journal of another "loopkit dev": stop that, or name another file`)
	first.send(http.MethodPost, "/api/reset", "{}", asJSON)
	assert.ErrorAs(t, second(), &inUse, "the new file is locked, too")
	first.track("b")
	require.NoError(t, first.stop())
	assert.Equal(t, []string{"b"}, start(t, devserver.Options{Journal: name}).names())
}

func TestOfALongJournalTheNewestAreKept(t *testing.T) {
	var text strings.Builder
	for i := range 500 {
		text.WriteString(line(fmt.Sprintf("event_%d", i)))
	}
	s := start(t, devserver.Options{Journal: journalOf(t, text.String()), Max: 3})
	assert.Equal(t, []string{"event_497", "event_498", "event_499"}, s.names())
	assert.Equal(t, int64(497), s.Store().Snapshot().Forgotten)
}

func TestAMessageThatCouldNotBeReadBackIsNotWritten(t *testing.T) {
	name := filepath.Join(t.TempDir(), "events.ndjson")
	s := start(t, devserver.Options{Journal: name})
	body := `{"name":"large","anonymousId":"anon_456","timestamp":"2025-01-15T10:30:00Z","properties":{"text":"` + strings.Repeat("x", 1<<20) + `"}}`
	s.send(http.MethodPost, "/v1/tracks", body, header{"Authorization", "Bearer lk_dev"})
	s.track("small")
	assert.Equal(t, []string{"large", "small"}, s.names())
	assert.Contains(t, s.log.String(), "a message could not be written: it has over 1048576 bytes")
	require.NoError(t, s.stop())
	assert.Equal(t, []string{"small"}, start(t, devserver.Options{Journal: name}).names())
}

func TestClearingPutsTheJournalAside(t *testing.T) {
	name := journalOf(t, line("a"))
	s := start(t, devserver.Options{Journal: name})
	s.track("b")
	for range 2 { // the second time there is nothing to put aside
		response, text := s.send(http.MethodPost, "/api/reset", "{}", asJSON)
		assert.Equal(t, http.StatusOK, response.StatusCode, text)
	}
	s.track("c")
	s.send(http.MethodPost, "/api/reset", "{}", asJSON)
	s.track("d")
	require.NoError(t, s.stop())

	kept, err := filepath.Glob(filepath.Join(filepath.Dir(name), "events-*.ndjson"))
	require.NoError(t, err)
	require.Len(t, kept, 2)
	whole := readFile(t, kept[0]) + readFile(t, kept[1])
	for _, event := range []string{"a", "b", "c"} {
		assert.Contains(t, whole, fmt.Sprintf(`"name":%q`, event))
	}
	for _, file := range kept {
		assert.Contains(t, s.log.String(), file)
	}
	again := start(t, devserver.Options{Journal: name})
	assert.Equal(t, []string{"d"}, again.names(), "what was cleared does not come back")
}

func TestTheJournalHasWhatADeletionWasAbout(t *testing.T) {
	name := filepath.Join(t.TempDir(), "events.ndjson")
	s := travelled(t, devserver.Options{Journal: name})
	s.send(http.MethodDelete, "/v1/users/user_123", "", header{"Authorization", "Bearer lk_dev"})
	assert.Contains(t, readFile(t, name), "john@acme.com", "as the documentation of --data warns")
	assert.Contains(t, readFile(t, name), `{"type":"deleteUser"`)
}

func TestTheJournalHasTheOrderOfThePage(t *testing.T) {
	name := filepath.Join(t.TempDir(), "events.ndjson")
	s := start(t, devserver.Options{Journal: name})
	done := make(chan struct{})
	for w := range 4 {
		go func() {
			defer func() { done <- struct{}{} }()
			for i := range 25 {
				response, err := http.Post(s.BaseURL()+"/tracks?apiKey=lk_dev", "application/json", strings.NewReader(trackBody(fmt.Sprintf("event_%d_%d", w, i))))
				if assert.NoError(t, err) {
					assert.NoError(t, response.Body.Close())
				}
			}
		}()
	}
	for range 4 {
		<-done
	}
	shown := s.names()
	require.NoError(t, s.stop())
	again := start(t, devserver.Options{Journal: name})
	assert.Equal(t, shown, again.names())
}
