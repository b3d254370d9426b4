//go:build browser

package browser_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/chromedp/cdproto/network"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/loopkitai/loopkit-go"
	"github.com/loopkitai/loopkit-go/loopkithttp"
	"github.com/loopkitai/loopkit-go/loopkittest"
)

// kept is what a browser shall keep of a cookie.
type kept struct {
	scripts bool // may read it
	secure  bool
	life    time.Duration
}

const year = 365 * 24 * time.Hour

func requireKept(t *testing.T, want map[string]kept, cookies map[string]*network.Cookie) {
	t.Helper()
	for name, w := range want {
		require.Contains(t, cookies, name)
		c := cookies[name]
		assert.Equal(t, "127.0.0.1", c.Domain, "%s: the host alone", name)
		assert.Equal(t, "/", c.Path, name)
		assert.Equal(t, network.CookieSameSiteLax, c.SameSite, name)
		assert.Equal(t, w.scripts, !c.HTTPOnly, name)
		assert.Equal(t, w.secure, c.Secure, name)
		assert.InDelta(t, float64(time.Now().Add(w.life).Unix()), c.Expires, time.Hour.Seconds()/4, name)
	}
}

func TestTheBrowserKeepsTheCookiesAsTheyAreMeant(t *testing.T) {
	t.Parallel()
	b := startSite(t).browser()
	b.consent("full")
	userID := b.signUp("john@acme.com")

	cookies := b.cookies()
	requireKept(t, map[string]kept{
		anonymousCookie: {scripts: true, life: year},
		linkedCookie:    {life: year},
		consentCookie:   {life: year},
		sessionCookie:   {life: 30 * time.Minute},
	}, cookies)
	assert.Equal(t, "full", cookies[consentCookie].Value)
	assert.NotContains(t, cookies[linkedCookie].Value, userID)
	assert.Equal(t, anonymousCookie+"="+cookies[anonymousCookie].Value, b.evaluate("document.cookie"), "all that scripts can read")
}

func TestTheCookieOfTheIDAfterALogoutIsMeantTheSame(t *testing.T) {
	t.Parallel()
	b := startSite(t).browser()
	b.consent("full")
	first := b.anonymousID()
	b.signUp("john@acme.com")
	assert.Equal(t, first, b.anonymousID(), "a signup keeps the ID")
	b.logOut()

	cookies := b.cookies()
	assert.NotEqual(t, first, cookies[anonymousCookie].Value)
	requireKept(t, map[string]kept{
		anonymousCookie: {scripts: true, life: year},
		linkedCookie:    {life: year},
		consentCookie:   {life: year},
		sessionCookie:   {life: 30 * time.Minute},
	}, cookies)
}

func TestMostAnswersSetNoCookie(t *testing.T) {
	t.Parallel()
	b := startSite(t).browser()
	b.consent("full")
	require.NotEmpty(t, b.log.takeSetCookies(), "the first answers")
	b.evaluate(`(async () => { for (let i = 0; i < 40; i++) await (await fetch("/pricing")).text() })()`)
	assert.Less(t, len(b.log.takeSetCookies()), 20, "of 40 answers; one of twenty renews the cookie, by lot")
}

func TestOverTLSTheCookiesAreForTLSAlone(t *testing.T) {
	t.Parallel()
	server := loopkittest.NewServer(t, loopkittest.Strict())
	client, err := loopkit.New("lk_test", &loopkit.Options{BaseURL: server.BaseURL()})
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, client.Close(context.Background())) })
	mux := http.NewServeMux()
	mux.HandleFunc("GET /login", func(w http.ResponseWriter, r *http.Request) {
		loopkithttp.Login(w, r, "user_123", nil)
		loopkithttp.SetConsent(w, r, loopkit.Full)
		http.Redirect(w, r, "/", http.StatusSeeOther)
	})
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = io.WriteString(w, `<!doctype html><link rel="icon" href="data:,"><title>Home</title>`+string(loopkithttp.BridgeScript("")))
	})
	tls := httptest.NewTLSServer(loopkithttp.Middleware(client, &loopkithttp.Options{Sessions: true})(mux))
	t.Cleanup(tls.Close)

	b := newBrowser(t, tls.URL)
	b.visit("/login")
	want := map[string]kept{
		anonymousCookie: {scripts: true, secure: true, life: year},
		linkedCookie:    {secure: true, life: year},
		consentCookie:   {secure: true, life: year},
		sessionCookie:   {secure: true, life: 30 * time.Minute},
	}
	requireKept(t, want, b.cookies())

	b.store(sdkKey, "anon_k3j9x0abc_1732464000000")
	b.visit("/")
	assert.Equal(t, "anon_k3j9x0abc_1732464000000", b.anonymousID())
	requireKept(t, want, b.cookies()) // as the bridge writes them, too
}
