package loopkit

import (
	"context"
	"fmt"
	"log/slog"
	"sync"

	"github.com/loopkitai/loopkit-go/internal/wire"
)

// Version is the version of this library, sent as system.sdk.version.
const Version = wire.Version

// A Client takes messages, keeps them in a bounded queue, and in Options.Spool if
// there is one, and sends them to LoopKit in the background. A program has one for each API key, and
// calls Close before it exits.
//
// A Client is safe for concurrent use. A nil *Client accepts and discards
// everything, so that a program can run with analytics switched off; its
// deletions end with [ErrDisabled], never with success.
type Client struct {
	settings *settings
	queue    *queue
	privacy  *privacy
	session  *Session
	scratch  sync.Pool // of *[]byte, where callers encode
}

// New returns a client that sends with apiKey; nil opts means all defaults. It
// checks every option and returns an error that names all that are wrong, each
// as an [ArgumentError]. It does not use the network. The client runs a bounded
// number of goroutines until Close: one, one for each request under way, one for
// Options.Spool, and one for callbacks while there are any.
func New(apiKey string, opts *Options) (*Client, error) {
	s, err := resolve(apiKey, opts)
	if err != nil {
		return nil, err
	}
	c := &Client{settings: s, queue: newQueue(s), privacy: s.privacy}
	c.privacy.reportTo(c.queue.reporter, s.fields)
	if s.leaksKey {
		c.queue.reporter.warn(causePlainHTTP, "loopkit: the API key goes over the network unencrypted; use https in Options.BaseURL",
			slog.String("host", s.host))
	}
	c.scratch.New = newScratch
	c.session = &Session{client: c, store: s.IdentityStore}
	c.session.state = c.loadIdentity()
	c.openSpool()
	go c.queue.dispatch() // not before: code of the program that ends this goroutine leaves none behind
	if c.queue.spooler != nil {
		go c.queue.spooler.run()
	}
	return c, nil
}

// loadIdentity asks the identity store, and makes do without it.
func (c *Client) loadIdentity() sessionState {
	fresh := StoredIdentity{AnonymousID: NewAnonymousID()}
	if c.settings.IdentityStore == nil {
		return fresh.state()
	}
	var kept StoredIdentity
	err := c.guard("IdentityStore.LoadOrSave", func() (err error) {
		kept, err = c.settings.IdentityStore.LoadOrSave(fresh)
		return err
	})
	if problem := kept.problem(); err == nil && problem != "" {
		err = fmt.Errorf("loopkit: the anonymous ID in the identity store %s", problem)
	}
	if err != nil {
		c.queue.reporter.failed(causeIdentityStore, "loopkit: the anonymous ID is not kept", err)
		return fresh.state()
	}
	return kept.state()
}

// guard runs user code that returns an error, on the caller's goroutine.
func (c *Client) guard(what string, run func() error) (err error) {
	defer func() {
		if recover() != nil {
			c.queue.reporter.panicked(what)
			err = fmt.Errorf("loopkit: %s panicked", what)
		}
	}()
	return run()
}

func (c *Client) disabled() bool { return c == nil || c.queue == nil }

// AnonymousID returns the anonymous ID that this client keeps, which is that of
// [Client.Session]. Calls made on the Client itself never carry it: in a server
// it would merge all users into one person.
func (c *Client) AnonymousID() string { return c.Session().Identity().AnonymousID }

// Stats returns one consistent snapshot of the accounting. It is safe for
// concurrent use.
func (c *Client) Stats() Stats {
	if c.disabled() {
		return Stats{Dropped: map[Reason]int64{}, Failing: map[string]error{}, Halted: map[string]error{}}
	}
	return c.queue.stats()
}

// Flush sends what was accepted before the call and returns when all of it was
// delivered or dropped, deletions included; later messages do not prolong it.
// An endpoint that is halted is tried once, at most once a second, and if it
// stays halted its messages stay in the queue. With Options.Spool it returns when
// all of it was delivered, dropped or is in the spool: it stays pending then,
// and survives what the spool promises to survive.
//
// It returns nil if everything that was pending was delivered or is in the spool,
// else an [UndeliveredError] that says how much was not and why; it wraps the
// context's error if ctx ended. What was dropped before the call is in Stats and was told
// to Hooks. After Close it returns [ErrClosed]. It is safe for concurrent use.
func (c *Client) Flush(ctx context.Context) error {
	if c.disabled() {
		return nil
	}
	return c.queue.flush(orBackground(ctx))
}

// Close stops accepting, sends what is left as [Client.Flush] does, and
// releases everything. It retries until ctx ends or until nothing that is left
// could be tried before its deadline; then it cancels the requests under way
// and returns within 100 ms. What is left then is dropped with the reason
// "closed". Without a deadline in ctx, Options.CloseTimeout bounds it. With
// Options.Spool it does not sit out a failure: what is in the spool is left to
// the next client, stays pending in Stats, and is no error.
//
// It returns nil if everything that was pending was delivered or is in the spool,
// else an [UndeliveredError]. More calls of Close wait for the first one, however long
// that takes, until their own ctx ends, and return its error. It is safe for
// concurrent use.
func (c *Client) Close(ctx context.Context) error {
	if c.disabled() {
		return nil
	}
	return c.queue.close(orBackground(ctx))
}

func orBackground(ctx context.Context) context.Context {
	if ctx == nil {
		return context.Background()
	}
	return ctx
}

// enqueue hands a parcel over and takes its scratch memory back.
func (c *Client) enqueue(ctx context.Context, p parcel, s *Session) error {
	err := c.queue.accept(ctx, p, s)
	c.recycle(p.body)
	return err
}

// Format prints c without its API key, whatever the verb.
func (c *Client) Format(f fmt.State, _ rune) { fmt.Fprint(f, c.describe()) }

// LogValue implements [slog.LogValuer], without the API key.
func (c *Client) LogValue() slog.Value { return slog.StringValue(c.describe()) }

func (c *Client) describe() string {
	if c.disabled() {
		return "loopkit.Client(nil)"
	}
	return "loopkit.Client{" + c.settings.host + "}"
}
