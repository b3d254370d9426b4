package loopkithttp

import "strings"

// anonymousHeader carries the anonymous ID of clients that this server's
// cookies do not reach: pages of other origins, apps. Its case is that which
// net/http gives the names of headers.
const anonymousHeader = "X-Loopkit-Anonymous-Id"

const longestAnonymousID = 128

// usable reports whether an anonymous ID that a visitor sent may be taken over:
// ^[A-Za-z0-9_.|:-]{1,128}$, no placeholder, and none that a user ID gives.
// bridge.js has the same rule.
func usable(id string) bool {
	if id == "" || len(id) > longestAnonymousID {
		return false
	}
	for i := range len(id) {
		if !alphanumeric(id[i]) && strings.IndexByte("_.|:-", id[i]) < 0 {
			return false
		}
	}
	switch id {
	case "undefined", "null", "nil", "NaN": // what scripts print for a missing value: strangers would share it
		return false
	}
	return !derived(id)
}

// derived reports whether id has the form of the anonymous IDs that package
// loopkit derives from user IDs, "anon_" and a version 5 UUID. Who knows a
// user's ID can compute that user's: no visitor may claim it.
func derived(id string) bool {
	text, prefixed := strings.CutPrefix(id, "anon_")
	return prefixed && isUUID(text) && text[14] == '5'
}

// isUUID reports whether text has the form of a UUID, in either case.
func isUUID(text string) bool {
	if len(text) != 36 {
		return false
	}
	for i := range len(text) {
		switch i {
		case 8, 13, 18, 23:
			if text[i] != '-' {
				return false
			}
		default:
			if !hexadecimal(text[i]) {
				return false
			}
		}
	}
	return true
}

func alphanumeric(b byte) bool {
	return '0' <= b && b <= '9' || 'a' <= b|0x20 && b|0x20 <= 'z'
}

func hexadecimal(b byte) bool {
	return '0' <= b && b <= '9' || 'a' <= b|0x20 && b|0x20 <= 'f'
}
