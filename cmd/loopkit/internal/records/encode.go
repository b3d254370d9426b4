package records

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/loopkitai/loopkit-go/internal/collector"
)

// Encode returns the line of NDJSON that Decode reads as m, with its line end.
// It is the message as it was received, if that is known, and else what the
// fields say. A message that states no time gets that of its arrival.
func Encode(m collector.Message) ([]byte, error) {
	if !known(m.Kind) {
		return nil, fmt.Errorf("encoding a message: the kind %q is unknown", m.Kind)
	}
	raw := []byte(m.Raw)
	if raw == nil {
		var err error
		if raw, err = fromFields(&m); err != nil {
			return nil, err
		}
	}
	if old, ok := findMember(raw, typeMember); ok {
		raw = old.without(raw)
	}
	head := fmt.Sprintf(`{"type":%q`, m.Kind)
	if stated, ok := findMember(raw, "timestamp"); !m.Timestamp.IsZero() && (!ok || string(stated.value) == "null") {
		if ok {
			raw = stated.without(raw)
		}
		at, err := json.Marshal(m.Timestamp)
		if err != nil {
			return nil, fmt.Errorf("encoding a message: %w", err)
		}
		head += `,"timestamp":` + string(at)
	}
	var rest bytes.Buffer
	if err := json.Compact(&rest, raw); err != nil {
		return nil, fmt.Errorf("encoding a message: %w", err)
	}
	if rest.Bytes()[0] != '{' {
		return nil, errors.New("encoding a message: it is not a JSON object")
	}
	line := append([]byte(head), ',')
	if rest.Len() == len("{}") {
		line = line[:len(line)-1]
	}
	line = append(line, rest.Bytes()[1:]...)
	return append(line, '\n'), nil
}

func fromFields(m *collector.Message) ([]byte, error) {
	var traits, properties map[string]any
	if m.ValuesKey == "traits" {
		traits = m.Values
	} else {
		properties = m.Values
	}
	raw, err := json.Marshal(struct {
		MessageID   string         `json:"messageId,omitempty"`
		Name        string         `json:"name,omitempty"`
		UserID      string         `json:"userId,omitempty"`
		AnonymousID string         `json:"anonymousId,omitempty"`
		GroupID     string         `json:"groupId,omitempty"`
		GroupType   string         `json:"groupType,omitempty"`
		Traits      map[string]any `json:"traits,omitempty"`
		Properties  map[string]any `json:"properties,omitempty"`
		System      map[string]any `json:"system,omitempty"`
	}{m.MessageID, m.Name, m.UserID, m.AnonymousID, m.GroupID, m.GroupType, traits, properties, m.System})
	if err != nil {
		return nil, fmt.Errorf("encoding a message: %w", err)
	}
	return raw, nil
}
