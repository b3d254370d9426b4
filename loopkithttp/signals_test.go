package loopkithttp_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/loopkitai/loopkit-go"
	"github.com/loopkitai/loopkit-go/loopkithttp"
)

const (
	linkedToNobodyKnown = "0123456789abcdef0123456789abcdef.2c2f19536cf27f03." // of the ID known
	aSession            = "sess_6f49213a-7c1e-4c51-bdc7-91c2353e56f1.1"
)

func consentOf(level loopkit.Consent) func(*http.Request) loopkit.Consent {
	return func(*http.Request) loopkit.Consent { return level }
}

func user(id string) func(*http.Request) string { return func(*http.Request) string { return id } }

type cookiesSet map[string]string

// linkedTo returns the cookie that says that a browser's ID belongs to a user.
func linkedTo(t *testing.T, userID string) string {
	t.Helper()
	client, _ := newClient(t)
	a := ask(refreshing(client, &loopkithttp.Options{User: user(userID)}, false), get("/", anonymousCookie+"="+known))
	return a.cookie(linkedCookie).Value
}

func TestWhatARequestSetsFollowsFromSignalsAndCookies(t *testing.T) {
	client, _ := newClient(t)
	const (
		id        = anonymousCookie + "=" + known
		linked    = linkedCookie + "=" + linkedToNobodyKnown
		session   = sessionCookie + "=" + aSession
		theID     = "the browser's"
		newID     = "new"
		newerID   = "new, and not the other one"
		headerID  = "the header's"
		anotherID = headerID
		none      = "none"
	)
	left := askHandler(refreshing(client, nil, false), get("/", id), func(w http.ResponseWriter, r *http.Request) { loopkithttp.Logout(w, r) })
	leftKnown := linkedCookie + "=" + left.cookie(linkedCookie).Value
	linkedToUser := linkedCookie + "=" + linkedTo(t, "user_123")
	everything := cookiesSet{anonymousCookie: "expired", linkedCookie: "expired", sessionCookie: "expired"}
	full, pseudonymous, anonymousOnly, denied := consentOf(loopkit.Full), consentOf(loopkit.Pseudonymous), consentOf(loopkit.AnonymousOnly), consentOf(loopkit.Denied)

	for _, c := range []struct {
		name    string
		options loopkithttp.Options
		request string // cookies and headers
		id      string
		set     cookiesSet
	}{
		{"a new visitor", loopkithttp.Options{}, "", newID, cookiesSet{anonymousCookie: "set"}},
		{"a new visitor with sessions", loopkithttp.Options{Sessions: true}, "", newID, cookiesSet{anonymousCookie: "set", sessionCookie: "set"}},
		{"a known visitor", loopkithttp.Options{}, id, theID, cookiesSet{}},
		{"a known visitor whose session has ended", loopkithttp.Options{Sessions: true}, id + "|" + session, theID, cookiesSet{sessionCookie: "set"}},
		{"a session that the program does not keep", loopkithttp.Options{}, id + "|" + session, theID, cookiesSet{}},
		{"a consent that needs no more", loopkithttp.Options{Consent: full}, "", newID, cookiesSet{anonymousCookie: "set"}},

		{"a user", loopkithttp.Options{User: user("user_123")}, id, theID, cookiesSet{anonymousCookie: "set", linkedCookie: "set"}},
		{"a user, pseudonymous", loopkithttp.Options{User: user("user_123"), Consent: pseudonymous}, id, theID, cookiesSet{anonymousCookie: "set", linkedCookie: "set"}},
		{"a user, anonymous only", loopkithttp.Options{User: user("user_123"), Consent: anonymousOnly}, id, theID, cookiesSet{}},
		{"a new visitor who is a user", loopkithttp.Options{User: user("user_123")}, "", newID, cookiesSet{anonymousCookie: "set", linkedCookie: "set"}},
		{"the linked user", loopkithttp.Options{User: user("user_123")}, id + "|" + linkedToUser, theID, cookiesSet{}},
		{"another user than the linked one", loopkithttp.Options{User: user("user_123")}, id + "|" + linked, newID, cookiesSet{anonymousCookie: "set", linkedCookie: "set"}},
		{"another user with sessions", loopkithttp.Options{User: user("user_123"), Sessions: true}, id + "|" + linked, newID, cookiesSet{anonymousCookie: "set", linkedCookie: "set", sessionCookie: "set"}},
		{"a link that cannot be read", loopkithttp.Options{User: user("user_123")}, id + "|" + linkedCookie + "=garbage", newID, cookiesSet{anonymousCookie: "set", linkedCookie: "set"}},
		{"an empty link", loopkithttp.Options{User: user("user_123")}, id + "|" + linkedCookie + "=", theID, cookiesSet{anonymousCookie: "set", linkedCookie: "set"}},
		{"a login that has ended", loopkithttp.Options{User: user("")}, id + "|" + linkedToUser, newID, cookiesSet{anonymousCookie: "set", linkedCookie: "set"}},
		{"an ID that the browser had left", loopkithttp.Options{}, id + "|" + leftKnown, newID, cookiesSet{anonymousCookie: "set", linkedCookie: "set"}},
		{"an ID after the one that the browser left", loopkithttp.Options{}, anonymousCookie + "=" + another + "|" + leftKnown, anotherID, cookiesSet{}},
		{"an ID left, anonymous only", loopkithttp.Options{Consent: anonymousOnly}, anonymousCookie + "=" + another + "|" + leftKnown, anotherID, cookiesSet{linkedCookie: "expired"}},
		{"several links, of which some are empty", loopkithttp.Options{User: user("")}, id + "|" + linkedCookie + "=|" + linkedToUser, newID, cookiesSet{anonymousCookie: "set", linkedCookie: "set"}},
		{"several links that agree", loopkithttp.Options{User: user("user_123")}, id + "|" + linkedToUser + "|" + linkedCookie + "=|" + linkedToUser, theID, cookiesSet{}},
		{"several links that differ", loopkithttp.Options{}, id + "|" + linkedToUser + "|" + linked, newID, cookiesSet{anonymousCookie: "set", linkedCookie: "set"}},
		{"a link of other digits", loopkithttp.Options{}, id + "|" + linkedCookie + "=g" + linkedToNobodyKnown[1:], newID, cookiesSet{anonymousCookie: "set", linkedCookie: "set"}},
		{"another ID than the linked one", loopkithttp.Options{User: user("user_123")}, anonymousCookie + "=" + another + "|" + linkedToUser, newerID, cookiesSet{anonymousCookie: "set", linkedCookie: "set"}},
		{"another ID than the linked one, where only Login knows users", loopkithttp.Options{}, anonymousCookie + "=" + another + "|" + linkedToUser, newerID, cookiesSet{anonymousCookie: "set", linkedCookie: "set"}},
		{"another ID where none is linked", loopkithttp.Options{}, anonymousCookie + "=" + another, anotherID, cookiesSet{}},
		{"a link without an ID", loopkithttp.Options{User: user("user_123")}, linkedToUser, newID, cookiesSet{anonymousCookie: "set", linkedCookie: "set"}},
		{"a link where only Login knows users", loopkithttp.Options{}, id + "|" + linked, theID, cookiesSet{}},
		{"a link without an ID where only Login knows users", loopkithttp.Options{}, linked, newID, cookiesSet{anonymousCookie: "set", linkedCookie: "expired"}},
		{"a user who wants to be anonymous", loopkithttp.Options{User: user("user_123"), Consent: anonymousOnly}, id + "|" + linkedToUser, newID, cookiesSet{anonymousCookie: "set", linkedCookie: "expired"}},

		{"denied without cookies", loopkithttp.Options{Consent: denied, Sessions: true}, "", none, cookiesSet{}},
		{"denied with cookies", loopkithttp.Options{Consent: denied}, id + "|" + linked + "|" + session, none, everything},
		{"denied with the answer's cookie", loopkithttp.Options{Consent: denied}, id + "|loopkit_consent=denied", none, cookiesSet{anonymousCookie: "expired"}},
		{"denied with a header", loopkithttp.Options{Consent: denied}, header + ": " + another, none, cookiesSet{}},
		{"a consent that is no level", loopkithttp.Options{Consent: consentOf(17)}, id, none, cookiesSet{anonymousCookie: "expired"}},
		{"GPC", loopkithttp.Options{Consent: full, Sessions: true}, "Sec-GPC: 1", none, cookiesSet{}},
		{"GPC with cookies", loopkithttp.Options{Consent: full}, "Sec-GPC: 1|" + id + "|" + linked + "|" + session, none, everything},
		{"GPC with a header", loopkithttp.Options{}, "Sec-GPC: 1|" + header + ": " + another, none, cookiesSet{}},
		{"DNT", loopkithttp.Options{Consent: full}, "DNT: 1|" + id, none, cookiesSet{anonymousCookie: "expired"}},
		{"a DNT that says no", loopkithttp.Options{}, "DNT: 0|" + id, theID, cookiesSet{}},
		{"a GPC that says nothing", loopkithttp.Options{}, "Sec-GPC: yes|" + id, theID, cookiesSet{}},

		{"a header", loopkithttp.Options{Sessions: true}, header + ": " + another, headerID, cookiesSet{}},
		{"a header beside cookies", loopkithttp.Options{User: user("user_123")}, header + ": " + another + "|" + id + "|" + linked, headerID, cookiesSet{}},
		{"a header that is no ID", loopkithttp.Options{}, header + ": not an ID|" + id, theID, cookiesSet{}},
		{"a cookie that is no ID", loopkithttp.Options{}, anonymousCookie + "=undefined", newID, cookiesSet{anonymousCookie: "set"}},
		{"several cookies", loopkithttp.Options{}, anonymousCookie + "=null|" + id + "|" + anonymousCookie + "=" + another, theID, cookiesSet{}},

		{"another site's form, which brings no cookies", loopkithttp.Options{Sessions: true}, "Sec-Fetch-Site: cross-site|POST", newID, cookiesSet{}},
		{"another site's form with cookies", loopkithttp.Options{}, "Sec-Fetch-Site: cross-site|POST|" + id, theID, cookiesSet{}},
		{"another site's form, SameSite=None", loopkithttp.Options{SameSite: http.SameSiteNoneMode}, "Sec-Fetch-Site: cross-site|POST", newID, cookiesSet{anonymousCookie: "set"}},
		{"another site's link", loopkithttp.Options{}, "Sec-Fetch-Site: cross-site", newID, cookiesSet{anonymousCookie: "set"}},
		{"another site's link, SameSite=Strict", loopkithttp.Options{SameSite: http.SameSiteStrictMode}, "Sec-Fetch-Site: cross-site", newID, cookiesSet{}},
		{"another site's link, asked for by HEAD", loopkithttp.Options{}, "Sec-Fetch-Site: cross-site|HEAD", newID, cookiesSet{anonymousCookie: "set"}},
		{"another site's form without fetch metadata", loopkithttp.Options{Sessions: true}, "Origin: https://idp.example|POST", newID, cookiesSet{}},
		{"another site's form of an unknown origin", loopkithttp.Options{}, "Origin: null|POST", newID, cookiesSet{}},
		{"another site's form of an origin that is none", loopkithttp.Options{}, "Origin: %|POST", newID, cookiesSet{}},
		{"the site's own form without fetch metadata", loopkithttp.Options{}, "Origin: https://example.com|POST", newID, cookiesSet{anonymousCookie: "set"}},
		{"a form of nobody", loopkithttp.Options{}, "POST", newID, cookiesSet{anonymousCookie: "set"}},
		{"the site's own form", loopkithttp.Options{}, "Sec-Fetch-Site: same-origin|POST", newID, cookiesSet{anonymousCookie: "set"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := get("/") // of the host example.com
			for _, line := range strings.Split(c.request, "|") {
				switch name, value, found := strings.Cut(line, ": "); {
				case line == http.MethodPost, line == http.MethodHead, line == http.MethodOptions:
					r.Method = line
				case found:
					r.Header.Add(name, value)
				case line != "":
					r.Header.Add("Cookie", line)
				}
			}
			a := ask(refreshing(client, &c.options, false), r)
			assert.Equal(t, map[string]string(c.set), a.did())
			switch c.id {
			case theID:
				assert.Equal(t, known, a.identity.AnonymousID)
			case headerID:
				assert.Equal(t, another, a.identity.AnonymousID)
			case newerID:
				assert.NotEqual(t, another, a.identity.AnonymousID)
				assert.NotEqual(t, known, a.identity.AnonymousID)
			case none:
				assert.Empty(t, a.identity.AnonymousID)
				assert.Empty(t, a.identity.SessionID)
				assert.Equal(t, loopkit.Denied, a.consent)
			case newID:
				assert.NotEqual(t, known, a.identity.AnonymousID)
				assert.True(t, loopkithttp.Usable(a.identity.AnonymousID))
			}
			if set := a.cookie(anonymousCookie); set != nil && set.MaxAge > 0 {
				assert.Equal(t, a.identity.AnonymousID, set.Value, "the browser and the messages have one ID")
			}
			if set := a.cookie(sessionCookie); set != nil && set.MaxAge > 0 {
				id, _, _ := strings.Cut(set.Value, ".")
				assert.Equal(t, a.identity.SessionID, id)
			}
		})
	}
}

func TestAUserIDComesFromTheProgramAlone(t *testing.T) {
	client, _ := newClient(t)
	r := get("/?userId=mallory&user_id=mallory", "loopkit_userId=mallory", "X-LoopKit-User-Id: mallory", linkedCookie+"="+linkedTo(t, "mallory"))
	assert.Empty(t, ask(loopkithttp.Middleware(client, nil), r).identity.UserID)
	r = get("/", "loopkit_userId=mallory", "X-LoopKit-User-Id: mallory")
	assert.Equal(t, "user_123", ask(loopkithttp.Middleware(client, &loopkithttp.Options{User: user("user_123")}), r).identity.UserID)
	assert.Equal(t, "user_123", ask(loopkithttp.Middleware(client, &loopkithttp.Options{User: user("user_123"), Consent: consentOf(loopkit.Denied)}), r).identity.UserID,
		"a deletion needs no consent")
}

func TestAConsentOfTheContextIsOnlyLowered(t *testing.T) {
	client, _ := newClient(t)
	for _, before := range []loopkit.Consent{loopkit.Denied, loopkit.AnonymousOnly, loopkit.Pseudonymous, loopkit.Full} {
		for _, own := range []loopkit.Consent{loopkit.Denied, loopkit.AnonymousOnly, loopkit.Pseudonymous, loopkit.Full} {
			r := get("/", anonymousCookie+"="+known)
			a := ask(refreshing(client, &loopkithttp.Options{Consent: consentOf(own)}, false), r.WithContext(loopkit.WithConsent(r.Context(), before)))
			assert.Equal(t, min(before, own), a.consent)
			assert.Equal(t, a.consent == loopkit.Denied, a.identity.AnonymousID == "")
			assert.Equal(t, a.consent == loopkit.Denied, a.did()[anonymousCookie] == "expired")
		}
	}
}
