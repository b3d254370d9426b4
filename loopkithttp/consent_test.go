package loopkithttp_test

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/loopkitai/loopkit-go"
	"github.com/loopkitai/loopkit-go/loopkithttp"
	"github.com/loopkitai/loopkit-go/loopkittest"
)

var levels = []loopkit.Consent{loopkit.Denied, loopkit.AnonymousOnly, loopkit.Pseudonymous, loopkit.Full}

func TestAChoiceIsReadFromTheCookieThatKeptIt(t *testing.T) {
	client, _ := newClient(t)
	for _, level := range levels {
		a := askHandler(refreshing(client, nil, false), get("/", anonymousCookie+"="+known), func(w http.ResponseWriter, r *http.Request) {
			loopkithttp.SetConsent(w, r, level)
		})
		cookie := a.cookie(loopkithttp.ConsentCookie)
		assert.Equal(t, level.String(), cookie.Value)
		for _, unanswered := range levels {
			read := loopkithttp.ConsentFromCookie(unanswered)
			assert.Equal(t, level, read(get("/", cookie.Name+"="+cookie.Value)))
			assert.Equal(t, unanswered, read(get("/")))
			assert.Equal(t, level, read(get("/", cookie.Name+"=garbage", cookie.Name+"="+cookie.Value)))
			assert.Equal(t, min(level, unanswered), read(get("/", cookie.Name+"="+cookie.Value, cookie.Name+"="+unanswered.String())), "the lowest counts")
			for _, garbage := range []string{"", "FULL", "fully", "3", "yes", "<nil>", "full.denied"} {
				assert.Equal(t, unanswered, read(get("/", cookie.Name+"="+garbage)), "%q", garbage)
			}
		}
	}
}

func TestTheConsentCookieHasTheAttributesOfTheOthers(t *testing.T) {
	w := httptest.NewRecorder()
	loopkithttp.SetConsent(w, get("/"), loopkit.Full)
	assert.Equal(t, []string{"loopkit_consent=full; Path=/; Max-Age=31536000; HttpOnly; SameSite=Lax"}, w.Header()["Set-Cookie"])
	assert.Equal(t, "private", w.Header().Get("Cache-Control"))

	client, _ := newClient(t)
	a := askHandler(refreshing(client, &loopkithttp.Options{Domain: "example.com", Secure: true}, false), get("/", "DNT: 1"), func(w http.ResponseWriter, r *http.Request) {
		loopkithttp.SetConsent(w, r, 17)
	})
	assert.Contains(t, a.Header["Set-Cookie"], "loopkit_consent=denied; Path=/; Domain=example.com; Max-Age=31536000; HttpOnly; Secure; SameSite=Lax")
}

func TestAGrantChangesNothingButTheCookie(t *testing.T) {
	client, _ := newClient(t)
	for _, level := range levels[1:] {
		a := askHandler(refreshing(client, &loopkithttp.Options{Sessions: true}, false), get("/", anonymousCookie+"="+known), func(w http.ResponseWriter, r *http.Request) {
			loopkithttp.SetConsent(w, r, level)
		})
		assert.Equal(t, map[string]string{loopkithttp.ConsentCookie: "set", sessionCookie: "set"}, a.did())
	}
}

func TestADenialEndsTheCookiesAtOnce(t *testing.T) {
	client, _ := newClient(t)
	deny := func(w http.ResponseWriter, r *http.Request) {
		loopkithttp.SetConsent(w, r, loopkit.Denied)
		r = loopkithttp.Login(w, r, "user_123", nil)
		assert.Equal(t, loopkit.Denied, loopkit.ConsentFrom(r.Context()))
		assert.Equal(t, loopkit.Identity{UserID: "user_123"}, identityOf(t, r))
		assert.Equal(t, loopkit.Identity{}, identityOf(t, loopkithttp.Logout(w, r)))
	}
	middleware := refreshing(client, &loopkithttp.Options{Sessions: true}, true)
	for _, lines := range [][]string{
		{anonymousCookie + "=" + known, linkedCookie + "=" + linkedToNobodyKnown, sessionCookie + "=" + aSession},
		{}, // as with another site's form
	} {
		a := askHandler(middleware, get("/", lines...), deny)
		assert.Equal(t, map[string]string{
			loopkithttp.ConsentCookie: "set", anonymousCookie: "expired", linkedCookie: "expired", sessionCookie: "expired",
		}, a.did())
		assert.Len(t, a.Cookies(), 4)
	}

	w := httptest.NewRecorder()
	loopkithttp.SetConsent(w, get("/", anonymousCookie+"="+known), loopkit.Denied)
	assert.Len(t, w.Header()["Set-Cookie"], 4, "also without the middleware")
}

func TestADenialDropsWhatHasNotBeenSent(t *testing.T) {
	loopkitServer := loopkittest.NewServer(t)
	client, err := loopkit.New("lk_test", &loopkit.Options{BaseURL: loopkitServer.BaseURL(), FlushInterval: -1, Logger: slog.New(slog.DiscardHandler)})
	require.NoError(t, err)
	server := serve(t, loopkithttp.Middleware(client, &loopkithttp.Options{
		User: loggedIn, Consent: loopkithttp.ConsentFromCookie(loopkit.Full),
	})(choices(t, client)))

	denying, other := newBrowser(t, server), newBrowser(t, server)
	denying.visit("/view")
	denying.visit("/login?user=user_1")
	denying.visit("/view")
	other.visit("/view")
	other.visit("/login?user=user_2")
	denying.visit("/consent?level=denied")
	assert.Equal(t, int64(4), client.Stats().Dropped[loopkit.ReasonConsent])
	denying.visit("/view")
	require.NoError(t, client.Close(t.Context()))

	assert.Equal(t, int64(1), client.Stats().Withheld)
	loopkittest.RequireIdentified(t, loopkitServer, "user_2", "")
	assert.Len(t, loopkitServer.People(), 1)
}

// Who the program says the visitor is counts where the middleware does not know.
func TestADenialDropsWhatTheContextsUserDid(t *testing.T) {
	client, _ := newClient(t)
	askHandler(refreshing(client, nil, false), get("/"), func(w http.ResponseWriter, r *http.Request) {
		assert.NoError(t, client.Track(r.Context(), "invoice_paid", nil, loopkit.As(loopkit.Identity{UserID: "user_123"})))
		r = r.WithContext(loopkit.WithUser(r.Context(), "user_123"))
		loopkithttp.SetConsent(w, r, loopkit.Denied)
	})
	assert.Equal(t, int64(1), client.Stats().Dropped[loopkit.ReasonConsent])
}

// choices is a program in which visitors say what they agree to.
func choices(t *testing.T, client *loopkit.Client) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/", accounts(t, client))
	mux.HandleFunc("/consent", func(w http.ResponseWriter, r *http.Request) {
		var level loopkit.Consent
		assert.NoError(t, level.UnmarshalText([]byte(r.FormValue("level"))))
		loopkithttp.SetConsent(w, r, level)
	})
	return mux
}

func TestWhatIsSentFollowsFromTheVisitorsChoice(t *testing.T) {
	for _, c := range []struct {
		level      string
		identifies int
		events     int
		userID     string // of the events after the login
		cookies    []string
	}{
		{"denied", 0, 0, "", nil},
		{"anonymous_only", 0, 3, "", []string{anonymousCookie}},
		{"pseudonymous", 1, 3, "user_1", []string{anonymousCookie, linkedCookie}},
		{"full", 1, 3, "user_1", []string{anonymousCookie, linkedCookie}},
	} {
		t.Run(c.level, func(t *testing.T) {
			client, loopkitServer := newClient(t)
			server := serve(t, loopkithttp.Middleware(client, &loopkithttp.Options{
				User: loggedIn, Consent: loopkithttp.ConsentFromCookie(loopkit.Denied),
			})(choices(t, client)))
			b := newBrowser(t, server)
			b.visit("/view")
			assert.Empty(t, b.http.Jar.Cookies(b.url), "an unanswered visitor has no cookie")
			b.visit("/consent?level=" + c.level)
			b.visit("/view")
			b.visit("/login?user=user_1")
			b.visit("/view")
			require.NoError(t, client.Flush(t.Context()))

			assert.Len(t, loopkitServer.MessagesOf(loopkittest.KindIdentify), c.identifies)
			events := loopkitServer.MessagesOf(loopkittest.KindTrack)
			require.Len(t, events, c.events)
			if c.events > 0 {
				assert.Equal(t, c.userID, events[2].UserID)
				assert.Equal(t, b.cookie(anonymousCookie), events[2].AnonymousID)
			}
			for _, name := range []string{anonymousCookie, linkedCookie} {
				assert.Equal(t, b.cookie(name) != "", slices.Contains(c.cookies, name), name)
			}

			b.visit("/consent?level=anonymous_only")
			b.visit("/view")
			assert.Empty(t, b.cookie(linkedCookie))
			require.NoError(t, client.Flush(t.Context()))
			person, found := loopkitServer.Person(b.cookie(anonymousCookie))
			require.True(t, found)
			assert.Empty(t, person.UserID, "an anonymous ID that was a user's is none")
		})
	}
}
