package loopkithttp

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
)

// link says to whom a browser's anonymous ID belongs, so that two users of one
// browser never share it. It is kept in a cookie of the form "user.id.mark",
// which is no secret and no proof: whoever guesses the IDs can compute it, and a
// visitor may write what they like into it, as into the cookie of the anonymous
// ID itself.
type link struct {
	user string // digest of the user ID; unreadable if the cookie was; "" if the anonymous ID is nobody's
	// id is a digest of the anonymous ID that is the user's. If it is nobody's,
	// then of the one that the browser left, or "": an answer that began before
	// a logout and ends after it may put that back.
	id   string
	mark string // digest of the session in which the user was identified; "" if none
}

const (
	unreadable  = "?" // the digest of nobody
	userDigits  = 32
	idDigits    = 16
	markDigits  = 16
	linkedSpace = "github.com/loopkitai/loopkit-go/loopkithttp linked\x00"
)

// joined is the link of an anonymous ID to a user before an identify was sent.
func joined(userID, anonymousID string) link {
	return link{user: digest(userDigits, userID), id: digest(idDigits, anonymousID)}
}

// parted is the link of the anonymous ID that comes after another.
func parted(anonymousID string) link {
	if anonymousID == "" {
		return link{}
	}
	return link{id: digest(idDigits, anonymousID)}
}

// digest differs from other programs' digests of the same text.
func digest(digits int, text string) string {
	sum := sha256.Sum256([]byte(linkedSpace + text))
	return hex.EncodeToString(sum[:digits/2])
}

// linkOf reads the cookies of one browser. It may hold several, for the host and
// for its parent domains, and may have an empty one from an older answer. What
// cannot be read, or disagrees, belongs to somebody else.
func linkOf(values []string) link {
	var found string
	for _, value := range values {
		switch {
		case value == "", value == found:
		case found == "":
			found = value
		default:
			return link{user: unreadable}
		}
	}
	if found == "" {
		return link{}
	}
	return parseLink(found)
}

func parseLink(value string) link {
	parts := strings.Split(value, ".")
	if len(parts) != 3 {
		return link{user: unreadable}
	}
	for i, length := range []int{userDigits, idDigits, markDigits} {
		if parts[i] != "" && !digits(parts[i], length) {
			return link{user: unreadable}
		}
	}
	return link{user: parts[0], id: parts[1], mark: parts[2]}
}

func digits(text string, n int) bool {
	for i := range len(text) {
		if !hexadecimal(text[i]) {
			return false
		}
	}
	return len(text) == n
}

func (l link) String() string { return l.user + "." + l.id + "." + l.mark }

// exists reports whether the anonymous ID belongs to anybody.
func (l link) exists() bool { return l.user != "" }

// to reports whether the anonymous ID belongs to a user.
func (l link) to(userID string) bool { return l.user == digest(userDigits, userID) }

// excludes reports whether the browser must not go on with an anonymous ID: with
// one that is not the user's, or with the one that it left.
func (l link) excludes(anonymousID string) bool {
	return l.exists() != (l.id == digest(idDigits, anonymousID))
}
