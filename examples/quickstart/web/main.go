// Web is the quick start of the README for web servers.
//
//	LOOPKIT_API_KEY=... go run ./examples/quickstart/web
package main

import (
	"context"
	"log"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/loopkitai/loopkit-go"
)

// README: begin

func main() {
	client, err := loopkit.New(os.Getenv("LOOPKIT_API_KEY"), nil)
	if err != nil {
		log.Fatal(err)
	}
	server := &http.Server{Addr: "localhost:8080", Handler: withVisitor(routes(client))}
	stopped, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	go func() {
		defer stop()
		log.Print(server.ListenAndServe())
	}()
	<-stopped.Done()

	ctx, cancel := context.WithTimeout(context.Background(), 15*time.Second)
	defer cancel()
	if err := server.Shutdown(ctx); err != nil { // first the handlers end,
		log.Print(err)
	}
	if err := client.Close(context.Background()); err != nil { // then what they tracked is sent, within CloseTimeout
		log.Print(err)
	}
}

// withVisitor puts into the context of each request whose it is. The calls of
// the handlers take it from there.
func withVisitor(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id := loopkit.Identity{UserID: loggedIn(r)} // your own login decides, never the visitor
		if id.UserID == "" {
			id.AnonymousID = visitor(w, r)
		}
		next.ServeHTTP(w, r.WithContext(loopkit.WithIdentity(r.Context(), id)))
	})
}

// visitor returns the anonymous ID of a browser where nobody is logged in. The
// cookie ends at the login: kept, it would link the browser's next user to this
// one. Where the law asks for it, set it only after consent.
func visitor(w http.ResponseWriter, r *http.Request) string {
	const length = len("anon_") + 36
	if cookie, err := r.Cookie("visitor"); err == nil && len(cookie.Value) == length && strings.HasPrefix(cookie.Value, "anon_") {
		return cookie.Value // of the form that NewAnonymousID gives: the visitor may send anything
	}
	id := loopkit.NewAnonymousID()
	setVisitor(w, id, 365*24*60*60)
	return id
}

func setVisitor(w http.ResponseWriter, id string, maxAge int) {
	http.SetCookie(w, &http.Cookie{
		Name: "visitor", Value: id, MaxAge: maxAge, Path: "/",
		HttpOnly: true, Secure: true, SameSite: http.SameSiteLaxMode,
	})
}

func routes(client *loopkit.Client) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /pricing", func(w http.ResponseWriter, r *http.Request) {
		_ = client.Track(r.Context(), "page_view", loopkit.Properties{"page": "/pricing"})
	})
	mux.HandleFunc("POST /signup", func(w http.ResponseWriter, r *http.Request) {
		_ = client.Track(r.Context(), "user_signup", loopkit.Properties{"method": "email"})

		user := signUp(w, r)
		ctx := loopkit.WithUser(r.Context(), user) // the calls that follow are the user's
		_ = client.Identify(ctx, user, loopkit.Traits{"plan": "trial"})
		_ = client.Group(ctx, "team_456", loopkit.Traits{"name": "Acme Corp"})
		setVisitor(w, "", -1)
	})
	mux.HandleFunc("POST /login", func(w http.ResponseWriter, r *http.Request) {
		user := logIn(w, r)
		ctx := loopkit.WithUser(r.Context(), user)
		_ = client.Identify(ctx, user, loopkit.Traits{"last_login": time.Now()})
		setVisitor(w, "", -1)
	})
	mux.HandleFunc("POST /logout", func(w http.ResponseWriter, r *http.Request) {
		logOut(w)
	})
	return mux
}

// README: end
