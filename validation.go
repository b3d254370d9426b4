package loopkit

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/loopkitai/loopkit-go/internal/wire"
)

// check validates what is given to the call; checkIdentity validates whose
// message it is.
func (d *draft) check() error {
	m := &d.message
	switch d.kind {
	case KindIdentify:
		if err := d.checkID("userId", m.UserID); err != nil {
			return err
		}
	case KindGroup:
		if err := d.checkID("groupId", m.GroupID); err != nil {
			return err
		}
		if err := d.checkID("groupType", m.GroupType); err != nil {
			return err
		}
	default:
		if m.Name == "" {
			return d.wrong("event", `is empty; pass a name such as "user_signup"`)
		}
		if problem := textProblem(m.Name); problem != "" {
			return d.wrong("event", problem)
		}
	}
	if d.options.timeGiven {
		if year := m.Time.UTC().Year(); year < 1970 || year > 9999 {
			return d.wrong("time", "is before 1970 or after 9999; pass the time at which it happened")
		}
	}
	if d.options.idGiven {
		return d.checkID("messageId", m.ID)
	}
	return nil
}

// checkIdentity validates whose message it is, and derives an anonymous ID if
// only a user is known.
func (d *draft) checkIdentity() error {
	m := &d.message
	if m.UserID == "" && m.AnonymousID == "" {
		return fmt.Errorf("%w (in %s)", ErrNoIdentity, d.call)
	}
	if m.UserID != "" && d.kind != KindIdentify {
		if err := d.checkID("userId", m.UserID); err != nil {
			return err
		}
	}
	if m.SessionID != "" {
		if err := d.checkID("sessionId", m.SessionID); err != nil {
			return err
		}
	}
	if m.AnonymousID == "" {
		m.DerivedUUID = derivedUUID(m.UserID)
		return nil
	}
	return d.checkID("anonymousId", m.AnonymousID)
}

func (d *draft) wrong(field, reason string) error {
	return &ArgumentError{Call: d.call, Field: field, Reason: reason}
}

func (d *draft) checkID(field, id string) error {
	if problem := idProblem(id); problem != "" {
		return d.wrong(field, problem)
	}
	return nil
}

const maxIDBytes = 256

// idProblem says what is wrong with a user, group, anonymous, session or
// message ID; "" if nothing is. The placeholders are what other layers print
// for a missing value: taken as an ID they would merge strangers.
func idProblem(id string) string {
	switch id {
	case "":
		return "is empty"
	case "undefined", "null", "nil", "<nil>", "NaN", "[object Object]", "%!s(<nil>)":
		return "is a placeholder for a missing value; pass the real ID"
	}
	return textProblem(id)
}

// textProblem holds for names and IDs alike.
func textProblem(s string) string {
	switch {
	case len(s) > maxIDBytes:
		return fmt.Sprintf("is longer than %d bytes", maxIDBytes)
	case wire.IsPlain(s) && !strings.HasPrefix(s, " ") && !strings.HasSuffix(s, " "): // the other ASCII spaces are control characters, so not plain
		return ""
	case !utf8.ValidString(s):
		return "is not valid UTF-8"
	}
	first, _ := utf8.DecodeRuneInString(s)
	last, _ := utf8.DecodeLastRuneInString(s)
	if unicode.IsSpace(first) || unicode.IsSpace(last) {
		return "begins or ends with a space; trim it"
	}
	return ""
}
