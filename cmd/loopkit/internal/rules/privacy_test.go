package rules

import (
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"

	"github.com/loopkitai/loopkit-go/internal/collector"
)

func TestDetailsNeverHoldAnAddress(t *testing.T) {
	const address = "user@example.com"
	lines := []string{
		`{"type":"track","name":"Sign Up @","anonymousId":"@","userId":"@","properties":{"@":{"@":"@"},"note":"@"},"messageId":"@","system":{"sessionId":"@1","sdk":{"name":"@"},"context":{"@":"@"}}}`,
		`{"type":"track","name":"user_signup","anonymousId":"@","properties":{"@":1,"email":"@"},"system":{"sessionId":"@1"}}`,
		`{"type":"identify","userId":"@","traits":{"@":null}}`,
		`{"type":"identify","userId":" @ ","anonymousId":"2@","traits":{"@":1},"system":{"sessionId":"@1"}}`,
		`{"type":"track","name":"user_signup","anonymousId":"2@","system":{"sessionId":"@1"}}`,
		`{"type":"identify","userId":"other@","anonymousId":"2@","traits":{"@":"@"}}`,
		`{"type":"group","groupId":"@","userId":"third@","anonymousId":"3@","traits":{"@":""}}`,
		`{"type":"group","groupId":"@ ","anonymousId":"4@","traits":{"@":""}}`,
		`{"type":"group","groupId":"5@"}`,
		`{"type":"track","name":"user_signup","anonymousId":"6@"}`,
		`{"type":"track","name":"user_signup","anonymousId":"@"}`,
		`{"type":"identify","userId":"7@","anonymousId":"7@","traits":{"@":""}}`,
		`{"type":"track","name":"user_signup","anonymousId":"8@","timestamp":"11:59:30"}`,
		`{"type":"identify","userId":"9@","anonymousId":"9@9","traits":{"@":""}}`,
		`{"type":"track","name":"page_view","anonymousId":"10@"}`,
		`{"type":"track","name":"page_view","anonymousId":"10@","userId":"9@"}`,
		`{"type":"track","name":"user_signup @","anonymousId":"@","messageId":"@"}`,
		`{"type":"track","name":"page_view","anonymousId":"{{@}}","userId":"${@}"}`,
		`{"type":"track","name":"page_view","anonymousId":"%!s(@)"}`,
		`{"type":"group","groupId":"[object @]","userId":"11@","anonymousId":"11@","user@id":"@"}`,
		`{"type":"track","name":"page_view","anonymousId":"12@"}`,
		`{"type":"identify","userId":"13@","anonymousId":"13@@"}`,
		`{"type":"track","name":"page_view","anonymousId":"14@","user_id":"@"}`,
	}
	for i := range lines {
		lines[i] = strings.ReplaceAll(lines[i], "@", address)
	}
	request := collector.Request{Time: noon, Auth: "query", Endpoint: collector.Tracks}
	found := findingsOf(newChecker(), arriving(t, request, lines...)...)
	seen := map[string]bool{}
	for _, f := range found {
		assert.NotContains(t, f, "example.com")
		seen[strings.TrimSuffix(strings.Fields(f)[1], ":")] = true
	}
	for _, id := range []string{"W-ANONDRIFT", "W-BADUSERID", "W-DUP", "W-EMAILID", "W-EMPTYTRAITS", "W-GROUPBEFOREIDENTIFY", "W-GROUPTRAITS", "W-IDCASE", "W-KEYINQUERY", "W-LATE", "W-LONELYGROUP", "W-MEMBER", "W-NAMESTYLE", "W-NESTED", "W-NOANON", "W-PII", "W-SHAREDANON", "W-STRANGERS", "W-TYPEDRIFT"} {
		assert.True(t, seen[id], "%s says nothing here", id)
	}
}

func TestAddressesAndCardsAreRecognised(t *testing.T) {
	for text, want := range map[string]bool{
		"user@example.com": true, "Mail to <user.name+tag@mail.example.co.uk>.": true, "/p?e=user%40example.com&x": true, "müller@example.com": true,
		"https://x.example/?e=user%40example.com&t=@handle": true, "@@user@example.com": true, "git@github.com:acme/x": false, "legit@example.com": true, "hero@4x.png": false,
		strings.Repeat("a", 300) + "@" + strings.Repeat("b", 240) + ".com": true,
		"@loopkit/javascript": false, "logo@2x.png": false, "user@home": false, "a @ b.com": false, "@": false, "%40": false, "x@": false, "x@.": false,
		"v1.2@1.2.3": false, "x@y.z": false, "x@@y.com": false,
	} {
		assert.Equal(t, want, holdsEmail(text), text)
	}
	for text, want := range map[string]bool{
		"4111111111111111": true, "4111-1111-1111-1111": true, "5500 0000 0000 0004": true, "340000000000009": true, "30000000000004": true, "2221000000000009": true,
		"4111111111111112": false, "1795486093718": false, "9007199254740993": false, "4111 1111": false, "": false, "4111x11111111111": false, "----------------": false,
	} {
		assert.Equal(t, want, isCard(text), text)
	}
}

func TestWhatIsShownIsShortPlainText(t *testing.T) {
	for id, want := range map[string]string{
		"user_123":                    "user_123",
		"":                            `""`,
		"two words":                   `"two words"`,
		"a\x1b[31mb":                  `"a\x1b[31mb"`,
		"user@example.com":            "(an e-mail address)",
		"zürich":                      "zürich",
		strings.Repeat("ü", 30):       strings.Repeat("ü", 24) + "…",
		"x" + strings.Repeat("ü", 30): "x" + strings.Repeat("ü", 23) + "…",
	} {
		assert.Equal(t, want, shown(id))
	}
}

func FuzzCheckerSurvivesAnything(f *testing.F) {
	f.Add("track", "Sign Up", "user@example.com", "anon_456", "team-1", "email", "4111111111111111", int64(0), "m1", "s1", true)
	f.Add("identify", "", "[object Object]", "null", "", "", "\xff%40", int64(1<<62), "", "", false)
	f.Add("group", "x", " User_1 ", derived, "group-1", "name", "", int64(-1<<62), "m1", "s1", true)
	f.Add("deleteUser", "x", "user_123", "", "", "", "", int64(9), "", "", true)
	f.Fuzz(func(t *testing.T, kind, name, user, anonymous, groupID, key, value string, at int64, id, session string, live bool) {
		c := newChecker()
		c.history = newHistory(2, c.history.place)
		m := collector.Message{
			Kind: collector.Kind(kind), Name: name, UserID: user, AnonymousID: anonymous, GroupID: groupID, MessageID: id, SessionID: session,
			Timestamp: noon.Add(time.Duration(at)), Raw: []byte(value), ValuesKey: "traits",
			Values: map[string]any{key: value, value: []any{value, map[string]any{key: value}}},
			System: map[string]any{"sdk": map[string]any{"name": name}, "context": map[string]any{key: value}},
		}
		var request *collector.Request
		if live {
			request = &collector.Request{Time: noon, Auth: "query"}
		}
		for i, k := range []collector.Kind{m.Kind, collector.KindTrack, collector.KindGroup, collector.KindIdentify, collector.KindDeleteUser, collector.KindTrack, collector.KindDeleteGroup} {
			m.Kind = k
			if i%2 == 1 {
				m.UserID, m.MessageID = name, ""
			}
			for _, finding := range append(c.Observe(Input{int64(i + 1), m, request}), c.Conclude()...) {
				assert.NotEmpty(t, finding.Detail)
				assert.True(t, utf8.ValidString(finding.Detail), "%q", finding.Detail)
				assert.Less(t, len(finding.Detail), 2000)
			}
		}
	})
}
