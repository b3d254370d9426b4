package loopkitcli

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

// Status is what a user may want to know of the telemetry of a program, also as
// JSON.
type Status struct {
	App string `json:"app"`
	Decision
	Choice      string   `json:"choice"`                // what is saved: "on", "off", "none" or "unreadable"
	Directory   string   `json:"directory"`             // where all of it is kept; empty if nowhere
	AnonymousID string   `json:"anonymousId,omitempty"` // empty if there is none yet
	UserID      string   `json:"userId,omitempty"`      // who is logged in
	Problems    []string `json:"problems,omitempty"`    // files that cannot be read, options that are wrong
}

// Status looks at the disk again, and changes nothing. It is safe for concurrent
// use.
func (t *Telemetry) Status() Status {
	if t == nil {
		return Status{Decision: cannotSend(errNotSetUp), Choice: "none"}
	}
	s := Status{App: t.options.App, Decision: t.Decision(), Choice: "none", Directory: t.dir.path}
	problem := func(err error) {
		if err != nil && !absent(err) {
			s.Problems = append(s.Problems, strings.ReplaceAll(err.Error(), "loopkitcli: ", ""))
		}
	}
	saved, err := t.dir.choice()
	switch {
	case err != nil:
		s.Choice = "unreadable"
	case saved.made && saved.on:
		s.Choice = "on"
	case saved.made:
		s.Choice = "off"
	}
	problem(err)
	identity, err := t.dir.identity()
	problem(err)
	s.AnonymousID = identity.AnonymousID
	user, err := t.dir.user()
	problem(err)
	if err == nil && user.AnonymousID == identity.AnonymousID {
		s.UserID = user.UserID
	}
	if t.dir.err != nil {
		s.Problems = append(s.Problems, strings.TrimPrefix(t.dir.err.Error(), "loopkitcli: "))
	}
	return s
}

// status prints whether anything is sent, and why.
func (t *Telemetry) status(args []string) (string, error) {
	s := t.Status()
	if len(args) > 0 {
		text, err := json.MarshalIndent(s, "", "  ")
		if err != nil {
			return "", fmt.Errorf("loopkitcli: %w", err)
		}
		return string(text) + "\n", nil
	}
	return "Telemetry of " + t.app() + " is " + s.Mode.String() + ": " + s.Detail + ".\n" + s.rows() + t.advice(s), nil
}

// rows are a line for each thing that is known.
func (s Status) rows() string {
	var b strings.Builder
	row := func(name, value string) {
		if value != "" {
			fmt.Fprintf(&b, "  %-13s %s\n", name, value)
		}
	}
	row("saved choice", s.Choice)
	row("anonymous ID", s.AnonymousID)
	row("user", s.UserID)
	row("directory", s.Directory)
	for _, problem := range s.Problems {
		row("problem", problem)
	}
	return b.String()
}

// advice is what one can do about it.
func (t *Telemetry) advice(s Status) string {
	command := "\"" + t.app() + " telemetry "
	switch {
	case s.Reason == ReasonNotAsked:
		return "Agree with " + command + "on\", or see what would be sent with " + command + "show\".\n"
	case s.Reason == ReasonChoice && s.Mode == On:
		return "Change your mind with " + command + "off\".\n"
	case s.Reason == ReasonChoice:
		return "Change your mind with " + command + "on\".\n"
	}
	return ""
}

// reset takes a new person, and removes what waits about the old one.
func (t *Telemetry) reset([]string) (string, error) {
	if t == nil {
		return t.off(nil)
	}
	t.end(true)
	text, err := t.clear()
	if err != nil {
		return text, err
	}
	return "The next run that sends anything takes a new anonymous ID.\n" + text, nil
}

// clear removes what is kept of the person, and says so.
func (t *Telemetry) clear() (string, error) {
	before := t.Status()
	err := t.dir.forget()
	text := ""
	if err == nil && before.AnonymousID != "" {
		text = "Removed the anonymous ID " + before.AnonymousID + ".\n"
	}
	removed, failed := t.clearSpool(spoolPatience)
	if removed > 0 {
		text += "Removed " + messages(removed) + " that had not been sent yet.\n"
	}
	return text, errors.Join(err, failed)
}
