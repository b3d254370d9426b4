package rules

import (
	"maps"
	"slices"

	"github.com/loopkitai/loopkit-go/internal/collector"
	"github.com/loopkitai/loopkit-go/internal/sensitive"
)

var personalData = &check{
	Rule: Rule{
		ID: "W-PII", Severity: Warning, Section: privacySection,
		Title: "Personal data as it is",
		Why:   "Names, addresses and numbers of people need their explicit consent, and secrets do not belong in analytics at all.",
		Fix:   "Leave it out or hash it: loopkit.HashPII, or Options.PII for all messages. If the people agreed, there is nothing to do.",
		Example: `client.Identify(ctx, user.ID, loopkit.Traits{
	"email_hash": loopkit.HashPII(key, user.Email),
	"plan":       user.Plan,
})`,
	},
	observe: func(_ *history, s *sighting) string {
		f := personalFinds{ofPerson: s.message.Kind == collector.KindIdentify, found: map[string]bool{}}
		for key, value := range s.message.Values {
			f.look(s.message.ValuesKey, key, value, 0)
		}
		if fields, ok := s.message.System["context"].(map[string]any); ok {
			for key, value := range fields {
				f.look("context", key, value, 0)
			}
		}
		if len(f.found) == 0 {
			return ""
		}
		return "may be personal: " + listed(slices.Sorted(maps.Keys(f.found)))
	},
}

// keys is the list of the SDK, which warns of the same.
var keys = sensitive.New(nil, nil)

// personalFinds are the paths of what looks personal, and why.
type personalFinds struct {
	ofPerson bool
	found    map[string]bool
}

// deepest bounds the search in nested values.
const deepest = 8

func (f *personalFinds) look(path, key string, value any, depth int) {
	if term := keys.Find(key, f.ofPerson); term != nil && holds(value, term) {
		f.add(path, key, kindOf(term))
		return
	}
	if holdsEmail(key) {
		f.add(path, key, "key")
	}
	f.inside(path, key, value, depth)
}

func (f *personalFinds) inside(path, key string, value any, depth int) {
	switch value := value.(type) {
	case string:
		if holdsEmail(value) {
			f.add(path, key, "holds an e-mail address")
		} else if isCard(value) {
			f.add(path, key, "looks like a card number")
		}
	case map[string]any:
		if depth == deepest {
			return
		}
		path += "." + shown(key)
		for inner, value := range value {
			f.look(path, inner, value, depth+1)
		}
	case []any:
		if depth == deepest {
			return
		}
		for _, element := range value {
			f.inside(path, key, element, depth+1)
		}
	}
}

func (f *personalFinds) add(path, key, why string) {
	f.found[path+"."+shown(key)+" ("+why+")"] = true
}

func kindOf(term *sensitive.Term) string {
	if term.Kind == sensitive.Secret {
		return "a secret"
	}
	return term.Name
}

// holds reports whether there is anything in value that the term is about. It
// judges as the SDK does.
func holds(value any, term *sensitive.Term) bool {
	switch value := value.(type) {
	case nil, bool:
		return false
	case string:
		return value != ""
	case []any:
		return len(value) > 0
	case map[string]any:
		return len(value) > 0 && !(term.Counted && areCounts(value))
	}
	return term.Numbers
}

func areCounts(object map[string]any) bool {
	for _, value := range object {
		if typeOf(value) != numberType {
			return false
		}
	}
	return true
}
