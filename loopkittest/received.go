package loopkittest

import "github.com/loopkitai/loopkit-go/internal/collector"

// Message is one identify, group, track or deletion as the server received it.
//
//   - Kind, and MessageID as the sender gave it
//   - Name of the event (tracks), UserID, AnonymousID, GroupID, GroupType: empty if absent
//   - Values: the traits or properties, numbers as float64; ValuesKey: which of the two words the message used
//   - Timestamp, System and SessionID (system.sessionId)
//   - Raw: the message's own JSON
//   - Request: the index into [Server.Requests] of the request that brought it
//   - Duplicate: an earlier message had the same MessageID
type Message = collector.Message

// Request describes one HTTP request, refused and unanswered ones included.
//
//   - Index in [Server.Requests], Time of arrival
//   - Method, Path (without the query), Endpoint
//   - Auth: "bearer", "raw", "query" or "none"
//   - Form of the body: "object", "envelope", "array", or empty if there was none to parse
//   - Compression: the Content-Encoding
//   - Messages: how many the body held, whether or not they were stored
//   - Bytes of the body that were read, before decompression
//   - Status of the answer, 0 if there was none
//   - Header without Authorization
//   - Refusal: why the server refused it, empty if it did not
//   - Body: nil here; what was accepted is in the Raw of its messages
type Request = collector.Request

// Person is what the stored messages say about one person.
//
//   - UserID: empty while the person is anonymous; AnonymousIDs in order of first sight
//   - Traits: merged shallowly in order of arrival
//   - Groups: group IDs in order of joining
//   - Events: tracks in order of arrival, also those from before the identify, each MessageID once
//   - FirstSeen and LastSeen: the earliest and the latest timestamp of the messages
//   - Deleted: nothing arrived about the user since the deletion
//   - RecreatedAfterDeletion: something did
//   - Conflicts: anonymous IDs that more than one user claimed
type Person = collector.Person

// Group is what the stored messages say about one group: ID, Type, Traits,
// Members (user IDs, or anonymous IDs of people not identified), FirstSeen,
// LastSeen, Deleted and RecreatedAfterDeletion as for [Person].
type Group = collector.Group

// Kind says what a [Message] is about.
type Kind = collector.Kind

// The kinds of messages.
const (
	KindIdentify    = collector.KindIdentify
	KindGroup       = collector.KindGroup
	KindTrack       = collector.KindTrack
	KindDeleteUser  = collector.KindDeleteUser
	KindDeleteGroup = collector.KindDeleteGroup
)

// Endpoint names what a request is for.
type Endpoint = collector.Endpoint

// The endpoints of a [Server].
const (
	Identifies     = collector.Identifies     // POST /identifies
	Groups         = collector.Groups         // POST /groups
	Tracks         = collector.Tracks         // POST /tracks
	UserDeletions  = collector.UserDeletions  // DELETE /users/{id}
	GroupDeletions = collector.GroupDeletions // DELETE /groups/{id}
	SDKVersions    = collector.SDKVersions    // GET /sdk-versions

	// Any stands for every request where faults are set.
	Any Endpoint = "any"
)
