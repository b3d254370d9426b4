package wire

import (
	"encoding/json"
	"unicode/utf8"
)

func appendRawMessage(dst []byte, raw json.RawMessage, lim limits) ([]byte, error) {
	if raw == nil {
		return append(dst, `null`...), nil
	}
	if !lim.fit(dst, len(raw)) { // before reading all of it
		return dst, ErrTooLarge
	}
	if !json.Valid(raw) {
		return dst, &ValueError{Reason: "this json.RawMessage is not valid JSON"}
	}
	return appendEncoded(dst, raw, lim)
}

// appendEncoded copies valid JSON under the rules of everything else that is
// written: no space between tokens, U+FFFD for invalid UTF-8, limits on size and
// depth. The size counts as given, space included.
func appendEncoded(dst, src []byte, lim limits) ([]byte, error) {
	if !lim.fit(dst, len(src)) {
		return dst, ErrTooLarge
	}
	start := len(dst)
	quoted := false
	copied := 0 // src[:copied] is in dst
	for i := 0; i < len(src); i++ {
		switch c := src[i]; {
		case c >= utf8.RuneSelf:
			r, size := utf8.DecodeRune(src[i:])
			if r == utf8.RuneError && size == 1 {
				dst = append(dst, src[copied:i]...)
				dst = append(dst, replacement...)
				copied = i + 1
			}
			i += size - 1
		case c == '\\':
			i++ // an escaped quote does not end the string
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == ' ', c == '\t', c == '\r', c == '\n':
			dst = append(dst, src[copied:i]...)
			copied = i + 1
		case c == '{', c == '[':
			if lim.depth == 0 {
				return dst, errTooDeep()
			}
			lim.depth--
		case c == '}', c == ']':
			lim.depth++
		}
	}
	dst = append(dst, src[copied:]...)
	if lim.watch != nil && watched(dst[start:], lim.watch) {
		return dst, ErrWatched
	}
	return dst, nil
}
