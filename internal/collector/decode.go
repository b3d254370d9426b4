package collector

import (
	"bytes"
	"encoding/json"
	"time"
)

// Split parses the body of a request into its messages: one bare object, an
// array, or an envelope. The form is that of Request.Form.
func Split(endpoint Endpoint, body []byte) (form string, messages []json.RawMessage, err error) {
	return split(endpoint, body, false)
}

// Decode parses one message in any form that a source attests. What it could
// read is in the Message also when there is an error.
func Decode(kind Kind, raw json.RawMessage) (Message, error) {
	if err := checkDepth(raw); err != nil {
		return Message{Kind: kind, Raw: raw}, err
	}
	return decodeMessage(kind, "", raw, false)
}

// split parses a body into its messages: one bare object, an array, or an
// envelope, which is an object with the endpoint's name as key of an array.
func split(endpoint Endpoint, body []byte, strict bool) (form string, elements []json.RawMessage, err error) {
	body = bytes.TrimSpace(body)
	if err := checkDepth(body); err != nil {
		return "", nil, err
	}
	if !json.Valid(body) {
		return "", nil, invalid("the body is not JSON")
	}
	if body[0] == '[' {
		return "array", elements, json.Unmarshal(body, &elements)
	}
	object, err := fieldsOf(body)
	if err != nil {
		return "", nil, err
	}
	enveloped, ok := object[string(endpoint)]
	if !ok {
		return "object", []json.RawMessage{bytes.Clone(body)}, nil
	}
	if strict && len(object) > 1 {
		return "", nil, invalid("the envelope has members beside %s", endpoint)
	}
	if enveloped[0] != '[' {
		return "", nil, invalid("%s must be an array", endpoint)
	}
	return "envelope", elements, json.Unmarshal(enveloped, &elements)
}

// decode checks every element; one that is bad refuses all of them.
func decode(kind Kind, form string, elements []json.RawMessage, strict bool) ([]Message, error) {
	if strict && form == "array" {
		return nil, invalid("a bare array is not documented")
	}
	if strict && len(elements) == 0 {
		return nil, invalid("the body has no messages")
	}
	messages := make([]Message, 0, len(elements))
	for i, raw := range elements {
		m, err := decodeMessage(kind, form, raw, strict)
		if err != nil {
			return nil, invalid("message %d of %d: %v", i+1, len(elements), err)
		}
		messages = append(messages, m)
	}
	return messages, nil
}

func decodeMessage(kind Kind, form string, raw json.RawMessage, strict bool) (Message, error) {
	m := Message{Kind: kind, Raw: raw}
	object, err := fieldsOf(raw)
	if err != nil {
		return m, err
	}
	if strict {
		if err := checkAttested(kind, form, object); err != nil {
			return m, err
		}
	}
	for _, text := range []struct {
		member string
		field  *string
	}{
		{"messageId", &m.MessageID},
		{"userId", &m.UserID},
		{"anonymousId", &m.AnonymousID},
		{"groupId", &m.GroupID},
		{"groupType", &m.GroupType},
		{"name", &m.Name},
	} {
		if *text.field, err = object.text(text.member); err != nil {
			return m, err
		}
	}
	if m.Timestamp, err = object.timestamp(); err != nil {
		return m, err
	}
	if m.Values, m.ValuesKey, err = object.values(); err != nil {
		return m, err
	}
	if m.System, err = object.object("system"); err != nil {
		return m, err
	}
	m.SessionID, _ = m.System["sessionId"].(string)
	return m, checkRequired(m)
}

func checkRequired(m Message) error {
	switch {
	case m.Kind == KindIdentify && m.UserID == "":
		return invalid("an identify needs userId")
	case m.Kind == KindGroup && m.GroupID == "":
		return invalid("a group needs groupId")
	case m.Kind == KindTrack && m.Name == "":
		return invalid("a track needs name")
	case m.Kind == KindTrack && m.AnonymousID == "":
		return invalid("a track needs anonymousId")
	case m.Kind == KindTrack && m.Timestamp.IsZero():
		return invalid("a track needs timestamp, later than the year 1")
	}
	return nil
}

// fields are the members of an object, by their exact names: encoding/json
// would take "userID" for "userId" if it decoded into a struct.
type fields map[string]json.RawMessage

func fieldsOf(raw json.RawMessage) (fields, error) {
	var object fields
	if err := json.Unmarshal(raw, &object); err != nil || object == nil {
		return nil, invalid("a message must be an object")
	}
	return object, nil
}

func (f fields) has(name string) bool {
	raw, ok := f[name]
	return ok && string(raw) != "null"
}

func (f fields) text(name string) (string, error) {
	if !f.has(name) {
		return "", nil
	}
	var text string
	if json.Unmarshal(f[name], &text) != nil {
		return "", invalid("%s must be a string", name)
	}
	return text, nil
}

func (f fields) timestamp() (time.Time, error) {
	text, err := f.text("timestamp")
	if err != nil || !f.has("timestamp") {
		return time.Time{}, err
	}
	var t time.Time
	if t.UnmarshalText([]byte(text)) != nil { // stricter than time.Parse
		return time.Time{}, invalid("timestamp %.60q is not RFC 3339", text)
	}
	return t, nil
}

func (f fields) object(name string) (map[string]any, error) {
	raw, ok := f[name]
	if !ok {
		return nil, nil
	}
	var object map[string]any
	if json.Unmarshal(raw, &object) != nil || object == nil {
		return nil, invalid("%s must be an object", name)
	}
	return object, nil
}

// values returns the traits or properties and the key that they came under.
func (f fields) values() (values map[string]any, key string, err error) {
	for _, name := range []string{"traits", "properties"} {
		if _, ok := f[name]; !ok {
			continue
		}
		if key != "" {
			return nil, "", invalid("traits and properties exclude each other")
		}
		key = name
		if values, err = f.object(name); err != nil {
			return nil, "", err
		}
	}
	if key == "" {
		values = map[string]any{}
	}
	return values, key, nil
}
