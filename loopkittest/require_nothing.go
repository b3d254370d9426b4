package loopkittest

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/url"
	"path"
	"regexp"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"
)

// RequireNothingAbout fails the test at once if the server keeps anything about
// a person or a group. The ID is a user ID, an anonymous ID or a group ID. The
// message of the failure shows what mentions it, and what else arrived.
//
//   - A stored message must not mention the ID anywhere: as the user, anonymous or
//     group ID, in the keys and values of traits, properties and system.context, or
//     in any other part of its JSON, however escaped there or in a URL. Neither must
//     the path of a request, stored or refused, unless it deletes that very ID. The
//     bodies of refused requests are not searched: the server keeps nothing of them.
//   - "/users/user_1" and "USER_1" mention "user_1", and "user_12" does not: the ID
//     has to be whole words, in any case. All but letters and digits ends a word, so
//     that "acme-corp-3f2a" mentions "acme-corp": give groups IDs of which none
//     begins or ends with another. A number mentions an ID only if equal, a time in
//     RFC 3339 never.
//   - What arrived before the last deletion of the ID does not count, whoever it was
//     about. It is LoopKit's to erase, and stays in [Server.Messages]. An anonymous
//     ID is deleted with the last user under whom it arrived.
//
// Other words that tell who somebody is, such as an e-mail address, may stand for
// the ID. No deletion excuses those.
func RequireNothingAbout(t testing.TB, s *Server, id string) {
	t.Helper()
	if id == "" {
		t.Fatalf("RequireNothingAbout needs an ID")
	}
	messages := s.Messages()
	begin, request := erased(messages, id), -1
	if begin > 0 {
		request = messages[begin-1].Request
	}
	for i, m := range messages[begin:] {
		if text, found := mention(m.Raw, id); found {
			t.Fatalf("message %d mentions %q in %q: %s\n%s", begin+i, id, text, describe(m), s.summary())
		}
	}
	for _, r := range s.Requests() {
		if r.Index > request && mentions(r.Path, id) && deleted(r) != id {
			t.Fatalf("request %d mentions %q in its path: %s %s\n%s", r.Index, id, r.Method, r.Path, s.summary())
		}
	}
}

// erased returns how many of the messages arrived up to the last deletion of id.
func erased(messages []Message, id string) (count int) {
	owner := ""                       // of the anonymous ID
	subjects := make(map[string]bool) // users under whom it arrived; "" stands for nobody known
	for i, m := range messages {
		switch {
		case m.Kind == KindDeleteUser && m.UserID == id, m.Kind == KindDeleteGroup && m.GroupID == id:
			count = i + 1
		case m.Kind == KindDeleteUser && subjects[m.UserID]:
			if owner == m.UserID {
				owner = ""
			}
			if delete(subjects, m.UserID); len(subjects) == 0 {
				count = i + 1
			}
		case m.AnonymousID != id:
		case m.Kind == KindIdentify && owner == "":
			owner = m.UserID
			delete(subjects, "") // what nobody known did is this user's now
			subjects[owner] = true
		case m.UserID != "":
			subjects[m.UserID] = true
		default:
			subjects[owner] = true
		}
	}
	return count
}

// deleted returns the ID that a request deletes; empty if it is no deletion.
func deleted(r Request) string {
	if r.Method != http.MethodDelete || r.Endpoint != UserDeletions && r.Endpoint != GroupDeletions {
		return ""
	}
	return unescaped(path.Base(r.Path))
}

// mention returns the first string or number in a message that mentions id. Keys
// that occur twice in an object are all read.
func mention(raw json.RawMessage, id string) (text string, found bool) {
	tokens := json.NewDecoder(bytes.NewReader(raw))
	tokens.UseNumber()
	for {
		token, err := tokens.Token()
		if err != nil {
			return "", false // the end: what was stored is valid JSON
		}
		switch token := token.(type) {
		case string:
			if _, err := time.Parse(time.RFC3339, token); err != nil && mentions(token, id) {
				return token, true
			}
		case json.Number:
			if token.String() == id {
				return id, true
			}
		}
	}
}

// mentions says whether the text, or what it is the URL-escaped form of, has id
// as whole words in any case.
func mentions(text, id string) bool {
	id = strings.ToLower(id)
	return hasWords(strings.ToLower(text), id) || hasWords(strings.ToLower(unescaped(text)), id)
}

func hasWords(text, words string) bool {
	first, _ := utf8.DecodeRuneInString(words)
	last, _ := utf8.DecodeLastRuneInString(words)
	for from := 0; ; {
		at := strings.Index(text[from:], words)
		if at < 0 {
			return false
		}
		before, _ := utf8.DecodeLastRuneInString(text[:from+at])
		after, _ := utf8.DecodeRuneInString(text[from+at+len(words):])
		if !oneWord(before, first) && !oneWord(last, after) {
			return true
		}
		from += at + 1
	}
}

// oneWord says whether two neighbours are of the same word. At an end of the
// text utf8 decodes to U+FFFD, which is of none.
func oneWord(a, b rune) bool { return inWord(a) && inWord(b) }

func inWord(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }

var escapes = regexp.MustCompile(`(?:%[0-9A-Fa-f]{2})+`)

// unescaped decodes what is percent-encoded and leaves the rest, unlike
// url.PathUnescape, which decodes nothing of a text with a lone %.
func unescaped(text string) string {
	return escapes.ReplaceAllStringFunc(text, func(encoded string) string {
		decoded, err := url.PathUnescape(encoded)
		if err != nil {
			return encoded
		}
		return decoded
	})
}
