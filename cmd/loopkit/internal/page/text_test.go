package page

import (
	"encoding/json"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/loopkitai/loopkit-go/cmd/loopkit/internal/store"
	"github.com/loopkitai/loopkit-go/internal/collector"
)

func TestWhatNobodyWouldSeeIsEscaped(t *testing.T) {
	for text, want := range map[string]string{
		"user_123":           "user_123",
		"été 👩‍👩‍👧":          "été 👩‍👩‍👧",
		"\u202euser":         `\u202euser`,
		"a\u2066b\u2069":     `a\u2066b\u2069`,
		"tab\tand\x00\x1b":   `tab\u0009and\u0000\u001b`,
		"zero\u200bwidth":    `zero\u200bwidth`,
		"line\u2028break":    `line\u2028break`,
		"broken\xff":         "broken\ufffd",
		`a real \u202e text`: `a real \u202e text`,
	} {
		assert.Equal(t, want, visible(text))
	}
}

func TestLongTextIsClippedBetweenCharacters(t *testing.T) {
	assert.Equal(t, "été", clip(3, "été"))
	assert.Equal(t, "ét…", clip(2, "été"))
	assert.Equal(t, "a…", clip(2, "a bc"))
	assert.Equal(t, 41, utf8.RuneCountInString(clip(40, strings.Repeat("x", 1<<20))))
}

func TestSizesAndNumbersAreForPeople(t *testing.T) {
	assert.Equal(t, "999 B", size(999))
	assert.Equal(t, "1.2 kB", size(1234))
	assert.Equal(t, "5.0 MB", size(5_000_000))
	assert.Equal(t, "1 event", plural(1, "event"))
	assert.Equal(t, "1,234,567 events", plural(1_234_567, "event"))
}

func FuzzPrettyJSONSaysTheSame(f *testing.F) {
	f.Add(`{"b":1.50,"a":["x",null,true,{}],"\u202e":"\u202e<\/script>","e":1e400}`)
	f.Add(`not JSON` + "\u202e")
	f.Add(`[]`)
	f.Fuzz(func(t *testing.T, raw string) {
		got := plain(prettyJSON([]byte(raw)).Tokens)
		for _, r := range got {
			assert.False(t, r != '\n' && hidden(r), "%q", r)
		}
		if !json.Valid([]byte(raw)) {
			return
		}
		var before, after any
		if json.Unmarshal([]byte(raw), &before) != nil {
			return // a number that no float64 holds
		}
		require.NoError(t, json.Unmarshal([]byte(got), &after))
		assert.Equal(t, before, after)
	})
}

func received(t testing.TB, kind collector.Kind, endpoint collector.Endpoint, form, raw string) *store.Entry {
	m, err := collector.Decode(kind, []byte(raw))
	require.NoError(t, err)
	m.Timestamp = time.Date(2025, 1, 15, 10, 30, 0, 0, time.UTC)
	return &store.Entry{
		Request: &collector.Request{Method: "POST", Path: "/v1/" + string(endpoint), Endpoint: endpoint, Form: form, Status: 200},
		Message: &m,
	}
}

func TestCurlSendsTheMessageInItsForm(t *testing.T) {
	e := received(t, collector.KindTrack, collector.Tracks, "envelope", `{"name":"it's","anonymousId":"anon_1","timestamp":"2025-01-15T10:30:00Z"}`)
	assert.Equal(t, `curl -X POST 'http://127.0.0.1:4850/v1/tracks' \
  -H "Authorization: Bearer $LOOPKIT_API_KEY" \
  -H 'Content-Type: application/json' \
  --data-raw '{"tracks": [{
  "anonymousId": "anon_1",
  "name": "it'\''s",
  "timestamp": "2025-01-15T10:30:00Z"
}]}'`, curlOf(e, "http://127.0.0.1:4850"))

	deletion := &store.Entry{
		Request: &collector.Request{Method: "DELETE", Path: "/v1/users/user%20123"},
		Message: &collector.Message{Kind: collector.KindDeleteUser, UserID: "user 123"},
	}
	assert.Equal(t, `curl -X DELETE 'http://127.0.0.1:4850/v1/users/user%20123' \
  -H "Authorization: Bearer $LOOPKIT_API_KEY"`, curlOf(deletion, "http://127.0.0.1:4850"))

	refused := &store.Entry{Request: &collector.Request{Method: "POST", Path: "/v1/tracks", Body: []byte(`{"tracks":`)}}
	assert.Contains(t, curlOf(refused, ""), `--data-raw '{"tracks":'`)
	refused.Request.Body = []byte("\u202e")
	assert.Empty(t, curlOf(refused, ""), "nobody would know what they paste")
}

func TestTheGoCodeIsThatOfTheClient(t *testing.T) {
	e := received(t, collector.KindGroup, collector.Groups, "object", `{"groupId":"team_456","userId":"user_123","anonymousId":"anon_1","groupType":"team","messageId":"m-1",
		"traits":{"name":"Acme \"Corp\"","size":25,"ratio":0.5,"tags":["a",null],"address":{"city":"Oslo"}},"system":{"sessionId":"s-1"}}`)
	got := goOf(e.Message, "http://127.0.0.1:4850/v1")
	assert.Equal(t, `ctx := context.Background()
client, err := loopkit.New(os.Getenv("LOOPKIT_API_KEY"), &loopkit.Options{
	BaseURL: "http://127.0.0.1:4850/v1",
})
if err != nil {
	return err
}
defer client.Close(ctx)

err = client.Group(ctx, "team_456", loopkit.Traits{
	"address": map[string]any{
		"city": "Oslo",
	},
	"name":  "Acme \"Corp\"",
	"ratio": 0.5,
	"size":  25,
	"tags":  []any{"a", nil},
},
	loopkit.As(loopkit.Identity{AnonymousID: "anon_1", UserID: "user_123", SessionID: "s-1"}),
	loopkit.At(time.Date(2025, 1, 15, 10, 30, 0, 0, time.UTC)),
	loopkit.GroupType("team"),
	loopkit.WithMessageID("m-1"),
)
`, got)
}
