package rules

import (
	"strings"

	"github.com/loopkitai/loopkit-go/internal/collector"
)

// Sections of the documentation page that several rules come from.
const (
	mergingSection     = "Troubleshooting: User data isn't merging properly"
	groupsSection      = "Troubleshooting: Group insights aren't appearing"
	devicesSection     = "Troubleshooting: Cross-device tracking not working"
	privacySection     = "Best Practices: Respect Privacy"
	eventSchemaSection = "Event Schema" // another page
)

const goodIdentify = `ctx = loopkit.WithIdentity(ctx, loopkit.Identity{AnonymousID: "anon_456"})
client.Identify(ctx, "user_123", loopkit.Traits{
	"email":       "user@example.com",
	"plan":        "pro",
	"signup_date": "2025-01-15",
})`

var noAnonymousID = &check{
	Rule: Rule{
		ID: "W-NOANON", Severity: Error, Section: mergingSection,
		Title:   "No anonymousId",
		Why:     "LoopKit merges what somebody did before signing up by the anonymousId of the identify. Without one, those events stay a stranger's.",
		Fix:     "Send the anonymousId that the person's events carry. Every identify and track needs one, and a group that names no user.",
		Example: goodIdentify,
	},
	observe: func(_ *history, s *sighting) string {
		m := s.message
		if m.AnonymousID != "" {
			return ""
		}
		switch {
		case m.Kind == collector.KindIdentify && m.UserID != "":
			return "without anonymousId this identify attaches no earlier events to " + shown(m.UserID)
		case m.Kind == collector.KindTrack && m.UserID != "":
			return "this event of " + shown(m.UserID) + " has no anonymousId; LoopKit requires one on every track"
		case m.Kind == collector.KindTrack:
			return "without anonymousId this event is nobody's; LoopKit requires one on every track"
		case m.Kind == collector.KindGroup && m.UserID == "" && m.GroupID != "":
			return "nobody joins " + shown(m.GroupID) + ": it has no anonymousId and no userId"
		}
		return ""
	},
}

var badUserID = &check{
	Rule: Rule{
		ID: "W-BADUSERID", Severity: Error, Section: mergingSection,
		Title:   "A placeholder instead of an ID",
		Why:     "Everybody who is sent with the same placeholder becomes one person. That cannot be undone.",
		Fix:     "Identify only when the user is known, with the ID that your own database has for them. Leave userId out before that.",
		Example: `client.Identify(ctx, user.ID, loopkit.Traits{"plan": "pro"}) // after user was loaded, never its zero value`,
	},
	observe: func(_ *history, s *sighting) string {
		m := s.message
		switch {
		case m.Kind == collector.KindDeleteUser || m.Kind == collector.KindDeleteGroup:
			return ""
		case m.UserID != "" && isPlaceholder(m.UserID):
			return "userId is the placeholder " + shown(m.UserID)
		case m.AnonymousID != "" && isPlaceholder(m.AnonymousID):
			return "anonymousId is the placeholder " + shown(m.AnonymousID)
		case m.Kind == collector.KindIdentify && m.UserID == m.AnonymousID:
			return "userId is the anonymousId " + shown(m.UserID)
		}
		return ""
	},
}

// placeholders are what programs print for a missing value, and what people
// type in place of one, folded.
var placeholders = map[string]bool{
	"": true, "null": true, "nil": true, "<nil>": true, "(nil)": true, "none": true, "undefined": true, "nan": true, "%!s(<nil>)": true,
	"true": true, "false": true, "0": true, "-1": true, "-": true, "n/a": true, "na": true, "{}": true, "[]": true,
	"unknown": true, "anonymous": true, "anon": true, "guest": true, "default": true, "empty": true, "missing": true,
	"user": true, "userid": true, "user_id": true, "user-id": true, "your_user_id": true, "your-user-id": true, "id": true, "string": true,
	"anonymousid": true, "anonymous_id": true, "00000000-0000-0000-0000-000000000000": true,
	"anon_": true, "anon_null": true, "anon_undefined": true, "user_null": true, "user_undefined": true,
}

func isPlaceholder(id string) bool {
	if len(id) > longestID {
		return false
	}
	if placeholders[fold(id)] {
		return true
	}
	switch id = strings.TrimSpace(id); {
	case strings.HasPrefix(id, "[object ") && strings.HasSuffix(id, "]"):
		return true
	case strings.HasPrefix(id, "${"), strings.HasPrefix(id, "{{"), strings.HasPrefix(id, "%!"): // a template that was not filled in
		return true
	}
	return false
}

var emailAsID = &check{
	Rule: Rule{
		ID: "W-EMAILID", Severity: Warning, Section: privacySection,
		Title:   "An e-mail address as ID",
		Why:     "An address is personal data, and people change theirs: then they are two users. It also stands in every event, not only in a trait.",
		Fix:     "Use the key of the user in your database. The address may be a trait, if the user agreed.",
		Example: `client.Identify(ctx, "user_123", loopkit.Traits{"email_hash": loopkit.HashPII(key, email)})`,
	},
	observe: func(_ *history, s *sighting) string {
		m := s.message
		switch {
		case m.Kind == collector.KindDeleteUser || m.Kind == collector.KindDeleteGroup:
			return ""
		case s.person == nil && holdsEmail(m.UserID):
			return "userId is an e-mail address"
		case s.device == nil && holdsEmail(m.AnonymousID):
			return "anonymousId is an e-mail address"
		case s.group == nil && holdsEmail(m.GroupID):
			return "groupId is an e-mail address"
		}
		return ""
	},
}

var spelling = &check{
	Rule: Rule{
		ID: "W-IDCASE", Severity: Warning, Section: devicesSection,
		Title:   "One ID, spelled in different ways",
		Why:     "LoopKit compares IDs letter by letter. Two spellings are two people, or two groups.",
		Fix:     "Use the same ID everywhere, best the key in your database; convert it in one place and trim spaces.",
		Example: `client.Identify(ctx, "user_123", traits) // on the web, in the app and on the server`,
	},
	observe: func(h *history, s *sighting) string {
		m := s.message
		switch p := s.person; {
		case p != nil && m.UserID != p.id && m.UserID != p.spelling:
			return "userId is " + otherSpelling(m.UserID, p.id) + " " + h.place(p.first)
		case p == nil && s.userKey != "" && isWrapped(m.UserID):
			return "userId begins or ends with " + wrapping(m.UserID)
		}
		switch g := s.group; {
		case g != nil && m.GroupID != g.id && m.GroupID != g.spelling:
			return "groupId is " + otherSpelling(m.GroupID, g.id) + " " + h.place(g.first)
		case g == nil && s.groupKey != "" && isWrapped(m.GroupID):
			return "groupId begins or ends with " + wrapping(m.GroupID)
		}
		if s.device != nil || s.anonymousID == "" {
			return ""
		}
		if d := h.spelledOtherwise(s.anonymousID); d != nil {
			return "anonymousId is " + otherSpelling(m.AnonymousID, d.id) + " " + h.place(d.first)
		}
		if isWrapped(m.AnonymousID) {
			return "anonymousId begins or ends with " + wrapping(m.AnonymousID)
		}
		return ""
	},
}

// spelledOtherwise returns an anonymous ID that differs from a new one by its
// spelling only, or nil.
func (h *history) spelledOtherwise(anonymousID string) *device {
	key := fold(anonymousID)
	if d, ok := h.devices.get(key); ok {
		return d
	}
	d, _ := h.unfolded.get(key)
	return d
}

func isWrapped(id string) bool { return unwrapped(id) != id }

func wrapping(id string) string {
	if strings.TrimSpace(id) != id {
		return "a space"
	}
	return "a quotation mark"
}

func otherSpelling(this, first string) string {
	if holdsEmail(this) {
		return "spelled differently in"
	}
	return shown(this) + " here, and " + shown(first) + " in"
}
