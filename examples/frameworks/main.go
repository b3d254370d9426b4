// Frameworks shows how package loopkithttp works with chi, echo and gin: chi.go,
// echo.go and gin.go each hold a whole recipe, and login.go stands for the login
// that your server has.
//
//	LOOPKIT_API_KEY=... go run ./examples/frameworks chi
//
// In all three
//
//   - the request's own context carries the identity: r.Context(),
//     c.Request().Context(), c.Request.Context(). A *gin.Context is a
//     context.Context too, but without the identity.
//   - the request that Login and Logout return takes the place of the old one, so
//     that the calls behind it are about the right person.
//   - the page of a message is the route's pattern, so that IDs in paths stay here.
//   - the ResponseWriter is the framework's own: streaming works as ever.
package main

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/loopkitai/loopkit-go"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		log.Fatal(err)
	}
}

// newHandler returns one of the three servers.
func newHandler(framework string, client *loopkit.Client, users *logins) (http.Handler, error) {
	switch framework {
	case "chi":
		return newChi(client, users), nil
	case "echo":
		return newEcho(client, users), nil
	case "gin":
		return newGin(client, users), nil
	}
	return nil, fmt.Errorf("no recipe for %q", framework)
}

func run(args []string) (err error) {
	if len(args) != 1 {
		return errors.New("usage: frameworks chi|echo|gin")
	}
	client, err := loopkit.New(os.Getenv("LOOPKIT_API_KEY"), nil)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, client.Close(context.Background())) }() // within CloseTimeout
	handler, err := newHandler(args[0], client, &logins{})
	if err != nil {
		return err
	}
	stopped, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	server := &http.Server{
		Addr:              "localhost:8080",
		Handler:           http.NewCrossOriginProtection().Handler(handler), // no other site logs anybody in or out
		ReadHeaderTimeout: 5 * time.Second,
		BaseContext:       func(net.Listener) context.Context { return stopped }, // streams end with it
	}
	ended := make(chan error, 1)
	go func() { ended <- server.ListenAndServe() }()
	log.Printf("Open http://%s", server.Addr)
	select {
	case err := <-ended:
		return err
	case <-stopped.Done():
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	err = server.Shutdown(ctx) // the handlers end before the client closes
	if ended := <-ended; !errors.Is(ended, http.ErrServerClosed) {
		err = errors.Join(err, ended)
	}
	return err
}
