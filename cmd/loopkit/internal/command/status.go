package command

import (
	"errors"
	"fmt"

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

func usageError(text string) error { return &exitError{statusUsage, errors.New(text)} }

func usageErrorf(format string, args ...any) error {
	return &exitError{statusUsage, fmt.Errorf(format, args...)}
}

// statusOf is the exit status of an error: that of an exitError, else what cobra
// refuses by itself is a wrong use.
func statusOf(err error) int {
	var exit *exitError
	switch {
	case err == nil:
		return statusOK
	case errors.As(err, &exit):
		return exit.status
	}
	return statusUsage
}

// failByDefault makes what a command returns without an exitError a failure, and
// not a wrong use.
func failByDefault(cmd *cobra.Command) {
	if run := cmd.RunE; run != nil {
		cmd.RunE = func(cmd *cobra.Command, args []string) error {
			err := run(cmd, args)
			var exit *exitError
			if err != nil && !errors.As(err, &exit) {
				err = failed(err)
			}
			return err
		}
	}
	for _, sub := range cmd.Commands() {
		failByDefault(sub)
	}
}
