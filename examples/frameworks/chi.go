package main

import (
	"cmp"
	"io"
	"net/http"

	"github.com/go-chi/chi/v5"

	"github.com/loopkitai/loopkit-go"
	"github.com/loopkitai/loopkit-go/loopkithttp"
)

func newChi(client *loopkit.Client, users *logins) http.Handler {
	router := chi.NewRouter()
	router.Use(loopkithttp.Middleware(client, &loopkithttp.Options{
		User: users.userOf,
		Page: chiPattern(router),
	}))
	router.Get("/", func(w http.ResponseWriter, r *http.Request) {
		_ = client.Track(r.Context(), "page_view", nil)
		w.Header().Set("Content-Type", "text/html")
		_, _ = io.WriteString(w, home)
	})
	router.Get("/pricing", func(w http.ResponseWriter, r *http.Request) {
		_ = client.Track(r.Context(), "page_view", nil)
	})
	router.Route("/products", func(products chi.Router) {
		products.Get("/{id}", func(w http.ResponseWriter, r *http.Request) {
			_ = client.Track(r.Context(), "page_view", nil) // of "/products/{id}"
		})
	})
	router.Post("/signup", func(w http.ResponseWriter, r *http.Request) {
		user := users.begin(w, r)
		r = loopkithttp.Login(w, r, user, loopkit.Traits{"plan": "trial"})
		_ = client.Track(r.Context(), "user_signup", nil)
		http.Redirect(w, r, "/", http.StatusSeeOther)
	})
	router.Post("/login", func(w http.ResponseWriter, r *http.Request) {
		user := users.begin(w, r)
		r = loopkithttp.Login(w, r, user, nil)
		_ = client.Track(r.Context(), "user_login", nil)
		http.Redirect(w, r, "/", http.StatusSeeOther)
	})
	router.Post("/teams", func(w http.ResponseWriter, r *http.Request) {
		_ = client.Group(r.Context(), r.FormValue("team"), loopkit.Traits{"plan": "trial"})
		http.Redirect(w, r, "/", http.StatusSeeOther)
	})
	router.Post("/logout", func(w http.ResponseWriter, r *http.Request) {
		users.end(w, r)
		r = loopkithttp.Logout(w, r)
		_ = client.Track(r.Context(), "user_logout", nil) // a stranger's
		http.Redirect(w, r, "/", http.StatusSeeOther)
	})
	router.Get("/live", func(w http.ResponseWriter, r *http.Request) {
		_ = client.Track(r.Context(), "live_opened", nil)
		w.Header().Set("Content-Type", "text/event-stream")
		_, _ = io.WriteString(w, "data: hello\n\n")
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
	})
	router.NotFound(func(w http.ResponseWriter, r *http.Request) {
		_ = client.Track(r.Context(), "page_not_found", nil) // without a page
		http.NotFound(w, r)
	})
	return router
}

// chiPattern is for Options.Page. Middleware of a router runs before the routing,
// so this asks the routes, also those of routers mounted below.
func chiPattern(routes chi.Routes) func(*http.Request) string {
	return func(r *http.Request) string {
		path := cmp.Or(r.URL.RawPath, r.URL.Path, "/") // by which chi routes
		route := chi.NewRouteContext()
		if !routes.Match(route, r.Method, path) {
			return ""
		}
		return route.RoutePattern()
	}
}
