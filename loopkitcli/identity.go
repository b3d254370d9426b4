package loopkitcli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/loopkitai/loopkit-go"
)

// Login says who uses the program from now on, in later runs too, until
// [Telemetry.Logout]: it is [loopkit.Session.Identify], and the user ID is kept.
// A user other than the one before gets a new anonymous ID. It can be called in
// every run, by programs that know their user from credentials of their own: for
// the user who is known already, and without traits, it sends nothing.
//
// If telemetry is off it sends and keeps nothing, but forgets a user who was
// somebody else. It is safe for concurrent use.
func (t *Telemetry) Login(ctx context.Context, userID string, traits loopkit.Traits) error {
	session := t.Session() // which may be nil
	if t == nil || t.Decision().Mode != On {
		return errors.Join(session.Identify(ctx, userID, traits), t.forgetAllBut(userID))
	}
	if len(traits) == 0 && userID != "" && session.Identity().UserID == userID {
		return nil
	}
	err := session.Identify(ctx, userID, traits)
	if now := session.Identity(); now.UserID == userID && userID != "" { // also if the queue is full
		err = errors.Join(err, t.dir.keepUser(now))
	}
	return err
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
	client, sends := t.client, t.decision.Mode == On
	t.mu.Unlock()
	client.Session().Reset()
	if client != nil && sends { // it keeps the new anonymous ID in place of the old one
		return t.dir.remove(userFile)
	}
	return t.dir.forget()
}

// savedUser is whom the file user names.
type savedUser struct {
	UserID      string `json:"userId"`
	AnonymousID string `json:"anonymousId"` // with which the user was identified
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

func (d directory) keepUser(id loopkit.Identity) error {
	now := savedUser{id.UserID, id.AnonymousID}
	if before, err := d.user(); before == now || err != nil && !absent(err) {
		return err
	}
	text, err := json.Marshal(now)
	if err != nil {
		return fmt.Errorf("loopkitcli: %w", err)
	}
	return d.replace(userFile, string(text)+"\n")
}

// resume makes the session that of the user who is logged in.
func (d directory) resume(session *loopkit.Session) error {
	user, err := d.user()
	if err != nil || user.AnonymousID != session.Identity().AnonymousID {
		return nil // Status tells of a file that cannot be read
	}
	return session.Identify(context.Background(), user.UserID, nil)
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

// forget ends the person: who it is, and the anonymous ID. Files that hold
// something else stay.
func (d directory) forget() error {
	_, user := d.user()
	_, identity := d.identity()
	return errors.Join(d.forgetFile(userFile, user), d.forgetFile(identityFile, identity))
}

// forgetFile removes a file if it was read without an error.
func (d directory) forgetFile(name string, read error) error {
	switch {
	case read == nil:
		return d.remove(name)
	case absent(read):
		return nil
	}
	return read
}

// identityStore keeps the anonymous ID of a run that sends.
type identityStore struct {
	dir  directory
	kept loopkit.StoredIdentity // in the file, as far as this run knows
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
	s.kept = kept
	return kept, nil
}

// Save leaves the file alone if nothing has changed: another process may have
// logged out meanwhile.
func (s *identityStore) Save(id loopkit.StoredIdentity) error {
	if id == s.kept {
		return nil
	}
	if s.dir.err != nil {
		return s.dir.err
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
