//go:build browser

package browser_test

import (
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestEverythingCanBeReadWithoutScripts(t *testing.T) {
	t.Parallel()
	s := startDev(t)
	s.receiveVariety()
	b := newBrowser(t, s.url)
	_, err := chromedp.Call(b.ctx, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true})
	require.NoError(t, err)

	b.visit("/")
	assert.False(t, b.holds(`document.documentElement.classList.contains("js")`), "no script ran")
	assert.Len(t, b.events(), 9)
	assert.Equal(t, "9", b.counters()[0])
	assert.Equal(t, []string{"Apply", "Refresh", "Refresh every 5 s"}, b.strings(`Array.from(document.querySelectorAll("#filters .no-js"), (e) => e.innerText)`))
	assert.Empty(t, b.strings(`Array.from(document.querySelectorAll(".needs-js"), (e) => e.checkVisibility() ? e.outerHTML : "").filter(Boolean)`), "what would do nothing is not there")

	b.click("#events tr.event .row-link")
	assert.Equal(t, "delete user user_999", b.text("#drawer-title"))
	b.click("#tab-request")
	assert.Contains(t, b.text("#panel-request"), "/v1/users/user_999")
	b.click("#drawer-close")
	assert.True(t, b.holds(`document.querySelector("#drawer").hidden`))
	b.submit("#filters", "q", "name:user_*")
	assert.Equal(t, []string{"user_signup"}, b.events())
	assert.Contains(t, b.text("#matched"), "1 of 10 match")
	b.click(".chip-filter")
	assert.Len(t, b.events(), 9)
	b.click(`#filters a[href*="refresh=1"]`)
	assert.Equal(t, 1.0, b.number(`document.querySelectorAll("meta[http-equiv=refresh]").length`))
	b.click(`#filters a.no-js:last-of-type`)
	assert.Equal(t, 0.0, b.number(`document.querySelectorAll("meta[http-equiv=refresh]").length`))
	b.click("#help-open")
	assert.Contains(t, b.text("#help"), "LOOPKIT_BASE_URL="+s.url+"/v1")
	b.click("#help a.no-js")

	b.click("#events .person")
	b.click(".nav a[href='/people']")
	b.click("#people tbody th a")
	assert.NotEmpty(t, b.texts(".timeline .step"))
	b.click(".nav a[href='/groups']")
	b.click("#groups tbody th a")
	assert.Contains(t, b.text("#group"), "Acme Corp")
	b.click(".nav a[href='/warnings']")
	assert.Contains(t, b.text("#warnings"), "W-KEYINQUERY")
	b.click(".nav a[href='/schema']")
	assert.Contains(t, b.text("#schema"), "team_invitation_accepted")
}

func TestOlderEventsAreALinkAwayWithoutScripts(t *testing.T) {
	t.Parallel()
	s := startDev(t)
	s.tracks("event", 250)
	b := newBrowser(t, s.url)
	_, err := chromedp.Call(b.ctx, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true})
	require.NoError(t, err)
	b.visit("/")
	assert.Equal(t, "event_250", b.newest())
	b.click("#older a")
	assert.Equal(t, "event_50", b.newest())
	assert.Len(t, b.events(), 50)
	b.click(".status-line a.button")
	assert.Equal(t, "event_250", b.newest())
}
