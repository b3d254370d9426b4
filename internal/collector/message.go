package collector

import (
	"encoding/json"
	"net/http"
	"time"
)

// Kind says what a message is about.
type Kind string

// The kinds of messages.
const (
	KindIdentify    Kind = "identify"
	KindGroup       Kind = "group"
	KindTrack       Kind = "track"
	KindDeleteUser  Kind = "deleteUser"
	KindDeleteGroup Kind = "deleteGroup"
)

// Message is one identify, group, track or deletion as it was received.
type Message struct {
	Kind        Kind
	MessageID   string // empty if the sender gave none
	Name        string // of the event; tracks only
	UserID      string
	AnonymousID string
	GroupID     string
	GroupType   string

	Values    map[string]any // traits or properties; numbers are float64; never nil but for deletions
	ValuesKey string         // "traits" or "properties", or empty if the message had neither

	Timestamp time.Time      // as stated by the message; the time of arrival if it states none
	System    map[string]any // nil if absent
	SessionID string         // system.sessionId

	Raw       json.RawMessage // the message's own JSON; nil for deletions
	Request   int             // index into Requests
	Duplicate bool            // an earlier message had the same message ID
}

// Request describes one HTTP request and how it was answered.
type Request struct {
	Index       int       // place in Requests
	Time        time.Time // of arrival
	Method      string
	Path        string      // as escaped by the sender, without the query
	Endpoint    Endpoint    // empty if the path is none that the collector knows
	Auth        string      // how the key was sent: "bearer", "raw", "query" or "none"
	Form        string      // of the body: "object", "envelope" or "array"; empty for deletions and what could not be parsed
	Compression string      // Content-Encoding; empty if none
	Messages    int         // in the body, whether or not they were stored; 1 for a deletion
	Bytes       int64       // of the body read so far, before decompression
	Status      int         // of the answer; 0 if there is none
	Header      http.Header // without Authorization

	Refusal string // why the Collector refused it; empty if it did not
	Body    []byte // what was read of it, decompressed where that is possible; for Options.Record only
}

// Person is what the messages say about one person.
type Person struct {
	UserID       string         // empty while the person is anonymous
	AnonymousIDs []string       // in order of first sight
	Traits       map[string]any // merged shallowly in order of arrival
	Groups       []string       // group IDs in order of joining
	Events       []Message      // tracks in order of arrival; those with a message ID once each
	FirstSeen    time.Time      // earliest and latest timestamp of the messages; zero after a deletion
	LastSeen     time.Time

	// Deleted says that nothing arrived about the person since the deletion.
	Deleted bool
	// RecreatedAfterDeletion says that a message about a deleted user arrived later.
	RecreatedAfterDeletion bool
	// Conflicts are anonymous IDs that this user and others claimed. The first keeps
	// them. The deletion of one of two ends their conflict.
	Conflicts []string
}

// Group is what the messages say about one group.
type Group struct {
	ID        string
	Type      string         // the last one given
	Traits    map[string]any // merged shallowly in order of arrival
	Members   []string       // user IDs, or an anonymous ID of somebody not identified, in order of joining
	FirstSeen time.Time
	LastSeen  time.Time

	Deleted                bool // see Person
	RecreatedAfterDeletion bool
}
