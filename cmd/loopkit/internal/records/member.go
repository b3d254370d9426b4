package records

import (
	"bytes"
	"encoding/json"
	"iter"
)

// member is where a member of an object is in its text.
type member struct {
	start, end int    // from its name to the end of its value
	name       []byte // as JSON
	value      []byte // as JSON
	next       byte   // what follows it: a comma or a brace
}

// Members returns the members of a JSON object in their order, names decoded and
// values as they are. Of what is not an object it returns none.
func Members(object []byte) iter.Seq2[string, json.RawMessage] {
	return func(yield func(string, json.RawMessage) bool) {
		for m := range members(object) {
			name, ok := nameOf(m)
			if !ok || !yield(name, m.value) {
				return
			}
		}
	}
}

// nameOf decodes a name; most are as they are.
func nameOf(m member) (string, bool) {
	if bytes.IndexByte(m.name, '\\') < 0 {
		return string(m.name[1 : len(m.name)-1]), true
	}
	var name string
	err := json.Unmarshal(m.name, &name)
	return name, err == nil
}

// members goes through the object that is text. What it makes of text that is
// not JSON does not matter, for that is refused by whoever decodes it.
func members(text []byte) iter.Seq[member] {
	return func(yield func(member) bool) {
		i := skipSpace(text, 0)
		if i >= len(text) || text[i] != '{' {
			return
		}
		for {
			start := skipSpace(text, i+1)
			nameEnd := skipValue(text, start)
			colon := skipSpace(text, nameEnd)
			valueStart := skipSpace(text, colon+1)
			valueEnd := skipValue(text, valueStart)
			i = skipSpace(text, valueEnd)
			if i >= len(text) || text[colon] != ':' || valueEnd == valueStart || nameEnd-start < 2 {
				return
			}
			if !yield(member{start, valueEnd, text[start:nameEnd], text[valueStart:valueEnd], text[i]}) || text[i] != ',' {
				return
			}
		}
	}
}

// findMember looks for a member whose name is plain. Of several it finds the first.
func findMember(text []byte, name string) (member, bool) {
	for m := range members(text) {
		if len(m.name) == len(name)+2 && string(m.name[1:len(m.name)-1]) == name {
			return m, true
		}
	}
	return member{}, false
}

// without returns text without a member that was found in it.
func (m member) without(text []byte) []byte {
	before, after := text[:m.start], text[m.end:]
	if m.next == ',' {
		_, after, _ = bytes.Cut(after, []byte(","))
	} else if comma := bytes.LastIndexByte(before, ','); comma >= 0 && len(bytes.TrimSpace(before[comma+1:])) == 0 {
		before = before[:comma]
	}
	return append(bytes.Clone(before), after...)
}

func skipSpace(text []byte, i int) int {
	for i < len(text) && (text[i] == ' ' || text[i] == '\t' || text[i] == '\r' || text[i] == '\n') {
		i++
	}
	return i
}

// skipValue returns where the value that begins at i ends.
func skipValue(text []byte, i int) int {
	for depth := 0; i < len(text); {
		switch text[i] {
		case '"':
			i = skipString(text, i)
		case '{', '[':
			depth++
			i++
			continue
		case '}', ']':
			if depth == 0 {
				return i
			}
			depth--
			i++
		case ',', ':', ' ', '\t', '\r', '\n':
			if depth == 0 {
				return i
			}
			i++
			continue
		default:
			i++
			continue
		}
		if depth == 0 {
			return i
		}
	}
	return min(i, len(text))
}

func skipString(text []byte, i int) int {
	for i++; i < len(text); i++ {
		switch text[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
	return len(text)
}
