package rules

import (
	"slices"
	"strings"

	"github.com/loopkitai/loopkit-go/cmd/loopkit/internal/records"
	"github.com/loopkitai/loopkit-go/internal/collector"
)

var member = &check{
	Rule: Rule{
		ID: "W-MEMBER", Severity: Warning, Section: "User Identification: Identify API",
		Title:   "A member with another name",
		Why:     "The members of a message have the names that LoopKit documents, letter by letter. Nothing is read from user_id, so the event has no user.",
		Fix:     "Write userId, anonymousId, groupId, name, traits, properties and timestamp. What is yours belongs into traits or properties.",
		Example: `client.Identify(ctx, "user_123", loopkit.Traits{"plan": "pro"}) // the SDK writes userId, anonymousId and traits`,
	},
	observe: func(_ *history, s *sighting) string { return misspelled(s.message) },
}

// members are those that a message may have, and what people write instead in
// more than another spelling.
var members = map[string][]string{
	"userId":      {"user", "uid", "distinctId", "externalId", "customerId"},
	"anonymousId": {"anonId", "anonymous", "visitorId", "deviceId", "clientId"},
	"groupId":     {"group", "teamId", "orgId", "organizationId", "companyId"},
	"groupType":   nil,
	"name":        {"event", "eventName", "eventType"},
	"traits":      {"trait", "attributes", "userTraits", "userProperties", "groupProperties"},
	"properties":  {"property", "props", "eventProperties", "params", "parameters"},
	"timestamp":   {"time", "ts", "datetime", "eventTime", "createdAt", "occurredAt"},
	"messageId":   nil,
	"system":      nil,
}

// meant are the members by what is written instead, folded.
var meant = func() map[string]string {
	names := map[string]string{}
	for name, others := range members {
		for _, other := range append(others, name) {
			names[foldMember(other)] = name
		}
	}
	return names
}()

// misspelled names the members of a message that nothing is read from, and those
// that they are likely meant to be. If those are there as well, nothing is lost.
func misspelled(m *collector.Message) string {
	var unknown []string
	there := map[string]bool{}
	for name := range records.Members(m.Raw) {
		if _, known := members[name]; known {
			there[name] = true
		} else if len(name) <= longestShown {
			unknown = append(unknown, name)
		}
	}
	if unknown == nil {
		return ""
	}
	if there["traits"] || there["properties"] {
		there["traits"], there["properties"] = true, true
	}
	var found []string
	for _, name := range unknown {
		if likely := meantBy(name); likely != "" && !there[likely] && isFor(likely, m.Kind) {
			found = append(found, shown(name)+" is not a member that LoopKit documents: did you mean "+likely+"?")
		}
	}
	slices.Sort(found)
	const most = 3
	return strings.Join(found[:min(most, len(found))], " ")
}

// isFor reports whether messages of a kind may have a member; a file's line may
// be of no kind.
func isFor(member string, kind collector.Kind) bool {
	switch member {
	case "name":
		return kind == collector.KindTrack || kind == ""
	case "groupId", "groupType":
		return kind == collector.KindGroup || kind == collector.KindDeleteGroup || kind == ""
	}
	return true
}

func foldMember(name string) string {
	return strings.ToLower(strings.NewReplacer("_", "", "-", "", " ", "", ".", "").Replace(name))
}

// meantBy returns the member that a name stands for, perhaps with one wrong
// letter, or nothing.
func meantBy(name string) string {
	folded := foldMember(name)
	if name, ok := meant[folded]; ok {
		return name
	}
	const shortest = 6 // below it, one letter makes another word
	best := ""
	for name := range members {
		if len(name) >= shortest && isOneEditAway(folded, strings.ToLower(name)) && (best == "" || name < best) {
			best = name
		}
	}
	return best
}

// isOneEditAway reports whether a letter that was left out, added, replaced or
// swapped with its neighbour makes a of b.
func isOneEditAway(a, b string) bool {
	if len(a) > len(b) {
		a, b = b, a
	}
	i := 0
	for i < len(a) && a[i] == b[i] {
		i++
	}
	switch restA, restB := a[i:], b[i:]; {
	case len(a)+1 == len(b):
		return restA == restB[1:]
	case len(a) != len(b) || restA == "":
		return false
	case restA[1:] == restB[1:]:
		return true
	default:
		return len(restA) > 1 && restA[0] == restB[1] && restA[1] == restB[0] && restA[2:] == restB[2:]
	}
}
