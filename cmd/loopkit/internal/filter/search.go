package filter

import (
	"bytes"
	"encoding/json"
	"strings"
	"unicode/utf8"

	"github.com/loopkitai/loopkit-go/cmd/loopkit/internal/store"
)

// containing looks for the parts of a text in all that the message says, or in
// the request if that brought none.
func containing(text pattern) func(*store.Entry) bool {
	words := text.lower()
	return func(e *store.Entry) bool {
		for _, word := range words {
			if !says(e, word) {
				return false
			}
		}
		return true
	}
}

func says(e *store.Entry, word string) bool {
	m := e.Message
	switch {
	case m == nil:
		return contains([]byte(e.Request.Refusal), word) || contains([]byte(e.Request.Method+" "+e.Request.Path), word) ||
			contains(e.Request.Body, word)
	case m.Raw == nil:
		return contains([]byte(string(m.Kind)+" "+m.UserID+" "+m.GroupID), word)
	case contains(m.Raw, word) || contains([]byte(m.Kind), word):
		return true
	}
	return bytes.IndexByte(m.Raw, '\\') >= 0 && contains(unescaped(m.Raw), word)
}

// unescaped returns the JSON with as few escapes as JSON allows.
func unescaped(raw json.RawMessage) []byte {
	var v any
	if json.Unmarshal(raw, &v) != nil {
		return nil
	}
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	if encoder.Encode(v) != nil {
		return nil
	}
	return out.Bytes()
}

// contains looks for a word in lower case. It allocates nothing for a word in
// ASCII, since each keystroke searches everything that was received.
func contains(text []byte, word string) bool {
	if word == "" {
		return true
	}
	if !isASCII(word) {
		return strings.Contains(strings.ToLower(string(text)), word)
	}
	for i := 0; i+len(word) <= len(text); i++ {
		if lower(text[i]) == word[0] && hasPrefixFold(text[i:], word) {
			return true
		}
	}
	return false
}

func hasPrefixFold(text []byte, word string) bool {
	for i := range len(word) {
		if lower(text[i]) != word[i] {
			return false
		}
	}
	return true
}

func lower(b byte) byte {
	if 'A' <= b && b <= 'Z' {
		return b + 'a' - 'A'
	}
	return b
}

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}
