package wire

import (
	"bytes"
	"encoding/json"

	"github.com/loopkitai/loopkit-go/internal/sensitive"
)

// A Watch looks at each member that is written, at any depth, inside before
// outside. It is part of the encoder because a second walk over the values would
// take as long as encoding them.
type Watch struct {
	Keys     *sensitive.Keys
	OfPerson bool // see Keys.Find
	// Stops is asked about members whose key is sensitive and whose value may
	// be. If it returns true, the encoding ends with ErrWatched.
	Stops func(*sensitive.Term) bool
}

// stops looks at a member; value begins with its JSON.
func (w *Watch) stops(name string, value []byte) bool {
	first := value[0]
	if first == 't' || first == 'f' || first == 'n' { // a boolean or null says nothing about anybody
		return false
	}
	term := w.Keys.Find(name, w.OfPerson)
	if term == nil || !term.Numbers && first <= '9' && first != '"' || startsEmpty(value) {
		return false
	}
	return w.Stops(term)
}

// startsEmpty reports whether value begins with an empty string, object or array.
func startsEmpty(value []byte) bool {
	switch value[0] {
	case '"':
		return value[1] == '"'
	case '{':
		return value[1] == '}'
	case '[':
		return value[1] == ']'
	}
	return false
}

// watched reports whether watch stops at a member in valid JSON without spaces.
func watched(value []byte, watch *Watch) bool {
	for i := 0; i < len(value); i++ {
		if value[i] != '"' {
			continue
		}
		end := endOfString(value, i)
		if end < len(value) && value[end] == ':' {
			var stops bool
			if name := value[i+1 : end-1]; bytes.IndexByte(name, '\\') < 0 {
				stops = watch.stops(string(name), value[end+1:])
			} else {
				stops = watch.stops(unquote(value[i:end]), value[end+1:])
			}
			if stops {
				return true
			}
		}
		i = end - 1
	}
	return false
}

// endOfString returns where the string ends that begins at value[start], behind
// its closing quote.
func endOfString(value []byte, start int) int {
	for i := start + 1; i < len(value); i++ {
		switch value[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
	return len(value)
}

func unquote(quoted []byte) string {
	var s string
	if err := json.Unmarshal(quoted, &s); err != nil {
		return string(quoted) // not JSON after all: nobody else could read the name either
	}
	return s
}

// Watched reports whether watch stops at a member of f, which may be nil.
func (f *Fields) Watched(watch *Watch) bool { return f != nil && watched(f.object, watch) }
