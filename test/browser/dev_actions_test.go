//go:build browser

package browser_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	cdpbrowser "github.com/chromedp/cdproto/browser"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestTheDemoJourneyCanBeSentAndForgotten(t *testing.T) {
	t.Parallel()
	s := startDev(t)
	b := s.livePage()
	b.push("#demo")
	b.awaitRows(7)
	assert.True(t, b.holds(`document.querySelector("#nothing-yet").hidden`))
	assert.Equal(t, []string{"7", "1", "1"}, b.counters()[:3])

	b.push("#clear")
	assert.Equal(t, "Press again to forget everything received", b.text("#announcer"))
	assert.Equal(t, 7, s.summary().Events, "the first press asks")
	b.push("#clear")
	b.awaitRows(0)
	b.await(`!document.querySelector("#nothing-yet").hidden && document.querySelector("#counters dd").textContent === "0"`)
	assert.Zero(t, s.summary().Events)
}

// allowClipboard lets the page read what it copied, too. The clipboard is one for
// all pages of the browser, so that a single test may use it.
func (b *browser) allowClipboard() {
	b.t.Helper()
	_, err := chromedp.Call(b.ctx, emulation.SetFocusEmulationEnabled, emulation.SetFocusEmulationEnabledParams{Enabled: true})
	require.NoError(b.t, err)
	for _, name := range []string{"clipboard-read", "clipboard-write"} {
		_, err = chromedp.CallBrowser(b.ctx, cdpbrowser.SetPermission, cdpbrowser.SetPermissionParams{
			Permission:       &cdpbrowser.PermissionDescriptor{Name: name},
			Setting:          cdpbrowser.PermissionSettingGranted,
			Origin:           b.base,
			BrowserContextID: chromedp.FromContext(b.ctx).BrowserContextID,
		})
		require.NoError(b.t, err)
	}
}

// copied does what copies something, and returns that.
func (b *browser) copied(do func()) string {
	b.t.Helper()
	b.evaluate(`document.querySelector("#announcer").textContent = ""; navigator.clipboard.writeText("nothing")`)
	do()
	b.await(`document.querySelector("#announcer").textContent === "Copied"`)
	return b.evaluate(`navigator.clipboard.readText()`).(string)
}

func TestWhatIsCopiedIsWhatWasMeant(t *testing.T) {
	t.Parallel()
	s := startDev(t)
	b := s.page("/")
	b.allowClipboard()
	push := func(selector string) func() { return func() { b.push(selector) } }
	assert.Contains(t, b.copied(push(`[data-copy="snippet-go"]`)), fmt.Sprintf("BaseURL: %q", s.url+"/v1"))
	curl := b.copied(push(`[data-copy="snippet-curl"]`))
	assert.Regexp(t, `^curl `+s.url+`/v1/tracks`, curl)
	_, body, _ := strings.Cut(curl, "-d '")
	s.post("/v1/tracks", strings.TrimSuffix(strings.TrimSpace(body), "'"))
	b.awaitRows(1)

	b.push("#events tr.event .row-link")
	b.await(`!document.querySelector("#drawer").hidden`)
	b.push("#tab-json")
	var record map[string]any
	copied := b.copied(push("#copy-json"))
	require.NoError(t, json.Unmarshal([]byte(copied), &record), copied)
	assert.Equal(t, "page_view", record["name"])
	b.push("#drawer-close")
	assert.Equal(t, copied, b.copied(func() { b.press("c") }), "by the keyboard")
	b.visit("/?sel=1&tab=code")
	assert.Contains(t, b.copied(push(`[data-copy="code-curl"]`)), "page_view")
	assert.Contains(t, b.copied(push(`[data-copy="code-go"]`)), "client.Track(")

	s.receiveBadMessages()
	b.visit("/warnings")
	report := b.copied(push(`[data-copy="report"]`))
	assert.Contains(t, report, "## W-NOANON")
	assert.Regexp(t, `(?m)^#`, report)
}

func TestTheHelpKeepsTheFocusAndSetsTheChaos(t *testing.T) {
	t.Parallel()
	s := startDev(t)
	b := s.page("/")
	b.push("#help-open")
	b.await(`document.querySelector("#help:modal")`)
	for range 40 {
		b.press(tab)
		if !assert.True(t, b.holds(`document.activeElement === document.body || document.querySelector("#help").contains(document.activeElement)`), "Tab leaves the dialog") {
			break
		}
	}
	run(b, chromedp.SetValue(chromedp.CSS("#chaos [name=fail]"), "100%:503"))
	b.push("#chaos button")
	b.await(`document.querySelector("#chaos-result").textContent === "Chaos is on."`)
	s.send(http.MethodPost, "/v1/tracks", `{"name":"page_view","anonymousId":"anon_456","timestamp":"NOW"}`, http.StatusServiceUnavailable)
	b.push("#chaos button[value=off]")
	b.await(`document.querySelector("#chaos-result").textContent === "Chaos is off."`)
	s.tracks("page_view", 1)
	run(b, chromedp.SetValue(chromedp.CSS("#chaos [name=fail]"), "always"))
	b.push("#chaos button")
	b.await(`document.querySelector("#chaos-result").textContent.includes("always")`)
	b.log.takeProblems() // of the answer 400
	b.press(escape)
	b.await(`!document.querySelector("#help").open`)
	assert.Equal(t, "help-open", b.focused(), "the focus returns")
}

func TestTheDetailsCanBeMadeWiderAndStaySo(t *testing.T) {
	t.Parallel()
	s := startDev(t)
	s.demo()
	b := newBrowser(t, s.url)
	b.resize(1440, 900, 1)
	b.visit("/?sel=1")
	width := func() float64 {
		t.Helper()
		return b.number(`document.querySelector("#drawer").getBoundingClientRect().width`)
	}
	first := width()
	b.evaluate(`document.querySelector("#drawer-grip").focus()`)
	b.press(arrowLeft, arrowLeft)
	assert.InDelta(t, first+32, width(), 1)

	x, y := 1440-width(), 450.0
	run(b, chromedp.MouseEvent(input.DispatchMouseEventTypeMousePressed, x, y, chromedp.ButtonLeft, chromedp.ClickCount(1)))
	run(b, chromedp.MouseEvent(input.DispatchMouseEventTypeMouseMoved, x-200, y, chromedp.ButtonLeft))
	run(b, chromedp.MouseEvent(input.DispatchMouseEventTypeMouseReleased, x-200, y, chromedp.ButtonLeft, chromedp.ClickCount(1)))
	assert.InDelta(t, first+232, width(), 4)
	wide := width()
	b.reload()
	assert.InDelta(t, wide, width(), 1)
	b.resize(800, 600, 1)
	assert.InDelta(t, 800, width(), 1, "a narrow window is all theirs")
}
