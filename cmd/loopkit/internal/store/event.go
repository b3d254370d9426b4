package store

import (
	"time"

	"github.com/loopkitai/loopkit-go/cmd/loopkit/internal/rules"
	"github.com/loopkitai/loopkit-go/internal/collector"
)

// Event is the JSON form of an Entry.
type Event struct {
	Seq         int64          `json:"seq"`
	Type        string         `json:"type"` // a collector.Kind, or TypeRefused
	MessageID   string         `json:"messageId,omitempty"`
	Name        string         `json:"name,omitempty"`
	UserID      string         `json:"userId,omitempty"`
	AnonymousID string         `json:"anonymousId,omitempty"`
	GroupID     string         `json:"groupId,omitempty"`
	GroupType   string         `json:"groupType,omitempty"`
	Traits      map[string]any `json:"traits,omitempty"`     // of an identify or group
	Properties  map[string]any `json:"properties,omitempty"` // of a track
	Timestamp   *time.Time     `json:"timestamp,omitempty"`
	System      map[string]any `json:"system,omitempty"`
	Duplicate   bool           `json:"duplicate,omitempty"` // its message ID came before
	Restored    bool           `json:"restored,omitempty"`  // read from a file: the request says only from which
	Request     EventRequest   `json:"request"`
	Warnings    []EventWarning `json:"warnings,omitempty"`
}

// TypeRefused is the type of an event for a request that brought no message
// that was accepted.
const TypeRefused = "refused"

// EventRequest is how an event arrived.
type EventRequest struct {
	Number  int       `json:"number"`
	Time    time.Time `json:"time"`
	Method  string    `json:"method"`
	Path    string    `json:"path"`
	Status  int       `json:"status"` // 0 if there was no answer
	Auth    string    `json:"auth"`
	Form    string    `json:"form,omitempty"`
	Bytes   int64     `json:"bytes"`
	Records int       `json:"records"`
	Refusal string    `json:"refusal,omitempty"`
}

// EventWarning is what a rule found in an event.
type EventWarning struct {
	Rule     string         `json:"rule"`
	Severity rules.Severity `json:"severity"`
	Detail   string         `json:"detail"`
}

// NewEvent returns the JSON form of an entry.
func NewEvent(e *Entry) Event {
	r := e.Request
	event := Event{
		Seq:      e.Seq,
		Type:     TypeRefused,
		Restored: e.Restored,
		Request: EventRequest{
			Number:  r.Index,
			Time:    r.Time,
			Method:  r.Method,
			Path:    r.Path,
			Status:  r.Status,
			Auth:    r.Auth,
			Form:    r.Form,
			Bytes:   r.Bytes,
			Records: r.Messages,
			Refusal: r.Refusal,
		},
	}
	for _, f := range e.Findings {
		event.Warnings = append(event.Warnings, EventWarning{f.Rule.ID, f.Rule.Severity, f.Detail})
	}
	if e.Message != nil {
		event.describe(e.Message)
	}
	return event
}

func (event *Event) describe(m *collector.Message) {
	event.Type = string(m.Kind)
	event.MessageID = m.MessageID
	event.Name = m.Name
	event.UserID = m.UserID
	event.AnonymousID = m.AnonymousID
	event.GroupID = m.GroupID
	event.GroupType = m.GroupType
	event.Timestamp = &m.Timestamp
	event.System = m.System
	event.Duplicate = m.Duplicate
	if m.Kind == collector.KindTrack {
		event.Properties = m.Values
	} else {
		event.Traits = m.Values
	}
}
