// Notes keeps notes in a file. It shows telemetry that the users of a command
// line program can live with: nothing is sent before they agreed, a run ends in
// time whatever the network does, and what could not be sent waits on the disk.
//
//	go run ./examples/cli
//	LOOPKIT_API_KEY=... go run ./examples/cli telemetry on
//	LOOPKIT_API_KEY=... go run ./examples/cli add Buy milk
package main

import (
	"context"
	"os"

	"github.com/loopkitai/loopkit-go"
	"github.com/loopkitai/loopkit-go/loopkitcli"
	"github.com/loopkitai/loopkit-go/spool"
)

// README: begin

func main() {
	telemetry := loopkitcli.New(os.Getenv("LOOPKIT_API_KEY"), options()) // without a key it is off
	os.Exit(telemetry.Run(func() int { return run(telemetry, os.Args[1:]) }))
}

func options() *loopkitcli.Options {
	return &loopkitcli.Options{
		App:      "notes",
		Version:  "1.4.2",
		Commands: names(), // only these are sent, so no argument can be taken for one
		Flags:    []string{"all", "file"},
		About:    "It also sends how many notes are left when one is done, and your name after \"notes login\".",
		Spool: func(dir string) (loopkit.Spool, error) { // what is not sent in time waits here for a later run
			return spool.Open(dir, &spool.Options{Processes: 16, Sync: spool.SyncNever}) // no run waits for the disk
		},
	}
}

func run(telemetry *loopkitcli.Telemetry, args []string) int {
	command, args := next(args)
	switch command {
	case "", "help", "-h", "-help", "--help":
		return usage(os.Stdout, 0)
	case "telemetry": // status, on, off, show, reset
		return telemetry.Command(args, os.Stdout)
	}
	telemetry.Notice() // once for each installation, and only to people

	p := newProgram(telemetry, command)
	flags, err := p.parse(args)
	telemetry.Start(command, flags...) // what earlier runs left is sent while the command works
	if user := p.user(); user != "" {
		_ = telemetry.Login(context.Background(), user, nil) // sends nothing if it is known already
	}
	if err == nil {
		err = p.run(command)
	}
	return exitCode(err)
}

// README: end
