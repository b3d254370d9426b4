package filter

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode"
)

// Parse reads a query. Its errors say what to write instead.
func Parse(query string) (Filter, error) {
	var f Filter
	for rest := strings.TrimSpace(query); rest != ""; rest = strings.TrimSpace(rest) {
		text, err := nextTerm(rest)
		if err != nil {
			return Filter{}, err
		}
		rest = rest[len(text):]
		t, err := parseTerm(text)
		if err != nil {
			return Filter{}, err
		}
		f.terms = append(f.terms, t)
	}
	return f, nil
}

// nextTerm returns the text up to the first space outside quotes.
func nextTerm(s string) (string, error) {
	quoted := false
	for i := 0; i < len(s); i++ {
		switch {
		case quoted && s[i] == '\\':
			i++
		case s[i] == '"':
			quoted = !quoted
		case !quoted && isSpace(s, i):
			return s[:i], nil
		}
	}
	if quoted {
		return "", fmt.Errorf(`a quote is open: end the value with " in %s`, s)
	}
	return s, nil
}

func isSpace(s string, i int) bool {
	for _, r := range s[i:] {
		return unicode.IsSpace(r)
	}
	return false
}

func parseTerm(text string) (Term, error) {
	t := Term{Text: text}
	rest := text
	if len(rest) > 1 && rest[0] == '-' {
		t.Negated, rest = true, rest[1:]
	}
	key, operator, value, err := cutKey(rest)
	if err != nil {
		return Term{}, err
	}
	t.Key = key
	switch operator {
	case "!=":
		t.Negated = !t.Negated
	case ":", "=":
		t.comparison, value = cutComparison(value)
	default:
		t.comparison = operator
	}
	if t.pattern, err = parsePattern(value); err != nil {
		return Term{}, fmt.Errorf("%w in %s", err, text)
	}
	t.Value = t.pattern.text()
	if operator != "" && t.Value == "" {
		return Term{}, fmt.Errorf("%s has no value: write %s… without a space, or %s* for any", text, rest, rest)
	}
	if err := t.prepare(); err != nil {
		return Term{}, err
	}
	return t, nil
}

// operators stand between a key and its value, the longer ones first.
var operators = []string{"!=", ">=", "<=", ":", "=", ">", "<"}

// cutKey splits "user:user_123". What begins with no letter, such as a time or
// a quoted text, has no key, and then there is no operator.
func cutKey(s string) (key, operator, value string, err error) {
	at := 0
	for ; at < len(s) && s[at] != '"' && operator == ""; at++ {
		for _, o := range operators {
			if strings.HasPrefix(s[at:], o) {
				key, operator, value = s[:at], o, s[at+len(o):]
				break
			}
		}
	}
	if key == "" || !unicode.IsLetter(rune(s[0])) {
		return "", "", s, nil
	}
	name, isProperty := propertyKey(key)
	if !isProperty {
		name = strings.ToLower(key)
	}
	known := isProperty || slices.Contains(keys, name)
	if !known && operator != ":" {
		return "", "", s, nil // a=b may well be what the message says
	}
	if !known {
		return "", "", "", fmt.Errorf(`unknown filter %s: use one of %s, prop.…, or quote it to search for the text: %s`,
			key, strings.Join(keys, ", "), strconv.Quote(s))
	}
	return name, operator, value, nil
}

// propertyKey returns the key of a property or trait as terms have it.
func propertyKey(s string) (string, bool) {
	prefix, name, dotted := strings.Cut(s, ".")
	if !dotted || name == "" {
		return "", false
	}
	switch strings.ToLower(prefix) {
	case "prop", "property", "properties", "trait", "traits":
		return "prop." + name, true
	}
	return "", false
}

// cutComparison splits ">=400". Equality, as in status:=200, is no comparison.
func cutComparison(value string) (comparison, rest string) {
	for _, c := range []string{">=", "<=", ">", "<"} {
		if rest, ok := strings.CutPrefix(value, c); ok {
			return c, rest
		}
	}
	return "", value
}

var errTrailing = errors.New(`text follows the closing quote: put all of the value in quotes, with \" for a quote`)

// parsePattern reads a value: quoted, or with * for anything.
func parsePattern(s string) (pattern, error) {
	if !strings.HasPrefix(s, `"`) {
		return pattern(strings.Split(s, "*")), nil
	}
	var out strings.Builder
	for i := 1; i < len(s); i++ {
		switch {
		case s[i] == '\\' && i+1 < len(s):
			i++
			out.WriteByte(s[i])
		case s[i] == '"' && i+1 < len(s):
			return nil, errTrailing
		case s[i] == '"':
			return pattern{out.String()}, nil
		default:
			out.WriteByte(s[i])
		}
	}
	return nil, errors.New("a quote is open")
}
