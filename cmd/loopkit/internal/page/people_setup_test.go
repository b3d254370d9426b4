package page

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/loopkitai/loopkit-go/cmd/loopkit/internal/store"
	"github.com/loopkitai/loopkit-go/internal/collector"
)

// pages are those over messages that arrived one after the other, a second apart.
type pages struct {
	t     *testing.T
	store *store.Store
	page  http.Handler
}

var start = time.Date(2025, 1, 15, 10, 31, 0, 0, time.UTC)

func newPages(t *testing.T, messages ...collector.Message) *pages {
	t.Helper()
	s := store.New(0)
	for i, m := range messages {
		m.Timestamp = start.Add(time.Duration(i) * time.Second)
		s.Record(collector.Request{Method: "POST", Status: 200, Auth: "bearer"}, []collector.Message{m})
	}
	return &pages{t, s, New(Options{Store: s, BaseURL: "http://127.0.0.1:4850", Version: "test"})}
}

// get returns what a page says: its status and its HTML.
func (s *pages) get(path string) (status int, html string) {
	s.t.Helper()
	answer := httptest.NewRecorder()
	s.page.ServeHTTP(answer, httptest.NewRequest(http.MethodGet, path, nil))
	return answer.Code, answer.Body.String()
}

// main returns the HTML of the main part of a page that exists.
func (s *pages) main(path string) string {
	s.t.Helper()
	separator := "?"
	if strings.Contains(path, "?") {
		separator = "&"
	}
	status, html := s.get(path + separator + "fragment=1")
	require.Equal(s.t, http.StatusOK, status, html)
	return html
}

// text returns what the main part of a page reads like.
func (s *pages) text(path string) string {
	s.t.Helper()
	return textOf(s.main(path))
}

var tags = regexp.MustCompile(`<[^>]*>`)

func textOf(html string) string {
	text := tags.ReplaceAllString(html, "\x00")
	text = strings.NewReplacer("&#39;", "'", "&#34;", `"`, "&lt;", "<", "&gt;", ">", "&amp;", "&").Replace(strings.ReplaceAll(text, "\x00", " "))
	return strings.Join(strings.Fields(text), " ")
}

func tracked(name, user, anonymous string, properties map[string]any) collector.Message {
	return collector.Message{Kind: collector.KindTrack, Name: name, UserID: user, AnonymousID: anonymous, Values: properties}
}

func identified(user, anonymous string, traits map[string]any) collector.Message {
	return collector.Message{Kind: collector.KindIdentify, UserID: user, AnonymousID: anonymous, Values: traits}
}

func joined(group, user, anonymous string, traits map[string]any) collector.Message {
	return collector.Message{Kind: collector.KindGroup, GroupID: group, GroupType: "organization", UserID: user, AnonymousID: anonymous, Values: traits}
}

type values = map[string]any

// journey is that of the documentation page.
func journey() []collector.Message {
	const visitor = "anon_1r8lv2k4m_1736935860123"
	return []collector.Message{
		tracked("page_view", "", visitor, values{"page": "/pricing"}),
		tracked("button_click", "", visitor, values{"button": "start_trial"}),
		tracked("user_signup", "", visitor, values{"method": "email", "source": "pricing_page"}),
		identified("user_123", visitor, values{"email": "john@acme.com", "plan": "trial", "signup_date": "2025-01-15"}),
		tracked("team_invitation_accepted", "user_123", visitor, values{"team_id": "team_456", "role": "developer"}),
		joined("team_456", "user_123", visitor, values{"name": "Acme Corp", "plan": "enterprise", "size": 25.0}),
		tracked("feature_used", "user_123", visitor, values{"feature": "api_integration"}),
	}
}

// hostile are messages whose every text would do harm as HTML.
func hostile() []collector.Message {
	var out []collector.Message
	for i, text := range []string{
		`<img src=x onerror=alert(1)>`, `</script><script>alert(1)</script>`, `"><svg onload=alert(1)>`,
		"\u202egnp.exe", strings.Repeat("long", 2500), "😀\x00\u200b", `javascript:alert(1)`, `../../etc`, `..`, `.`, `a/b?c#d%2F`,
	} {
		anonymous := fmt.Sprint(text, i)
		out = append(out,
			tracked(text, "", anonymous, values{text: text}),
			identified(text, anonymous, values{text: text}),
			identified(text+"2", anonymous, values{text: text}),
			joined(text, text, anonymous, values{"name": text, text: text}),
			tracked(text, "", text, values{text: []any{text}}),
		)
	}
	return out
}
