// Webapp is a small web application with accounts, teams and a choice of
// privacy. Beside its pages it shows, as it happens, what LoopKit received.
//
//	go run ./examples/webapp
//
// needs no key and no network: it sends over HTTP to a LoopKit-like server that it
// starts on 127.0.0.1. With LOOPKIT_API_KEY set it sends to LoopKit instead, or to
// LOOPKIT_BASE_URL.
//
// The file loopkit.go makes the client, app.go puts the middleware around the
// pages, accounts.go, teams.go and consent.go make the calls, and main.go ends
// everything in the right order.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/loopkitai/loopkit-go"
)

// How long the requests under way and then the client's queue get at the end.
const (
	shutdownTimeout = 10 * time.Second
	closeTimeout    = 10 * time.Second
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the program at once
	err := run(ctx, os.Args[1:], os.Getenv, os.Stdout)
	stop()
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "webapp:", err)
		os.Exit(1)
	}
}

// run serves the application until ctx ends. It returns an error if it could not
// serve, or if something was not delivered.
func run(ctx context.Context, args []string, getenv func(string) string, stdout io.Writer) (err error) {
	flags := flag.NewFlagSet("webapp", flag.ContinueOnError)
	addr := flags.String("addr", "localhost:8080", "address to listen on")
	if err := flags.Parse(args); err != nil {
		return err
	}
	listener, err := net.Listen("tcp", *addr)
	if err != nil {
		return fmt.Errorf("%w (-addr 127.0.0.1:0 takes a free port)", err)
	}
	defer func() { // closed already, unless something failed on the way to serving
		if e := listener.Close(); !errors.Is(e, net.ErrClosed) {
			err = errors.Join(err, e)
		}
	}()
	place, err := openDestination(getenv)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, place.close()) }()
	client, err := newClient(place, slog.Default())
	if err != nil {
		return err
	}

	ending, endStreams := context.WithCancel(context.Background())
	defer endStreams()
	app, err := newApp(client, place, ending.Done())
	if err != nil {
		return err
	}
	if _, err := fmt.Fprintln(stdout, "Open "+browsable(listener.Addr())); err != nil {
		return err
	}
	err = serve(ctx, listener, app.handler(), endStreams) // first the handlers end,
	closing, cancel := context.WithTimeout(context.Background(), closeTimeout)
	defer cancel()
	err = errors.Join(err, client.Close(closing)) // then what they tracked is sent,
	_, printed := fmt.Fprintln(stdout, accounting(client.Stats()))
	return errors.Join(err, printed) // and then what received it ends.
}

// serve answers requests until ctx ends, then takes no more and waits for those
// under way.
func serve(ctx context.Context, listener net.Listener, handler http.Handler, endStreams func()) error {
	server := &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       10 * time.Second,
		WriteTimeout:      10 * time.Second, // the live panel extends its own
		IdleTimeout:       time.Minute,
		MaxHeaderBytes:    32 << 10,
		ErrorLog:          slog.NewLogLogger(slog.Default().Handler(), slog.LevelWarn),
	}
	server.RegisterOnShutdown(endStreams) // they would never end by themselves
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	select {
	case err := <-served:
		return err
	case <-ctx.Done():
	}
	ctx, cancel := context.WithTimeout(context.Background(), shutdownTimeout)
	defer cancel()
	err := server.Shutdown(ctx)
	if err != nil {
		err = errors.Join(err, server.Close())
	}
	if e := <-served; !errors.Is(e, http.ErrServerClosed) {
		err = errors.Join(err, e)
	}
	return err
}

// browsable is the URL by which a browser on this machine finds addr.
func browsable(addr net.Addr) string {
	host, port, err := net.SplitHostPort(addr.String())
	if err != nil {
		return "http://" + addr.String()
	}
	if ip := net.ParseIP(host); ip != nil && ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	return "http://" + net.JoinHostPort(host, port)
}

// accounting is the last line of the program: what became of each message.
func accounting(s loopkit.Stats) string {
	c := countsOf(s)
	return fmt.Sprintf("accepted %d, delivered %d, dropped %d", c.Accepted, c.Delivered, c.Dropped)
}
