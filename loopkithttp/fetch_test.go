package loopkithttp_test

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/loopkitai/loopkit-go"
	"github.com/loopkitai/loopkit-go/loopkithttp"
	"github.com/loopkitai/loopkit-go/loopkittest"
)

// serveWith is ask for an answer that has a header before the middleware runs.
func serveWith(around func(http.Handler) http.Handler, r *http.Request, cacheControl string) answer {
	before := func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Cache-Control", cacheControl)
			around(next).ServeHTTP(w, r)
		})
	}
	return ask(before, r)
}

func TestNoCookieIsSetWithWhatSharedCachesKeep(t *testing.T) {
	client, _ := newClient(t)
	link := linkedCookie + "=" + linkedTo(t, "user_123")
	for name, options := range map[string]*loopkithttp.Options{
		"a visitor": {Sessions: true}, "a user": {Sessions: true, User: user("user_123")},
		"another user": {User: user("user_124")}, "denied": {Consent: consentOf(loopkit.Denied)},
	} {
		t.Run(name, func(t *testing.T) {
			middleware := refreshing(client, options, true)
			for _, lines := range [][]string{{}, {anonymousCookie + "=" + known, link}} {
				for _, destination := range []string{"style", "script", "image", "font", "audio", "video", "track", "manifest"} {
					a := ask(middleware, get("/a", append(lines, "Sec-Fetch-Dest: "+destination)...))
					assert.Empty(t, a.Header, destination)
					assert.Equal(t, options.Consent != nil, a.identity.AnonymousID == "", "but calls are about somebody")
				}
				for _, control := range []string{"public, max-age=60", "max-age=1,Public", "s-maxage=60", "S-MaxAge=60"} {
					a := serveWith(middleware, get("/a", lines...), control)
					assert.Equal(t, http.Header{"Cache-Control": {control}}, a.Header)
				}
			}
			for _, destination := range []string{"document", "empty", "iframe", ""} {
				a := ask(middleware, get("/a", anonymousCookie+"="+known, "Sec-Fetch-Dest: "+destination))
				assert.NotEmpty(t, a.Cookies(), destination)
			}
			for _, control := range []string{"private", "no-store", "max-age=60", "x-public"} {
				a := serveWith(middleware, get("/a", anonymousCookie+"="+known), control)
				assert.NotEmpty(t, a.Cookies(), control)
			}
		})
	}
}

func TestALoginKeepsItsCookiesAlsoWhereItAnswersWithAnImage(t *testing.T) {
	client, _ := newClient(t)
	a := askHandler(refreshing(client, nil, false), get("/pixel", anonymousCookie+"="+known, "Sec-Fetch-Dest: image"), loginOf("user_123"))
	assert.Equal(t, map[string]string{anonymousCookie: "set", linkedCookie: "set"}, a.did())
	a = askHandler(refreshing(client, nil, false), get("/pixel", "Sec-Fetch-Dest: image"), loginOf("user_124"))
	assert.Empty(t, a.Cookies(), "but a visitor without a cookie gets none")
}

func TestAPreflightIsLeftAlone(t *testing.T) {
	client, _ := newClient(t)
	r := httptest.NewRequest(http.MethodOptions, "/api", nil)
	r.Header.Set("Origin", "https://app.example.com")
	assert.NotEmpty(t, ask(refreshing(client, &loopkithttp.Options{SameSite: http.SameSiteNoneMode}, false), r).Cookies(), "an OPTIONS of somebody's own")
	r.Header.Set("Access-Control-Request-Method", http.MethodPost)
	a := askHandler(refreshing(client, &loopkithttp.Options{SameSite: http.SameSiteNoneMode}, false), r, func(_ http.ResponseWriter, got *http.Request) {
		assert.Same(t, r, got)
	})
	assert.Empty(t, a.Header)
	r.Method = http.MethodPost
	assert.NotEmpty(t, ask(refreshing(client, &loopkithttp.Options{SameSite: http.SameSiteNoneMode}, false), r).Cookies(), "no other method is one")
}

// http.TimeoutHandler has a header of its own, whose cookies replace those that
// were set around it.
func TestATimeoutHandlerInsideDoesNotPartALinkFromItsID(t *testing.T) {
	client, loopkitServer := newClient(t)
	middleware := refreshing(client, &loopkithttp.Options{User: loggedIn}, false)
	server := serve(t, middleware(http.TimeoutHandler(accounts(t, client), time.Hour, "")))
	b := newBrowser(t, server)
	b.visit("/login?user=user_A")
	id := b.cookie(anonymousCookie)
	assert.NotEmpty(t, id)
	b.visit("/login?user=user_B")
	assert.NotEqual(t, id, b.cookie(anonymousCookie))
	require.NoError(t, client.Flush(t.Context()))
	loopkittest.RequireIdentified(t, loopkitServer, "user_A", id)
	loopkittest.RequireIdentified(t, loopkitServer, "user_B", b.cookie(anonymousCookie))
}
