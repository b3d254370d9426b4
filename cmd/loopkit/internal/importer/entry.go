package importer

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"

	"github.com/loopkitai/loopkit-go"
	"github.com/loopkitai/loopkit-go/cmd/loopkit/internal/records"
	"github.com/loopkitai/loopkit-go/internal/collector"
)

// entry is a record that a client can send as it is.
type entry struct {
	line      int64
	kind      collector.Kind
	messageID string
	identity  loopkit.Identity
	groupID   string
	groupType string
	name      string
	at        time.Time
	values    json.RawMessage
	context   json.RawMessage // of system
	record    json.RawMessage // to be set aside
}

// newEntry returns an error if the client would have to leave something out, or
// to send something else. hash is that of the file; began is the time of a record
// that states none, so that it has the same whenever it is sent.
func newEntry(r *records.Record, hash string, began time.Time) (entry, error) {
	m := &r.Message
	alone := errors.Is(r.Err, records.ErrNoAnonymousID) && m.UserID != "" // the client derives an anonymous ID
	switch {
	case r.Err != nil && !alone:
		return entry{}, r.Err
	case !utf8.Valid(r.Raw):
		return entry{}, errors.New("it is not valid UTF-8")
	case m.Kind == collector.KindDeleteUser:
		return entry{}, errors.New(`deletions are not imported; use "loopkit delete-user"`)
	case m.Kind == collector.KindDeleteGroup:
		return entry{}, errors.New(`deletions are not imported; use "loopkit delete-group"`)
	}
	e := entry{
		line: r.Line, kind: m.Kind, messageID: m.MessageID,
		identity: loopkit.Identity{UserID: m.UserID, AnonymousID: m.AnonymousID, SessionID: m.SessionID},
		groupID:  m.GroupID, groupType: m.GroupType, name: m.Name, at: m.Timestamp,
		record: recordOf(r),
	}
	if e.messageID == "" {
		e.messageID = messageID(hash, e.line, e.record)
	}
	if err := e.takeMembers(); err != nil {
		return e, err
	}
	if e.at.IsZero() {
		e.at = began
	}
	return e, e.checkText()
}

// endpoint is where the record goes.
func (e *entry) endpoint() string {
	switch e.kind {
	case collector.KindIdentify:
		return "identifies"
	case collector.KindGroup:
		return "groups"
	}
	return "tracks"
}

// own are the members of a kind of message beside those of all kinds.
var own = map[collector.Kind][]string{
	collector.KindIdentify: nil,
	collector.KindGroup:    {"groupId", "groupType"},
	collector.KindTrack:    {"name"},
}

// takeMembers keeps parts of the record, so that nothing else of it stays in memory.
func (e *entry) takeMembers() error {
	return e.eachMember(e.record, "", func(name string, value json.RawMessage) error {
		if string(value) == "null" {
			return nil
		}
		switch name {
		case "timestamp":
			if e.at.IsZero() { // it would be taken for none
				return errors.New("timestamp is before 1970")
			}
			return nil
		case "type", "messageId", "userId", "anonymousId":
			return nil
		case "traits", "properties":
			e.values = value
			return e.eachMember(value, name+".", nil)
		case "system":
			return e.takeSystem(value)
		}
		if !slices.Contains(own[e.kind], name) {
			return fmt.Errorf("it has %.40q, which a message of type %s cannot carry", name, e.kind)
		}
		return nil
	})
}

// takeSystem leaves out the SDK: it says who sends the message, and that is this program's.
func (e *entry) takeSystem(system []byte) error {
	return e.eachMember(system, "system.", func(name string, value json.RawMessage) error {
		switch {
		case string(value) == "null", name == "sdk":
		case name == "sessionId":
			if value[0] != '"' {
				return errors.New("system.sessionId must be a string")
			}
		case name == "context":
			if value[0] != '{' {
				return errors.New("system.context must be an object")
			}
			e.context = value
			return e.eachMember(value, "system.context.", nil)
		default:
			return fmt.Errorf("it has system.%.40q, which a message cannot carry", name)
		}
		return nil
	})
}

// eachMember calls take for the members of an object. It returns an error if a
// name is there twice, of which only one would be sent.
func (e *entry) eachMember(object []byte, path string, take func(name string, value json.RawMessage) error) error {
	seen := map[string]bool{}
	for name, value := range records.Members(object) {
		if seen[name] {
			return fmt.Errorf("it has %s%.40q twice", path, name)
		}
		seen[name] = true
		if err := e.checkWhole(name, path+"…"); err != nil {
			return err
		}
		if take == nil {
			continue
		}
		if err := take(name, value); err != nil {
			return err
		}
	}
	return nil
}

func (e *entry) checkText() error {
	for _, text := range []struct{ member, value string }{
		{"messageId", e.messageID}, {"userId", e.identity.UserID}, {"anonymousId", e.identity.AnonymousID},
		{"system.sessionId", e.identity.SessionID}, {"groupId", e.groupID}, {"groupType", e.groupType}, {"name", e.name},
	} {
		if err := e.checkWhole(text.value, text.member); err != nil {
			return err
		}
	}
	return nil
}

// checkWhole refuses half a character, in whose place U+FFFD would be sent: two
// people could become one.
func (e *entry) checkWhole(text, member string) error {
	if strings.ContainsRune(text, utf8.RuneError) && !bytes.ContainsRune(e.record, utf8.RuneError) {
		return fmt.Errorf(`%s has half a character (a \ud8xx without its other half)`, member)
	}
	return nil
}

// idSpace is that of the message IDs that this package makes up.
var idSpace = uuid.MustParse("5f0c24ac-57ad-4a0a-9f4c-2f1f2f3f7c6e")

// messageID is the same whenever the file is imported. The record is part of it,
// because two files may begin alike, and because a row of CSV that is read in
// another way is another message.
func messageID(hash string, line int64, record []byte) string {
	name := make([]byte, 0, len(hash)+24+len(record))
	name = append(append(name, hash...), ' ')
	name = append(strconv.AppendInt(name, line, 10), ' ')
	return uuid.NewSHA1(idSpace, append(name, record...)).String()
}

// recordOf is what is kept of a record that is set aside.
func recordOf(r *records.Record) json.RawMessage {
	switch {
	case json.Valid(r.Raw) && bytes.HasPrefix(r.Raw, []byte("{")):
		return r.Raw
	case r.Message.Raw != nil: // of CSV
		if line, err := records.Encode(r.Message); err == nil {
			return bytes.TrimSpace(line)
		}
	case r.Raw == nil:
		return nil
	}
	text, err := json.Marshal(string(r.Raw))
	if err != nil {
		return nil // a text is never refused
	}
	return text
}

// send hands the entry to a client.
func (e *entry) send(ctx context.Context, client *loopkit.Client) error {
	if e.context != nil {
		ctx = loopkit.WithContextFields(ctx, object(e.context))
	}
	common := []loopkit.CallOption{loopkit.As(e.identity), loopkit.WithMessageID(e.messageID), loopkit.At(e.at)}
	switch e.kind {
	case collector.KindIdentify:
		return client.Identify(ctx, e.identity.UserID, loopkit.Traits(object(e.values)), common...)
	case collector.KindTrack:
		return client.Track(ctx, e.name, object(e.values), common...)
	}
	options := make([]loopkit.GroupOption, 0, len(common)+1)
	for _, option := range common {
		options = append(options, option)
	}
	if e.groupType != "" {
		options = append(options, loopkit.GroupType(e.groupType))
	}
	return client.Group(ctx, e.groupID, loopkit.Traits(object(e.values)), options...)
}

// object keeps values as they are written: a number loses no digit.
func object(text []byte) loopkit.Properties {
	members := loopkit.Properties{}
	for name, value := range records.Members(text) {
		members[name] = value
	}
	return members
}
