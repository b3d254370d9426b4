package loopkit

import (
	"context"
	"errors"
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
	store    IdentityStore // nil unless it is the client's own session
	optedOut atomic.Bool

	mu     sync.Mutex
	state  sessionState
	saving bool // the store is about to be told
}

// sessionState is who a session speaks for.
type sessionState struct {
	Identity
	linkedTo string // see StoredIdentity.LinkedTo
}

func (id StoredIdentity) state() sessionState {
	return sessionState{Identity: Identity{AnonymousID: id.AnonymousID}, linkedTo: id.LinkedTo}
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
	s := &Session{client: c, state: sessionState{Identity: id}}
	if id.UserID != "" {
		s.state.linkedTo = derivedAnonymousID(id.UserID)
	}
	switch {
	case id.AnonymousID != "":
	case id.UserID != "":
		s.state.AnonymousID = s.state.linkedTo
	default:
		s.state.AnonymousID = NewAnonymousID()
	}
	return s
}

// Identity returns whose messages the session sends now.
func (s *Session) Identity() Identity {
	if s.disabled() {
		return Identity{}
	}
	return s.current().Identity
}

func (s *Session) disabled() bool { return s == nil || s.client == nil }

func (s *Session) current() sessionState {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.state
}

// Identify is [Client.Identify] for the session's person, and the session's
// later calls carry userID. That holds also if the error is ErrQueueFull. A
// session that was another user's takes a new anonymous ID first, because one
// anonymous ID must never link two users.
func (s *Session) Identify(ctx context.Context, userID string, traits Traits, opts ...CallOption) error {
	if s.disabled() {
		return nil
	}
	var d draft
	d.identify(userID, traits, opts)
	return s.send(ctx, &d)
}

// Group is [Client.Group] for the session's person.
func (s *Session) Group(ctx context.Context, groupID string, traits Traits, opts ...GroupOption) error {
	if s.disabled() {
		return nil
	}
	var d draft
	d.group(groupID, traits, opts)
	return s.send(ctx, &d)
}

// Track is [Client.Track] for the session's person.
func (s *Session) Track(ctx context.Context, event string, properties Properties, opts ...CallOption) error {
	if s.disabled() {
		return nil
	}
	var d draft
	d.track(event, properties, opts)
	return s.send(ctx, &d)
}

// Reset forgets the user, as at a logout, and takes a new anonymous ID. What
// was accepted before keeps its identity. For the client's own session the new
// ID is kept in Options.IdentityStore, by the time that Close returns.
func (s *Session) Reset() {
	if s.disabled() {
		return
	}
	s.mu.Lock()
	s.state = sessionState{Identity: Identity{AnonymousID: NewAnonymousID()}}
	s.mu.Unlock()
	s.save()
}

// OptOut drops what has not been sent yet of the session's anonymous ID and
// user ID (reason "consent"), and withholds the session's calls until OptIn:
// they return nil and are counted in Stats.Withheld. It is not kept between
// runs: a program asks, remembers and opts out again itself. What is in
// Options.Spool is removed in the background, by Close at the latest; a program
// that is killed before that must opt out again in its next run.
func (s *Session) OptOut() {
	if s.disabled() {
		return
	}
	// The queue reads optedOut under its lock: a call that races with OptOut is
	// either purged below or withheld.
	s.optedOut.Store(true)
	s.client.queue.withdraw(s.Identity())
}

// OptIn ends what OptOut began. What was dropped or withheld stays so.
func (s *Session) OptIn() {
	if !s.disabled() {
		s.optedOut.Store(false)
	}
}

func (s *Session) send(ctx context.Context, d *draft) error {
	ctx = orBackground(ctx)
	c := s.client
	for round := 0; ; round++ {
		before := s.current()
		after := before
		if s.optedOut.Load() { // the identity must not change either
			c.queue.withhold()
			return nil
		}
		if d.kind == KindIdentify && s.speaksForItself(ctx, d) {
			after = before.identified(d.message.UserID)
			if round == maxOvertaken { // its own traits may change the session while they are encoded
				after = sessionState{Identity: Identity{AnonymousID: NewAnonymousID()}}.identified(d.message.UserID)
			}
		}
		attempt := *d // what an attempt changes must not reach the next one
		attempt.own, attempt.ownLinked = after.Identity, after.linkedTo != ""
		p, err := c.prepare(ctx, &attempt)
		if err != nil { // also if it is withheld: the identity does not change then
			return c.refuse(d, err)
		}
		// The identity changes before the message is in the queue, so that no
		// later call of the session misses the user; and only if no other call
		// changed it meanwhile, for two users would then share an anonymous ID.
		if round == maxOvertaken {
			before = s.swap(after) // nobody else has this anonymous ID
		} else if !s.change(before, after) {
			c.recycle(p.body)
			continue
		}
		err = c.enqueue(ctx, p, s)
		if errors.Is(err, errOptedOut) { // meanwhile: what is withheld does not stick
			s.change(after, before)
			return nil
		}
		if after != before {
			s.save()
		}
		return err
	}
}

// speaksForItself reports whether the call is about the session's own person.
func (s *Session) speaksForItself(ctx context.Context, d *draft) bool {
	_, given := IdentityFrom(ctx)
	return !given && d.options.identity == nil
}

// identified is the state after an identify as a user. An anonymous ID that is
// linked to another user stays theirs.
func (s sessionState) identified(userID string) sessionState {
	if s.UserID == userID {
		return s
	}
	user := derivedAnonymousID(userID)
	if s.linkedTo != "" && s.linkedTo != user {
		s = sessionState{Identity: Identity{AnonymousID: NewAnonymousID()}}
	}
	s.UserID, s.linkedTo = userID, user
	return s
}

// maxOvertaken is how often other calls may overtake an identify of a session.
const maxOvertaken = 10

// swap sets the state whatever it was, and returns that.
func (s *Session) swap(state sessionState) sessionState {
	s.mu.Lock()
	defer s.mu.Unlock()
	before := s.state
	s.state = state
	return before
}

func (s *Session) change(before, after sessionState) bool {
	if before == after {
		return true
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.state != before {
		return false
	}
	s.state = after
	return true
}

// save tells the store of the newest state, away from the caller: a disk may be
// slow.
func (s *Session) save() {
	if s.store == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.saving {
		return
	}
	s.saving = true
	s.client.queue.reporter.tell(func() {
		s.mu.Lock()
		s.saving = false
		newest := StoredIdentity{AnonymousID: s.state.AnonymousID, LinkedTo: s.state.linkedTo}
		s.mu.Unlock()
		if err := s.client.guard("IdentityStore.Save", func() error { return s.store.Save(newest) }); err != nil {
			s.client.queue.reporter.failed(causeIdentityStore, "loopkit: the anonymous ID is not kept", err)
		}
	}, true)
}
