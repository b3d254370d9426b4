package rules

import (
	"maps"
	"slices"
	"strings"

	"github.com/loopkitai/loopkit-go/internal/collector"
)

var emptyTraits = &check{
	Rule: Rule{
		ID: "W-EMPTYTRAITS", Severity: Warning, Section: "Best Practices: Include Relevant Traits",
		Title: "An identify without meaningful traits",
		Why:   "Traits are what users can be told apart and compared by. An identify without any only links the anonymousId.",
		Fix:   "Send the traits that matter to you: plan, role, team size, date of signup.",
		Example: `client.Identify(ctx, user.ID, loopkit.Traits{
	"plan":        "enterprise",
	"role":        "admin",
	"team_size":   25,
	"signup_date": "2025-01-15",
})`,
	},
	observe: func(_ *history, s *sighting) string {
		m := s.message
		if m.Kind != collector.KindIdentify || hasMeaning(m.Values, m.UserID) {
			return ""
		}
		return "this identify has " + describeMeaningless(m.Values)
	},
}

// dummies are keys that say nothing.
var dummies = map[string]bool{"foo": true, "bar": true, "baz": true, "test": true, "asdf": true, "key": true, "trait": true, "property": true, "value": true}

// hasMeaning reports whether any trait says more than the ID does.
func hasMeaning(traits map[string]any, id string) bool {
	for key, value := range traits {
		if value != nil && value != "" && value != id && !dummies[key] {
			return true
		}
	}
	return false
}

func describeMeaningless(traits map[string]any) string {
	if len(traits) == 0 {
		return "no traits"
	}
	return "only traits that say nothing: " + listedKeys(slices.Sorted(maps.Keys(traits)))
}

func listedKeys(keys []string) string {
	for i, key := range keys {
		keys[i] = shown(key)
	}
	return listed(keys)
}

var nested = &check{
	Rule: Rule{
		ID: "W-NESTED", Severity: Warning, Section: eventSchemaSection,
		Title:   "An array or object as value",
		Why:     "LoopKit documents values as strings, numbers, booleans and null. What is nested may not be found in its reports.",
		Fix:     "Make a key of each part, such as address_city, and a count or a text of a list.",
		Example: `client.Track(ctx, "order_completed", loopkit.Properties{"item_count": 3, "shipping_country": "DE"})`,
	},
	observe: func(_ *history, s *sighting) string {
		var keys []string
		for key, value := range s.message.Values {
			if typeOf(value)&(arrayType|objectType) != 0 {
				keys = append(keys, key)
			}
		}
		if keys == nil {
			return ""
		}
		slices.Sort(keys)
		return "arrays or objects in " + s.message.ValuesKey + ": " + listedKeys(keys)
	},
}

var nameStyle = &check{
	Rule: Rule{
		ID: "W-NAMESTYLE", Severity: Info, Section: eventSchemaSection,
		Title:   "An event name that is not snake_case",
		Why:     "Button Click, buttonClick and button_click are three events. One style for all keeps them together, and LoopKit recommends snake_case.",
		Fix:     "Name events in snake_case: an object and what happened to it. Put what varies into properties.",
		Example: `client.Track(ctx, "button_click", loopkit.Properties{"button": "start_trial"})`,
	},
	observe: func(h *history, s *sighting) string {
		name := s.message.Name
		if s.message.Kind != collector.KindTrack || isSnakeCase(name) {
			return ""
		}
		if _, seen := h.columns.get(columnKey{collector.KindTrack, name, ""}); seen {
			return ""
		}
		return shown(name) + " is not snake_case"
	},
}

// isSnakeCase takes words of small letters and digits, the first of which
// begins with a letter, joined by single underscores.
func isSnakeCase(name string) bool {
	for i := range len(name) {
		c := name[i]
		switch {
		case 'a' <= c && c <= 'z':
		case '0' <= c && c <= '9' && i > 0:
		case c == '_' && i > 0 && i < len(name)-1 && name[i-1] != '_':
		default:
			return false
		}
	}
	return name != ""
}

var typeDrift = &check{
	Rule: Rule{
		ID: "W-TYPEDRIFT", Severity: Warning,
		Title:   "A key whose values change type",
		Why:     `25 and "25" do not compare, and cannot be summed or charted together.`,
		Fix:     "Send one type for a key everywhere; convert where the value is read.",
		Example: `client.Group(ctx, "team_456", loopkit.Traits{"size": 25}) // a number, never "25"`,
	},
	observe: func(h *history, s *sighting) string {
		var drifts []string
		for key, value := range s.message.Values {
			c, seen := h.columns.get(columnOf(s.message, key))
			if t := typeOf(value); seen && c.types != 0 && t&^c.types != 0 {
				drifts = append(drifts, shown(key)+" is "+t.String()+", and was "+c.types.String()+" ("+h.place(c.first)+")")
			}
		}
		if drifts == nil {
			return ""
		}
		slices.Sort(drifts)
		return listed(drifts)
	},
}

// learnColumns keeps the name, and the types of the values under it.
func (h *history) learnColumns(s *sighting) {
	m := s.message
	if len(m.Name) > longestID {
		return
	}
	if m.Kind == collector.KindTrack {
		h.learnColumn(s, columnKey{m.Kind, m.Name, ""}, 0)
	}
	for key, value := range m.Values {
		if t := typeOf(value); t != 0 && remembered(key) {
			h.learnColumn(s, columnOf(m, key), t)
		}
	}
}

func (h *history) learnColumn(s *sighting, key columnKey, t valueType) {
	if c := h.columns.use(key); c != nil {
		c.types |= t
		return
	}
	h.columns.put(key, column{t, s.number})
}

// columnOf is by event, and one for all identifies and all groups.
func columnOf(m *collector.Message, key string) columnKey {
	return columnKey{m.Kind, m.Name, key}
}

// valueType is a set of types; null is of none.
type valueType uint8

const (
	stringType valueType = 1 << iota
	numberType
	boolType
	arrayType
	objectType
)

func typeOf(value any) valueType {
	switch value.(type) {
	case string:
		return stringType
	case float64:
		return numberType
	case bool:
		return boolType
	case []any:
		return arrayType
	case map[string]any:
		return objectType
	}
	return 0
}

// String names the types: "a string or a number".
func (t valueType) String() string {
	var names []string
	for i, name := range []string{"a string", "a number", "a boolean", "an array", "an object"} {
		if t&(1<<i) != 0 {
			names = append(names, name)
		}
	}
	return strings.Join(names, " or ")
}
