package importer_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/loopkitai/loopkit-go"
	"github.com/loopkitai/loopkit-go/cmd/loopkit/internal/importer"
	"github.com/loopkitai/loopkit-go/loopkittest"
)

// to are options that send to a server.
func to(server *loopkittest.Server) importer.Options {
	return sendingBy(server.BaseURL(), server.HTTPClient())
}

func sendingBy(baseURL string, by *http.Client) importer.Options {
	return importer.Options{
		BaseURL: baseURL,
		NewClient: func(o *loopkit.Options) (*loopkit.Client, error) {
			o.BaseURL, o.HTTPClient, o.Logger = baseURL, by, slog.New(slog.DiscardHandler)
			if strings.HasPrefix(baseURL, "http://127.0.0.1") { // real time passes
				o.RetryMin, o.RetryMax = time.Millisecond, 10*time.Millisecond
			}
			return loopkit.New("lk_test", o)
		},
	}
}

func runImport(t testing.TB, path string, opts importer.Options) (importer.Result, error) {
	t.Helper()
	im, err := importer.New(opts)
	require.NoError(t, err)
	defer im.Close()
	return im.Import(t.Context(), path)
}

func mustImport(t testing.TB, path string, opts importer.Options) importer.Result {
	t.Helper()
	result, err := runImport(t, path, opts)
	require.NoError(t, err)
	return result
}

func write(t testing.TB, lines ...string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "events.ndjson")
	require.NoError(t, os.WriteFile(path, []byte(strings.Join(lines, "\n")+"\n"), 0o600))
	return path
}

// track is a line of the i-th event of a user.
func track(user string, i int) string {
	return fmt.Sprintf(`{"type":"track","name":"feature_used","userId":%q,"anonymousId":"anon_%s","properties":{"n":%d},"timestamp":"2025-01-15T10:30:00Z"}`, user, user, i)
}

func tracks(n int) []string {
	lines := make([]string, n)
	for i := range lines {
		lines[i] = track(fmt.Sprintf("user_%d", i%7), i)
	}
	return lines
}

func rejected(t testing.TB, path string) (all []importer.Rejection) {
	t.Helper()
	text, err := os.ReadFile(path + ".rejected.ndjson")
	if os.IsNotExist(err) {
		return nil
	}
	require.NoError(t, err)
	for line := range bytes.Lines(text) {
		var one importer.Rejection
		require.NoError(t, json.Unmarshal(line, &one))
		all = append(all, one)
	}
	return all
}

type checkpoint struct {
	ByteOffset, Line, Sent, Failed, RejectedBytes int64
	Done                                          bool
}

func checkpointOf(t testing.TB, path string) (c checkpoint) {
	t.Helper()
	text, err := os.ReadFile(path + ".loopkit-progress")
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(text, &c))
	return c
}

// numbers are the properties n of the tracks that arrived, in order.
func numbers(messages []loopkittest.Message) (out []int) {
	for _, m := range messages {
		out = append(out, int(m.Values["n"].(float64)))
	}
	return out
}

func TestEveryRecordArrivesAsItIs(t *testing.T) {
	server := loopkittest.NewServer(t)
	path := write(t,
		`{"type":"identify","messageId":"m1","userId":"user_123","anonymousId":"anon_456","traits":{"email":"user@example.com","plan":"pro","id":9007199254740993},"timestamp":"2025-01-15T10:30:00Z"}`,
		`{"type":"group","messageId":"m2","groupId":"team_456","groupType":"team","userId":"user_123","anonymousId":"anon_456","traits":{"name":"Acme Corp"},"timestamp":"2025-01-15T10:31:00Z"}`,
		`{"type":"track","messageId":"m3","name":"user_signup","anonymousId":"anon_456","properties":{"nested":{"a":[1,1.10]},"none":null},"timestamp":"1999-12-31T23:59:59.5Z","system":{"sdk":{"name":"x","version":"1"},"sessionId":"s1","context":{"page":"/pricing","big":9007199254740993}}}`,
		`{"type":"track","messageId":"m4","name":"cron_ran","userId":"user_123","timestamp":"2025-01-15T10:30:00+02:00"}`,
	)
	result := mustImport(t, path, to(server))
	assert.Equal(t, importer.Result{Path: path, Sent: 4}, result)

	byID := map[string]loopkittest.Message{}
	for _, m := range server.Messages() {
		byID[m.MessageID] = m
	}
	require.Len(t, byID, 4)
	user, group, event, cron := byID["m1"], byID["m2"], byID["m3"], byID["m4"]
	assert.Equal(t, "user@example.com", user.Values["email"], "who imports it means it")
	assert.Contains(t, string(user.Raw), "9007199254740993", "no digit is lost")
	assert.Equal(t, "team", group.GroupType)
	assert.Equal(t, "user_123", group.UserID)
	assert.Equal(t, time.Date(2025, 1, 15, 10, 31, 0, 0, time.UTC), group.Timestamp)
	assert.Equal(t, "s1", event.SessionID)
	assert.Equal(t, "/pricing", event.System["context"].(map[string]any)["page"])
	assert.Contains(t, string(event.Raw), `"big":9007199254740993`)
	assert.Contains(t, string(event.Raw), `"nested":{"a":[1,1.10]}`)
	assert.Equal(t, time.Date(1999, 12, 31, 23, 59, 59, 5e8, time.UTC), event.Timestamp)
	assert.NotEmpty(t, cron.AnonymousID, "the client derives it from the user")
	assert.True(t, cron.Timestamp.Equal(time.Date(2025, 1, 15, 8, 30, 0, 0, time.UTC)))
}

func TestWhatCannotBeSentAsItIsIsSetAside(t *testing.T) {
	for name, test := range map[string]struct{ line, why string }{
		"no message":          {`{"type":"page"}`, "unknown"},
		"not JSON":            {`rubbish`, "not JSON"},
		"not UTF-8":           {"{\"type\":\"identify\",\"userId\":\"\xff\"}", "not valid UTF-8"},
		"a deleted user":      {`{"type":"deleteUser","userId":"u"}`, `use "loopkit delete-user"`},
		"a deleted group":     {`{"type":"deleteGroup","groupId":"g"}`, `use "loopkit delete-group"`},
		"an unknown member":   {`{"type":"identify","userId":"u","receivedAt":"now"}`, `it has "receivedAt", which a message of type identify cannot carry`},
		"another kind's":      {`{"type":"identify","userId":"u","groupId":"g"}`, `it has "groupId"`},
		"unknown of system":   {`{"type":"identify","userId":"u","system":{"os":"x"}}`, `it has system."os"`},
		"wrong session":       {`{"type":"identify","userId":"u","system":{"sessionId":7}}`, "sessionId must be a string"},
		"wrong context":       {`{"type":"identify","userId":"u","system":{"context":[]}}`, "context must be an object"},
		"nobody":              {`{"type":"group","groupId":"g"}`, "no identity"},
		"a track of nobody":   {`{"type":"track","name":"x","timestamp":"2025-01-15T10:30:00Z"}`, "a track needs anonymousId"},
		"a placeholder":       {`{"type":"identify","userId":"undefined"}`, "placeholder"},
		"before computers":    {`{"type":"identify","userId":"u","timestamp":"1815-12-10T00:00:00Z"}`, "before 1970"},
		"a member twice":      {`{"type":"identify","userId":"first","userId":"second"}`, `it has "userId" twice`},
		"system twice":        {`{"type":"identify","userId":"u","system":{"sessionId":"s1"},"system":{"context":{}}}`, `it has "system" twice`},
		"a session twice":     {`{"type":"identify","userId":"u","system":{"sessionId":"s1","sessionId":"s2"}}`, `it has system."sessionId" twice`},
		"a trait twice":       {`{"type":"identify","userId":"u","traits":{"a":1,"\u0061":2}}`, `it has traits."a" twice`},
		"context twice":       {`{"type":"identify","userId":"u","system":{"context":{"a":1,"a":2}}}`, `it has system.context."a" twice`},
		"half a character":    {`{"type":"identify","userId":"\ud800x"}`, "userId has half a character"},
		"half in a name":      {`{"type":"identify","userId":"u","traits":{"\ud801":1}}`, "traits.… has half a character"},
		"half in a session":   {`{"type":"identify","userId":"u","system":{"sessionId":"\udfff"}}`, "system.sessionId has half a character"},
		"the first of times":  {`{"type":"identify","userId":"u","timestamp":"0001-01-01T00:00:00Z"}`, "timestamp is before 1970"},
		"a time of no form":   {`{"type":"identify","userId":"u","timestamp":"user@example.com"}`, "timestamp is not RFC 3339, such as"},
		"larger than allowed": {`{"type":"identify","userId":"u","traits":{"a":"` + strings.Repeat("x", 300<<10) + `"}}`, "too large"},
	} {
		t.Run(name, func(t *testing.T) {
			server := loopkittest.NewServer(t)
			path := write(t, track("user_1", 1), test.line, track("user_1", 2))
			result := mustImport(t, path, to(server))
			assert.EqualValues(t, 2, result.Sent)
			assert.EqualValues(t, 1, result.Rejected)
			assert.Equal(t, path+".rejected.ndjson", result.RejectedPath)
			all := rejected(t, path)
			require.Len(t, all, 1)
			assert.EqualValues(t, 2, all[0].Line)
			assert.Contains(t, all[0].Reason, test.why)
			if json.Valid([]byte(test.line)) && !strings.Contains(test.line, "\xff") {
				assert.JSONEq(t, test.line, string(all[0].Record))
			}
			assert.ElementsMatch(t, []int{1, 2}, numbers(server.Messages()))
		})
	}
}

func TestWholeCharactersAreSentAsTheyAre(t *testing.T) {
	server := loopkittest.NewServer(t)
	mustImport(t, write(t, `{"type":"identify","userId":"\ud83d\ude00","traits":{"\ud83d\ude00":1,"text":"\ud800"}}`, "{\"type\":\"identify\",\"userId\":\"a\ufffd\"}"), to(server))
	users := []string{}
	for _, m := range server.Messages() {
		users = append(users, m.UserID)
	}
	assert.ElementsMatch(t, []string{"\U0001f600", "a\ufffd"}, users)
}

func TestRowsOfCSVAreSetAsideAsNDJSON(t *testing.T) {
	server := loopkittest.NewServer(t)
	path := filepath.Join(t.TempDir(), "users.csv")
	require.NoError(t, os.WriteFile(path, []byte("type,userId,traits.plan\nidentify,user_123,pro\nidentify,null,pro\nidentify,\"x\"y,pro\n"), 0o600))
	result := mustImport(t, path, to(server))
	assert.EqualValues(t, 1, result.Sent)
	all := rejected(t, path)
	require.Len(t, all, 2)
	assert.JSONEq(t, `{"type":"identify","userId":"null","traits":{"plan":"pro"}}`, string(all[0].Record))
	assert.Equal(t, `"identify,\"x\"y,pro"`, string(all[1].Record), "what is not CSV is text")
}

func TestSecretsAreLeftOutAndCounted(t *testing.T) {
	server := loopkittest.NewServer(t)
	path := write(t, `{"type":"identify","userId":"user_123","traits":{"password":"hunter2","plan":"pro"}}`)
	assert.EqualValues(t, 1, mustImport(t, path, to(server)).Redacted)
	assert.NotContains(t, string(server.Messages()[0].Raw), "hunter2")
}

func TestMessageIDsAreThoseOfTheRecordsOrRepeat(t *testing.T) {
	lines := append(tracks(3), strings.Replace(track("user_1", 3), `{`, `{"messageId":"given",`, 1), track("user_1", 4), track("user_1", 4))
	path := write(t, lines...)
	ids := func(opts importer.Options) (out map[int][]string) {
		server := loopkittest.NewServer(t)
		opts.BaseURL, opts.NewClient = to(server).BaseURL, to(server).NewClient
		mustImport(t, path, opts)
		out = map[int][]string{}
		for i, n := range numbers(server.Messages()) {
			out[n] = append(out[n], server.Messages()[i].MessageID)
		}
		return out
	}
	first := ids(importer.Options{})
	assert.Equal(t, []string{"given"}, first[3])
	require.Len(t, first[4], 2)
	assert.NotEqual(t, first[4][0], first[4][1], "equal lines are different messages")
	assert.Equal(t, first, ids(importer.Options{Restart: true}))

	appendTo(t, path, track("user_1", 5)+"\n")
	again := ids(importer.Options{Restart: true})
	require.Len(t, again[5], 1)
	delete(again, 5)
	assert.Equal(t, first, again, "also when the file has grown")
}

func appendTo(t testing.TB, path, text string) {
	t.Helper()
	file, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
	require.NoError(t, err)
	_, err = file.WriteString(text)
	require.NoError(t, err)
	require.NoError(t, file.Close())
}
