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
// skip Finish, and so does a signal that nobody handles, such as that of Ctrl-C:
// return instead, and use [os/signal.NotifyContext].
func (t *Telemetry) Run(f func() int) (exitCode int) {
	exitCode = exitOfPanic
	defer func() { t.Finish(exitCode) }()
	exitCode = f()
	return exitCode
}

// Start says which command runs and which flags were given, by their names. It
// begins to make the client, so that what earlier runs left in the spool is sent
// meanwhile, and does not wait for it. If it is called again, the last names
// count, and the first time. The command "telemetry" and those below it are not
// tracked.
//
// Arguments that are passed by mistake are not sent, as far as one can tell them
// from names; only Options.Commands and Options.Flags make sure of it.
//
//   - Of the command, the longest part that Options.Commands lists is sent, else
//     "other". The program's own name and words in <> are left out.
//   - With Options.AnyCommand in place of a list, words are sent up to the first
//     that is not 1 to 32 letters, digits, "-" and "_" behind a letter, and four at
//     most; "other" stands for the rest.
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
	words := commandWords(t.options.App, command)
	if len(words) > 0 && words[0] == subcommandName {
		t.untrack()
		return
	}
	t.warn()
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.run.started {
		t.run = run{started: true, began: time.Now()}
	}
	t.run.command = t.options.commandName(words)
	t.run.flags = flagNames(flags, t.options.Flags)
	t.open()
}

// Finish ends the run: it tracks the event, if Start was called, and closes the
// client. The properties are command, flags, duration_ms and exit_code. It takes
// at most Options.ExitBudget, whatever the network and the disk do, and no time if
// telemetry is off. What cannot be sent by then stays in the spool, or is dropped
// and told to Hooks.Dropped. If the user said no meanwhile, as with the subcommand
// in another terminal, it drops everything instead. Only the first call does
// anything; others wait for it, as long as their own budget lasts. It is safe for
// concurrent use.
func (t *Telemetry) Finish(exitCode int) {
	if t == nil {
		return
	}
	late := time.NewTimer(t.options.ExitBudget)
	defer late.Stop()
	deadline := time.Now().Add(t.options.ExitBudget - exitRoom)
	t.mu.Lock()
	first := t.ended == nil
	if first {
		t.ended = make(chan struct{})
	}
	ended := t.ended
	t.mu.Unlock()
	if first {
		go func() { // what is left of it when the time is over ends with the program
			defer close(ended)
			t.finish(exitCode, deadline)
		}()
	}
	select {
	case <-ended:
	case <-late.C:
	}
}

func (t *Telemetry) finish(exitCode int, deadline time.Time) {
	t.lookAgain()
	t.mu.Lock()
	run, told := t.run, t.run.started && !t.untold
	if told {
		t.open()
	}
	t.over = true
	o := t.opening
	t.mu.Unlock()
	client := t.opened(o)
	d := t.Decision()
	if d.Mode == Off {
		t.withdraw(o, d)
		return
	}
	if told {
		t.report(run.track(client.Session(), t.options.Event, exitCode))
	}
	o.close(deadline)
}

func (r run) track(session *loopkit.Session, event string, exitCode int) error {
	return session.Track(context.Background(), event, loopkit.Properties{
		"command":     r.command,
		"flags":       r.flags,
		"duration_ms": time.Since(r.began).Milliseconds(),
		"exit_code":   exitCode,
	})
}

// withdraw ends a run that must not send, also one with a client that was made
// before the user said no.
func (t *Telemetry) withdraw(o *opening, d Decision) {
	o.drop()
	if d.Reason != ReasonChoice {
		return
	}
	err := t.dir.forget()
	if o != nil || !t.dir.has(clearedFile) {
		_, failed := t.clearSpool(0) // also what was in use when the user said no
		err = errors.Join(err, failed)
	}
	t.report(err)
}

// end closes the client before the end of the run, for a subcommand. If the user
// said no, what has not been sent is dropped.
func (t *Telemetry) end(saidNo bool) {
	t.mu.Lock()
	o := t.opening
	t.opening, t.over = nil, true
	t.mu.Unlock()
	if o == nil {
		return
	}
	<-o.done
	if saidNo {
		o.drop()
		return
	}
	o.close(time.Now().Add(t.options.ExitBudget - exitRoom))
}

// drop closes the client without what it has not sent.
func (o *opening) drop() {
	if o != nil {
		o.client.Session().OptOut()
		o.close(time.Now())
	}
}

// close gives the client until then for the network. The making has ended.
func (o *opening) close(deadline time.Time) {
	if o == nil {
		return
	}
	ctx, cancel := context.WithDeadline(context.Background(), deadline)
	defer cancel()
	_ = o.client.Close(ctx) // what was not delivered is in Stats and was told to the hooks
	o.idle()
}
