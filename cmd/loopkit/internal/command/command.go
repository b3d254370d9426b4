// Package command is the tree of loopkit's subcommands, one file each.
package command

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"
)

// The exit statuses.
const (
	statusOK          = 0
	statusFailed      = 1
	statusUsage       = 2
	statusUnsupported = 3 // LoopKit does not know the endpoint
	statusPartial     = 4 // some of it was done
)

// program is what a command knows of the world around it. Tests make their own.
type program struct {
	in       io.Reader
	out, err io.Writer
	getenv   func(string) string
}

// Main runs the command that the arguments name and returns the exit status.
func Main(args []string) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	p := &program{in: os.Stdin, out: os.Stdout, err: os.Stderr, getenv: os.Getenv}
	return p.run(ctx, args)
}

func (p *program) run(ctx context.Context, args []string) int {
	root := p.root()
	root.SetArgs(args)
	err := root.ExecuteContext(ctx)
	if err == nil {
		return statusOK
	}
	status := statusUsage // what cobra refuses by itself
	var exit *exitError
	if errors.As(err, &exit) {
		status = exit.status
	}
	if exit == nil || exit.err != nil {
		_, _ = fmt.Fprintln(p.err, "loopkit:", err)
	}
	return status
}

// exitError is an error with its exit status. One without an error was reported already.
type exitError struct {
	status int
	err    error
}

func (e *exitError) Error() string {
	if e.err == nil {
		return fmt.Sprintf("exit status %d", e.status)
	}
	return e.err.Error()
}

func (e *exitError) Unwrap() error { return e.err }

func failed(err error) error { return &exitError{statusFailed, err} }

func (p *program) root() *cobra.Command {
	root := &cobra.Command{
		Use:           "loopkit",
		Short:         "Send, import, check and watch analytics for LoopKit",
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	root.SetIn(p.in)
	root.SetOut(p.out)
	root.SetErr(p.err)
	root.AddCommand(p.version())
	return root
}
