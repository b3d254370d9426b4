package loopkithttp_test

import (
	"crypto/tls"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/loopkitai/loopkit-go"
	"github.com/loopkitai/loopkit-go/loopkithttp"
)

func TestCookiesHaveTheAttributesOfTheOptions(t *testing.T) {
	client, _ := newClient(t)
	for _, c := range []struct {
		name    string
		options loopkithttp.Options
		tls     bool
		want    string // of the anonymous ID's cookie
	}{
		{"by default", loopkithttp.Options{}, false, "Path=/; Max-Age=31536000; SameSite=Lax"},
		{"over TLS", loopkithttp.Options{}, true, "Path=/; Max-Age=31536000; Secure; SameSite=Lax"},
		{"behind a proxy", loopkithttp.Options{Secure: true}, false, "Path=/; Max-Age=31536000; Secure; SameSite=Lax"},
		{"hidden", loopkithttp.Options{HTTPOnly: true}, false, "Path=/; Max-Age=31536000; HttpOnly; SameSite=Lax"},
		{"with a domain", loopkithttp.Options{Domain: "example.com"}, false, "Path=/; Domain=example.com; Max-Age=31536000; SameSite=Lax"},
		{"with a domain of old form", loopkithttp.Options{Domain: ".example.com"}, false, "Path=/; Domain=example.com; Max-Age=31536000; SameSite=Lax"},
		{"strict", loopkithttp.Options{SameSite: http.SameSiteStrictMode}, false, "Path=/; Max-Age=31536000; SameSite=Strict"},
		{"for other sites", loopkithttp.Options{SameSite: http.SameSiteNoneMode}, false, "Path=/; Max-Age=31536000; Secure; SameSite=None"},
		{"net/http's default", loopkithttp.Options{SameSite: http.SameSiteDefaultMode}, false, "Path=/; Max-Age=31536000; SameSite=Lax"},
		{"for an hour", loopkithttp.Options{MaxAge: time.Hour}, false, "Path=/; Max-Age=3600; SameSite=Lax"},
		{"for less than a second", loopkithttp.Options{MaxAge: time.Second - 1}, false, "Path=/; Max-Age=31536000; SameSite=Lax"},
		{"for a negative time", loopkithttp.Options{MaxAge: -time.Hour}, false, "Path=/; Max-Age=31536000; SameSite=Lax"},
		{"for longer than browsers keep it", loopkithttp.Options{MaxAge: 500 * 24 * time.Hour}, false, "Path=/; Max-Age=34560000; SameSite=Lax"},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.options.User, c.options.Sessions = user("user_123"), true
			r := get("/")
			if c.tls {
				r.TLS = &tls.ConnectionState{}
			}
			a := ask(loopkithttp.Middleware(client, &c.options), r)
			lines := map[string]string{}
			for _, line := range a.Header["Set-Cookie"] {
				cookie, attributes, _ := strings.Cut(line, "; ")
				name, _, _ := strings.Cut(cookie, "=")
				lines[name] = attributes
			}
			assert.Equal(t, c.want, lines[anonymousCookie])

			hidden := c.want
			if !c.options.HTTPOnly {
				hidden = strings.Replace(hidden, "; SameSite", "; HttpOnly; SameSite", 1)
				hidden = strings.Replace(hidden, "; Secure; HttpOnly", "; HttpOnly; Secure", 1)
			}
			assert.Equal(t, hidden, lines[linkedCookie], "it lives as long, but no script needs it")
			assert.True(t, a.cookie(sessionCookie).HttpOnly)
			assert.Equal(t, 30*60, a.cookie(sessionCookie).MaxAge)
			assert.Equal(t, a.cookie(anonymousCookie).Secure, a.cookie(sessionCookie).Secure)
			assert.Equal(t, a.cookie(anonymousCookie).SameSite, a.cookie(sessionCookie).SameSite)
			assert.Equal(t, a.cookie(anonymousCookie).Domain, a.cookie(sessionCookie).Domain)
		})
	}
}

func TestAKnownCookieIsSetAnewFromTimeToTime(t *testing.T) {
	client, _ := newClient(t)
	link := linkedCookie + "=" + linkedTo(t, "user_123")
	options := &loopkithttp.Options{User: user("user_123")}
	never := ask(refreshing(client, options, false), get("/", anonymousCookie+"="+known, link))
	assert.Empty(t, never.Header)

	a := ask(refreshing(client, options, true), get("/", anonymousCookie+"="+known, link))
	assert.Equal(t, known, a.cookie(anonymousCookie).Value)
	assert.Equal(t, link, linkedCookie+"="+a.cookie(linkedCookie).Value, "what says whose the ID is lives as long")
	assert.Equal(t, 31536000, a.cookie(linkedCookie).MaxAge)

	const rounds = 4000
	refreshed := 0
	for range rounds {
		if len(ask(loopkithttp.Middleware(client, nil), get("/", anonymousCookie+"="+known)).Cookies()) > 0 {
			refreshed++
		}
	}
	assert.InDelta(t, rounds/20, refreshed, rounds/40, "about one response of twenty")
}

func TestNoSharedCacheKeepsACookie(t *testing.T) {
	client, _ := newClient(t)
	middleware := refreshing(client, nil, false)
	a := ask(middleware, get("/"))
	assert.Equal(t, "Cookie", a.Header.Get("Vary"))
	assert.Equal(t, "private", a.Header.Get("Cache-Control"))

	a = ask(middleware, get("/", anonymousCookie+"="+known))
	assert.Empty(t, a.Header, "a response that sets none may be kept")

	w := httptest.NewRecorder()
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Vary", "Accept-Encoding")
	middleware(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		loopkithttp.Login(w, r, "user_123", nil)
	})).ServeHTTP(w, get("/"))
	assert.Equal(t, "no-store", w.Header().Get("Cache-Control"))
	assert.Equal(t, []string{"Accept-Encoding", "Cookie"}, w.Header().Values("Vary"))
}

func TestAnAnswerSetsACookieOnlyOnce(t *testing.T) {
	client, _ := newClient(t)
	a := askHandler(loopkithttp.Middleware(client, &loopkithttp.Options{Sessions: true}), get("/"), func(w http.ResponseWriter, r *http.Request) {
		http.SetCookie(w, &http.Cookie{Name: "mine", Value: "1"})
		r = loopkithttp.Login(w, r, "user_1", nil)
		r = loopkithttp.Logout(w, r)
		r = loopkithttp.Login(w, r, "user_2", nil)
		loopkithttp.Logout(w, r)
		loopkithttp.SetConsent(w, r, 3)
		loopkithttp.SetConsent(w, r, 2)
	})
	names := map[string]int{}
	for _, cookie := range a.Cookies() {
		names[cookie.Name]++
	}
	assert.Equal(t, map[string]int{"mine": 1, anonymousCookie: 1, linkedCookie: 1, sessionCookie: 1, "loopkit_consent": 1}, names)
	assert.Equal(t, "pseudonymous", a.cookie("loopkit_consent").Value)
	assert.Regexp(t, linkedToNobody, a.cookie(linkedCookie).Value)
}

// A browser may hold a cookie for the host and one for the domain above it, as
// after a change of Options.Domain. It sends the older one first, so that a new
// one would never be seen.
func TestCookiesOfOtherDomainsDoNotOutliveALogout(t *testing.T) {
	client, _ := newClient(t)
	for _, domain := range []string{"", "example.com"} {
		for name, host := range map[string]string{"of a parent domain": "app.example.com", "with a port": "app.example.com:8080"} {
			t.Run(name, func(t *testing.T) {
				r := get("/", anonymousCookie+"="+known, anonymousCookie+"="+another)
				r.Host = host
				a := askHandler(refreshing(client, &loopkithttp.Options{Domain: domain}, false), r, func(w http.ResponseWriter, r *http.Request) {
					loopkithttp.Logout(w, r)
				})
				ended := map[string]bool{}
				for _, cookie := range a.Cookies() {
					if cookie.Name == anonymousCookie && cookie.MaxAge < 0 {
						ended[cookie.Domain] = true
					}
				}
				want := map[string]bool{"": true, "app.example.com": true, "example.com": true}
				delete(want, domain)
				assert.Equal(t, want, ended)
				last := a.cookie(anonymousCookie)
				assert.Equal(t, domain, last.Domain)
				assert.NotContains(t, []string{known, another}, last.Value)
			})
		}
	}
	r := get("/", anonymousCookie+"="+known, anonymousCookie+"="+another)
	r.Host = "a!b.example.com"
	a := askHandler(refreshing(client, nil, false), r, func(w http.ResponseWriter, r *http.Request) { loopkithttp.Logout(w, r) })
	require.Equal(t, []string{"example.com", ""}, a.domains(anonymousCookie), "what is no domain is left out")

	for _, host := range []string{"localhost:8080", "127.0.0.1", "[::1]:80", "::1", strings.Repeat("a.", 200) + "com"} {
		r := get("/", anonymousCookie+"="+known, anonymousCookie+"="+another)
		r.Host = host
		a := askHandler(refreshing(client, nil, false), r, func(w http.ResponseWriter, r *http.Request) {
			loopkithttp.Logout(w, r)
		})
		require.Equal(t, []string{""}, a.domains(anonymousCookie), "no domain above %s has cookies", host)
	}
}

// No request says for which domain a browser holds a cookie.
func TestWhatIsReplacedDoesNotSurviveForTheHostAlone(t *testing.T) {
	client, _ := newClient(t)
	link := linkedCookie + "=" + linkedTo(t, "user_123")
	around := refreshing(client, &loopkithttp.Options{Domain: ".example.com", Consent: loopkithttp.ConsentFromCookie(loopkit.Full)}, true)
	request := func(lines ...string) *http.Request {
		r := get("/", lines...)
		r.Host = "app.example.com"
		return r
	}
	all := []string{"", "app.example.com", "example.com"}
	a := askHandler(around, request(anonymousCookie+"="+known, link), func(w http.ResponseWriter, r *http.Request) { loopkithttp.Logout(w, r) })
	assert.ElementsMatch(t, all, a.domains(anonymousCookie))
	assert.ElementsMatch(t, all, a.domains(linkedCookie))
	assert.Equal(t, "example.com", a.cookie(anonymousCookie).Domain, "the new one comes last")

	a = ask(around, request(anonymousCookie+"="+another, link))
	assert.ElementsMatch(t, all, a.domains(anonymousCookie), "also where nobody logged out")
	a = ask(around, request(anonymousCookie+"="+known, "Sec-GPC: 1"))
	assert.ElementsMatch(t, all, a.domains(anonymousCookie), "also where the consent ended")

	for _, level := range levels {
		a = askHandler(around, request(loopkithttp.ConsentCookie+"=full"), func(w http.ResponseWriter, r *http.Request) { loopkithttp.SetConsent(w, r, level) })
		assert.ElementsMatch(t, all, a.domains(loopkithttp.ConsentCookie))
		assert.Equal(t, level.String(), a.cookie(loopkithttp.ConsentCookie).Value)
	}

	a = ask(around, request(anonymousCookie+"="+known))
	assert.Equal(t, []string{"example.com"}, a.domains(anonymousCookie), "a refresh replaces nothing")
	a = ask(around, request())
	assert.Equal(t, []string{"example.com"}, a.domains(anonymousCookie), "nor does a first visit")
}

func TestCookiesOfTheProgramStay(t *testing.T) {
	client, _ := newClient(t)
	a := askHandler(refreshing(client, nil, false), get("/"), func(w http.ResponseWriter, r *http.Request) {
		http.SetCookie(w, &http.Cookie{Name: "loopkit_consent_v2", Value: "1"})
		http.SetCookie(w, &http.Cookie{Name: "loopkit_linked2", Value: "1"})
		loopkithttp.Login(w, r, "user_123", nil)
		loopkithttp.SetConsent(w, r, loopkit.Denied)
	})
	assert.Equal(t, "1", a.cookie("loopkit_consent_v2").Value)
	assert.Equal(t, "1", a.cookie("loopkit_linked2").Value)
}

func TestCookiesOfAShortLifeAreSetAnewWithEachPage(t *testing.T) {
	client, _ := newClient(t)
	const day = 24 * time.Hour
	for maxAge, anew := range map[time.Duration]bool{time.Hour: true, 30*day - time.Second: true, 30 * day: false, 0: false} {
		a := ask(refreshing(client, &loopkithttp.Options{MaxAge: maxAge}, false), get("/", anonymousCookie+"="+known))
		assert.Equal(t, anew, len(a.Cookies()) > 0, maxAge)
	}
}
