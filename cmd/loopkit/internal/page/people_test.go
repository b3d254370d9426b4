package page

import (
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/loopkitai/loopkit-go/internal/collector"
)

func TestTheTimelineTellsWhoBecameWhomAndWhatWasAttached(t *testing.T) {
	s := newPages(t, journey()...)
	text := s.text("/people/user_123")
	assert.Regexp(t, `anon_1r8… became user_123 at [\d-]* ?\d\d:31:03 : 3 earlier events attached`, text)
	assert.Contains(t, text, "1 anonymous ID was joined to this user, with 3 events from before.")
	assert.Less(t, strings.Index(text, "user_signup"), strings.Index(text, "became user_123"))
	assert.Less(t, strings.Index(text, "became user_123"), strings.Index(text, "team_invitation_accepted"))
}

func TestAPersonIsReachedByEveryID(t *testing.T) {
	s := newPages(t, journey()...)
	assert.Contains(t, s.text("/people/anon_1r8lv2k4m_1736935860123"), "became user_123")
	status, html := s.get("/people/somebody")
	assert.Equal(t, http.StatusNotFound, status)
	assert.Contains(t, html, "No such person")
}

func TestTraitsShowWhatTheyWereAndWhichEventSetThem(t *testing.T) {
	s := newPages(t, append(journey(), identified("user_123", "", values{"plan": "pro"}))...)
	assert.Contains(t, s.text("/people/user_123"), `plan "pro" #8 "trial" #4`)
	assert.Contains(t, s.main("/people/user_123"), `<del><code><bdi>&#34;trial&#34;</bdi></code></del>`)
}

func TestWhyAPersonIsNotMerged(t *testing.T) {
	tests := map[string]struct {
		person string
		story  []collector.Message
		want   []string
	}{
		"nobody identified": {
			"A", []collector.Message{tracked("a", "", "A", nil)},
			[]string{"Not merged with any user", "loopkit identify user_123 --anonymous-id A", "1 event waiting for a user"},
		},
		"the IDs came together in no identify": {
			"A", []collector.Message{tracked("a", "", "A", nil), tracked("b", "U", "A", nil)},
			[]string{"1 message with this anonymous ID named U", "loopkit identify U --anonymous-id A"},
		},
		"and from the user's side": {
			"U", []collector.Message{tracked("a", "", "A", nil), tracked("b", "U", "A", nil)},
			[]string{"Not everything is merged", "1 message of this user came with A", "not identified", "loopkit identify U --anonymous-id A"},
		},
		"no identify of the user": {
			"U", []collector.Message{joined("G", "U", "", nil)},
			[]string{"Never identified", "loopkit identify U"},
		},
		"an identify without anonymousId": {
			"U", []collector.Message{identified("U", "", nil)},
			[]string{"Nothing from before was merged", "W-NOANON"},
		},
		"a shared device": {
			"U", []collector.Message{identified("U", "A", nil), identified("V", "A", nil), identified("V", "A", nil)},
			[]string{"Shared device or missing logout", "A belongs to this user, and V ( identify #2 ) claimed it later", "V claimed A at"},
		},
		"and from the other user's side": {
			"V", []collector.Message{identified("U", "A", nil), identified("V", "A", nil)},
			[]string{"Shared device or missing logout", "A belongs to U , and this user ( identify #2 ) claimed it later", "loopkithttp.Logout(w, r)"},
		},
		"a deletion": {
			"U", []collector.Message{tracked("a", "", "A", nil), identified("U", "A", nil), {Kind: collector.KindDeleteUser, UserID: "U"}},
			[]string{"deleted", "2 earlier messages erased"},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			text := newPages(t, test.story...).text("/people/" + test.person)
			for _, want := range test.want {
				assert.Contains(t, text, want)
			}
		})
	}
}

func TestNothingIsAdvisedWhereAllIsMerged(t *testing.T) {
	text := newPages(t, journey()...).text("/people/user_123")
	assert.NotContains(t, text, "What to do")
	assert.NotContains(t, text, "Shared device")
}

func TestPeopleAreListedByWhenTheyWereLastSeen(t *testing.T) {
	s := newPages(t, append(journey(),
		tracked("page_view", "", "anon_2", nil),
		collector.Message{Kind: collector.KindDeleteUser, UserID: "user_9"},
	)...)
	text := s.text("/people")
	assert.Contains(t, text, "1 anonymous person has 1 event, and no identify named their anonymous ID")
	assert.Contains(t, text, "user_123 identified 1 anonymous ID, 1 user ID")
	assert.Regexp(t, `anon_2 anonymous .*user_123 identified .*user_9 deleted`, text)
}

func TestPeopleAreFoundByIDsAndTraits(t *testing.T) {
	s := newPages(t, append(journey(), tracked("page_view", "", "anon_2", nil))...)
	for _, query := range []string{"USER_12", "anon_1r8", "team_456", "john@"} {
		text := s.text("/people?q=" + query)
		assert.Contains(t, text, "1 of 2 people", query)
		assert.Contains(t, text, "user_123", query)
	}
	assert.Contains(t, s.text("/people?q=nobody"), "0 of 2 match")
}

func TestAListHasItsPages(t *testing.T) {
	var messages []collector.Message
	for i := range 2*rowsPerPage + 5 {
		messages = append(messages, tracked("a", "", fmt.Sprint("anon_", i), nil))
	}
	s := newPages(t, messages...)
	rows := func(path string) int { return strings.Count(s.main(path), `<th scope="row">`) }
	assert.Equal(t, rowsPerPage, rows("/people"))
	assert.Equal(t, 5, rows("/people?page=3"))
	assert.Equal(t, 5, rows("/people?page=99"))
	middle := s.main("/people?q=anon&page=2")
	assert.Contains(t, middle, `href="/people?q=anon"`)
	assert.Contains(t, middle, `href="/people?page=3&amp;q=anon"`)
	assert.Contains(t, middle, "201–400 of 405")
}

func TestManyEventsAreFoldedAndBounded(t *testing.T) {
	var messages []collector.Message
	for i := range 1000 {
		messages = append(messages, tracked("feature_used", "U", "A", values{"n": float64(i)}))
	}
	html := newPages(t, messages...).main("/people/U")
	text := textOf(html)
	assert.Contains(t, text, "993 more events")
	assert.Contains(t, text, fmt.Sprintf("The first %d of 993. See them in Live", mostInFold))
	assert.Less(t, len(html), 500_000)

	var joins []collector.Message
	for i := range 500 {
		joins = append(joins, identified("U", fmt.Sprint("anon_", i), nil))
	}
	text = newPages(t, joins...).text("/people/U")
	assert.Contains(t, text, "100 later messages had no room here")
}

var (
	attribute = regexp.MustCompile(`\s(style|on[a-z]+)\s*=`)
	link      = regexp.MustCompile(`href="([^"]*)"`)
	tag       = regexp.MustCompile(`<[a-zA-Z/][^>]*>`)
	quoted    = regexp.MustCompile(`"[^"]*"`)
)

func TestNothingThatArrivesIsTakenForMarkup(t *testing.T) {
	s := newPages(t, hostile()...)
	addresses := []string{"/people", "/groups", "/warnings", "/schema", "/people?q=%3Cimg%20src%3Dx%3E", "/schema?q=%3Cimg%3E", "/groups?q=%22%3E"}
	for _, p := range s.store.Snapshot().People() {
		addresses = append(addresses, personURL(labelOf(p)))
	}
	for _, g := range s.store.Snapshot().Groups() {
		addresses = append(addresses, groupURL(g.ID))
	}
	for _, page := range addresses {
		html := s.main(page)
		assert.NotContains(t, html, "<img", page)
		assert.NotContains(t, html, "<script", page)
		assert.NotContains(t, html, "\u202e", page)
		for _, tag := range tag.FindAllString(html, -1) {
			if !assert.False(t, attribute.MatchString(quoted.ReplaceAllString(tag, `""`)), "%s: %s", page, tag) {
				return
			}
		}
		for _, to := range link.FindAllStringSubmatch(html, -1) {
			assert.True(t, to[1] != "" && strings.ContainsAny(to[1][:1], "/#?"), "%s: no link leads elsewhere", page)
		}
	}
}

func TestEveryLinkToAPersonOrGroupLeadsThere(t *testing.T) {
	s := newPages(t, hostile()...)
	for _, list := range []string{"/people", "/groups"} {
		for _, to := range link.FindAllStringSubmatch(s.main(list), -1) {
			path := strings.ReplaceAll(to[1], "&amp;", "&")
			if strings.HasPrefix(path, list+"/") {
				status, _ := s.get(path)
				assert.Equal(t, http.StatusOK, status, path)
			}
		}
	}
}

func TestEventsLinkToLive(t *testing.T) {
	html := newPages(t, journey()...).main("/people/user_123")
	require.Contains(t, html, `href="/?sel=4"`)
	assert.Contains(t, html, `href="/?q=user%3Auser_123"`)
	assert.Contains(t, html, `href="/?q=anon%3Aanon_1r8lv2k4m_1736935860123"`)
	assert.Contains(t, html, `href="/groups/team_456"`)
}

func TestEmptyPagesSayWhatToDo(t *testing.T) {
	s := newPages(t)
	assert.Contains(t, s.text("/people"), "No one yet; track an event with an anonymousId")
	assert.Contains(t, s.text("/groups"), "No group yet")
	assert.Contains(t, s.text("/schema"), "No event yet")
	assert.NotContains(t, s.main("/people"), "match")
}
