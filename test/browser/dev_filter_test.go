//go:build browser

package browser_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

// receiveVariety has the server receive the journey, an event of the vendor's
// browser SDK with a warning, a deletion, and a request that is refused.
func (s *devServer) receiveVariety() {
	s.t.Helper()
	s.demo()
	s.send(http.MethodPost, "/v1/tracks?apiKey=lk_test", `{"tracks":[{"name":"page_view","anonymousId":"anon_456","timestamp":"NOW",
		"properties":{"page":"/docs","note":"free text"},"system":{"sdk":{"name":"@loopkit/javascript","version":"1.1.4"}}}]}`, http.StatusOK)
	s.send(http.MethodDelete, "/v1/users/user_999", "", http.StatusOK)
	s.send(http.MethodPost, "/v1/tracks", `{"tracks":`, http.StatusBadRequest)
}

func TestEachFilterShowsWhatItSays(t *testing.T) {
	t.Parallel()
	s := startDev(t)
	s.receiveVariety()
	anonymousID := s.person("user_123").AnonymousIDs[0]
	b := s.page("/")
	for query, want := range map[string]string{
		"user:user_123 kind:track":                              "feature_used, team_invitation_accepted",
		"anon:" + anonymousID[:9] + "* kind:track name:*_click": "button_click",
		"group:team_456":                                        "group team_456",
		"kind:identify":                                         "identify user_123",
		"name:user_*":                                           "user_signup",
		"prop.plan=enterprise":                                  "group team_456",
		"prop.size:>=25":                                        "group team_456",
		"prop.size:>25":                                         "",
		"warn:W-KEYINQUERY":                                     "page_view",
		"warn:* -user:user_123 -kind:group -anon:anon_*-*": "page_view",
		"sdk:@loopkit/javascript":                          "page_view",
		"auth:query":                                       "page_view",
		"status:>=400":                                     "",
		"pricing_page kind:track":                          "user_signup",
		`"free text"`:                                      "page_view",
		"kind:delete":                                      "delete user user_999",
	} {
		b.visit("/?q=" + url.QueryEscape(query))
		assert.Equal(t, want, strings.Join(b.events(), ", "), query)
		assert.NotContains(t, b.texts("#filter-error"), query)
		assert.Equal(t, want == "" && query != "status:>=400", b.holds(`!document.querySelector("#no-match").hidden`), query)
	}
	b.visit("/?q=" + url.QueryEscape("status:>=400"))
	assert.Len(t, b.texts("#events .request-refused"), 1)
}

func TestTheAddressKeepsTheStateOfTheLivePage(t *testing.T) {
	t.Parallel()
	s := startDev(t)
	s.receiveVariety()
	b := s.livePage()
	matched := func(text string) {
		t.Helper()
		b.await(fmt.Sprintf(`document.querySelector("#matched").textContent.startsWith(%q)`, text))
	}

	b.push("#q")
	b.press("user:user_123 name:team_*")
	matched("1 of 10 match")
	b.push(`#filters label.toggle:has([value=track])`)
	b.await(`document.querySelector("#events .row-link").search.includes("kind=track")`) // the list is the new one
	assert.Contains(t, b.address(), "kind=track")
	matched("1 of 10 match")
	b.push("#events tr.event .row-link")
	b.await(`!document.querySelector("#drawer").hidden`)
	b.push("#tab-json")
	b.await(`location.search.includes("tab=json")`)
	state := func() []any {
		t.Helper()
		return []any{
			b.address(), b.events(), b.texts("#events [aria-selected=true] .row-link"), b.texts(".chip-filter code"),
			b.evaluate("document.querySelector('#q').value"), b.holds("document.querySelector('[value=track]').checked"),
			b.text("#drawer-title"), b.text("#json"), b.text("#matched"),
		}
	}
	before := state()
	assert.Equal(t, []string{"team_invitation_accepted"}, before[1])
	assert.Equal(t, []string{"user:user_123", "name:team_*"}, before[3])
	b.reload()
	assert.Equal(t, before, state())
	b.awaitConnection()
	s.post("/v1/tracks", `{"name":"team_left","anonymousId":"anon_789","timestamp":"NOW","userId":"user_123"}`)
	s.post("/v1/tracks", `{"name":"team_left","anonymousId":"anon_789","timestamp":"NOW","userId":"user_124"}`)
	matched("2 of 12 match") // what arrives is filtered, too

	b.push("#drawer-close")
	b.await(`document.querySelector("#drawer").hidden && !location.search.includes("sel=")`)
	b.push(`.chip-filter[title]:first-of-type`)
	b.await(`document.querySelector("#q").value === "name:team_*"`)
	matched("3 of 12 match")
	b.push(`#matched a`)
	b.await(`location.search === "" && document.querySelectorAll("#events tr.event").length === 11`)
}

func TestAFilterThatIsWrongSaysHow(t *testing.T) {
	t.Parallel()
	s := startDev(t)
	s.demo()
	b := s.livePage()
	b.push("#q")
	b.press("kind:nonsense")
	b.await(`document.querySelector("#filter-error")`)
	assert.Contains(t, b.text("#filter-error"), "nonsense")
	assert.True(t, b.holds(`document.querySelector("#nothing-yet").hidden && document.querySelector("#no-match").hidden`))
	b.evaluate(`document.querySelector("#q").select()`)
	b.press("name:nobody_did_this")
	b.await(`!document.querySelector("#no-match").hidden`)
	assert.Equal(t, "0 of 7 match", b.text("#no-match h2"))
	b.push("#no-match a")
	b.awaitRows(7)
}
