package loopkit

import (
	"context"
	"sync"
	"sync/atomic"
)

// A Session is one person's sticky identity, for programs that serve one
// person at a time: a command line tool, a desktop program, a game. After
// Identify, its calls carry the user ID; after Reset they are a stranger's. An
// identity in the context or given by [As] takes precedence for that one call
// and does not change the session.
//
// A Session is safe for concurrent use. A nil Session discards everything. Web
// servers should put the identity into the request's context instead.
type Session struct {
	client   *Client
	kept     bool // its anonymous ID lives in Options.IdentityStore
	optedOut atomic.Bool

	mu       sync.Mutex
	identity Identity

	keeping sync.Mutex // orders the calls of the identity store
}

// Session returns the client's own session, always the same one. Its anonymous
// ID is [Client.AnonymousID].
func (c *Client) Session() *Session {
	if c.disabled() {
		return nil
	}
	return c.session
}

// NewSession returns a session of its own for another person. Without an
// anonymous ID it gets a new one, or the one derived from id.UserID.
func (c *Client) NewSession(id Identity) *Session {
	if c.disabled() {
		return nil
	}
	switch {
	case id.AnonymousID != "":
	case id.UserID != "":
		id.AnonymousID = derivedAnonymousID(id.UserID)
	default:
		id.AnonymousID = NewAnonymousID()
	}
	return &Session{client: c, identity: id}
}

// Identity returns whose messages the session sends now.
func (s *Session) Identity() Identity {
	if s == nil {
		return Identity{}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.identity
}

// Identify is [Client.Identify] for the session's person, and the session's
// later calls carry userID. That holds also if the error is ErrQueueFull. A
// session that was another user's takes a new anonymous ID first, because one
// anonymous ID must never link two users.
func (s *Session) Identify(ctx context.Context, userID string, traits Traits, opts ...CallOption) error {
	if s == nil {
		return nil
	}
	d := identifyDraft(userID, traits, opts)
	return s.send(ctx, &d)
}

// Group is [Client.Group] for the session's person.
func (s *Session) Group(ctx context.Context, groupID string, traits Traits, opts ...GroupOption) error {
	if s == nil {
		return nil
	}
	d := groupDraft(groupID, traits, opts)
	return s.send(ctx, &d)
}

// Track is [Client.Track] for the session's person.
func (s *Session) Track(ctx context.Context, event string, properties Properties, opts ...CallOption) error {
	if s == nil {
		return nil
	}
	d := trackDraft(event, properties, opts)
	return s.send(ctx, &d)
}

// Reset forgets the user, as at a logout, and takes a new anonymous ID. What
// was accepted before keeps its identity. For the client's own session the new
// ID is kept in Options.IdentityStore.
func (s *Session) Reset() {
	if s == nil {
		return
	}
	s.mu.Lock()
	s.identity = Identity{AnonymousID: NewAnonymousID()}
	s.mu.Unlock()
	s.keep()
}

// OptOut drops what has not been sent yet of the session's anonymous ID and
// user ID (reason "consent"), and withholds the session's calls until OptIn:
// they return nil and are counted in Stats.Withheld.
func (s *Session) OptOut() {
	if s == nil {
		return
	}
	// The queue reads optedOut under its lock: a call that races with OptOut is
	// either purged below or withheld.
	s.optedOut.Store(true)
	s.client.queue.withdraw(s.Identity())
}

// OptIn ends what OptOut began. What was dropped or withheld stays so.
func (s *Session) OptIn() {
	if s != nil {
		s.optedOut.Store(false)
	}
}

func (s *Session) send(ctx context.Context, d *draft) error {
	ctx = orBackground(ctx)
	c := s.client
	for {
		before := s.Identity()
		after := before
		if s.optedOut.Load() { // the identity must not change either
			c.queue.withhold()
			return nil
		}
		if d.kind == KindIdentify && s.speaksForItself(ctx, d) {
			if before.UserID != "" && before.UserID != d.message.UserID {
				after = Identity{AnonymousID: NewAnonymousID()}
			}
			after.UserID = d.message.UserID
		}
		d.own = after
		p, err := c.prepare(ctx, d)
		if err != nil {
			c.queue.refuse(d.call, err)
			return err
		}
		// The identity changes before the message is in the queue, so that no
		// later call of the session misses the user; and only if no other call
		// changed it meanwhile, for two users would then share an anonymous ID.
		if !s.change(before, after) {
			c.recycle(p.body)
			continue
		}
		if after.AnonymousID != before.AnonymousID {
			s.keep()
		}
		return c.enqueue(ctx, p, s)
	}
}

// speaksForItself reports whether the call is about the session's own person.
func (s *Session) speaksForItself(ctx context.Context, d *draft) bool {
	_, given := IdentityFrom(ctx)
	return !given && d.options.identity == nil
}

func (s *Session) change(before, after Identity) bool {
	if before == after {
		return true
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.identity != before {
		return false
	}
	s.identity = after
	return true
}

// keep writes the newest anonymous ID to the identity store. Several changes
// at once may write the same ID twice, never an older one last.
func (s *Session) keep() {
	store := s.client.settings.IdentityStore
	if !s.kept || store == nil {
		return
	}
	s.keeping.Lock()
	defer s.keeping.Unlock()
	if err := s.client.guard("IdentityStore.Save", func() error { return store.Save(s.Identity().AnonymousID) }); err != nil {
		s.client.queue.reporter.failed(causeIdentityStore, err)
	}
}
