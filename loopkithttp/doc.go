// Package loopkithttp tells LoopKit who the visitors of a net/http server are:
// one line around the handlers, and every call with a request's context is about
// the right person.
//
//	mux := http.NewServeMux()
//	handler := loopkithttp.Middleware(client, &loopkithttp.Options{
//		User:    func(r *http.Request) string { return sessions.UserID(r) }, // your own login
//		Consent: loopkithttp.ConsentFromCookie(loopkit.Denied),              // until the visitor answers; nil means Full
//		Page:    loopkithttp.RoutePattern(mux),
//	})(mux)
//
//	mux.HandleFunc("GET /pricing", func(w http.ResponseWriter, r *http.Request) {
//		_ = client.Track(r.Context(), "page_view", loopkit.Properties{"plan": "pro"})
//	})
//	mux.HandleFunc("POST /signup", func(w http.ResponseWriter, r *http.Request) {
//		user := signUp(w, r)
//		r = loopkithttp.Login(w, r, user, loopkit.Traits{"plan": "trial"})
//		_ = client.Track(r.Context(), "user_signup", nil)
//	})
//	mux.HandleFunc("POST /logout", func(w http.ResponseWriter, r *http.Request) {
//		r = loopkithttp.Logout(w, r)
//	})
//	mux.HandleFunc("POST /consent", func(w http.ResponseWriter, r *http.Request) {
//		loopkithttp.SetConsent(w, r, loopkit.Full)
//	})
//
// [Middleware] gives each browser an anonymous ID in a cookie. [Login] links it
// to a user, so that LoopKit merges what the visitor did before. Of two users of
// one browser each gets an anonymous ID of their own, also where nobody called
// [Logout]. Under [loopkit.AnonymousOnly] nothing is kept that could tell them
// apart: unless somebody calls Logout, what one user did becomes the next one's
// who agrees to more.
//
// # Consent
//
// Options.Consent says what a visitor has agreed to. Under [loopkit.Denied],
// which the browser's signals Sec-GPC: 1 and DNT: 1 always mean, nothing is sent,
// no cookie is set, and those there are end.
//
//	loopkit.Denied         no cookie
//	loopkit.AnonymousOnly  loopkit_anonymousId, loopkit_sessionId
//	loopkit.Pseudonymous   these and loopkit_linked
//	loopkit.Full           these and loopkit_linked
//
// # Cookies
//
//	loopkit_anonymousId  the anonymous ID; scripts may read it; one year
//	loopkit_linked       digests of its user, of the ID, and of the session; one year
//	loopkit_sessionId    with Options.Sessions; 30 minutes after the last request
//	loopkit_consent      what SetConsent kept; one year; header clients may get it too
//
// # Delivery
//
// A call hands its message to the client's queue before it returns: that the
// request ends, or the visitor leaves, cancels nothing.
//
// A nil client switches all of it off. The package depends on the standard
// library and package loopkit only.
package loopkithttp
