//go:build browser

package browser_test

import (
	"context"
	"fmt"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
	"github.com/stretchr/testify/require"
)

// await waits until an expression is true in the page, as if's are. Its policy
// forbids eval, and so chromedp.Poll.
func (b *browser) await(condition string) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	_, err := chromedp.Run(ctx, chromedp.Evaluate[bool](fmt.Sprintf(`new Promise((done, failed) => {
		(function look() {
			try {
				if (%s) done(true); else setTimeout(look, 20);
			} catch (error) {
				failed(error);
			}
		})();
	})`, condition), chromedp.EvalAwaitPromise))
	if err != nil {
		require.NoError(b.t, err, "%s; the page's text:\n%.2000v", condition, b.evaluate("document.body.innerText"))
	}
}

// strings returns what a script comes to, a list of texts.
func (b *browser) strings(script string) []string {
	b.t.Helper()
	return run(b, chromedp.Evaluate[[]string](script, chromedp.EvalAwaitPromise))
}

func (b *browser) number(script string) float64 {
	b.t.Helper()
	return run(b, chromedp.Evaluate[float64](script, chromedp.EvalAwaitPromise))
}

// holds returns whether an expression is true in the page, as if's are.
func (b *browser) holds(condition string) bool {
	b.t.Helper()
	return run(b, chromedp.Evaluate[bool]("Boolean("+condition+")"))
}

// texts returns the texts of all elements that a selector selects.
func (b *browser) texts(selector string) []string {
	b.t.Helper()
	return b.strings(fmt.Sprintf(`Array.from(document.querySelectorAll(%q), (e) => e.textContent.trim().replace(/\s+/g, " "))`, selector))
}

// press presses keys, one after the other.
func (b *browser) press(keys ...string) {
	b.t.Helper()
	for _, key := range keys {
		run(b, chromedp.KeyEvent(key))
	}
}

// The keys that have no letter.
const (
	enter      = kb.Enter
	escape     = kb.Escape
	tab        = kb.Tab
	arrowDown  = kb.ArrowDown
	arrowLeft  = kb.ArrowLeft
	arrowRight = kb.ArrowRight
)

// push clicks on what stays on the page.
func (b *browser) push(selector string) {
	b.t.Helper()
	run(b, chromedp.Click(chromedp.CSS(selector)))
}

// reload loads the page anew.
func (b *browser) reload() {
	b.t.Helper()
	b.load("the page again", chromedp.Reload())
}

// prefer sets the theme of the system that the browser runs on: "light" or "dark".
func (b *browser) prefer(theme string) {
	b.t.Helper()
	b.emulateMedia("prefers-color-scheme", theme)
}

func (b *browser) emulateMedia(feature, value string) {
	b.t.Helper()
	_, err := chromedp.Call(b.ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
		Features: []*emulation.MediaFeature{{Name: feature, Value: value}},
	})
	require.NoError(b.t, err)
}

// resize sets the size of the window in CSS pixels, and how many dots each has.
func (b *browser) resize(width, height int64, scale float64) {
	b.t.Helper()
	run(b, chromedp.EmulateViewport(width, height, chromedp.EmulateScale(scale)))
}

// address returns the path and the query of the page.
func (b *browser) address() string {
	b.t.Helper()
	return b.evaluate("location.pathname + location.search").(string)
}
