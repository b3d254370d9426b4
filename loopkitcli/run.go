package loopkitcli

import (
	"context"
	"errors"
	"time"

	"github.com/loopkitai/loopkit-go"
)

// run is the command that is running.
type run struct {
	started bool
	began   time.Time
	command string
	flags   []string
}

// exitOfPanic is the exit code of a Go program that panics.
const exitOfPanic = 2

// Run calls f, then [Telemetry.Finish] with what it returned, and returns that.
// Finish is called also if f panics, which goes on, or ends its goroutine.
//
//	os.Exit(t.Run(func() int { … }))
//
// f calls [Telemetry.Start] when it knows the command. In f, os.Exit and log.Fatal
// skip Finish, and so does a signal that nobody handles: return instead, and use
// [os/signal.NotifyContext].
func (t *Telemetry) Run(f func() int) (exitCode int) {
	exitCode = exitOfPanic
	defer func() { t.Finish(exitCode) }()
	exitCode = f()
	return exitCode
}

// Start says which command runs and which flags were given, by their names. It
// makes the client, so that what earlier runs left in the spool is sent
// meanwhile. If it is called again, the last names count, and the first time.
//
// Arguments that are passed by mistake are not sent, as far as one can tell them
// from names; only Options.Commands and Options.Flags make sure of it.
//
//   - Of the command, words are sent up to the first that is not 1 to 32 letters,
//     digits, "-" and "_" behind a letter, and four at most; "other" stands for the
//     rest. The program's own name and words in <> are left out.
//   - Of a flag, dashes and what follows a "=" are cut off. A name is 1 to 64
//     letters, digits, "_", "-" and "." behind a letter or digit; "other" stands for
//     all that is none.
//   - If a flag begins with a dash, all of them are taken for arguments of the
//     command line: only what begins with a dash counts then, with one dash only a
//     single letter, behind which a value may stand, and nothing behind "--".
//
// It is safe for concurrent use.
func (t *Telemetry) Start(command string, flags ...string) {
	if t == nil {
		return
	}
	t.warn()
	t.mu.Lock()
	defer t.unlock()
	if !t.run.started {
		t.run = run{started: true, began: time.Now()}
	}
	t.run.command = commandName(t.options.App, command, t.options.Commands)
	t.run.flags = flagNames(flags, t.options.Flags)
	t.open()
}

// Finish ends the run: it tracks the event, if Start was called, and closes the
// client. The properties are command, flags, duration_ms and exit_code. It takes
// at most Options.ExitBudget, and no time if telemetry is off; what cannot be sent
// by then stays in the spool, or is dropped and told to Hooks.Dropped. If the user
// said no meanwhile, as with the subcommand in another terminal, it drops
// everything instead. Only the first call does anything. It is safe for concurrent
// use.
func (t *Telemetry) Finish(exitCode int) {
	if t == nil {
		return
	}
	d := t.Decision()
	if d.Reason == ReasonChoice {
		d = t.decideAgain()
	}
	t.mu.Lock()
	if t.over {
		t.mu.Unlock()
		return
	}
	run, told := t.run, t.run.started && !t.untold
	if told {
		t.open()
	}
	t.over = true
	client := t.client
	t.unlock()

	if d.Mode == Off {
		t.withdraw(client, d)
		return
	}
	if told {
		t.report(run.track(client.Session(), t.options.Event, exitCode))
	}
	t.close(client, t.options.ExitBudget-exitRoom)
}

func (r run) track(session *loopkit.Session, event string, exitCode int) error {
	return session.Track(context.Background(), event, loopkit.Properties{
		"command":     r.command,
		"flags":       r.flags,
		"duration_ms": time.Since(r.began).Milliseconds(),
		"exit_code":   exitCode,
	})
}

// withdraw ends a run that must not send, also of a client that was made before
// the user said no.
func (t *Telemetry) withdraw(client *loopkit.Client, d Decision) {
	if client != nil {
		client.Session().OptOut()
		t.close(client, 0)
	}
	if d.Reason != ReasonChoice {
		return
	}
	_, err := t.clearSpool(0) // also what was in use when the user said no
	t.report(errors.Join(t.dir.forget(), err))
}

// end closes the client before the end of the run, for a subcommand. If the user
// said no, what has not been sent is dropped.
func (t *Telemetry) end(saidNo bool) {
	t.mu.Lock()
	client := t.client
	t.client, t.opened, t.over = nil, true, true
	t.mu.Unlock()
	network := t.options.ExitBudget - exitRoom
	if saidNo {
		client.Session().OptOut()
		network = 0
	}
	t.close(client, network)
}

// close gives the client some time for the network, and bounds what its parts do
// after that: if a disk hangs, the program ends before Close.
func (t *Telemetry) close(client *loopkit.Client, network time.Duration) {
	if client == nil {
		return
	}
	late := time.NewTimer(t.options.ExitBudget)
	defer late.Stop()
	ctx, cancel := context.WithTimeout(context.Background(), network)
	closed := make(chan struct{})
	go func() {
		defer close(closed)
		defer cancel()
		_ = client.Close(ctx) // what was not delivered is in Stats and was told to the hooks
	}()
	select {
	case <-closed:
	case <-late.C:
	}
}
