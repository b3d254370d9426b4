package loopkithttp

import (
	"net/http"
	"slices"

	"github.com/loopkitai/loopkit-go"
)

// ConsentCookie is the name of the cookie that [SetConsent] writes and
// [ConsentFromCookie] reads. Its value is the text of a [loopkit.Consent].
const ConsentCookie = "loopkit_consent"

// ConsentFromCookie returns a function for Options.Consent: the level that
// [SetConsent] kept, and unanswered while the visitor has made no choice or the
// cookie is unreadable. Of several such cookies, as after a change of
// Options.Domain, the lowest level counts.
func ConsentFromCookie(unanswered loopkit.Consent) func(*http.Request) loopkit.Consent {
	return func(r *http.Request) loopkit.Consent {
		lowest, answered := loopkit.Full, false
		for _, cookie := range r.CookiesNamed(ConsentCookie) {
			var given loopkit.Consent
			if err := given.UnmarshalText([]byte(cookie.Value)); err == nil {
				lowest, answered = min(lowest, given), true
			}
		}
		if !answered {
			return unanswered
		}
		return lowest
	}
}

// SetConsent keeps the visitor's choice in a cookie for one year, which is set
// whatever the choice was, and in place of those of other domains. It takes
// effect with the next request whose Options.Consent reads it. What is no level
// is taken as [loopkit.Denied]. It is the only cookie that clients which send
// the header of [Middleware] may get, and one that such a client has to send
// back, or Options.Consent has to find the answer elsewhere.
//
// Denied takes effect at once as far as it can: the visitor's other cookies end
// with this answer, whether or not they came with r, and what has not been sent
// yet of the visitor's anonymous ID and user ID is dropped with the reason
// "consent". The context of r keeps its consent, so track nothing with it
// afterwards. Without [Middleware], so also where Options.Skip left r alone,
// only the cookies change, with the attributes that default Options give them:
// never skip a route that calls SetConsent.
//
// Call it before the response is written, and not at the same time as other
// functions that take w.
func SetConsent(w http.ResponseWriter, r *http.Request, given loopkit.Consent) {
	v := visitorOf(r)
	c := v.cookies(w, r)
	given = levelOf(given)
	c.everywhere = true
	c.set(ConsentCookie, given.String(), year, true)
	v.consent = min(v.consent, given)
	if given != loopkit.Denied {
		return
	}
	c.expireVisitor()
	id := v.identity()
	if known, _ := loopkit.IdentityFrom(r.Context()); id.UserID == "" {
		id.UserID = known.UserID
	}
	v.site.client.NewSession(id).OptOut()
	v.anonymousID, v.session, v.linked = "", session{}, link{}
}

// In the form that net/http gives the names of headers.
const (
	privacyControl = "Sec-Gpc"
	doNotTrack     = "Dnt"
)

// consentOf is what the visitor has agreed to. The signals of the browser come
// first: Global Privacy Control (https://w3c.github.io/gpc/) and its
// predecessor Do Not Track, which LoopKit's own SDKs respect too.
func consentOf(r *http.Request, o *Options) loopkit.Consent {
	if slices.Contains(r.Header[privacyControl], "1") || slices.Contains(r.Header[doNotTrack], "1") {
		return loopkit.Denied
	}
	given := loopkit.ConsentFrom(r.Context())
	if o.Consent != nil {
		given = min(given, levelOf(o.Consent(r)))
	}
	return given
}

// levelOf takes what is no level as none.
func levelOf(given loopkit.Consent) loopkit.Consent {
	if given > loopkit.Full {
		return loopkit.Denied
	}
	return given
}
