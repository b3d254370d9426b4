package wire

import "unicode/utf8"

const (
	hexDigits   = "0123456789abcdef"
	replacement = "\uFFFD"
)

// plain says which bytes stand in a JSON string as they are.
var plain = func() (table [256]bool) {
	for c := ' '; c < utf8.RuneSelf; c++ {
		table[c] = c != '"' && c != '\\'
	}
	return table
}()

// eachByte times a byte is a word of eight such bytes.
const eachByte = 0x0101010101010101

// IsPlain reports whether s is ASCII that stands in a JSON string as it is.
func IsPlain(s string) bool { return plainPrefix(s) == len(s) }

// plainPrefix returns the length of s if all of it is plain, else how many bytes
// at its beginning surely are.
func plainPrefix(s string) int {
	n := 0
	switch {
	case len(s) >= 8:
		for ; len(s)-n > 8; n += 8 {
			if !isPlainWord(wordOf(s[n:])) {
				return n
			}
		}
		if isPlainWord(wordOf(s[len(s)-8:])) { // the rest, and maybe some again
			return len(s)
		}
	case len(s) >= 4:
		if isPlainWord(uint64(halfWordOf(s)) | uint64(halfWordOf(s[len(s)-4:]))<<32) {
			return len(s)
		}
	}
	for n < len(s) && plain[s[n]] {
		n++
	}
	return n
}

// wordOf returns the first eight bytes of s; the compiler makes it one load.
func wordOf(s string) uint64 {
	_ = s[7]
	return uint64(s[0]) | uint64(s[1])<<8 | uint64(s[2])<<16 | uint64(s[3])<<24 |
		uint64(s[4])<<32 | uint64(s[5])<<40 | uint64(s[6])<<48 | uint64(s[7])<<56
}

func halfWordOf(s string) uint32 {
	_ = s[3]
	return uint32(s[0]) | uint32(s[1])<<8 | uint32(s[2])<<16 | uint32(s[3])<<24
}

// isPlainWord looks at eight bytes at once. The highest bit of a byte is set by
// the byte itself, if it is not ASCII, or by a subtraction that goes below zero:
// of a space from a control character, of one from what is left where a quote or
// a backslash is taken out. A borrow from a lower byte can only follow one that
// is not plain itself.
func isPlainWord(w uint64) bool {
	const highest = 0x80 * eachByte
	quotes, backslashes := w^'"'*eachByte, w^'\\'*eachByte
	return (w|(w-' '*eachByte)|(quotes-eachByte)|(backslashes-eachByte))&highest == 0
}

// AppendString appends s as a JSON string in quotes.
// Each byte that is not part of valid UTF-8 becomes U+FFFD.
func AppendString(dst []byte, s string) []byte {
	n := plainPrefix(s)
	if n == len(s) {
		return append(append(append(dst, '"'), s...), '"')
	}
	return appendWithEscapes(dst, s, n)
}

// appendWithEscapes takes the first n bytes as they are.
func appendWithEscapes(dst []byte, s string, n int) []byte {
	dst = append(dst, '"')
	copied := 0 // s[:copied] is in dst
	for i := n; i < len(s); {
		c := s[i]
		if plain[c] {
			i++
			continue
		}
		if c < utf8.RuneSelf {
			dst = append(dst, s[copied:i]...)
			dst = appendEscape(dst, c)
			i++
			copied = i
			continue
		}
		r, size := utf8.DecodeRuneInString(s[i:])
		if r == utf8.RuneError && size == 1 {
			dst = append(dst, s[copied:i]...)
			dst = append(dst, replacement...)
			copied = i + size
		}
		i += size
	}
	dst = append(dst, s[copied:]...)
	return append(dst, '"')
}

func appendEscape(dst []byte, c byte) []byte {
	switch c {
	case '"', '\\':
		return append(dst, '\\', c)
	case '\b':
		return append(dst, `\b`...)
	case '\f':
		return append(dst, `\f`...)
	case '\n':
		return append(dst, `\n`...)
	case '\r':
		return append(dst, `\r`...)
	case '\t':
		return append(dst, `\t`...)
	default:
		return append(dst, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&0xF])
	}
}

// appendText appends s if it can fit: a string is never shorter in JSON.
func appendText(dst []byte, s string, lim limits) ([]byte, error) {
	if !lim.fit(dst, len(s)+len(`""`)) {
		return dst, ErrTooLarge
	}
	return AppendString(dst, s), nil
}
