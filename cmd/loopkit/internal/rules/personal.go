package rules

import (
	"slices"
	"strings"

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
		f := personalFinds{ofPerson: s.message.Kind == collector.KindIdentify}
		for key, value := range s.message.Values {
			f.look(s.message.ValuesKey, key, value, 0)
		}
		if fields, ok := s.message.System["context"].(map[string]any); ok {
			for key, value := range fields {
				f.look("context", key, value, 0)
			}
		}
		if f.keys == nil {
			return ""
		}
		slices.Sort(f.keys)
		return "may be personal: " + listed(f.keys)
	},
}

// keys is the list of the SDK, which warns of the same.
var keys = sensitive.New(nil, nil)

// personalFinds are the paths of what looks personal, and why.
type personalFinds struct {
	ofPerson bool
	keys     []string
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
		for inner, value := range value {
			if depth < deepest {
				f.look(path+"."+shown(key), inner, value, depth+1)
			}
		}
	case []any:
		for _, element := range value {
			if depth < deepest {
				f.inside(path, key, element, depth+1)
			}
		}
	}
}

func (f *personalFinds) add(path, key, why string) {
	if found := path + "." + shown(key) + " (" + why + ")"; !slices.Contains(f.keys, found) {
		f.keys = append(f.keys, found)
	}
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

// holdsEmail reports whether there is an e-mail address in text, also as part
// of a URL.
func holdsEmail(text string) bool {
	for rest := text; ; {
		at, width := strings.IndexByte(rest, '@'), 1
		if at < 0 {
			at, width = strings.Index(rest, "%40"), 3
		}
		if at < 0 {
			return false
		}
		if at > 0 && isMailbox(rest[at-1]) && isDomain(rest[at+width:]) {
			return true
		}
		rest = rest[at+width:]
	}
}

func isMailbox(c byte) bool {
	return isAlphanumeric(c) || strings.IndexByte("._%+-'", c) >= 0 || c >= 0x80
}

func isAlphanumeric(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
}

// isDomain reports whether text begins with labels that end in one of two
// letters or more. What follows an @ in logo@2x.png is none.
func isDomain(text string) bool {
	end := 0
	for end < len(text) && (isAlphanumeric(text[end]) || text[end] == '.' || text[end] == '-') {
		end++
	}
	domain := strings.TrimRight(text[:end], ".-")
	dot := strings.LastIndexByte(domain, '.')
	if dot <= 0 || len(domain)-dot <= 2 {
		return false
	}
	for _, c := range []byte(domain[dot+1:]) {
		if '0' <= c && c <= '9' {
			return false
		}
	}
	first, _, _ := strings.Cut(domain, ".")
	return first != "1x" && first != "2x" && first != "3x"
}

// isCard reports whether text is a payment card's number: digits, perhaps in
// groups, that a card company issues and whose check digit is right.
func isCard(text string) bool {
	const shortest, longest = 13, 16
	if len(text) < shortest || len(text) > longest+3 {
		return false
	}
	digits := make([]byte, 0, longest+3)
	for _, c := range []byte(text) {
		switch {
		case '0' <= c && c <= '9':
			digits = append(digits, c-'0')
		case c != ' ' && c != '-':
			return false
		}
	}
	return isIssued(digits) && passesLuhn(digits)
}

// isIssued knows the beginnings and lengths of the large card companies, so that
// other long numbers are left alone.
func isIssued(digits []byte) bool {
	if len(digits) < 13 {
		return false
	}
	two := int(digits[0])*10 + int(digits[1])
	four := two*100 + int(digits[2])*10 + int(digits[3])
	switch len(digits) {
	case 13:
		return digits[0] == 4
	case 14:
		return two == 36 || two == 38 || two == 30
	case 15:
		return two == 34 || two == 37
	case 16:
		return digits[0] == 4 || 51 <= two && two <= 55 || 2221 <= four && four <= 2720 || four == 6011 || two == 65 || two == 35 || two == 62
	}
	return false
}

func passesLuhn(digits []byte) bool {
	sum := 0
	for i := range digits {
		d := int(digits[len(digits)-1-i])
		if i%2 == 1 {
			if d *= 2; d > 9 {
				d -= 9
			}
		}
		sum += d
	}
	return sum%10 == 0
}
