package loopkitcli

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"os"
	"runtime"
	"sync"
	"sync/atomic"

	"github.com/loopkitai/loopkit-go"
)

// Telemetry is the telemetry of one run of a program. It is safe for concurrent
// use. A nil *Telemetry is switched off.
type Telemetry struct {
	key     string
	options Options
	wrong   error // why it cannot send
	dir     directory
	store   *identityStore
	stderr  *lockedWriter // Options.Stderr

	mu       sync.Mutex // not held while the disk is used or functions of the program run
	decision Decision
	opening  *opening // nil until a client is needed
	run      run
	warned   bool          // of a variable that says nothing
	untold   bool          // the run is not tracked
	over     bool          // no client is made any more
	ended    chan struct{} // closed when the first Finish is done; nil before it
}

// New decides whether the run may send, from the environment and the saved
// choice. It never fails, because telemetry must not stop a program: without an
// API key, or with wrong options, it is off, and [Telemetry.Decision] says why.
// It writes nothing to the disk and does not use the network.
func New(apiKey string, opts *Options) *Telemetry {
	t := &Telemetry{key: apiKey}
	t.options, t.wrong = opts.resolved()
	t.dir = directoryOf(&t.options)
	t.store = &identityStore{dir: t.dir}
	t.stderr = &lockedWriter{to: t.options.Stderr}
	if t.wrong == nil && apiKey == "" {
		t.wrong = errNoKey
	}
	t.decideAgain()
	return t
}

// decideAgain asks the environment and the disk.
func (t *Telemetry) decideAgain() {
	d := t.look()
	t.mu.Lock()
	defer t.mu.Unlock()
	t.decision = d
}

func (t *Telemetry) look() Decision {
	saved, unreadable := t.dir.choice()
	return decide(os.Getenv, variableOf(t.options.App), saved, unreadable, t.wrong)
}

// lookAgain obeys a user who says no in another terminal. It does not obey a yes:
// a run that began without consent stays without it, unless its own user agrees.
func (t *Telemetry) lookAgain() Decision {
	if d := t.Decision(); d.Mode != On || d.Reason != ReasonChoice {
		return d
	}
	d := t.look()
	t.mu.Lock()
	defer t.mu.Unlock()
	if d.Mode == Off {
		t.decision = d
	}
	return t.decision
}

// Decision returns what this run does with its messages, and why.
func (t *Telemetry) Decision() Decision {
	if t == nil {
		return cannotSend(errNotSetUp)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.decision
}

// Session returns the session of the program's user, for further events: that of
// [Telemetry.Client]. It is nil, which discards everything, if telemetry is off;
// one that was taken before the user agreed stays nil, so take it where it is
// needed. Use [Telemetry.Login] and [Telemetry.Logout] in place of its Identify
// and Reset, which no later run knows of.
func (t *Telemetry) Session() *loopkit.Session { return t.Client().Session() }

// Client returns the client that sends, for what a session has not; nil, which
// discards everything, if telemetry is off. [Telemetry.Finish] closes it. It waits
// for the disk, which [Telemetry.Start] does not.
func (t *Telemetry) Client() *loopkit.Client {
	if t == nil {
		return nil
	}
	t.mu.Lock()
	o := t.open()
	t.mu.Unlock()
	return t.opened(o)
}

// opening makes the client in the background, because a disk may be slow. Finish
// waits for it.
type opening struct {
	done   chan struct{}
	client *loopkit.Client // nil if there is none
	user   savedUser       // who is logged in; empty if nobody
	idle   func()          // closes the connections
	err    error           // for OnError
	seen   atomic.Bool     // somebody has the client
}

// open begins to make the client, unless it has. The lock is held.
func (t *Telemetry) open() *opening {
	if t.opening == nil && !t.over && t.decision.Mode != Off {
		t.opening = &opening{done: make(chan struct{}), idle: func() {}}
		go t.makeClient(t.opening)
	}
	return t.opening
}

// opened waits for the client. Whoever is first tells of errors and makes the
// session the user's: both call functions of the program, which may want the
// client themselves.
func (t *Telemetry) opened(o *opening) *loopkit.Client {
	if o == nil {
		return nil
	}
	<-o.done
	if !o.seen.Swap(true) {
		t.report(o.err)
		if t.Decision().Mode != Off {
			t.report(o.user.resume(o.client.Session()))
		}
	}
	return o.client
}

func (t *Telemetry) makeClient(o *opening) {
	defer close(o.done)
	key, opts := t.key, t.clientOptions()
	switch t.lookAgain().Mode {
	case Off:
		return
	case Log:
		printTo(&opts, t.stderr)
		key, opts.IdentityStore = anyKey, identityReader{t.dir}
	case On:
		o.idle = t.guard(&opts, o)
		opts.IdentityStore = t.store
		if o.err = t.dir.remove(clearedFile); o.err == nil {
			opts.Spool, o.err = t.openSpool()
		}
	}
	client, err := loopkit.New(key, &opts)
	if err != nil {
		if opts.Spool != nil {
			o.err = errors.Join(o.err, opts.Spool.Close())
		}
		t.mu.Lock()
		t.decision = cannotSend(err)
		t.mu.Unlock()
		return
	}
	o.client = client
	o.user, _ = t.dir.user() // Status tells of a file that cannot be read
}

// anyKey is for clients that send nothing.
const anyKey = "none"

// clientOptions are those of every client: one that sends, and one that prints.
func (t *Telemetry) clientOptions() loopkit.Options {
	opts := *t.options.Client
	opts.Spool, opts.IdentityStore = nil, nil
	opts.CloseTimeout = t.options.ExitBudget - exitRoom
	if opts.FlushInterval == 0 {
		opts.FlushInterval = flushInterval
	}
	if opts.Logger == nil {
		opts.Logger = slog.New(slog.DiscardHandler)
	}
	fields := loopkit.Properties{"app": t.options.App, "os": runtime.GOOS, "arch": runtime.GOARCH}
	if t.options.Version != "" {
		fields["version"] = t.options.Version
	}
	maps.Copy(fields, opts.Context)
	opts.Context = fields
	return opts
}

// report tells the program of an error that is not the user's. A panic of its
// function must not end it.
func (t *Telemetry) report(err error) {
	if err == nil || t.options.Client.OnError == nil {
		return
	}
	defer func() { _ = recover() }()
	t.options.Client.OnError(context.Background(), err)
}
