package wire

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "rewrite the golden files in testdata")

// The two calls of the documentation page.
var (
	half         = time.Date(2025, 1, 15, 10, 30, 0, 0, time.UTC)
	pageIdentify = Message{
		Kind: Identify, UUID: someID, UserID: "user_123", AnonymousID: "anon_456", Time: half,
		Values: map[string]any{"email": "user@example.com", "plan": "pro", "signup_date": "2025-01-15"},
	}
	pageGroup = Message{
		Kind: Group, UUID: someID, GroupID: "team_456", GroupType: "organization", UserID: "user_123", AnonymousID: "anon_789", Time: half,
		Values: map[string]any{"name": "Acme Corp Engineering", "plan": "enterprise", "size": 25, "industry": "software"},
	}
)

func enveloped(k Kind, messages ...[]byte) []byte {
	open, end := Envelope(k)
	return append(append([]byte(open), bytes.Join(messages, []byte(","))...), end...)
}

func TestBodiesAreThoseOfTheGoldenFiles(t *testing.T) {
	for name, m := range map[string]*Message{"identify": &pageIdentify, "group": &pageGroup} {
		msg := []byte(appended(t, m))
		for form, body := range map[string][]byte{"documented": documented(msg), "envelope": enveloped(m.Kind, msg)} {
			t.Run(name+" "+form, func(t *testing.T) {
				checkGolden(t, name+"."+form+".golden.json", body)
			})
		}
	}
}

// checkGolden compares by meaning: the order of the members of an object has none.
func checkGolden(t *testing.T, name string, body []byte) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if *update {
		text, err := json.MarshalIndent(decoded(t, body), "", "  ")
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(file, append(text, '\n'), 0o644))
	}
	want, err := os.ReadFile(file)
	require.NoError(t, err)
	assert.Equal(t, decoded(t, want), decoded(t, body))
}

func TestDocumentedFormIsThePagesBodyPlusMessageIDAndSystem(t *testing.T) {
	for name, test := range map[string]struct {
		message *Message
		added   []string
	}{
		"page-identify.json": {&pageIdentify, []string{"messageId", "system"}},
		"page-group.json":    {&pageGroup, []string{"messageId", "system", "groupType"}},
	} {
		t.Run(name, func(t *testing.T) {
			page, err := os.ReadFile(filepath.Join("testdata", name))
			require.NoError(t, err)
			ours := documented([]byte(appended(t, test.message)))
			checkCovers(t, decoded(t, page), decoded(t, ours), test.added...)
		})
	}
}

// checkCovers checks that ours has every member of theirs with the same value,
// timestamps as instants, and beyond them exactly the added ones.
func checkCovers(t *testing.T, theirs, ours any, added ...string) {
	t.Helper()
	want, got := theirs.(map[string]any), ours.(map[string]any)
	var extra []string
	for name, value := range got {
		their, sent := want[name]
		switch {
		case !sent:
			extra = append(extra, name)
		case name == "timestamp":
			assert.True(t, instant(t, their).Equal(instant(t, value)), "%v is %v", their, value)
		case name == "system":
			checkSystem(t, their, value)
		default:
			assert.Equal(t, their, value, name)
		}
	}
	for name := range want {
		assert.Contains(t, got, name)
	}
	assert.ElementsMatch(t, added, extra)
}

// checkSystem allows for another SDK's name and version.
func checkSystem(t *testing.T, theirs, ours any) {
	t.Helper()
	want, got := theirs.(map[string]any), ours.(map[string]any)
	assert.Equal(t, map[string]any{"name": SDKName, "version": Version}, got["sdk"])
	assert.Len(t, want["sdk"], 2, "a name and a version")
	delete(want, "sdk")
	delete(got, "sdk")
	assert.Equal(t, want, got)
}

func instant(t *testing.T, v any) time.Time {
	t.Helper()
	at, err := time.Parse(time.RFC3339Nano, v.(string))
	require.NoError(t, err)
	return at
}

// TestBodiesCoverWhatTheVendorsSDKSends makes the calls that the vendor's
// JavaScript SDK was watched making, and compares the bodies.
func TestBodiesCoverWhatTheVendorsSDKSends(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("testdata", "vendor-js-1.1.4-journey.json"))
	require.NoError(t, err)
	var requests []struct {
		Body map[string][]any `json:"body"`
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	require.NoError(t, d.Decode(&requests))
	require.Len(t, requests, 3)

	journey := journeyMessages()
	for i, kind := range []Kind{Track, Identify, Group} {
		var messages [][]byte
		for _, m := range journey[kind] {
			messages = append(messages, []byte(appended(t, &m)))
		}
		ours := decoded(t, enveloped(kind, messages...)).(map[string]any)
		require.Len(t, ours, 1)
		require.Len(t, requests[i].Body, 1)
		for name, theirs := range requests[i].Body {
			require.Contains(t, ours, name)
			require.Len(t, ours[name], len(theirs))
			for j, our := range ours[name].([]any) {
				checkCovers(t, theirs[j], our, "messageId")
			}
		}
	}
}

// journeyMessages are the calls of the page's complete user journey, with the
// times and IDs of the capture.
func journeyMessages() map[Kind][]Message {
	before := time.Date(2026, 11, 24, 2, 8, 13, 719e6, time.UTC)
	after := before.Add(time.Millisecond)
	journey := map[Kind][]Message{
		Track: {
			{Name: "page_view", Time: before, Values: map[string]any{"page": "/pricing"}},
			{Name: "button_click", Time: before, Values: map[string]any{"button": "start_trial"}},
			{Name: "user_signup", Time: before, Values: map[string]any{"method": "email", "source": "pricing_page"}},
			{Name: "team_invitation_accepted", Time: after, UserID: "user_123", Values: map[string]any{"team_id": "team_456", "role": "developer"}},
			{Name: "feature_used", Time: after, UserID: "user_123", Values: map[string]any{"feature": "api_integration", "team_id": "team_456", "user_role": "developer"}},
		},
		Identify: {{
			Time: after, UserID: "user_123",
			Values: map[string]any{"email": "john@acme.com", "plan": "trial", "signup_date": "2025-01-15", "source": "pricing_page"},
		}},
		Group: {{
			Time: after, UserID: "user_123", GroupID: "team_456", GroupType: "organization",
			Values: map[string]any{"name": "Acme Corp", "plan": "enterprise", "size": 25, "industry": "software"},
		}},
	}
	for kind, messages := range journey {
		for i := range messages {
			messages[i].Kind = kind
			messages[i].UUID = someID
			messages[i].AnonymousID = "anon_1r84nv2es_1795486093718"
			messages[i].SessionID = "sess_gmycyxqa9_1795486093718"
		}
	}
	return journey
}
