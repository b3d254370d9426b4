// Cli is the quick start of the README for command line programs.
//
//	LOOPKIT_API_KEY=... go run ./examples/quickstart/cli login user_123
package main

import (
	"context"
	"flag"
	"log"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/loopkitai/loopkit-go"
)

// README: begin

func main() {
	flag.Parse()
	client := newClient()
	run(context.Background(), client.Session(), flag.Arg(0), flag.Arg(1))

	// Not deferred: os.Exit and log.Fatal would skip it.
	if err := client.Close(context.Background()); err != nil {
		log.Print(err)
	}
}

// newClient returns nil, which discards everything, where nothing is to be sent.
func newClient() *loopkit.Client {
	if os.Getenv("DO_NOT_TRACK") == "1" {
		return nil
	}
	opts := &loopkit.Options{
		Context:      loopkit.Properties{"app": "mytool", "version": "1.4.2"},
		CloseTimeout: 2 * time.Second,               // how long the program may take to exit without a network
		Logger:       slog.New(slog.DiscardHandler), // the terminal is the user's
	}
	if dir, err := os.UserConfigDir(); err == nil {
		// All runs on this machine have one random anonymous ID.
		opts.IdentityStore = loopkit.FileIdentity(filepath.Join(dir, "mytool", "identity"))
	}
	client, err := loopkit.New(os.Getenv("LOOPKIT_API_KEY"), opts)
	if err != nil {
		log.Print(err) // client is nil
	}
	return client
}

func run(ctx context.Context, session *loopkit.Session, command, user string) {
	_ = session.Track(ctx, "command_run", loopkit.Properties{"command": command})
	switch command {
	case "login":
		_ = session.Identify(ctx, user, loopkit.Traits{"plan": "trial"}) // the calls that follow are the user's
	case "logout":
		session.Reset() // the next user of this machine is somebody else
	}
}

// README: end
