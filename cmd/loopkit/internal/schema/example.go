package schema

import (
	"encoding/json"
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/loopkitai/loopkit-go/internal/sensitive"
)

// Example is a value that arrived, in a form that may be shown to others.
type Example struct {
	Text   string // JSON, shortened
	Masked string // why the value is not shown: "personal" or "secret"; Text is empty then
}

// longest is how many characters of an example are shown.
const longest = 60

var (
	known   = sensitive.New(nil, nil)
	address = regexp.MustCompile(`[^\s@]@[^\s@]+\.[^\s@]`)
	card    = regexp.MustCompile(`(\d[ -]?){13,19}`)
)

// exampleOf masks what looks personal or secret: a schema is what one shows to
// colleagues, and its point is the type.
func exampleOf(name string, value any, ofPerson bool) Example {
	if kind := sensitivity(name, value, ofPerson); kind != "" {
		return Example{Masked: kind}
	}
	var text strings.Builder
	e := json.NewEncoder(&text)
	e.SetEscapeHTML(false)
	if err := e.Encode(value); err != nil {
		return Example{Text: "?"} // nothing that was JSON fails
	}
	return Example{Text: shorten(strings.TrimSpace(text.String()))}
}

// sensitivity looks at the keys inside the value too.
func sensitivity(name string, value any, ofPerson bool) string {
	if term := known.Find(name, ofPerson); term != nil && concerns(term, value) {
		if term.Kind == sensitive.Secret {
			return "secret"
		}
		return "personal"
	}
	switch v := value.(type) {
	case string:
		if address.MatchString(v) || card.MatchString(v) {
			return "personal"
		}
	case []any:
		for _, element := range v {
			if kind := sensitivity("", element, ofPerson); kind != "" {
				return kind
			}
		}
	case map[string]any:
		worst := ""
		for key, element := range v {
			worst = max(worst, sensitivity(key, element, ofPerson)) // "secret" is the greatest
		}
		return worst
	}
	return ""
}

// concerns reports whether a value of this type can be what the term means.
func concerns(term *sensitive.Term, value any) bool {
	switch value.(type) {
	case string, []any, map[string]any:
		return true
	case float64, json.Number:
		return term.Numbers
	default:
		return false
	}
}

func shorten(text string) string {
	if utf8.RuneCountInString(text) <= longest {
		return text
	}
	var out strings.Builder
	for n, r := range []rune(text) {
		if n == longest-1 {
			break
		}
		out.WriteRune(r)
	}
	return out.String() + "…"
}
