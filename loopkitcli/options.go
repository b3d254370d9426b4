package loopkitcli

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"time"

	"github.com/loopkitai/loopkit-go"
)

// Options configure [New]. The zero value of every field but App means its
// default.
type Options struct {
	// App is the name of the program as its users type it: 1 to 64 ASCII
	// letters, digits, "-", "_" and ".", the first a letter and the last a letter
	// or digit; on Windows no reserved name such as "con". It names the directory
	// and, in upper case with "_" for all but letters and digits, the variable:
	// MY_TOOL_TELEMETRY for "my-tool", and for "my.tool" as well. Required.
	App string
	// Version of the program, sent with every message. Default: none.
	Version string
	// Event is the name of the event of a run. Default: "command_run".
	Event string

	// Commands lists the commands whose names may be sent, such as "deploy" and
	// "remote add", without the program's own name. Of others, the longest part
	// that is listed is sent, or "other". Default: none, so that all are "other".
	Commands []string
	// AnyCommand sends whatever looks like a name (see [Telemetry.Start]) if
	// Commands is nil. It is for programs whose library knows the commands, as
	// cobra and kong do: what a program takes from os.Args itself may be an
	// argument, and would be sent. Default: false.
	AnyCommand bool
	// Flags lists the flags whose names may be sent, without dashes. Others are
	// sent as "other". Default: whatever looks like a name, for flags come from a
	// library that knows them.
	Flags []string

	// About is a last line for the notice and the question, such as where the
	// program's privacy policy is. It must say so if the program calls Login or
	// tracks more than its runs. Default: none.
	About string

	// Dir is the directory of the program's own files; all that this package
	// keeps is in "telemetry" below it. Default: App in [os.UserConfigDir].
	Dir string
	// Spool opens a spool that keeps all its files in dir, below Dir. It is called
	// only if the run may send, and to look at what waits or to remove it: then
	// several times, until all that is in dir and not in use by another process is
	// open at once, so it must fail if there is nothing left to open. It is called
	// in the background, and must not call the Telemetry. If it fails or panics, a
	// run goes on without a spool.
	// Default: what could not be sent at the end of a run is lost.
	//
	//	Spool: func(dir string) (loopkit.Spool, error) {
	//		return spool.Open(dir, &spool.Options{Processes: 16})
	//	}
	Spool func(dir string) (loopkit.Spool, error)
	// ExitBudget bounds Finish: 100 ms to 1 min, default 300 ms. The last 50 ms
	// of it are not for the network.
	ExitBudget time.Duration

	// Client holds further options of the client: BaseURL, PII, Hooks and so on.
	// Its Spool and IdentityStore are replaced, its CloseTimeout is the exit
	// budget's, and its Context gets app, version, os and arch where it has none
	// of that name. By default its Logger is silent, because the terminal is the
	// user's, and its FlushInterval 100 ms, because runs are short. OnError is also
	// told, on the caller's goroutine, why the spool cannot be opened. Default:
	// [loopkit.Options] of zeros.
	Client *loopkit.Options

	// Stdin is where [Telemetry.Ask] reads the answer. Default: os.Stdin.
	Stdin io.Reader
	// Stderr is where the notice, the question, warnings and the mode log are
	// written, by one goroutine at a time. Default: os.Stderr.
	Stderr io.Writer
	// Interactive reports whether somebody sits in front of the program.
	// Default: Stderr is a terminal, and for Ask Stdin too.
	Interactive func() bool
}

const (
	defaultEvent      = "command_run"
	defaultExitBudget = 300 * time.Millisecond
	leastExitBudget   = 100 * time.Millisecond
	mostExitBudget    = time.Minute

	// flushInterval lets what earlier runs left be sent while the command works.
	flushInterval = 100 * time.Millisecond

	// exitRoom is what the client may need after the deadline of its Close, to
	// end what is under way.
	exitRoom = 50 * time.Millisecond
)

var appName = regexp.MustCompile(`^[A-Za-z]([A-Za-z0-9._-]{0,62}[A-Za-z0-9])?$`)

// isApp reports whether a name can be that of a directory, and of a variable.
func isApp(name string) bool { return appName.MatchString(name) && filepath.IsLocal(name) }

// resolved returns the options with their defaults, and what is wrong with them.
func (o *Options) resolved() (Options, error) {
	var r Options
	if o != nil {
		r = *o
	}
	if r.Event == "" {
		r.Event = defaultEvent
	}
	if r.ExitBudget == 0 {
		r.ExitBudget = defaultExitBudget
	}
	if r.Client == nil {
		r.Client = &loopkit.Options{}
	}
	if r.Stdin == nil {
		r.Stdin = os.Stdin
	}
	if r.Stderr == nil {
		r.Stderr = os.Stderr
	}
	var wrong []error
	if !isApp(r.App) {
		wrong = append(wrong, &loopkit.ArgumentError{
			Call: "New", Field: "App",
			Reason: "must be 1 to 64 ASCII letters, digits, \"-\", \"_\" and \".\", the first a letter and the last a letter or digit, and no reserved name",
		})
	}
	if r.ExitBudget < leastExitBudget || r.ExitBudget > mostExitBudget {
		wrong = append(wrong, &loopkit.ArgumentError{
			Call: "New", Field: "ExitBudget",
			Reason: "is " + r.ExitBudget.String() + "; it must be 100ms to 1m0s",
		})
		r.ExitBudget = defaultExitBudget
	}
	return r, errors.Join(wrong...)
}
