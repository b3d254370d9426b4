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
	"unicode"
	"unicode/utf8"

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

func (k Kind) String() string {
	names := [...]string{"identify", "group", "track", "deleteUser", "deleteGroup"}
	if int(k) < len(names) {
		return names[k]
	}
	return fmt.Sprintf("Kind(%d)", uint8(k))
}

// A CallOption changes one call of Identify, Group or Track.
type CallOption interface {
	GroupOption
	isCallOption()
}

// A GroupOption changes one call of Group. Every [CallOption] is one too.
type GroupOption interface{ apply(*callOptions) }

type callOptions struct {
	time      time.Time
	timeGiven bool
	identity  *Identity
	messageID string
	idGiven   bool
	groupType string
	typeGiven bool
}

type (
	callOption  func(*callOptions)
	groupOption func(*callOptions)
)

func (f callOption) apply(o *callOptions)  { f(o) }
func (callOption) isCallOption()           {}
func (f groupOption) apply(o *callOptions) { f(o) }

// At sets the message's time instead of the time of the call, for imports. It
// must be in the years 1970 to 9999.
func At(t time.Time) CallOption {
	return callOption(func(o *callOptions) { o.time, o.timeGiven = t, true })
}

// As sets whose message it is, in place of the whole identity of the context
// or Session.
func As(id Identity) CallOption {
	return callOption(func(o *callOptions) { o.identity = &id })
}

// WithMessageID sets the message's ID instead of a new one, so that a
// repeated import repeats IDs. It follows the rules of user IDs.
func WithMessageID(id string) CallOption {
	return callOption(func(o *callOptions) { o.messageID, o.idGiven = id, true })
}

// GroupType sets the group's type. Default: "organization", as in LoopKit's
// own SDKs.
func GroupType(name string) GroupOption {
	return groupOption(func(o *callOptions) { o.groupType, o.typeGiven = name, true })
}

// collect is apart from its caller so that a call without options does not
// move its options to the heap.
func collect[T GroupOption](opts []T) callOptions {
	var o callOptions
	for _, opt := range opts {
		if any(opt) != nil {
			opt.apply(&o)
		}
	}
	return o
}

// draft is a message between the call and the queue.
type draft struct {
	call    string // the method's name, for errors
	kind    Kind
	message wire.Message
	options callOptions
	own     Identity // a session's identity; none for calls of the client
}

// parcel is an encoded message with what the queue needs to know of it.
type parcel struct {
	kind Kind
	body *[]byte // from the client's scratch memory; see Client.prepare
	keys keys
	at   time.Time
}

// prepare validates and encodes on the caller's goroutine, outside all locks.
// The parcel's body must go back to c.scratch.
func (c *Client) prepare(ctx context.Context, d *draft) (parcel, error) {
	if err := d.check(); err != nil {
		return parcel{}, err
	}
	if err := c.address(ctx, d); err != nil {
		return parcel{}, err
	}
	now := c.settings.now()
	m := &d.message
	m.Kind = wire.Kind(d.kind)
	m.Time = now
	if d.options.timeGiven {
		if year := d.options.time.UTC().Year(); year < 1970 || year > 9999 {
			return parcel{}, d.wrong("time", "is before 1970 or after 9999; pass the time at which it happened")
		}
		m.Time = d.options.time
	}
	if d.options.idGiven {
		if err := d.checkID("messageId", d.options.messageID); err != nil {
			return parcel{}, err
		}
		m.ID = d.options.messageID
	} else {
		m.UUID = newMessageID(now)
	}
	m.Context = c.settings.fields

	body := c.scratch.Get().(*[]byte)
	encoded, err := wire.AppendMessage((*body)[:0], m, c.settings.MaxMessageBytes)
	*body = encoded
	if err != nil {
		c.recycle(body)
		return parcel{}, c.encodingError(d.call, err, fmt.Sprintf("%d bytes (Options.MaxMessageBytes)", c.settings.MaxMessageBytes))
	}
	return parcel{kind: d.kind, body: body, at: now, keys: c.queue.keysOf(m)}, nil
}

// check validates the arguments of the call; address validates the identity.
func (d *draft) check() error {
	switch d.kind {
	case KindIdentify:
		return d.checkID("userId", d.message.UserID)
	case KindGroup:
		if err := d.checkID("groupId", d.message.GroupID); err != nil {
			return err
		}
		return d.checkID("groupType", d.message.GroupType)
	}
	if d.message.Name == "" {
		return d.wrong("event", `is empty; pass a name such as "user_signup"`)
	}
	if problem := textProblem(d.message.Name); problem != "" {
		return d.wrong("event", problem)
	}
	return nil
}

// address decides whose message it is: As, then the context, then the session.
func (c *Client) address(ctx context.Context, d *draft) error {
	id := d.own
	if s := scopeOf(ctx); s != nil {
		if s.err != nil {
			return c.encodingError("WithContextFields", s.err, "1 MiB")
		}
		d.message.Scope = s.fields
		if s.identified {
			id = s.identity
		}
	}
	if d.options.identity != nil {
		id = *d.options.identity
	}
	m := &d.message
	if d.kind == KindIdentify {
		if id.UserID != "" && id.UserID != m.UserID {
			c.queue.reporter.warn(causeOtherUser, "loopkit: an identify names another user than its context; "+
				"the anonymous ID of the context was not linked to it (call WithUser or Session.Reset at login and logout)")
			id = Identity{}
		}
	} else {
		m.UserID = id.UserID
		if id.UserID == "" && id.AnonymousID == "" {
			return fmt.Errorf("%w (in %s)", ErrNoIdentity, d.call)
		}
		if id.UserID != "" {
			if err := d.checkID("userId", id.UserID); err != nil {
				return err
			}
		}
	}
	m.AnonymousID, m.SessionID = id.AnonymousID, id.SessionID
	if m.SessionID != "" {
		if err := d.checkID("sessionId", m.SessionID); err != nil {
			return err
		}
	}
	if m.AnonymousID == "" {
		m.DerivedUUID = derivedUUID(m.UserID)
		return nil
	}
	return d.checkID("anonymousId", m.AnonymousID)
}

func (d *draft) wrong(field, reason string) error {
	return &ArgumentError{Call: d.call, Field: field, Reason: reason}
}

func (d *draft) checkID(field, id string) error {
	if problem := idProblem(id); problem != "" {
		return d.wrong(field, problem)
	}
	return nil
}

// encodingError turns an error of the encoder into one of the API.
func (c *Client) encodingError(call string, err error, limit string) error {
	var value *wire.ValueError
	switch {
	case errors.Is(err, wire.ErrTooLarge):
		return fmt.Errorf("%w: the JSON of %s is longer than %s", ErrTooLarge, call, limit)
	case errors.As(err, &value):
		if value.Panicked {
			c.queue.reporter.panicked("the encoding of " + value.Path)
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
		c.queue.refuse(d.call, err)
		return err
	}
	return c.enqueue(ctx, p, nil)
}

const maxIDBytes = 256

// idProblem says what is wrong with a user, group, anonymous, session or
// message ID; "" if nothing is. The placeholders are what other layers print
// for a missing value: taken as an ID they would merge strangers.
func idProblem(id string) string {
	switch id {
	case "":
		return "is empty"
	case "undefined", "null", "nil", "<nil>", "NaN", "[object Object]", "%!s(<nil>)":
		return "is a placeholder for a missing value; pass the real ID"
	}
	return textProblem(id)
}

// textProblem holds for names and IDs alike.
func textProblem(s string) string {
	switch {
	case len(s) > maxIDBytes:
		return fmt.Sprintf("is longer than %d bytes", maxIDBytes)
	case wire.IsPlain(s) && !strings.HasPrefix(s, " ") && !strings.HasSuffix(s, " "): // the other ASCII spaces are control characters, so not plain
		return ""
	case !utf8.ValidString(s):
		return "is not valid UTF-8"
	}
	first, _ := utf8.DecodeRuneInString(s)
	last, _ := utf8.DecodeLastRuneInString(s)
	if unicode.IsSpace(first) || unicode.IsSpace(last) {
		return "begins or ends with a space; trim it"
	}
	return ""
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
