package rules

import "strings"

// longestDomain is that of DNS.
const longestDomain = 253

// holdsEmail reports whether there is an e-mail address in text, also as part
// of a URL. It takes time in proportion to the text.
func holdsEmail(text string) bool {
	if strings.IndexByte(text, '@') < 0 && !strings.Contains(text, "%40") { // most texts
		return false
	}
	for i := 1; i < len(text); i++ {
		width := 1
		switch {
		case text[i] == '@':
		case strings.HasPrefix(text[i:], "%40"):
			width = len("%40")
		default:
			continue
		}
		if isMailbox(text[i-1]) && isDomain(text[i+width:]) && !isRepository(text[:i]) {
			return true
		}
	}
	return false
}

// isRepository reports whether what stands before an @ is the user of git@github.com:acme/x.
func isRepository(before string) bool {
	rest, ok := strings.CutSuffix(before, "git")
	return ok && (rest == "" || !isMailbox(rest[len(rest)-1]))
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
	for end < min(len(text), longestDomain) && (isAlphanumeric(text[end]) || text[end] == '.' || text[end] == '-') {
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
	return len(first) != 2 || first[1] != 'x' || first[0] < '1' || '9' < first[0]
}
