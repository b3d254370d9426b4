//go:build browser

package browser_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/loopkitai/loopkit-go/loopkithttp"
)

// The names that a browser knows us by.
const (
	anonymousCookie = "loopkit_anonymousId"
	linkedCookie    = "loopkit_linked"
	sessionCookie   = "loopkit_sessionId"
	consentCookie   = loopkithttp.ConsentCookie
	sdkKey          = "loopkit_anonymousId" // in localStorage, LoopKit's browser SDK's
	bridgeKey       = "loopkit_bridge"      // in localStorage, the bridge's
)

// patience bounds every single wait.
const patience = 20 * time.Second

// browser is a browser as far as a site can tell: a page with cookies and a
// localStorage of its own, as a private window of Chromium has.
type browser struct {
	t    *testing.T
	base string // URL of the site, without a slash at its end
	ctx  context.Context
	log  pageLog
}

// newBrowser opens a browser that ends with the test. The test fails if a page
// has written a warning or an error to the console by then.
func newBrowser(t *testing.T, base string) *browser {
	t.Helper()
	b := &browser{t: t, base: base}
	ctx, cancel := chromedp.NewContext(chromium, chromedp.WithNewBrowserContext(), chromedp.WithListener(b.log.listen))
	t.Cleanup(cancel)
	b.ctx = ctx
	require.NoError(t, chromedp.Do(ctx))
	t.Cleanup(func() {
		b.evaluate("0") // what happened before its answer is in the log
		assert.Empty(t, b.log.takeProblems(), "the browser's console")
		assert.NoError(t, chromedp.Cancel(ctx))
	})
	return b
}

// visit goes to a page of the site by its path.
func (b *browser) visit(path string) {
	b.t.Helper()
	b.load(path, chromedp.Navigate(b.base+path))
}

// click clicks on what leads to another page, and waits for that.
func (b *browser) click(selector string) {
	b.t.Helper()
	b.load(selector, chromedp.Click(chromedp.CSS(selector)))
}

// submit fills a form and sends it. fields are names and values in turn.
func (b *browser) submit(form string, fields ...string) {
	b.t.Helper()
	for i := 0; i < len(fields); i += 2 {
		field := chromedp.CSS(form + " [name=" + fields[i] + "]")
		run(b, chromedp.SetValue(field, fields[i+1]))
	}
	b.click(form + " button")
}

// load runs an action that loads a page.
func (b *browser) load(what string, action chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	answer, err := chromedp.RunResponse(ctx, action)
	require.NoError(b.t, err, what)
	require.Less(b.t, answer.Status, int64(400), what)
}

func (b *browser) text(selector string) string {
	b.t.Helper()
	return strings.TrimSpace(run(b, chromedp.Text(chromedp.CSS(selector))))
}

// evaluate returns what a script in the page comes to, if that is a promise what
// it holds.
func (b *browser) evaluate(script string) any {
	b.t.Helper()
	return run(b, chromedp.Evaluate[any](script, chromedp.EvalAwaitPromise))
}

// cookies returns the cookies that the browser has for the site, by name.
func (b *browser) cookies() map[string]*network.Cookie {
	b.t.Helper()
	answer, err := chromedp.Call(b.ctx, network.GetCookies, network.GetCookiesParams{URLs: []string{b.base}})
	require.NoError(b.t, err)
	found := make(map[string]*network.Cookie)
	for _, c := range answer.Cookies {
		require.NotContains(b.t, found, c.Name, "two cookies with one name")
		found[c.Name] = c
	}
	return found
}

// anonymousID returns what the cookie holds.
func (b *browser) anonymousID() string {
	b.t.Helper()
	cookies := b.cookies()
	require.Contains(b.t, cookies, anonymousCookie)
	return cookies[anonymousCookie].Value
}

func (b *browser) deleteCookie(name string) {
	b.t.Helper()
	_, err := chromedp.Call(b.ctx, network.DeleteCookies, network.DeleteCookiesParams{Name: name, URL: b.base})
	require.NoError(b.t, err)
}

// sendHeader adds a header to every request from now on.
func (b *browser) sendHeader(name, value string) {
	b.t.Helper()
	_, err := chromedp.Call(b.ctx, network.SetExtraHTTPHeaders, network.SetExtraHTTPHeadersParams{Headers: network.Headers{name: value}})
	require.NoError(b.t, err)
}

// stored returns an item of the site's localStorage; "" if there is none.
func (b *browser) stored(key string) string {
	b.t.Helper()
	value, _ := b.evaluate(fmt.Sprintf("localStorage.getItem(%q)", key)).(string)
	return value
}

func (b *browser) store(key, value string) {
	b.t.Helper()
	b.evaluate(fmt.Sprintf("localStorage.setItem(%q, %q)", key, value))
}

// run runs an action that loads no page.
func run[T any](b *browser, action chromedp.Action[T]) T {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	result, err := chromedp.Run(ctx, action)
	require.NoError(b.t, err)
	return result
}
