//go:build browser

package browser_test

import (
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestTheLivePanelShowsWhatArrivesWithoutAReload(t *testing.T) {
	t.Parallel()
	site := startSite(t)
	watching, visiting := site.browser(), site.browser()
	watching.visit("/")
	watching.evaluate("window.reloaded = false")
	assert.Empty(t, watching.shown())
	visiting.consent("full")
	visiting.signUp("john@acme.com")

	require.EventuallyWithT(t, func(c *assert.CollectT) {
		assert.ElementsMatch(c, []string{"track page_view", "track user_signup", "identify "}, watching.shown())
	}, patience, 50*time.Millisecond)
	assert.Equal(t, false, watching.evaluate("window.reloaded"))
}

// shown returns the kind and name of each message in the panel.
func (b *browser) shown() []string {
	b.t.Helper()
	return run(b, chromedp.Evaluate[[]string](`[...document.querySelectorAll("#received .message")].map(m => m.dataset.kind + " " + m.dataset.name)`))
}

// Every test fails if a page that it went to has a problem; this one goes to all.
func TestNoPageHasAProblemAndTheirPolicyAllowsTheBridge(t *testing.T) {
	t.Parallel()
	b := startSite(t).browser()
	b.consent("full")
	b.visit("/pricing")
	b.visit("/login")
	b.signUp("john@acme.com")
	b.createTeam("Acme Corp")
	b.visit("/loopkit/received")
	b.requireShared()
	assert.Empty(t, b.log.takeProblems())
	assert.NotEqual(t, "ran", b.evaluate(`(() => {
		const inline = document.createElement("script");
		inline.textContent = "window.inline = 'ran'";
		document.head.append(inline);
		return window.inline;
	})()`), "a script without the nonce")
	assert.Len(t, b.log.takeProblems(), 1, "what the policy refused")
}
