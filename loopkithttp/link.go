package loopkithttp

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
)

// link says to whom a browser's anonymous ID belongs, so that two users of one
// browser never share it. It is kept in a cookie of the form "user.mark.former",
// and is no secret: whoever guesses a user ID can compute it, and whoever
// changes the cookie only gets a new anonymous ID.
type link struct {
	user string // digest of the user ID; unreadable if the cookie was; "" if the ID is nobody's
	mark string // digest of the session and the anonymous ID that were identified; "" if none
	// former is a digest of the anonymous ID that the browser had before, or "".
	// An answer that began before a logout and ends after it may put that back.
	former string
}

const (
	unreadable  = "?" // the digest of nobody
	userDigits  = 32
	markDigits  = 16
	linkedSpace = "github.com/loopkitai/loopkit-go/loopkithttp linked\x00"
)

// joined is the link to a user before an identify was sent.
func (l link) joined(userID string) link {
	return link{user: digest(userDigits, userID), former: l.former}
}

// parted is the link of the anonymous ID that comes after another.
func parted(anonymousID string) link {
	if anonymousID == "" {
		return link{}
	}
	return link{former: digest(markDigits, anonymousID)}
}

// digest separates its parts from each other and from other programs' digests.
func digest(digits int, parts ...string) string {
	sum := sha256.Sum256([]byte(linkedSpace + strings.Join(parts, "\x00")))
	return hex.EncodeToString(sum[:])[:digits]
}

// parseLink reads a cookie. What it cannot read belongs to somebody else.
func parseLink(value string) link {
	parts := strings.Split(value, ".")
	if len(parts) != 3 {
		return link{user: unreadable}
	}
	for i, length := range []int{userDigits, markDigits, markDigits} {
		if parts[i] != "" && !digits(parts[i], length) {
			return link{user: unreadable}
		}
	}
	return link{user: parts[0], mark: parts[1], former: parts[2]}
}

func digits(text string, n int) bool {
	for i := range len(text) {
		if !hexadecimal(text[i]) {
			return false
		}
	}
	return len(text) == n
}

func (l link) String() string { return l.user + "." + l.mark + "." + l.former }

// exists reports whether the anonymous ID belongs to anybody.
func (l link) exists() bool { return l.user != "" }

// to reports whether the anonymous ID belongs to a user.
func (l link) to(userID string) bool { return l.user == digest(userDigits, userID) }

// left reports whether the browser has left an anonymous ID behind.
func (l link) left(anonymousID string) bool {
	return l.former != "" && l.former == digest(markDigits, anonymousID)
}
