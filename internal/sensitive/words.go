package sensitive

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// appendWords appends the words of a key in small letters, with a space between
// them. Letters beyond ASCII belong to words and stay as they are; other signs,
// such as a byte order mark, separate them.
func appendWords(dst []byte, key string) []byte {
	if strings.ContainsFunc(key, isForeignSign) {
		key = strings.Map(func(r rune) rune {
			if isForeignSign(r) {
				return '_'
			}
			return r
		}, key)
	}
	start := len(dst)
	for i := range len(key) {
		c := key[i]
		if classOf(c) == separator {
			continue
		}
		if len(dst) > start && begins(key, i) {
			dst = append(dst, ' ')
		}
		dst = append(dst, lower(c))
	}
	return dst
}

func isForeignSign(r rune) bool { return r >= utf8.RuneSelf && !unicode.IsLetter(r) }

type class uint8

const (
	separator class = iota
	small
	capital
	digit
)

func classOf(c byte) class {
	switch {
	case 'a' <= c && c <= 'z' || c >= utf8.RuneSelf:
		return small
	case 'A' <= c && c <= 'Z':
		return capital
	case '0' <= c && c <= '9':
		return digit
	}
	return separator
}

func lower(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		c += 'a' - 'A'
	}
	return c
}

// begins reports whether a word begins at key[i], which is no separator and not
// the first byte of the first word.
func begins(key string, i int) bool {
	before, here := classOf(key[i-1]), classOf(key[i])
	switch {
	case before == separator:
		return true
	case (before == digit) != (here == digit):
		return true
	case here == capital && before == small:
		return true
	case here == capital && before == capital: // the A of IPAddress
		return i+1 < len(key) && classOf(key[i+1]) == small && !plural(key, i+1)
	}
	return false
}

// plural reports whether the small letter at key[i] is the s of a plural, as in
// userIPs: it ends a word.
func plural(key string, i int) bool {
	return key[i] == 's' && (i+1 == len(key) || classOf(key[i+1]) != small)
}
