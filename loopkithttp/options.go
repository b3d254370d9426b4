package loopkithttp

import (
	"net/http"
	"time"

	"github.com/loopkitai/loopkit-go"
)

// Options configure [Middleware]. The zero value of every field means its
// default. The functions run on the request's goroutine, so many at once, and a
// panic in them is one of the handler.
type Options struct {
	// User returns the ID of the user who is logged in, as the program's own
	// login knows it; "" if nobody is. It is the only source of user IDs: none
	// is ever taken from a header or cookie of LoopKit's. Default: nobody is
	// known, and only [Login] and [Logout] tell users of a browser apart; inside
	// another middleware, whom that one knows.
	//
	// It has to know every login: "" ends the browser's link to its user, and
	// the browser gets a new anonymous ID. So it must not depend on a middleware
	// that runs inside this one, nor on a cookie that is SameSite=Strict or for
	// some paths only. That costs no more than an anonymous ID, for the next
	// login links the new one too.
	User func(r *http.Request) string

	// Skip says which requests the middleware leaves alone: assets, health
	// checks, and whatever a shared cache may keep (see [Middleware]). Never
	// skip a route that calls [Login], [Logout] or [SetConsent]: they would not
	// know the client, the visitor and these options. Default: none.
	Skip func(r *http.Request) bool

	// Consent returns what the visitor has agreed to; [ConsentFromCookie] is
	// one. Default: [loopkit.Full]. A request with Sec-GPC: 1 or DNT: 1 is
	// Denied whatever it returns, and a lower consent in the request's context
	// stays in force.
	Consent func(r *http.Request) loopkit.Consent

	// Page returns what to send as the page in place of the path, which may
	// hold IDs and addresses; "" sends none. [RoutePattern] is one. With it the
	// referrer is sent without its path too, for that may be one of the
	// program's own. Default: the path as it is up to a ";", with the IDs and
	// addresses in it, under [loopkit.AnonymousOnly] too.
	Page func(r *http.Request) string

	// Sessions keeps a session ID in a cookie, which ends after 30 minutes
	// without a request as in LoopKit's own SDKs, or up to a minute earlier.
	// Default: messages carry no session ID.
	Sessions bool

	// Domain of the cookies, to share them with subdomains. Default: the host
	// alone. Browsers keep cookies of an earlier Domain beside the new ones
	// until both were sent and one is replaced; those of the host alone end with
	// the next logout, answer to [SetConsent], or new anonymous ID. What net/http
	// takes for no domain is left out, and it logs so.
	Domain string

	// MaxAge of the cookies of the anonymous ID: at least 1 s, else the default
	// of one year; at most 400 days, where browsers end it (RFC 6265bis,
	// section 5.5).
	MaxAge time.Duration

	// SameSite of all cookies. Default: Lax. None also makes them Secure, which
	// browsers demand.
	SameSite http.SameSite

	// HTTPOnly hides the anonymous ID from scripts, the bridge included (see
	// [BridgeScript]). The other cookies are always hidden. Default: readable.
	HTTPOnly bool

	// Secure marks the cookies for TLS alone where this server cannot see that
	// the visitor uses it, as behind a proxy. Default: if the request came by
	// TLS.
	Secure bool
}

const (
	year          = 365 * 24 * time.Hour
	longestMaxAge = 400 * 24 * time.Hour
	shortMaxAge   = 30 * 24 * time.Hour // below it, one response of twenty may come too late
)

func (o *Options) maxAge() time.Duration {
	if o.MaxAge < time.Second {
		return year
	}
	return min(o.MaxAge, longestMaxAge)
}

func (o *Options) sameSite() http.SameSite {
	switch o.SameSite {
	case http.SameSiteStrictMode, http.SameSiteNoneMode:
		return o.SameSite
	}
	return http.SameSiteLaxMode
}

// secure reports whether a cookie in the answer to r is for TLS alone.
func (o *Options) secure(r *http.Request) bool {
	return o.Secure || r.TLS != nil || o.SameSite == http.SameSiteNoneMode
}

// userOf is who is logged in; "" if nobody is, or nobody can tell.
func (o *Options) userOf(r *http.Request) string {
	if o.User == nil {
		return ""
	}
	return o.User(r)
}
