//go:build browser

package browser_test

import (
	"testing"

	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const (
	onLight = "rgb(255, 255, 255)"
	onDark  = "rgb(16, 18, 23)"
)

func TestTheThemeIsThatOfTheSystemUntilOneIsChosen(t *testing.T) {
	t.Parallel()
	b := startDev(t).page("/")
	background := func() any {
		t.Helper()
		return b.evaluate("getComputedStyle(document.body).backgroundColor")
	}
	for range 2 {
		b.prefer("dark")
		assert.Equal(t, onDark, background())
		b.prefer("light")
		assert.Equal(t, onLight, background())
		for _, step := range []struct{ title, background string }{
			{"Theme: light", onLight}, {"Theme: dark", onDark}, {"Theme: automatic", onLight},
		} {
			b.push("#theme")
			assert.Equal(t, step.title, b.evaluate(`document.querySelector("#theme").title`))
			assert.Equal(t, step.background, background())
			b.visit("/people")
			assert.Equal(t, step.title, b.evaluate(`document.querySelector("#theme").title`), "on another page")
			assert.Equal(t, step.background, background())
		}
	}
}

func TestTheChosenThemeIsThereBeforeTheFirstPaint(t *testing.T) {
	t.Parallel()
	b := startDev(t).page("/")
	b.prefer("light")
	b.store("loopkit.theme", "dark")
	_, err := chromedp.Call(b.ctx, page.AddScriptToEvaluateOnNewDocument, page.AddScriptToEvaluateOnNewDocumentParams{Source: `
		new MutationObserver(() => {
			if (document.documentElement?.dataset.theme) window.themed ??= performance.now();
		}).observe(document, {subtree: true, childList: true, attributes: true});`})
	require.NoError(t, err)
	for _, path := range []string{"/", "/people", "/groups", "/warnings", "/schema"} {
		b.visit(path)
		b.await(`performance.getEntriesByName("first-paint").length`)
		assert.Greater(t, b.number(`performance.getEntriesByName("first-paint")[0].startTime - window.themed`), 0.0, path)
		assert.Equal(t, onDark, b.evaluate("getComputedStyle(document.body).backgroundColor"), path)
	}
}
