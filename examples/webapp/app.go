package main

import (
	"net/http"
	"strings"

	"github.com/loopkitai/loopkit-go"
	"github.com/loopkitai/loopkit-go/loopkithttp"
)

// maxFormBytes bounds the body of a request.
const maxFormBytes = 64 << 10

// app is the application: its pages, and what they need.
type app struct {
	client    *loopkit.Client
	place     *destination
	directory *directory
	pages     *pages
	streams   chan struct{}   // one token for each open stream
	ending    <-chan struct{} // closed when the streams have to end
}

func newApp(client *loopkit.Client, place *destination, ending <-chan struct{}) (*app, error) {
	pages, err := parsePages()
	if err != nil {
		return nil, err
	}
	return &app{
		client:    client,
		place:     place,
		directory: newDirectory(),
		pages:     pages,
		streams:   make(chan struct{}, maxStreams),
		ending:    ending,
	}, nil
}

// handler returns the routes behind everything that guards them. With the
// middleware, each request's context says whose it is and what they agreed to:
// the handlers only say what happened.
func (a *app) handler() http.Handler {
	mux := a.routes()
	loopkitted := loopkithttp.Middleware(a.client, &loopkithttp.Options{
		User:     a.loggedIn,
		Skip:     isAuxiliary,
		Consent:  loopkithttp.ConsentFromCookie(loopkit.Denied), // until the visitor answers, nothing
		Page:     loopkithttp.RoutePattern(mux),
		Sessions: true,
	})
	return guarded(http.NewCrossOriginProtection().Handler(loopkitted(mux)))
}

func (a *app) routes() *http.ServeMux {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", a.home)
	mux.HandleFunc("GET /pricing", a.pricing)
	mux.HandleFunc("GET /signup", a.signUpForm)
	mux.HandleFunc("POST /signup", a.signUp)
	mux.HandleFunc("GET /login", a.logInForm)
	mux.HandleFunc("POST /login", a.logIn)
	mux.HandleFunc("POST /logout", a.logOut)
	mux.HandleFunc("GET /app", a.dashboard)
	mux.HandleFunc("POST /plan", a.changePlan)
	mux.HandleFunc("POST /teams", a.createTeam)
	mux.HandleFunc("POST /teams/join", a.joinTeam)
	mux.HandleFunc("POST /teams/delete", a.deleteTeam)
	mux.HandleFunc("POST /account/delete", a.deleteAccount)
	mux.HandleFunc("POST /consent", a.consent)
	mux.HandleFunc("GET /loopkit/received", a.received)
	mux.HandleFunc("GET /loopkit/stream", a.stream)
	mux.Handle("GET /static/", staticFiles())
	mux.HandleFunc("/", a.notFound)
	return mux
}

// isAuxiliary reports whether a request is no visit of anybody.
func isAuxiliary(r *http.Request) bool {
	return strings.HasPrefix(r.URL.Path, "/static/") || strings.HasPrefix(r.URL.Path, "/loopkit/")
}

// guarded puts the headers that hold for every answer. Pages say more; see
// [app.render].
func guarded(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "same-origin")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Permissions-Policy", "camera=(), geolocation=(), microphone=()")
		h.Set("Cache-Control", "no-store")
		r.Body = http.MaxBytesReader(w, r.Body, maxFormBytes)
		next.ServeHTTP(w, r)
	})
}
