// Journey runs the complete user journey of LoopKit's documentation, from an
// anonymous visit to a member of a team, and prints what came of it.
//
//	go run ./examples/journey
//
// needs no key and no network: it sends to a LoopKit-like server that it starts
// on 127.0.0.1, which refuses forms that no source shows. With LOOPKIT_API_KEY set
// it sends to LoopKit instead, or to LOOPKIT_BASE_URL.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, os.Stdout, os.Getenv)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "journey:", err)
		os.Exit(1)
	}
}

// run sends the journey to LoopKit if there is a key, else to a server of its
// own. It returns an error if anything was not delivered.
func run(ctx context.Context, out io.Writer, getenv func(string) string) error {
	p := &printer{out: out}
	var err error
	if key := getenv("LOOPKIT_API_KEY"); key != "" {
		err = sendToLoopKit(ctx, p, key, getenv("LOOPKIT_BASE_URL"))
	} else {
		err = sendToLocalServer(ctx, p)
	}
	return errors.Join(err, p.err)
}
