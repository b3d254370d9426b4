package schema

import (
	"regexp"
	"strings"
	"unicode"
)

// Style says how a name is written.
type Style struct {
	Good       bool   // in snake_case
	Suggestion string // if it is not; empty where there is none
}

func styleOf(name string) Style {
	if snakeCase.MatchString(name) {
		return Style{Good: true}
	}
	return Style{Suggestion: suggest(name)}
}

var snakeCase = regexp.MustCompile(`^[a-z][a-z0-9]*(_[a-z0-9]+)*$`)

// suggest returns the name in snake_case, or nothing if it has no such form.
func suggest(name string) string {
	var out strings.Builder
	runes := []rune(name)
	gap := false // a word ended
	for i, r := range runes {
		if !unicode.IsLetter(r) && !unicode.IsDigit(r) {
			gap = out.Len() > 0
			continue
		}
		if i > 0 && unicode.IsUpper(r) && beginsWord(runes, i) {
			gap = out.Len() > 0
		}
		if gap {
			out.WriteByte('_')
			gap = false
		}
		out.WriteRune(unicode.ToLower(r))
	}
	if !snakeCase.MatchString(out.String()) {
		return ""
	}
	return out.String()
}

// beginsWord reports whether the capital at i begins a word, as both do in "pageURLSeen".
func beginsWord(runes []rune, i int) bool {
	before := runes[i-1]
	nextIsSmall := i+1 < len(runes) && unicode.IsLower(runes[i+1])
	return unicode.IsLower(before) || unicode.IsDigit(before) || unicode.IsUpper(before) && nextIsSmall
}
