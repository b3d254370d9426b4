//go:build browser

package browser_test

import (
	"fmt"
	"net/http"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// receiveBadMessages has the server receive what each of badRules finds. Nobody
// in it has anything to do with the journey's.
func (s *devServer) receiveBadMessages() {
	s.t.Helper()
	s.post("/v1/identifies", `[
		{"userId":"user_201","anonymousId":"anon_201","timestamp":"NOW","traits":{"plan":"pro"}},
		{"userId":"user_202","timestamp":"NOW","traits":{"plan":"pro"}},
		{"userId":"undefined","anonymousId":"anon_203","timestamp":"NOW","traits":{"plan":"pro"}},
		{"userId":"user@example.com","anonymousId":"anon_204","timestamp":"NOW","traits":{"plan":"pro"}},
		{"userId":"user_205","anonymousId":"anon_205","timestamp":"NOW","traits":{}},
		{"userId":"user_206","anonymousId":"anon_206","timestamp":"NOW","traits":{"email":"user@example.com"}},
		{"userId":"user_207","anonymousId":"anon_201","timestamp":"NOW","traits":{"plan":"pro"}},
		{"userId":"User_201","anonymousId":"anon_208","timestamp":"NOW","traits":{"plan":"pro"}}
	]`)
	s.post("/v1/groups", `[
		{"groupId":"group-1","userId":"user_201","anonymousId":"anon_201","timestamp":"NOW","traits":{"name":"Acme Corp"}},
		{"groupId":"group-1","userId":"user_205","anonymousId":"anon_205","timestamp":"NOW","traits":{"name":"Acme Corp"}}
	]`)
	s.post("/v1/tracks", `[
		{"name":"Button Click","anonymousId":"anon_201","timestamp":"NOW","properties":{"button":"start"}},
		{"name":"page_view","anonymousId":"anon_201","timestamp":"NOW","properties":{"page":{"path":"/pricing"}}},
		{"name":"page_view","anonymousId":"anon_201","timestamp":"2099-01-15T10:30:00Z","properties":{}},
		{"name":"search_done","anonymousId":"anon_201","timestamp":"2025-01-15T10:30:00Z","properties":{}},
		{"name":"search_done","anonymousId":"anon_201","timestamp":"2025-01-15T10:30:00Z","properties":{}}
	]`)
	s.send(http.MethodPost, "/v1/tracks?apiKey=lk_dev", `{"name":"page_view","anonymousId":"anon_201","timestamp":"NOW","properties":{"page":{"path":"/"}}}`, http.StatusOK)
}

var badRules = []string{
	"W-BADUSERID", "W-DUP", "W-EMAILID", "W-EMPTYTRAITS", "W-FUTURE", "W-GROUPID", "W-IDCASE", "W-KEYINQUERY",
	"W-NAMESTYLE", "W-NESTED", "W-NOANON", "W-PII", "W-SHAREDANON",
}

func TestTheWarningsAreThoseOfTheMessages(t *testing.T) {
	t.Parallel()
	s := startDev(t)
	b := s.page("/warnings")
	var checks int
	_, err := fmt.Sscanf(b.text("#warnings h2"), "No warnings. %d checks ran on 0 events.", &checks)
	require.NoError(t, err)
	b.awaitConnection()
	s.receiveBadMessages()
	b.await(fmt.Sprintf(`document.querySelector("#warnings").innerText.includes("%d checks ran on 16 events")`, checks))
	found := b.strings(`Array.from(document.querySelectorAll("[data-rule]"), (rule) => rule.dataset.rule)`)
	slices.Sort(found)
	assert.Equal(t, badRules, found)
	assert.Equal(t, fmt.Sprint(checks-len(badRules), " other checks found nothing"), b.text("#nothing summary"))
	severities := b.texts("[data-rule] h2 .severity")
	assert.True(t, slices.IsSortedFunc(severities, func(a, b string) int {
		order := []string{"error", "warning", "info"}
		return slices.Index(order, a) - slices.Index(order, b)
	}), "the worst first: %v", severities)
	assert.Contains(t, b.text("#W-NESTED .findings"), "page")
	assert.Contains(t, b.text("#W-EMPTYTRAITS"), "Best Practices: Include Relevant Traits", "where the documentation says so")
	assert.Contains(t, b.text("#W-NAMESTYLE .findings"), `"Button Click" is not snake_case`)
	b.click("#W-NAMESTYLE .findings a")
	assert.Equal(t, "Button Click", b.text("#drawer-title"))
	assert.Contains(t, b.evaluate(`document.querySelector("#panel-warnings").textContent`), "W-NAMESTYLE")
}

func TestARuleThatIsMutedStaysMuted(t *testing.T) {
	t.Parallel()
	s := startDev(t)
	s.receiveBadMessages()
	b := s.page("/warnings")
	muted := func() []string {
		t.Helper()
		return b.strings(`Array.from(document.querySelectorAll(".rule-muted"), (rule) => rule.dataset.rule)`)
	}
	const report = `document.querySelector("#report").value`
	assert.Contains(t, b.evaluate(report), "## W-PII")
	b.push("#W-PII [data-mute]")
	for range 2 {
		assert.Equal(t, []string{"W-PII"}, muted())
		assert.Equal(t, "true", b.evaluate(`document.querySelector("#W-PII [data-mute]").ariaPressed`))
		assert.Contains(t, b.text("#warnings"), "1 muted in this browser")
		assert.NotContains(t, b.evaluate(report), "## W-PII")
		assert.Contains(t, b.evaluate(report), "## W-NESTED")
		b.reload()
	}
	b.awaitConnection()
	s.tracks("one_more", 1) // the list is rendered anew then
	b.await(`document.querySelector("#warnings").innerText.includes("ran on 17 events")`)
	assert.Equal(t, []string{"W-PII"}, muted())
	b.push("#W-PII [data-mute]")
	assert.Empty(t, muted())
	b.reload()
	assert.Empty(t, muted())
}
