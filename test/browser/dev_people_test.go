//go:build browser

package browser_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestTheTimelineOfAPersonShowsWhatTheIdentifyAttached(t *testing.T) {
	t.Parallel()
	s := startDev(t)
	b := s.page("/people")
	assert.Contains(t, b.text("#people"), "No one yet")
	b.awaitConnection()
	s.demo()
	b.await(`document.querySelector("#people tbody td")`)
	b.await(`document.querySelector("#people tbody").innerText.includes("1 anonymous ID, 1 user ID")`)
	assert.Equal(t, []string{"user_123"}, b.texts("#people tbody th"))
	assert.Contains(t, b.text("#people tbody"), "identified")
	b.click("#people tbody th a")
	assert.Equal(t, "/people/user_123", b.address())

	anonymousID := s.person("user_123").AnonymousIDs[0]
	lane := anonymousID[:8]
	steps := b.texts(".timeline > .step")
	require.Len(t, steps, 8)
	assert.Regexp(t, "^"+lane, steps[0], "the lane of the anonymous ID")
	assert.Contains(t, steps[1], "page_view")
	assert.Contains(t, steps[2], "button_click")
	assert.Contains(t, steps[3], "user_signup")
	assert.Regexp(t, `^`+lane+`\S* became user_123 at \d\d:\d\d:\d\d: 3 earlier events attached`, steps[4])
	assert.Contains(t, steps[5], "team_invitation_accepted")
	assert.Contains(t, steps[6], "team_456")
	assert.Contains(t, steps[7], "feature_used")
	assert.Equal(t, []string{lane + "…", lane + "…", lane + "…", lane + "…"}, b.texts(".step:nth-child(-n+4) .device"), "until the identify, all is under the anonymous ID")
	assert.Equal(t, 1.0, b.number(`document.querySelectorAll(".step svg path.curve").length`), "one lane joins")

	b.awaitConnection()
	s.post("/v1/identifies", `{"userId":"user_123","anonymousId":"`+anonymousID+`","timestamp":"NOW","traits":{"plan":"pro"}}`)
	b.await(`document.querySelector(".traits del")`)
	assert.Equal(t, []string{`"trial"`}, b.texts(".traits del"), "what the trait was before")
}

// person is somebody as the server's API knows them.
type person struct {
	UserID       string
	AnonymousIDs []string
}

func (s *devServer) person(id string) (found person) {
	s.t.Helper()
	s.ask(http.MethodGet, "/api/people/"+id, nil, &found)
	return found
}

func TestAnAnonymousIDOfTwoUsersIsShownAsAConflict(t *testing.T) {
	t.Parallel()
	s := startDev(t)
	s.post("/v1/identifies", `[
		{"userId":"user_123","anonymousId":"anon_456","timestamp":"NOW","traits":{"plan":"pro"}},
		{"userId":"user_124","anonymousId":"anon_456","timestamp":"NOW","traits":{"plan":"pro"}}
	]`)
	b := s.page("/people/user_123")
	assert.Contains(t, b.text("[aria-label=Conflict]"), "Shared device or missing logout")
	b.visit("/people")
	assert.Contains(t, b.text("#people tbody"), "conflict")
}

func TestAGroupShowsItsMembersAndItsTraits(t *testing.T) {
	t.Parallel()
	s := startDev(t)
	b := s.page("/groups")
	b.awaitConnection()
	s.demo()
	b.await(`document.querySelector("#groups tbody th")`)
	b.click("#groups tbody th a")
	assert.Equal(t, "/groups/team_456", b.address())
	assert.Equal(t, []string{"user_123"}, b.texts(".table.people tbody th"))
	assert.Contains(t, b.text(".traits tbody"), "Acme Corp")
	assert.Contains(t, b.text("#group"), "one member", "the warning")
	b.click(".table.people tbody th a")
	assert.Equal(t, "/people/user_123", b.address())
}
