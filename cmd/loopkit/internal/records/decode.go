package records

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/loopkitai/loopkit-go/internal/collector"
)

const typeMember = "type"

// Decode reads one line of NDJSON. What it could read is in the Message also when
// there is an error. The message's Raw is the line without its type.
func Decode(text []byte) (collector.Message, error) {
	text = bytes.TrimSpace(text)
	if !json.Valid(text) {
		return collector.Message{}, errors.New("it is not JSON")
	}
	if text[0] == '[' {
		return collector.Message{}, errors.New("it is an array; write one object a line")
	}
	kind, raw, err := takeType(text)
	if err != nil {
		return collector.Message{}, err
	}
	// Without a kind, as the collector stops at the first member that is missing.
	m, err := collector.Decode("", raw)
	m.Kind = kind
	switch {
	case err == nil:
		err = missing(&m)
	case !timestampIsValid(raw): // the collector's error quotes it
		err = errors.New("timestamp is not RFC 3339, such as 2025-01-15T10:30:00Z")
	}
	if kind == collector.KindDeleteUser || kind == collector.KindDeleteGroup {
		m.Values, m.ValuesKey, m.Raw = nil, "", nil
	}
	return m, err
}

// timestampIsValid does not judge what is no text.
func timestampIsValid(raw []byte) bool {
	valid := true
	for name, value := range Members(raw) {
		var text string
		if name == "timestamp" && json.Unmarshal(value, &text) == nil && string(value) != "null" {
			valid = new(time.Time).UnmarshalText([]byte(text)) == nil
		}
	}
	return valid
}

func takeType(text []byte) (collector.Kind, []byte, error) {
	const want = "it must be identify, group, track, deleteUser or deleteGroup"
	found, ok := findMember(text, typeMember)
	if !ok {
		return "", nil, errors.New(`it has no "type"; ` + want)
	}
	var kind collector.Kind
	if json.Unmarshal(found.value, &kind) != nil {
		return "", nil, errors.New(`its "type" is not a string; ` + want)
	}
	if !known(kind) {
		return "", nil, fmt.Errorf(`the "type" %.40q is unknown; %s`, kind, want)
	}
	rest := found.without(text)
	if _, again := findMember(rest, typeMember); again {
		return "", nil, errors.New(`it has "type" twice`)
	}
	return kind, rest, nil
}

func known(kind collector.Kind) bool {
	switch kind {
	case collector.KindIdentify, collector.KindGroup, collector.KindTrack, collector.KindDeleteUser, collector.KindDeleteGroup:
		return true
	}
	return false
}

// missing reports what a message of its kind must have.
func missing(m *collector.Message) error {
	switch {
	case m.Kind == collector.KindIdentify && m.UserID == "":
		return errors.New("an identify needs userId")
	case m.Kind == collector.KindGroup && m.GroupID == "":
		return errors.New("a group needs groupId")
	case m.Kind == collector.KindTrack && m.Name == "":
		return errors.New("a track needs name")
	case m.Kind == collector.KindTrack && m.Timestamp.IsZero():
		return errors.New("a track needs timestamp")
	case m.Kind == collector.KindTrack && m.AnonymousID == "":
		return ErrNoAnonymousID
	case m.Kind == collector.KindDeleteUser && m.UserID == "":
		return errors.New("a deleteUser needs userId")
	case m.Kind == collector.KindDeleteGroup && m.GroupID == "":
		return errors.New("a deleteGroup needs groupId")
	}
	return nil
}
