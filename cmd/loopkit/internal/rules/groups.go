package rules

import (
	"fmt"
	"iter"
	"strings"

	"github.com/loopkitai/loopkit-go/internal/collector"
)

const goodGroup = `client.Group(ctx, "team_456", loopkit.Traits{
	"name":     "Acme Corp Engineering",
	"plan":     "enterprise",
	"size":     25,
	"industry": "software",
})`

var groupID = &check{
	Rule: Rule{
		ID: "W-GROUPID", Severity: Warning, Section: "Best Practices: Use Meaningful Group IDs",
		Title:   "A generic group ID",
		Why:     "IDs such as group-1 tell nobody which group it is, and two parts of a program soon use the same one for different groups.",
		Fix:     "Use a descriptive ID, or the group's key in your database.",
		Example: `client.Group(ctx, "acme-corp-team-123", traits)`,
	},
	observe: func(_ *history, s *sighting) string {
		m := s.message
		if m.Kind != collector.KindGroup || s.group != nil || !isGeneric(m.GroupID) {
			return ""
		}
		return "the groupId " + shown(m.GroupID) + " is generic"
	},
}

var genericGroups = map[string]bool{
	"group": true, "groups": true, "grp": true, "team": true, "org": true, "organization": true, "organisation": true, "company": true,
	"account": true, "workspace": true, "tenant": true, "guild": true, "customer": true, "client": true, "project": true,
	"my-group": true, "my_group": true, "mygroup": true, "my-team": true, "my_team": true, "new-group": true,
	"test": true, "demo": true, "example": true, "foo": true, "bar": true,
	"groupid": true, "group_id": true, "group-id": true, "your-group-id": true, "your_group_id": true,
}

// isGeneric takes a word and up to two digits, such as group-1; more digits, or
// digits alone, are likely a key of a database.
func isGeneric(id string) bool {
	if id == "" {
		return false
	}
	if isPlaceholder(id) {
		return true
	}
	word := strings.TrimRight(fold(id), "0123456789")
	digits := len(fold(id)) - len(word)
	return digits <= 2 && genericGroups[strings.TrimRight(word, "-_ .:#")]
}

var groupTraits = &check{
	Rule: Rule{
		ID: "W-GROUPTRAITS", Severity: Warning, Section: groupsSection,
		Title:   "A group without meaningful traits",
		Why:     "Group insights are made of traits: name, plan, size. A group without any does not appear in them.",
		Fix:     "Send what you know of the group with its first group call, and again when it changes.",
		Example: goodGroup,
	},
	observe: func(_ *history, s *sighting) string {
		m := s.message
		if m.Kind != collector.KindGroup || s.group != nil || hasMeaning(m.Values, m.GroupID) {
			return ""
		}
		return shown(m.GroupID) + " has " + describeMeaningless(m.Values)
	},
}

var lonelyGroup = &check{
	Rule: Rule{
		ID: "W-LONELYGROUP", Severity: Info, Section: groupsSection,
		Title:   "A group of one",
		Why:     "Group insights compare what several people of a group do.",
		Fix:     "Call group for each user who belongs to it, at their login or when they join.",
		Example: goodGroup,
	},
	conclude: func(h *history) (int, iter.Seq2[int64, string]) {
		return h.lonely.len(), func(yield func(int64, string) bool) {
			for g := range h.lonely.all() {
				detail := shown(g.id) + " has one member so far"
				if g.members == 0 {
					detail = shown(g.id) + " has no member so far"
				}
				if !yield(g.first, detail) {
					return
				}
			}
		}
	},
}

var groupBeforeIdentify = &check{
	Rule: Rule{
		ID: "W-GROUPBEFOREIDENTIFY", Severity: Warning, Section: groupsSection,
		Title: "Grouped before identified",
		Why:   "LoopKit asks for group calls after user identification. Before it, it is a stranger who joins the group.",
		Fix:   "Identify first, then group. If that happened before this record begins, there is nothing to do.",
		Example: `client.Identify(ctx, "user_123", loopkit.Traits{"plan": "trial"})
client.Group(ctx, "team_456", loopkit.Traits{"name": "Acme Corp"})`,
	},
	observe: func(h *history, s *sighting) string {
		if s.message.Kind != collector.KindIdentify {
			return ""
		}
		early, ok := h.early.get(earlyKey{user: s.userKey})
		if !ok {
			early, ok = h.early.get(earlyKey{device: s.anonymousID})
		}
		t := s.message.Timestamp
		if !ok || !early.time.IsZero() && !t.IsZero() && !early.time.Before(t) { // it only arrived before
			return ""
		}
		return fmt.Sprintf("%s joined %s (%s) before this identify", early.who, early.group, h.place(early.number))
	},
	conclude: func(h *history) (int, iter.Seq2[int64, string]) {
		return h.early.len(), func(yield func(int64, string) bool) {
			for g := range h.early.all() {
				if !yield(g.number, fmt.Sprintf("%s joined %s, and no identify names them so far", g.who, g.group)) {
					return
				}
			}
		}
	},
}
