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
	"syscall"
	"time"

	"github.com/loopkitai/loopkit-go"
	"github.com/loopkitai/loopkit-go/loopkithttp"
)

// README: begin

func main() {
	client, err := loopkit.New(os.Getenv("LOOPKIT_API_KEY"), nil)
	if err != nil {
		log.Fatal(err)
	}
	server := &http.Server{Addr: "localhost:8080", Handler: site(client)}
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

func site(client *loopkit.Client) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /pricing", func(w http.ResponseWriter, r *http.Request) {
		_ = client.Track(r.Context(), "page_view", nil) // the context says whose it is, and which page
	})
	mux.HandleFunc("POST /signup", func(w http.ResponseWriter, r *http.Request) {
		user := signUp(w, r)
		r = loopkithttp.Login(w, r, user, loopkit.Traits{"plan": "trial"}) // what the visitor did is the user's
		_ = client.Track(r.Context(), "user_signup", loopkit.Properties{"method": "email"})
		_ = client.Group(r.Context(), "team_456", loopkit.Traits{"name": "Acme Corp"})
	})
	mux.HandleFunc("POST /login", func(w http.ResponseWriter, r *http.Request) {
		user := logIn(w, r)
		loopkithttp.Login(w, r, user, loopkit.Traits{"last_login": time.Now()})
	})
	mux.HandleFunc("POST /logout", func(w http.ResponseWriter, r *http.Request) {
		logOut(w)
		loopkithttp.Logout(w, r) // the browser's next user is somebody else
	})
	return loopkithttp.Middleware(client, &loopkithttp.Options{
		User: loggedIn, // your own login decides, never the visitor
		// Consent: loopkithttp.ConsentFromCookie(loopkit.Denied) where people are asked first.
	})(mux)
}

// README: end
