package loopkithttp_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/loopkitai/loopkit-go"
	"github.com/loopkitai/loopkit-go/loopkithttp"
	"github.com/loopkitai/loopkit-go/loopkittest"
)

func identityOf(t *testing.T, r *http.Request) loopkit.Identity {
	t.Helper()
	id, found := loopkit.IdentityFrom(r.Context())
	require.True(t, found)
	return id
}

func TestALoginIdentifiesOnceASession(t *testing.T) {
	for name, options := range map[string]*loopkithttp.Options{
		"with User":               {User: loggedIn},
		"without":                 {},
		"with sessions":           {User: loggedIn, Sessions: true},
		"without, with sessions":  {Sessions: true},
		"with a consent for less": {User: loggedIn, Consent: consentOf(loopkit.Pseudonymous)},
	} {
		t.Run(name, func(t *testing.T) {
			client, loopkitServer := newClient(t)
			server := serve(t, loopkithttp.Middleware(client, options)(accounts(t, client)))
			b := newBrowser(t, server)
			identifies := func() int {
				t.Helper()
				require.NoError(t, client.Flush(t.Context()))
				return len(loopkitServer.MessagesOf(loopkittest.KindIdentify))
			}
			for range 3 {
				b.visit("/login?user=user_123")
			}
			assert.Equal(t, 1, identifies())
			b.visit("/logout")
			b.visit("/login?user=user_123")
			assert.Equal(t, 2, identifies(), "the new anonymous ID too")
			b.visit("/login?user=user_124")
			assert.Equal(t, 3, identifies())
		})
	}
}

func TestALoginIdentifiesAgainInTheNextSession(t *testing.T) {
	for name, c := range map[string]struct {
		options loopkithttp.Options
		wait    time.Duration
	}{
		"of Options.Sessions":  {loopkithttp.Options{Sessions: true}, 31 * time.Minute},
		"else on the next day": {loopkithttp.Options{}, 24 * time.Hour},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := newProgram(t, &c.options)
				login := func(w http.ResponseWriter, r *http.Request) { loopkithttp.Login(w, r, "user_123", nil) }
				p.visit(login)
				time.Sleep(c.wait / 2)
				p.visit(login)
				assert.Equal(t, int64(1), p.client.Stats().Accepted)
				time.Sleep(c.wait)
				p.visit(login)
				assert.Equal(t, int64(2), p.client.Stats().Accepted)
			})
		})
	}
}

// A program that calls Identify by itself has linked the browser's ID, but not
// in this session's name.
func TestALoginIdentifiesAUserWhomTheProgramKnewAlready(t *testing.T) {
	client, loopkitServer := newClient(t)
	server := serve(t, loopkithttp.Middleware(client, &loopkithttp.Options{User: loggedIn})(accounts(t, client)))
	b := newBrowser(t, server)
	b.visit("/own?user=user_123")
	b.visit("/view")
	assert.NotEmpty(t, b.cookie(linkedCookie))
	b.visit("/login?user=user_123")
	require.NoError(t, client.Flush(t.Context()))
	loopkittest.RequireIdentified(t, loopkitServer, "user_123", b.cookie(anonymousCookie))
}

// The browser's SDK may have given the cookie an ID (see BridgeScript) that was
// another user's long ago.
func TestALinkedBrowserTakesNoOtherAnonymousID(t *testing.T) {
	client, loopkitServer := newClient(t)
	login := func(w http.ResponseWriter, r *http.Request) { loopkithttp.Login(w, r, "user_123", nil) }
	middleware := refreshing(client, nil, false)
	first := askHandler(middleware, get("/", anonymousCookie+"="+known), login)
	linked := linkedCookie + "=" + first.cookie(linkedCookie).Value
	askHandler(middleware, get("/", anonymousCookie+"="+known, linked), login)
	changed := askHandler(middleware, get("/", anonymousCookie+"="+another, linked), login)
	require.NoError(t, client.Flush(t.Context()))
	assert.Len(t, loopkitServer.MessagesOf(loopkittest.KindIdentify), 2)
	fresh := changed.cookie(anonymousCookie).Value
	assert.Equal(t, []string{known, fresh}, loopkittest.RequireIdentified(t, loopkitServer, "user_123", "").AnonymousIDs)
}

func TestABrowserThatIsNotLinkedTakesTheSDKsAnonymousID(t *testing.T) {
	client, loopkitServer := newClient(t)
	a := askHandler(refreshing(client, nil, false), get("/", anonymousCookie+"="+another), func(w http.ResponseWriter, r *http.Request) {
		loopkithttp.Login(w, r, "user_123", nil)
	})
	assert.Equal(t, another, a.identity.AnonymousID)
	require.NoError(t, client.Flush(t.Context()))
	loopkittest.RequireIdentified(t, loopkitServer, "user_123", another)
}

func TestLoginAndLogoutChangeTheRequestsContext(t *testing.T) {
	client, loopkitServer := newClient(t)
	a := askHandler(loopkithttp.Middleware(client, &loopkithttp.Options{Sessions: true}), get("/pricing"), func(w http.ResponseWriter, r *http.Request) {
		stranger := identityOf(t, r)
		assert.Empty(t, stranger.UserID)

		first := identityOf(t, loopkithttp.Login(w, r, "user_1", nil))
		assert.Equal(t, loopkit.Identity{AnonymousID: stranger.AnonymousID, UserID: "user_1", SessionID: stranger.SessionID}, first)
		assert.Equal(t, first, identityOf(t, loopkithttp.Login(w, r, "user_1", nil)), "again, with the request from before")

		r2 := loopkithttp.Login(w, r, "user_2", nil) // which forgets that it was user_1's
		second := identityOf(t, r2)
		assert.Equal(t, "user_2", second.UserID)
		assert.NotEqual(t, first.AnonymousID, second.AnonymousID)
		assert.NotEqual(t, first.SessionID, second.SessionID)

		r3 := loopkithttp.Logout(w, r2)
		third := identityOf(t, r3)
		assert.Empty(t, third.UserID)
		assert.NotEqual(t, second.AnonymousID, third.AnonymousID)
		assert.NoError(t, client.Track(r3.Context(), "page_view", nil))
	})
	require.NoError(t, client.Flush(t.Context()))
	assert.Len(t, loopkitServer.MessagesOf(loopkittest.KindIdentify), 2)
	event := loopkittest.RequireTracked(t, loopkitServer, a.cookie(anonymousCookie).Value, "page_view")
	assert.Equal(t, map[string]any{"page": "/pricing"}, event.System["context"], "the page's fields stay")
}

func TestAUserIDThatIsNoneLinksNothing(t *testing.T) {
	client, _ := newClient(t)
	for _, userID := range []string{"", "undefined", "<nil>", " user_123", "user\xff"} {
		a := askHandler(refreshing(client, nil, false), get("/", anonymousCookie+"="+known), func(w http.ResponseWriter, r *http.Request) {
			assert.Same(t, r, loopkithttp.Login(w, r, userID, nil))
			assert.Equal(t, loopkit.Identity{AnonymousID: known}, identityOf(t, r))
		})
		assert.Empty(t, a.Cookies(), "%q", userID)
	}
	a := askHandler(refreshing(client, &loopkithttp.Options{User: user("user_123")}, false), get("/", anonymousCookie+"="+known), func(w http.ResponseWriter, r *http.Request) {
		assert.Same(t, r, loopkithttp.Login(w, r, "undefined", nil))
		r = loopkithttp.Login(w, r, "user_123", nil)
		assert.Equal(t, loopkit.Identity{AnonymousID: known, UserID: "user_123"}, identityOf(t, r), "nor does it unlink")
	})
	assert.Equal(t, map[string]string{anonymousCookie: "set", linkedCookie: "set"}, a.did())
}

func TestAnIdentifyThatFailedIsTriedAgain(t *testing.T) {
	client, loopkitServer := newClient(t)
	server := serve(t, loopkithttp.Middleware(client, nil)(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		traits := loopkit.Traits{"plan": "trial"}
		if r.URL.Path == "/bad" {
			traits["plan"] = make(chan int)
		}
		assert.Equal(t, "user_123", identityOf(t, loopkithttp.Login(w, r, "user_123", traits)).UserID)
	})))
	b := newBrowser(t, server)
	b.visit("/bad")
	assert.NotEmpty(t, b.cookie(linkedCookie), "the user is known all the same")
	id := b.cookie(anonymousCookie)
	b.visit("/good")
	require.NoError(t, client.Flush(t.Context()))
	loopkittest.RequireIdentified(t, loopkitServer, "user_123", id)
}

func TestAHeadersAnonymousIDIsLinkedWithoutCookies(t *testing.T) {
	client, loopkitServer := newClient(t)
	a := askHandler(loopkithttp.Middleware(client, &loopkithttp.Options{Sessions: true}), get("/", header+": "+known), func(w http.ResponseWriter, r *http.Request) {
		first := identityOf(t, loopkithttp.Login(w, r, "user_1", nil))
		assert.Equal(t, loopkit.Identity{AnonymousID: known, UserID: "user_1"}, first)
		second := identityOf(t, loopkithttp.Login(w, r, "user_2", nil))
		assert.Equal(t, loopkit.Identity{UserID: "user_2"}, second)
		stranger := identityOf(t, loopkithttp.Logout(w, r))
		assert.NotEqual(t, known, stranger.AnonymousID)
		assert.Empty(t, stranger.SessionID, "the client keeps no session here")
	})
	assert.Empty(t, a.Cookies())
	require.NoError(t, client.Flush(t.Context()))
	assert.Equal(t, []string{known}, loopkittest.RequireIdentified(t, loopkitServer, "user_1", "").AnonymousIDs)
}

func TestALoginOverAnotherUserLeavesTheAnonymousIDBehind(t *testing.T) {
	client, loopkitServer := newClient(t)
	for name, c := range map[string]struct {
		consent loopkit.Consent
		line    string
		set     map[string]string
		renewed bool
	}{
		"a cookie's":                 {loopkit.Full, anonymousCookie + "=" + known, map[string]string{anonymousCookie: "set", linkedCookie: "set"}, true},
		"a cookie's, anonymous only": {loopkit.AnonymousOnly, anonymousCookie + "=" + known, map[string]string{anonymousCookie: "set"}, true},
		"a header's":                 {loopkit.Full, header + ": " + known, map[string]string{}, false},
	} {
		t.Run(name, func(t *testing.T) {
			options := &loopkithttp.Options{User: user("user_1"), Consent: consentOf(c.consent)}
			a := askHandler(refreshing(client, options, false), get("/", c.line), func(w http.ResponseWriter, r *http.Request) {
				assert.Equal(t, loopkit.Identity{AnonymousID: known, UserID: "user_1"}, identityOf(t, r))
				id := identityOf(t, loopkithttp.Login(w, r, "user_2", nil))
				assert.Equal(t, "user_2", id.UserID)
				assert.NotEqual(t, known, id.AnonymousID)
				assert.Equal(t, c.renewed, loopkithttp.Usable(id.AnonymousID), "a client that keeps its ID gets none for one request")
			})
			assert.Equal(t, c.set, a.did())
		})
	}
	require.NoError(t, client.Flush(t.Context()))
	assert.NotContains(t, loopkittest.RequireIdentified(t, loopkitServer, "user_2", "").AnonymousIDs, known)
}

func TestALoginNeedsConsentForItsCookies(t *testing.T) {
	client, loopkitServer := newClient(t)
	for consent, id := range map[loopkit.Consent]string{loopkit.Denied: "", loopkit.AnonymousOnly: known} {
		for _, before := range []string{"", "user_123"} {
			options := &loopkithttp.Options{User: user(before), Consent: consentOf(consent)}
			a := askHandler(refreshing(client, options, false), get("/", anonymousCookie+"="+known), func(w http.ResponseWriter, r *http.Request) {
				r = loopkithttp.Login(w, r, "user_123", nil)
				assert.Equal(t, loopkit.Identity{AnonymousID: id, UserID: "user_123"}, identityOf(t, r))
				assert.Equal(t, consent, loopkit.ConsentFrom(r.Context()))
			})
			assert.NotContains(t, a.did(), linkedCookie)
		}
	}
	options := &loopkithttp.Options{User: user("user_1"), Consent: consentOf(loopkit.Denied), Sessions: true}
	a := askHandler(refreshing(client, options, false), get("/"), func(w http.ResponseWriter, r *http.Request) {
		assert.Equal(t, loopkit.Identity{UserID: "user_2"}, identityOf(t, loopkithttp.Login(w, r, "user_2", nil)))
	})
	assert.Empty(t, a.Header, "nothing was done to the answer")
	require.NoError(t, client.Flush(t.Context()))
	assert.Empty(t, loopkitServer.Messages())
}

// As after the page of a login provider: what the browser holds stays its own.
func TestAnotherSitesFormLeavesTheBrowsersCookiesAlone(t *testing.T) {
	client, _ := newClient(t)
	post := func(handler http.HandlerFunc) answer {
		r := httptest.NewRequest(http.MethodPost, "/saml", nil)
		r.Header.Set("Sec-Fetch-Site", "cross-site")
		return askHandler(loopkithttp.Middleware(client, &loopkithttp.Options{Sessions: true}), r, handler)
	}
	a := post(func(w http.ResponseWriter, r *http.Request) {
		assert.Equal(t, "user_123", identityOf(t, loopkithttp.Login(w, r, "user_123", nil)).UserID)
	})
	assert.Empty(t, a.Cookies())
	a = post(func(w http.ResponseWriter, r *http.Request) { loopkithttp.Logout(w, r) })
	assert.Equal(t, map[string]string{anonymousCookie: "set", linkedCookie: "expired", sessionCookie: "set"}, a.did(), "a logout ends them")
}

func TestWithoutTheMiddlewareLoginAndLogoutDoWhatTheyCan(t *testing.T) {
	w := httptest.NewRecorder()
	r := loopkithttp.Login(w, get("/"), "user_123", nil)
	assert.Equal(t, loopkit.Identity{UserID: "user_123"}, identityOf(t, r))
	assert.Empty(t, w.Header())
	assert.Same(t, r, loopkithttp.Login(w, r, "", nil))

	id := identityOf(t, loopkithttp.Logout(w, r))
	assert.Empty(t, id.UserID)
	assert.True(t, loopkithttp.Usable(id.AnonymousID))
	assert.Equal(t, []string{
		"loopkit_anonymousId=; Path=/; Max-Age=0; SameSite=Lax",
		"loopkit_linked=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax",
		"loopkit_sessionId=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax",
	}, w.Header()["Set-Cookie"])
}

func TestALogoutWithoutConsentEndsTheCookies(t *testing.T) {
	client, _ := newClient(t)
	a := askHandler(refreshing(client, nil, false), get("/", "Sec-GPC: 1"), func(w http.ResponseWriter, r *http.Request) {
		assert.Equal(t, loopkit.Identity{}, identityOf(t, loopkithttp.Logout(w, r)))
	})
	assert.Equal(t, map[string]string{anonymousCookie: "expired", linkedCookie: "expired", sessionCookie: "expired"}, a.did(),
		"also those that the browser did not send")
}

func TestAnIdentifyThatTheClientsConsentWithholdsCountsAsSent(t *testing.T) {
	allowed := loopkit.Denied
	loopkitServer := loopkittest.NewServer(t)
	client, err := loopkit.New("lk_test", &loopkit.Options{
		BaseURL: loopkitServer.BaseURL(),
		Consent: func(context.Context, *loopkit.Message) loopkit.Consent { return allowed },
	})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, client.Close(context.Background())) })
	middleware := refreshing(client, nil, false)
	a := askHandler(middleware, get("/", anonymousCookie+"="+known), loginOf("user_123"))
	allowed = loopkit.Full
	askHandler(middleware, get("/", anonymousCookie+"="+known, linkedCookie+"="+a.cookie(linkedCookie).Value), loginOf("user_123"))
	require.NoError(t, client.Flush(t.Context()))
	assert.Empty(t, loopkitServer.Messages())
}
