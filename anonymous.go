package loopkit

import (
	"context"
	"crypto/sha1"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/loopkitai/loopkit-go/internal/wire"
)

// Identity says whose message a call sends. It is a value that travels with
// the call; the client itself has no current user.
type Identity struct {
	// AnonymousID is consistent for a person on one device, also before they
	// sign up. LoopKit merges the people behind it when Identify names it
	// together with a user ID.
	AnonymousID string
	// UserID is the program's own ID of a known person; empty before signup or
	// login.
	UserID string
	// SessionID is sent as system.sessionId; empty for none.
	SessionID string
}

// NewAnonymousID returns a new random anonymous ID: "anon_" and a version 4
// UUID. It is safe for concurrent use.
func NewAnonymousID() string {
	id, err := uuid.NewRandom()
	if err != nil { // only if the program replaced the UUID package's source of randomness
		id = newMessageID(time.Now())
	}
	return wire.AnonymousPrefix + id.String()
}

// derivedNamespace separates our derived IDs from all other version 5 UUIDs.
// Changing it would give every known user a second anonymous ID.
var derivedNamespace = uuid.MustParse("6f1f3c1e-5f0b-4c55-9f0e-3d0a8f5c1b7d")

// derivedUUID is the UUID in the anonymous ID of messages that know only a user:
// stable, and never shared by two users. It equals uuid.NewSHA1, which would
// allocate.
func derivedUUID(userID string) uuid.UUID {
	var name [len(derivedNamespace) + maxIDBytes]byte
	n := copy(name[:], derivedNamespace[:])
	n += copy(name[n:], userID)
	sum := sha1.Sum(name[:n])
	var id uuid.UUID
	copy(id[:], sum[:])
	id[6] = id[6]&0x0f | 0x50 // version 5
	id[8] = id[8]&0x3f | 0x80 // RFC 9562 variant
	return id
}

func derivedAnonymousID(userID string) string {
	return wire.AnonymousPrefix + derivedUUID(userID).String()
}

// isDerived reports whether an anonymous ID has the form of those derived from
// users: whoever guesses the user ID can compute it.
func isDerived(anonymousID string) bool {
	text, ours := strings.CutPrefix(anonymousID, wire.AnonymousPrefix)
	id, err := uuid.Parse(text)
	return ours && err == nil && id.Version() == 5
}

// scope is what a context carries for the calls made with it.
type scope struct {
	identity   Identity
	identified bool
	withheld   Consent        // levels of consent that are missing to Full
	fields     *contextFields // nil if none
	err        error          // why they cannot be sent
}

type scopeKey struct{}

func scopeOf(ctx context.Context) *scope {
	s, _ := ctx.Value(scopeKey{}).(*scope)
	return s
}

func withScope(ctx context.Context, change func(*scope)) context.Context {
	ctx = orBackground(ctx)
	var next scope
	if s := scopeOf(ctx); s != nil {
		next = *s
	}
	change(&next)
	return context.WithValue(ctx, scopeKey{}, &next)
}

// WithIdentity returns a context whose calls are about id. It replaces an
// identity that ctx already carries.
func WithIdentity(ctx context.Context, id Identity) context.Context {
	return withScope(ctx, func(s *scope) { s.identity, s.identified = id, true })
}

// WithUser returns a context whose calls are about a known user, as after a
// login. It keeps the anonymous ID and session ID of ctx if ctx names no user
// or the same one; another user's are left behind, so that two people are
// never linked.
func WithUser(ctx context.Context, userID string) context.Context {
	return withScope(ctx, func(s *scope) {
		if s.identity.UserID != "" && s.identity.UserID != userID {
			s.identity = Identity{}
		}
		s.identity.UserID = userID
		s.identified = true
	})
}

// IdentityFrom returns the identity that ctx carries, and whether it carries
// one.
func IdentityFrom(ctx context.Context) (Identity, bool) {
	if s := scopeOf(orBackground(ctx)); s != nil && s.identified {
		return s.identity, true
	}
	return Identity{}, false
}

// maxContextBytes bounds the fields of one context; Options.MaxMessageBytes
// bounds the message that carries them.
const maxContextBytes = 1 << 20

// WithContextFields returns a context whose calls carry fields in
// system.context, such as the page or the user agent. They are encoded now and
// win over the fields of ctx and of Options.Context with the same name. Values
// that cannot be encoded make the calls return an [ArgumentError].
func WithContextFields(ctx context.Context, fields Properties) context.Context {
	return withScope(ctx, func(s *scope) {
		if s.err != nil || len(fields) == 0 {
			return
		}
		var before *wire.Fields
		if s.fields != nil {
			before = s.fields.encoded
		}
		merged := &contextFields{}
		merged.encoded, s.err = before.With(fields, maxContextBytes)
		s.fields = merged
	})
}

// A StoredIdentity is what an [IdentityStore] keeps of the client's own session.
type StoredIdentity struct {
	AnonymousID string
	// LinkedTo is the anonymous ID derived from the user whom AnonymousID has
	// been identified as; empty if nobody. The session takes a new anonymous ID
	// before it identifies anybody else, also in a later run. It is no secret:
	// whoever guesses the user ID can compute it.
	LinkedTo string
}

// An IdentityStore keeps the anonymous ID of one installation of a program, so
// that all its runs are one person. The client calls LoadOrSave from New and
// Save from the goroutine of its callbacks (see [Hooks]), before Close returns
// if the context of Close allows, and never both at once. Implementations must
// return an error instead of an identity that they are not sure to have kept;
// the client then reports it to Options.OnError and goes on in memory.
type IdentityStore interface {
	// LoadOrSave returns the identity that is kept. If none is, it keeps
	// candidate and returns it. Of two processes that call it at the same time,
	// both must get the identity of the one that was first.
	LoadOrSave(candidate StoredIdentity) (kept StoredIdentity, err error)
	// Save keeps an identity in place of the one before.
	Save(StoredIdentity) error
}

// FileIdentity returns a store that keeps the anonymous ID in the file at path,
// readable by its owner alone, and LinkedTo in a second line. Missing
// directories are created. A file that holds anything else is an error and
// stays as it is.
func FileIdentity(path string) IdentityStore { return fileIdentity(path) }

var errNoPath = errors.New("loopkit: the path given to FileIdentity is empty")

type fileIdentity string

func (f fileIdentity) LoadOrSave(candidate StoredIdentity) (StoredIdentity, error) {
	kept, err := f.load()
	if !errors.Is(err, fs.ErrNotExist) {
		return kept, err
	}
	// A link fails if the file exists by now: the first creator wins, and nobody
	// ever reads half a file.
	err = f.write(candidate, os.Link)
	if errors.Is(err, fs.ErrExist) {
		return f.load()
	}
	if err != nil {
		return StoredIdentity{}, err
	}
	return candidate, nil
}

func (f fileIdentity) Save(id StoredIdentity) error {
	if _, err := f.load(); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err // whatever it is, it is not ours to replace
	}
	return f.write(id, os.Rename)
}

func (f fileIdentity) load() (StoredIdentity, error) {
	if f == "" {
		return StoredIdentity{}, errNoPath
	}
	text, err := os.ReadFile(string(f))
	if err != nil {
		return StoredIdentity{}, fmt.Errorf("loopkit: reading the identity file: %w", err)
	}
	var kept StoredIdentity
	first, second, _ := strings.Cut(strings.TrimSpace(string(text)), "\n")
	kept.AnonymousID, kept.LinkedTo = strings.TrimSpace(first), strings.TrimSpace(second)
	problem := kept.problem()
	if strings.Contains(second, "\n") {
		problem = "has more than two lines"
	}
	if problem != "" {
		return StoredIdentity{}, fmt.Errorf("loopkit: the identity file %s does not hold an anonymous ID (it %s); remove it to start anew", string(f), problem)
	}
	return kept, nil
}

func (id StoredIdentity) problem() string {
	if id.LinkedTo != "" {
		if problem := idProblem(id.LinkedTo); problem != "" {
			return problem
		}
	}
	return idProblem(id.AnonymousID)
}

func (f fileIdentity) write(id StoredIdentity, publish func(from, to string) error) (err error) {
	dir := filepath.Dir(string(f))
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("loopkit: keeping the identity: %w", err)
	}
	draft, err := os.CreateTemp(dir, filepath.Base(string(f))+".*") // created with mode 0600
	if err != nil {
		return fmt.Errorf("loopkit: keeping the identity: %w", err)
	}
	defer func() {
		if gone := os.Remove(draft.Name()); gone != nil && !errors.Is(gone, fs.ErrNotExist) {
			err = errors.Join(err, gone)
		}
	}()
	text := id.AnonymousID + "\n"
	if id.LinkedTo != "" {
		text += id.LinkedTo + "\n"
	}
	_, err = draft.WriteString(text)
	err = errors.Join(err, draft.Sync(), draft.Close())
	if err == nil {
		err = publish(draft.Name(), string(f))
	}
	if err != nil {
		return fmt.Errorf("loopkit: keeping the identity: %w", err)
	}
	return nil
}
