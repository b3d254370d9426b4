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
// a login has ended, and when it agrees to [loopkit.AnonymousOnly] after it was
// a user's. Who sends the header gets no cookies: that client keeps its ID
// itself, and takes a new one at logout.
//
// It sets cookies before the handler runs, for w reaches that as it is, not
// wrapped. Known cookies are set anew in about one response of twenty. A response
// that sets one gets Vary: Cookie, and Cache-Control: private unless that header
// is there. A handler that sets a Cache-Control for shared caches would hand one
// visitor's ID to others: let Options.Skip name it.
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
		if s.options.Skip == nil || !s.options.Skip(r) {
			ctx := s.meet(w, r).context(r.Context())
			r = r.WithContext(loopkit.WithContextFields(ctx, pageFields(r, &s.options)))
		}
		next.ServeHTTP(w, r)
	})
}
