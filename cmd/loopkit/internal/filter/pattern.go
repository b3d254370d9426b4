package filter

import "strings"

// pattern is what stands between the wildcards of a value.
type pattern []string

func (p pattern) text() string { return strings.Join(p, "*") }

func (p pattern) any() bool { return p.text() == "*" }

// match reports whether the pattern describes all of s, which is not empty.
func (p pattern) match(s string) bool {
	if s == "" {
		return false
	}
	if len(p) == 1 {
		return s == p[0]
	}
	rest, ok := strings.CutPrefix(s, p[0])
	if !ok {
		return false
	}
	for _, part := range p[1 : len(p)-1] {
		at := strings.Index(rest, part)
		if at < 0 {
			return false
		}
		rest = rest[at+len(part):]
	}
	return strings.HasSuffix(rest, p[len(p)-1])
}

// matchFold is match in upper or lower case.
func (p pattern) matchFold(s string) bool {
	return p.lower().match(strings.ToLower(s))
}

func (p pattern) lower() pattern {
	out := make(pattern, len(p))
	for i, part := range p {
		out[i] = strings.ToLower(part)
	}
	return out
}
