// Package wire turns calls into the JSON that LoopKit's endpoints take.
//
// Its encoder appends to a byte slice, without reflection or allocation for the
// types that properties usually have, and leaves all others to encoding/json.
// What it writes means the same as what encoding/json would write.
package wire

import (
	"math"
	"time"

	"github.com/google/uuid"
)

// Kind is what a message is about, and thereby its endpoint.
type Kind uint8

// The kinds of message.
const (
	Identify Kind = iota
	Group
	Track
)

// Message is one message as it goes over the wire.
type Message struct {
	Kind        Kind
	ID          string // the caller's own message ID; UUID is written when it is empty
	UUID        uuid.UUID
	Name        string // of the event; track only
	UserID      string // omitted when empty
	AnonymousID string
	DerivedUUID uuid.UUID      // written behind AnonymousPrefix when AnonymousID is empty
	GroupID     string         // group only
	GroupType   string         // group only
	Values      map[string]any // traits of an identify or a group, properties of a track; nil is written as {}
	Time        time.Time
	SessionID   string  // omitted when empty
	Context     *Fields // of every message of the client; may be nil
	Scope       *Fields // of this call's context.Context; wins over Context key by key; may be nil
	Watch       *Watch  // over the members of Values; may be nil
}

// AnonymousPrefix is what anonymous IDs of this SDK begin with; a UUID follows.
const AnonymousPrefix = "anon_"

// The end of a message but for its session, its context and two braces.
const system = `,"system":{"sdk":{"name":"` + SDKName + `","version":"` + Version + `"}`

// AppendMessage appends m as a JSON object to dst.
// The object has its values under "properties", whatever its kind; see [Documented].
//
// At most limit bytes are appended; a message that needs more is ErrTooLarge.
// A value that cannot be sent is a *ValueError; Watch may end it with ErrWatched.
// With an error dst comes back at its old length, and what lies beyond is undefined.
func AppendMessage(dst []byte, m *Message, limit int) ([]byte, error) {
	lim := limits{end: len(dst) + min(limit, math.MaxInt-len(dst)), depth: maxDepth}
	out, err := appendMessage(dst, m, lim)
	if err != nil {
		return dst, err
	}
	return out, nil
}

func appendMessage(dst []byte, m *Message, lim limits) ([]byte, error) {
	// One look at the lengths spares a check at each of these strings.
	if !lim.fit(dst, len(m.ID)+len(m.Name)+len(m.UserID)+len(m.AnonymousID)+
		len(m.GroupID)+len(m.GroupType)+len(m.SessionID)) {
		return dst, ErrTooLarge
	}
	if !writable(m.Time) {
		return dst, &ValueError{Path: "timestamp", Reason: "its year is not between 0 and 9999 in UTC"}
	}

	dst = appendIdentity(dst, m)
	dst = append(dst, `,"properties":`...)
	dst, err := appendMessageValues(dst, m, lim)
	if err != nil {
		return dst, err
	}
	dst = append(dst, `,"timestamp":`...)
	dst = AppendTime(dst, m.Time)
	dst = append(dst, system...)
	if m.SessionID != "" {
		dst = append(dst, `,"sessionId":`...)
		dst = AppendString(dst, m.SessionID)
	}
	if m.Context != nil || m.Scope != nil {
		dst = append(dst, `,"context":`...)
		dst = appendFields(dst, m.Context, m.Scope)
	}
	dst = append(dst, `}}`...)
	if !lim.fit(dst, 0) {
		return dst, ErrTooLarge
	}
	return dst, nil
}

// appendIdentity appends what comes before the values: for an identify and a
// group nothing but strings, which Documented relies on.
func appendIdentity(dst []byte, m *Message) []byte {
	dst = append(dst, `{"messageId":`...)
	if m.ID != "" {
		dst = AppendString(dst, m.ID)
	} else {
		dst = append(dst, '"')
		dst = AppendUUID(dst, m.UUID)
		dst = append(dst, '"')
	}
	switch m.Kind {
	case Group:
		dst = append(dst, `,"groupId":`...)
		dst = AppendString(dst, m.GroupID)
		dst = append(dst, `,"groupType":`...)
		dst = AppendString(dst, m.GroupType)
	case Track:
		dst = append(dst, `,"name":`...)
		dst = AppendString(dst, m.Name)
	}
	if m.UserID != "" {
		dst = append(dst, `,"userId":`...)
		dst = AppendString(dst, m.UserID)
	}
	dst = append(dst, `,"anonymousId":`...)
	if m.AnonymousID != "" {
		return AppendString(dst, m.AnonymousID)
	}
	dst = append(dst, `"`+AnonymousPrefix...)
	return append(AppendUUID(dst, m.DerivedUUID), '"')
}

func appendMessageValues(dst []byte, m *Message, lim limits) ([]byte, error) {
	if len(m.Values) == 0 {
		return append(dst, `{}`...), nil
	}
	lim.watch = m.Watch
	dst, err := appendObject(dst, m.Values, lim, appendValue)
	if err != nil {
		return dst, prependPath(err, m.Kind.ValuesName())
	}
	return dst, nil
}

// ValuesName is what LoopKit's documentation calls the values of such a message.
func (k Kind) ValuesName() string {
	if k == Track {
		return "properties"
	}
	return "traits"
}
