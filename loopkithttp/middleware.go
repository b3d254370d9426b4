package loopkithttp

import (
	"math/rand/v2"
	"net/http"

	"github.com/loopkitai/loopkit-go"
)

// Middleware puts into each request's context whose it is ([loopkit.WithIdentity]),
// what the visitor agreed to ([loopkit.WithConsent]) and where they are
// ([loopkit.WithContextFields]: page, referrer, userAgent, each of at most 512
// bytes, and never the address). Calls of c with that context need nothing else.
//
// The anonymous ID is that of the header X-LoopKit-Anonymous-Id, which is for
// pages of other origins and apps, else that of the cookie loopkit_anonymousId,
// else new. A visitor may send any ID of 1 to 128 letters, digits and "_.|:-",
// but none of the form that package loopkit derives from user IDs; what is no
// such ID counts as absent. A browser gets a new one when its user changes, when
// a login has ended, when its ID is not the one that was linked to its user, and
// when it agrees to [loopkit.AnonymousOnly] after it was a user's. Who sends the
// header gets none of these cookies: that client keeps its ID itself, and takes
// a new one at logout. If it does not, the next user's calls go without an
// anonymous ID.
//
// What no cookie can tell, the process remembers: to whom the last 4096
// anonymous IDs, or more, were linked. So two users who log in at once, or after
// an answer that was lost or late, do not share an ID either. Other processes do
// not know of it, nor do middlewares elsewhere in this one.
//
// It sets cookies before the handler runs, for w reaches that as it is, not
// wrapped. Known cookies are set anew in about one response of twenty, and in
// each if Options.MaxAge is below 30 days. A response that sets one gets Vary:
// Cookie, and Cache-Control: private unless that header is there. No cookie is
// set with what shared caches keep: where the browser says that it asks for a
// style, script, image, font, medium or manifest (Sec-Fetch-Dest), or where the
// answer has a Cache-Control with public or s-maxage already. A visitor without
// a cookie then has an ID for that request alone. A handler that sets such a
// Cache-Control later would hand one visitor's ID to others: let Options.Skip
// name it. CORS preflights pass untouched.
//
// An [http.TimeoutHandler] belongs around it, not inside: there it drops cookies
// that were set before, and a login whose answer it cuts off.
//
// With a nil client, requests pass untouched and no cookie is set. Nil opts
// means all defaults; they are copied. What it returns may be used for many
// handlers, at the same time.
func Middleware(c *loopkit.Client, opts *Options) func(http.Handler) http.Handler {
	var options Options
	if opts != nil {
		options = *opts
	}
	return (&site{client: c, options: options, refresh: oneInTwenty}).middleware
}

// oneInTwenty draws, because no state says when a cookie was set.
func oneInTwenty() bool { return rand.N(20) == 0 }

func (s *site) middleware(next http.Handler) http.Handler {
	if s.client == nil {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !preflight(r) && (s.options.Skip == nil || !s.options.Skip(r)) {
			v := s.meet(w, r)
			ctx := v.context(r.Context())
			if v.consent != loopkit.Denied {
				ctx = loopkit.WithContextFields(ctx, pageFields(r, &s.options))
			}
			r = r.WithContext(ctx)
		}
		next.ServeHTTP(w, r)
	})
}
