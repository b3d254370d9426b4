package rules

import (
	"hash/maphash"
	"strings"
	"time"

	"github.com/loopkitai/loopkit-go/internal/collector"
)

// sighting is a message together with what is known of those it names. IDs that
// name nobody in particular are empty here.
type sighting struct {
	number  int64
	message *collector.Message
	request *collector.Request
	arrived time.Time // for a file, when it is looked at

	userKey, groupKey string // folded
	anonymousID       string

	person  *person // each nil if it was not seen before
	device  *device
	group   *group
	session *session

	drifts bool // the session has another anonymous ID

	content  uint64 // hash of the message's ID, or else of the message; 0 if it has neither
	repeated moment // the message that this one repeats; zero if none
}

func (s *sighting) live() bool { return s.request != nil }

// look changes nothing.
func (h *history) look(in *Input, now func() time.Time) *sighting {
	m := &in.Message
	s := &sighting{number: in.Number, message: m, request: in.Request}
	if s.live() {
		s.arrived = in.Request.Time
	} else {
		s.arrived = now()
	}
	if judged(m.UserID) {
		s.userKey = fold(m.UserID)
		s.person, _ = h.people.get(s.userKey)
	}
	if judged(m.GroupID) {
		s.groupKey = fold(m.GroupID)
		s.group, _ = h.groups.get(s.groupKey)
	}
	if judged(m.AnonymousID) {
		s.anonymousID = m.AnonymousID
		s.device, _ = h.devices.get(m.AnonymousID)
	}
	if remembered(m.SessionID) {
		s.session, _ = h.sessions.get(m.SessionID)
	}
	s.drifts = s.driftsInSession()
	h.compare(s)
	return s
}

// driftsInSession reports whether the message should have the anonymous ID of
// its session and has another. A change of users in a session is no drift.
func (s *sighting) driftsInSession() bool {
	t := s.session
	if t == nil || t.reported || s.anonymousID == "" || s.anonymousID == t.device.id || t.device.derived || isDerived(s.anonymousID) {
		return false
	}
	return t.person == nil || t.person.key == s.userKey
}

// compare finds the message that this one repeats.
func (h *history) compare(s *sighting) {
	switch m := s.message; {
	case m.MessageID != "":
		s.content = maphash.String(h.seed, m.MessageID)
		s.repeated, _ = h.repeats.get(s.content)
	case len(m.Raw) > 0:
		s.content = maphash.Bytes(h.seed, m.Raw)
		if seen, ok := h.repeats.get(s.content); ok && (!s.live() || s.arrived.Sub(seen.time) <= retryWindow) {
			s.repeated = seen
		}
	}
}

// remembered reports whether an ID is worth keeping: memory is bounded.
func remembered(id string) bool { return id != "" && len(id) <= longestID }

// judged reports whether an ID stands for somebody in particular.
func judged(id string) bool { return remembered(id) && !isPlaceholder(id) }

// fold makes spellings of one ID equal.
func fold(id string) string {
	return strings.ToLower(unwrapped(id)) // both return what is so already
}

// unwrapped is the ID without spaces and quotation marks around it, such as
// those of a cookie or of JSON that was not parsed.
func unwrapped(id string) string {
	id = strings.TrimSpace(id)
	for {
		inner := strings.TrimSuffix(strings.TrimPrefix(id, "%22"), "%22")
		inner = strings.Trim(inner, `"' `)
		if inner == id {
			return id
		}
		id = inner
	}
}

// isDerived reports whether an anonymous ID was made from a user ID, as this
// SDK does where only a user is known: it holds a UUID of version 5.
func isDerived(anonymousID string) bool {
	const prefix, versionAt, length = len("anon_"), 14, 36
	return len(anonymousID) == prefix+length && strings.HasPrefix(anonymousID, "anon_") &&
		anonymousID[prefix+versionAt] == '5' && anonymousID[prefix+versionAt-1] == '-'
}
