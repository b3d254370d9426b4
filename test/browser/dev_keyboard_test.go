//go:build browser

package browser_test

import (
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/assert"
)

// focused returns the ID of the element that has the focus, or the name of the
// event in whose row it is.
func (b *browser) focused() any {
	b.t.Helper()
	return b.evaluate(`document.activeElement.id || document.activeElement.querySelector("tr .row-link")?.textContent || document.activeElement.closest("tr")?.querySelector(".row-link")?.textContent`)
}

func TestTheKeyboardAloneLeadsFromTheSearchToTheDetailsAndBack(t *testing.T) {
	t.Parallel()
	s := startDev(t)
	s.demo()
	b := s.livePage()
	b.press("/")
	assert.Equal(t, "q", b.focused())
	b.press("k", "i", "n", "d", ":", "t", "r", "a", "c", "k", enter)
	b.awaitRows(5)
	b.await(`document.activeElement.id === "results"`)
	b.press("j")
	assert.Equal(t, "feature_used", b.focused())
	b.press("j", "j", "k")
	assert.Equal(t, "team_invitation_accepted", b.focused())
	assert.NotEqual(t, "none", b.evaluate("getComputedStyle(document.activeElement).outlineStyle"), "the focus is seen")
	assert.Equal(t, 1.0, b.number(`document.querySelectorAll('#events [tabindex="0"]').length`), "Tab stops once in the list")
	b.press(enter)
	b.await(`!document.querySelector("#drawer").hidden`)
	assert.Equal(t, "drawer", b.focused())
	assert.Equal(t, "team_invitation_accepted", b.text("#drawer-title"))
	assert.Equal(t, []string{"team_invitation_accepted"}, b.texts("#events [aria-selected=true] .row-link"))

	b.press("j")
	b.await(`document.querySelector("#drawer-title").textContent === "user_signup"`)
	assert.Equal(t, "user_signup", b.focused())
	b.press(escape)
	b.await(`document.querySelector("#drawer").hidden`)
	assert.Equal(t, "user_signup", b.focused())
	b.press(arrowDown, enter)
	b.await(`document.querySelector("#drawer").contains(document.activeElement)`)
	b.press(escape)
	b.await(`document.querySelector("#drawer").hidden`)
	assert.Equal(t, "button_click", b.focused(), "the focus returns to the row")
}

func TestTabsOfTheDetailsAreTurnedByArrows(t *testing.T) {
	t.Parallel()
	s := startDev(t)
	s.demo()
	b := s.page("/?sel=1")
	b.evaluate(`document.querySelector("#tab-summary").focus()`)
	for _, id := range []string{"json", "request", "warnings", "code", "summary"} {
		b.press(arrowRight)
		assert.Equal(t, "tab-"+id, b.focused())
		assert.Equal(t, []string{"panel-" + id}, b.strings(`Array.from(document.querySelectorAll("[role=tabpanel]:not([hidden])"), (panel) => panel.id)`))
		assert.Equal(t, 1.0, b.number(`document.querySelectorAll('[role=tab][aria-selected="true"][tabindex="0"], [role=tab][aria-selected="true"]:not([tabindex])').length`))
	}
	b.press(arrowLeft)
	assert.Equal(t, "tab-code", b.focused())
}

func TestShortcutsLeadToThePagesAndCanBeSwitchedOff(t *testing.T) {
	t.Parallel()
	s := startDev(t)
	b := s.livePage()
	b.press("p")
	assert.Equal(t, "true", b.evaluate(`document.querySelector("#pause").ariaPressed`))
	b.press("p")
	assert.Equal(t, "false", b.evaluate(`document.querySelector("#pause").ariaPressed`))
	b.press("/", "p", "g", "p")
	assert.Equal(t, "pgp", b.evaluate(`document.querySelector("#q").value`))
	assert.Equal(t, "false", b.evaluate(`document.querySelector("#pause").ariaPressed`), "letters in the search are letters")

	b.visit("/")
	for _, to := range []struct{ key, path string }{{"p", "/people"}, {"g", "/groups"}, {"w", "/warnings"}, {"s", "/schema"}, {"l", "/"}} {
		b.load("g "+to.key, chromedp.KeyEvent("g"+to.key))
		assert.Equal(t, to.path, b.address())
	}

	b.press("?")
	b.await(`document.querySelector("#help").open`)
	assert.True(t, b.holds(`document.querySelector("#help").contains(document.activeElement)`))
	b.push("#shortcuts-on")
	b.press(escape)
	b.await(`!document.querySelector("#help").open`)
	b.press("p", "?", "/")
	assert.Equal(t, "false", b.evaluate(`document.querySelector("#pause").ariaPressed`))
	assert.False(t, b.holds(`document.querySelector("#help").open`))
	b.reload()
	b.press("?")
	assert.False(t, b.holds(`document.querySelector("#help").open`), "they stay switched off")
}

func TestTheFirstStopOfTabSkipsToTheContent(t *testing.T) {
	t.Parallel()
	b := startDev(t).page("/people")
	b.press(tab)
	assert.Equal(t, "Skip to the content", b.evaluate("document.activeElement.textContent"))
	assert.True(t, b.holds("document.activeElement.getBoundingClientRect().left >= 0"), "it is seen then")
	b.press(enter)
	b.await(`document.activeElement.id === "main"`)
}
