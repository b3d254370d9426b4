package loopkitcli

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"os"
	"runtime"
	"sync"

	"github.com/loopkitai/loopkit-go"
)

// Telemetry is the telemetry of one run of a program. It is safe for concurrent
// use. A nil *Telemetry is switched off.
type Telemetry struct {
	key     string
	options Options
	wrong   error // why it cannot send
	dir     directory

	mu       sync.Mutex // not held while the program's own functions run, but Options.Spool
	decision Decision
	client   *loopkit.Client // nil until it is needed, and if there is none
	opened   bool
	run      run
	warned   bool // of a variable that says nothing
	untold   bool // the run is not tracked
	over     bool
	later    []func() // what unlock does
}

// New decides whether the run may send, from the environment and the saved
// choice. It never fails, because telemetry must not stop a program: without an
// API key, or with wrong options, it is off, and [Telemetry.Decision] says why.
// It writes nothing to the disk and does not use the network.
func New(apiKey string, opts *Options) *Telemetry {
	t := &Telemetry{key: apiKey}
	t.options, t.wrong = opts.resolved()
	t.dir = directoryOf(&t.options)
	if t.wrong == nil && apiKey == "" {
		t.wrong = errNoKey
	}
	t.decideAgain()
	return t
}

// decideAgain asks the environment and the disk.
func (t *Telemetry) decideAgain() Decision {
	saved, unreadable := t.dir.choice()
	d := decide(os.Getenv, variableOf(t.options.App), saved, unreadable, t.wrong)
	t.mu.Lock()
	defer t.mu.Unlock()
	t.decision = d
	return d
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
// [Telemetry.Client]. It is nil, which discards everything, if telemetry is off.
// Use [Telemetry.Login] and [Telemetry.Logout] in place of its Identify and Reset,
// which no later run knows of.
func (t *Telemetry) Session() *loopkit.Session { return t.Client().Session() }

// Client returns the client that sends, for what a session has not; nil, which
// discards everything, if telemetry is off. [Telemetry.Finish] closes it.
func (t *Telemetry) Client() *loopkit.Client {
	if t == nil {
		return nil
	}
	t.mu.Lock()
	defer t.unlock()
	return t.open()
}

// unlock ends what t.mu.Lock began, and does what had to wait for it because it
// runs functions of the program.
func (t *Telemetry) unlock() {
	later := t.later
	t.later = nil
	t.mu.Unlock()
	for _, do := range later {
		do()
	}
}

// open makes the client when it is needed first. The lock is held.
func (t *Telemetry) open() *loopkit.Client {
	if t.opened || t.over || t.decision.Mode == Off {
		return t.client
	}
	t.opened = true
	key, opts := t.key, t.clientOptions()
	if t.decision.Mode == Log {
		printTo(&opts, t.options.Stderr)
		key, opts.IdentityStore = anyKey, identityReader{t.dir}
	} else {
		opts.IdentityStore = &identityStore{dir: t.dir}
		opts.Spool = t.openSpool()
	}
	client, err := loopkit.New(key, &opts)
	if err != nil {
		if opts.Spool != nil {
			err = errors.Join(err, opts.Spool.Close())
		}
		t.decision = cannotSend(err)
		return nil
	}
	t.client = client
	t.later = append(t.later, func() { t.report(t.dir.resume(client.Session())) })
	return client
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

// report tells the program of an error that is not the user's.
func (t *Telemetry) report(err error) {
	if err != nil && t.options.Client.OnError != nil {
		t.options.Client.OnError(context.Background(), err)
	}
}
