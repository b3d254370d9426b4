package loopkitcli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/loopkitai/loopkit-go"
)

// Login says who uses the program from now on, in later runs too, until
// [Telemetry.Logout]: it is [loopkit.Session.Identify], and the user ID is kept.
// A user other than the one before gets a new anonymous ID, also if that one
// logged in by another process. It can be called in every run, by programs that
// know their user from credentials of their own: for the user who is known
// already, and without traits, it sends nothing. If it is refused, nobody is
// logged in, unless it was the user who is.
//
// If telemetry is off it sends and keeps nothing, but forgets a user who was
// somebody else. It is safe for concurrent use.
func (t *Telemetry) Login(ctx context.Context, userID string, traits loopkit.Traits) error {
	session := t.Session() // which may be nil
	if t == nil || t.lookAgain().Mode != On {
		return errors.Join(session.Identify(ctx, userID, traits), t.forgetAllBut(userID))
	}
	if userID == "" { // which Identify refuses
		return session.Identify(ctx, userID, traits)
	}
	if len(traits) == 0 && session.Identity().UserID == userID {
		return nil
	}
	claimed, kept := t.claimUser(session, userID)
	err := session.Identify(ctx, userID, traits)
	switch now := session.Identity(); {
	case now.UserID != userID: // it was refused or withheld
		if user, unread := t.dir.user(); unread == nil && user.AnonymousID == claimed.AnonymousID {
			kept = errors.Join(kept, t.dir.remove(userFile))
		}
	case kept == nil && now.AnonymousID != claimed.AnonymousID: // another login of this run was in between
		kept = savedUser{userID, now.AnonymousID}.keep(t.dir.replace)
	}
	return errors.Join(err, kept)
}

// claimUser keeps the user before the identify, so that of all processes only one
// ties an anonymous ID to anybody. Whoever cannot be sure of it takes a new one.
func (t *Telemetry) claimUser(session *loopkit.Session, userID string) (savedUser, error) {
	claim := savedUser{userID, session.Identity().AnonymousID}
	err := claim.keep(t.dir.create)
	switch {
	case err == nil:
		if kept, err := t.dir.identity(); err == nil && kept == (loopkit.StoredIdentity{AnonymousID: claim.AnonymousID}) {
			return claim, nil
		} // another process has logged out, or said no
	case errors.Is(err, fs.ErrExist):
		before, unread := t.dir.user()
		if before == claim {
			return claim, nil
		}
		err = unread
	case !t.store.keeps(claim.AnonymousID): // no other process has this anonymous ID
		return claim, err
	}
	failed := t.newPerson(session)
	if err != nil && !absent(err) {
		return claim, errors.Join(err, failed)
	}
	claim.AnonymousID = session.Identity().AnonymousID
	return claim, errors.Join(failed, claim.keep(t.dir.replace))
}

// newPerson takes a new anonymous ID and keeps it at once, because the file user
// is changed next.
func (t *Telemetry) newPerson(session *loopkit.Session) error {
	session.Reset()
	return t.store.Save(loopkit.StoredIdentity{AnonymousID: session.Identity().AnonymousID})
}

// forgetAllBut ends what was kept of another user.
func (t *Telemetry) forgetAllBut(userID string) error {
	if t == nil {
		return nil
	}
	if before, err := t.dir.user(); err != nil || before.UserID == userID {
		return nil
	}
	return t.dir.forget()
}

// Logout says that the next user of the program may be somebody else: it is
// [loopkit.Session.Reset], and ends what [Telemetry.Login] kept, whether or not
// telemetry is on. It is safe for concurrent use.
func (t *Telemetry) Logout() error {
	if t == nil {
		return nil
	}
	t.mu.Lock()
	o, sends := t.opening, t.decision.Mode == On
	t.mu.Unlock()
	client := t.opened(o)
	if client == nil || !sends {
		client.Session().Reset()
		return t.dir.forget()
	}
	err := t.newPerson(client.Session())
	_, user := t.dir.user()
	return errors.Join(err, t.dir.forgetFile(userFile, user))
}

// savedUser is whom the file user names.
type savedUser struct {
	UserID      string `json:"userId"`
	AnonymousID string `json:"anonymousId"` // with which the user is identified
}

// keep writes the file by way of create or replace.
func (u savedUser) keep(by func(name, content string) error) error {
	text, err := json.Marshal(u)
	if err != nil {
		return fmt.Errorf("loopkitcli: %w", err)
	}
	return by(userFile, string(text)+"\n")
}

// user returns who is logged in; the error wraps fs.ErrNotExist if nobody is.
func (d directory) user() (savedUser, error) {
	text, err := d.read(userFile)
	if err != nil {
		return savedUser{}, err
	}
	var u savedUser
	if err := json.Unmarshal([]byte(text), &u); err != nil || u.UserID == "" || u.AnonymousID == "" {
		return savedUser{}, d.foreign(userFile)
	}
	return u, nil
}

// resume makes the session the user's, if it has their anonymous ID.
func (u savedUser) resume(session *loopkit.Session) error {
	if u.UserID == "" || u.AnonymousID != session.Identity().AnonymousID {
		return nil
	}
	return session.Identify(context.Background(), u.UserID, nil)
}

// identity returns the anonymous ID of the installation, without making one: the
// error wraps fs.ErrNotExist if there is none.
func (d directory) identity() (loopkit.StoredIdentity, error) {
	text, err := d.read(identityFile)
	if err != nil {
		return loopkit.StoredIdentity{}, err
	}
	anonymousID, linkedTo, _ := strings.Cut(strings.TrimSpace(text), "\n") // as loopkit.FileIdentity writes it
	if anonymousID == "" || !utf8.ValidString(text) || strings.Contains(linkedTo, "\n") {
		return loopkit.StoredIdentity{}, d.foreign(identityFile)
	}
	return loopkit.StoredIdentity{AnonymousID: strings.TrimSpace(anonymousID), LinkedTo: strings.TrimSpace(linkedTo)}, nil
}

// forget ends the person: the anonymous ID, and then who it is, so that nobody
// else logs in with that ID in between. Files that hold something else stay.
func (d directory) forget() error {
	_, identity := d.identity()
	_, user := d.user()
	return errors.Join(d.forgetFile(identityFile, identity), d.forgetFile(userFile, user))
}

// forgetFile removes a file if it was read without an error.
func (d directory) forgetFile(name string, read error) error {
	drafts := d.removeDrafts(name)
	switch {
	case read == nil:
		return errors.Join(drafts, d.remove(name))
	case absent(read):
		return drafts
	}
	return errors.Join(drafts, read)
}

// identityStore keeps the anonymous ID of a run that sends.
type identityStore struct {
	dir directory

	mu   sync.Mutex
	kept loopkit.StoredIdentity // in the file, as far as this run knows; empty if the ID lives in memory
}

// LoadOrSave takes a new anonymous ID if that in the file was linked to a user
// who is not logged in any more, for example because a logout was interrupted.
func (s *identityStore) LoadOrSave(candidate loopkit.StoredIdentity) (loopkit.StoredIdentity, error) {
	if s.dir.err != nil {
		return loopkit.StoredIdentity{}, s.dir.err
	}
	file := loopkit.FileIdentity(s.dir.file(identityFile))
	kept, err := file.LoadOrSave(candidate)
	if err != nil {
		return kept, err
	}
	user, _ := s.dir.user() // who cannot be read is nobody
	if kept.LinkedTo != "" && user.AnonymousID != kept.AnonymousID {
		if err := file.Save(candidate); err != nil {
			return candidate, err
		}
		kept = candidate
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.kept = kept
	return kept, nil
}

// keeps reports whether other runs may have this anonymous ID.
func (s *identityStore) keeps(anonymousID string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.kept.AnonymousID == anonymousID
}

// Save leaves the file alone if nothing has changed, or only what is known of an
// anonymous ID that another process has left behind meanwhile.
func (s *identityStore) Save(id loopkit.StoredIdentity) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if id == s.kept {
		return nil
	}
	if s.dir.err != nil {
		return s.dir.err
	}
	if id.AnonymousID == s.kept.AnonymousID {
		if now, err := s.dir.identity(); absent(err) || err == nil && now.AnonymousID != id.AnonymousID {
			return nil
		}
	}
	s.kept = id
	return loopkit.FileIdentity(s.dir.file(identityFile)).Save(id)
}

// identityReader shows the anonymous ID to a run that sends nothing.
type identityReader struct{ dir directory }

func (r identityReader) LoadOrSave(candidate loopkit.StoredIdentity) (loopkit.StoredIdentity, error) {
	kept, err := r.dir.identity()
	if err != nil { // it would live in memory in a run that sends, too
		return candidate, nil
	}
	return kept, nil
}

func (identityReader) Save(loopkit.StoredIdentity) error { return nil }
