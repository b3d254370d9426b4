package loopkit

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/loopkitai/loopkit-go/internal/wire"
)

// Traits describe a person or a group: its plan, its size. Values may be
// anything that encoding/json encodes; LoopKit's documentation shows flat
// strings, numbers and booleans. The call encodes them before it returns, so
// the map may be reused afterwards, but not changed while the call runs.
type Traits map[string]any

// Properties describe an event. See [Traits] for the values.
type Properties map[string]any

// TraitsOf turns a struct, by its json tags, or any other value that encodes
// to a JSON object, into traits. It returns an [ArgumentError] for anything
// else, and for what is too large or too deep for any message.
func TraitsOf(v any) (Traits, error) {
	wrong := func(reason string) error {
		return &ArgumentError{Call: "TraitsOf", Field: fmt.Sprintf("value of type %T", v), Reason: reason}
	}
	text, err := wire.Marshal(v, mostMessageBytes)
	if err != nil {
		return nil, wrong("cannot be encoded as JSON")
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber() // an int64 keeps all its digits
	var traits Traits
	if err := decoder.Decode(&traits); err != nil || traits == nil {
		return nil, wrong("is not a JSON object; pass a struct or a map with string keys")
	}
	return traits, nil
}

// Kind is the kind of a message.
type Kind uint8

// The kinds of message, one for each call.
const (
	KindIdentify Kind = iota
	KindGroup
	KindTrack
	KindDeleteUser
	KindDeleteGroup
)

func (k Kind) isDeletion() bool { return k == KindDeleteUser || k == KindDeleteGroup }

func (k Kind) String() string {
	names := [...]string{"identify", "group", "track", "deleteUser", "deleteGroup"}
	if int(k) < len(names) {
		return names[k]
	}
	return fmt.Sprintf("Kind(%d)", uint8(k))
}

// Message is what [Options.Consent] and [Options.BeforeSend] see of a call of
// Identify, Group or Track.
type Message struct {
	Kind        Kind // KindIdentify, KindGroup or KindTrack
	MessageID   string
	Name        string // of the event; Track only
	UserID      string // empty if no user is known
	AnonymousID string // empty if the message carries one derived from UserID
	SessionID   string
	GroupID     string         // Group only
	GroupType   string         // Group only
	Values      map[string]any // traits or properties
	Context     Properties     // system.context
	Timestamp   time.Time
}

// draft is a message between the call and the queue.
type draft struct {
	call    string // the method's name, for errors
	kind    Kind
	message wire.Message
	options callOptions
	own     Identity // a session's identity; none for calls of the client
	// ownLinked tells that the anonymous ID of own was identified, and that it
	// is the message's.
	ownLinked bool
	scope     *scope // what the context carries; nil if nothing
}

// parcel is an encoded message with what the queue needs to know of it.
type parcel struct {
	kind Kind
	body *[]byte // from the client's scratch memory; see Client.prepare
	keys keys
	at   time.Time

	redacted int // values that privacy changed
}

// prepare validates and encodes on the caller's goroutine, outside all locks.
// The parcel's body must go back to c.scratch. The error is errWithheld if the
// message must not be sent.
func (c *Client) prepare(ctx context.Context, d *draft) (parcel, error) {
	now := c.settings.now()
	d.complete(now)
	if err := d.check(); err != nil {
		return parcel{}, err
	}
	d.scope = scopeOf(ctx)
	if err := c.address(d); err != nil {
		return parcel{}, err
	}
	level := c.consent(ctx, d)
	if !d.permit(level) { // before the identity is missed: who has not agreed has none
		return parcel{}, errWithheld
	}
	if err := d.checkIdentity(); err != nil {
		return parcel{}, err
	}
	body := c.scratch.Get().(*[]byte)
	encoded, redacted, err := c.encode(ctx, d, level, (*body)[:0])
	*body = encoded
	if err != nil {
		c.recycle(body)
		return parcel{}, c.encodingError(d.call, err, fmt.Sprintf("%d bytes (Options.MaxMessageBytes)", c.settings.MaxMessageBytes))
	}
	return parcel{kind: d.kind, body: body, at: now, keys: c.queue.keysOf(&d.message), redacted: redacted}, nil
}

// complete fills in what the call did not give.
func (d *draft) complete(now time.Time) {
	m := &d.message
	m.Kind, m.Time, m.ID = wire.Kind(d.kind), now, d.options.messageID
	if d.options.timeGiven {
		m.Time = d.options.time
	}
	if !d.options.idGiven {
		m.UUID = newMessageID(now)
	}
}

// address decides whose message it is: As, then the context, then the session.
func (c *Client) address(d *draft) error {
	id := d.own
	if s := d.scope; s != nil {
		if s.err != nil {
			return c.encodingError("WithContextFields", s.err, "1 MiB")
		}
		if s.identified {
			id, d.ownLinked = s.identity, false
		}
	}
	if d.options.identity != nil {
		id, d.ownLinked = *d.options.identity, false
	}
	m := &d.message
	if d.kind != KindIdentify {
		m.UserID = id.UserID
	} else if id.UserID != "" && id.UserID != m.UserID {
		c.queue.reporter.warn(causeOtherUser, "loopkit: an identify names another user than its context; "+
			"the anonymous ID of the context was not linked to it (call WithUser or Session.Reset at login and logout)")
		id = Identity{}
	}
	m.AnonymousID, m.SessionID = id.AnonymousID, id.SessionID
	return nil
}

// shown is the draft as user code sees it. Its Values are not copied, its
// Context is left out.
func (d *draft) shown() *Message {
	m := &d.message
	shown := &Message{
		Kind: d.kind, MessageID: m.ID, Name: m.Name,
		UserID: m.UserID, AnonymousID: m.AnonymousID, SessionID: m.SessionID,
		GroupID: m.GroupID, GroupType: m.GroupType,
		Values: m.Values, Timestamp: m.Time,
	}
	if m.ID == "" {
		shown.MessageID = m.UUID.String()
	}
	if isDerived(m.AnonymousID) && m.AnonymousID == derivedAnonymousID(m.UserID) { // as of a session that knows only a user
		shown.AnonymousID = ""
	}
	return shown
}

// encodingError turns an error of the encoder into one of the API.
func (c *Client) encodingError(call string, err error, limit string) error {
	var value *wire.ValueError
	var argument *ArgumentError
	switch {
	case errors.Is(err, errWithheld), errors.Is(err, ErrNoIdentity), errors.As(err, &argument): // of the API already
		return err
	case errors.Is(err, wire.ErrTooLarge):
		return fmt.Errorf("%w: the JSON of %s is longer than %s", ErrTooLarge, call, limit)
	case errors.As(err, &value):
		if value.Panicked {
			values, _, _ := strings.Cut(value.Path, ".") // not more of the path: keys may be data
			c.queue.reporter.panicked("the encoding of " + values)
		}
		return &ArgumentError{Call: call, Field: value.Path, Reason: value.Reason}
	}
	return fmt.Errorf("loopkit.%s: %w", call, err)
}

// send is the way of every Identify, Group and Track of the client.
func (c *Client) send(ctx context.Context, d *draft) error {
	ctx = orBackground(ctx)
	p, err := c.prepare(ctx, d)
	if err != nil {
		return c.refuse(d, err)
	}
	return c.enqueue(ctx, p, nil)
}

// refuse accounts for a call that does not get as far as the queue, and returns
// what the caller is told.
func (c *Client) refuse(d *draft, err error) error {
	if errors.Is(err, errWithheld) {
		c.queue.withhold()
		return nil
	}
	c.queue.refuse(d.call, err)
	return err
}

// newMessageID is a version 7 UUID without the lock and allocation of
// uuid.NewV7. It need not be secret, only unique: behind the milliseconds stand
// twelve bits of their fraction (RFC 9562, section 6.2, method 3), so that IDs
// sort by time, and then 62 random bits.
func newMessageID(now time.Time) uuid.UUID {
	const version, variant = 7, 0b10
	nanoseconds := now.Nanosecond()
	milliseconds := uint64(now.Unix())*1000 + uint64(nanoseconds/1e6)
	fraction := uint64(nanoseconds%1e6) << 12 / 1e6
	var id uuid.UUID
	binary.BigEndian.PutUint64(id[:8], milliseconds<<16|version<<12|fraction)
	binary.BigEndian.PutUint64(id[8:], variant<<62|rand.Uint64()>>2)
	return id
}

func newScratch() any {
	b := make([]byte, 0, 1<<10)
	return &b
}

// recycle gives scratch memory back, unless one huge message made it grow.
func (c *Client) recycle(body *[]byte) {
	if cap(*body) <= 64<<10 {
		c.scratch.Put(body)
	}
}
