package loopkitcli

import (
	"errors"
	"fmt"
	"strings"
)

// Mode is what becomes of the messages of a run.
type Mode uint8

const (
	// Off: nothing is sent or kept.
	Off Mode = iota
	// Log: what would be sent is printed to Options.Stderr, a line of JSON for
	// each request. Nothing is sent, and nothing is kept on the disk.
	Log
	// On: messages are sent.
	On
)

// String returns "off", "log" or "on".
func (m Mode) String() string {
	names := [...]string{"off", "log", "on"}
	if int(m) < len(names) {
		return names[m]
	}
	return fmt.Sprintf("Mode(%d)", uint8(m))
}

// MarshalText returns what String does.
func (m Mode) MarshalText() ([]byte, error) { return []byte(m.String()), nil }

// Reason says what decided on the mode.
type Reason string

// The reasons, those that win over others first.
const (
	ReasonDoNotTrack Reason = "do_not_track" // DO_NOT_TRACK
	ReasonVariable   Reason = "variable"     // the program's own variable
	ReasonChoice     Reason = "choice"       // what the user said, in this run or an earlier one
	ReasonUnreadable Reason = "unreadable"   // there is a saved choice, but nobody can tell which
	ReasonCI         Reason = "ci"           // a continuous integration system
	ReasonNotAsked   Reason = "not_asked"    // nobody has agreed yet
	ReasonSetup      Reason = "setup"        // nobody said no, but the program cannot send: no API key, or wrong options
)

// Decision is what a run does, and why.
type Decision struct {
	Mode   Mode   `json:"mode"`
	Reason Reason `json:"reason"`
	// Detail is the reason in words for the user, such as "DO_NOT_TRACK is set".
	Detail string `json:"detail"`
}

// String returns the mode and the reason in words.
func (d Decision) String() string { return d.Mode.String() + ": " + d.Detail }

// doNotTrack is the variable of https://consoledonottrack.com.
const doNotTrack = "DO_NOT_TRACK"

// ciVariables are set by continuous integration systems: first those that many
// share, then those of one each.
var ciVariables = [...]string{
	"CI", "CONTINUOUS_INTEGRATION", "BUILD_NUMBER", "BUILD_ID", "CI_NAME",
	"APPVEYOR", "BITBUCKET_BUILD_NUMBER", "BUDDY", "BUILDKITE", "CIRCLECI", "CIRRUS_CI", "CODEBUILD_BUILD_ID",
	"DRONE", "GITHUB_ACTIONS", "GITLAB_CI", "HEROKU_TEST_RUN_ID", "JENKINS_URL", "SEMAPHORE", "TEAMCITY_VERSION",
	"TF_BUILD", "TRAVIS", "WOODPECKER",
}

// variableOf is the name of the program's own variable.
func variableOf(app string) string {
	upper := func(r rune) rune {
		switch {
		case 'a' <= r && r <= 'z':
			return r - 'a' + 'A'
		case 'A' <= r && r <= 'Z', '0' <= r && r <= '9':
			return r
		}
		return '_'
	}
	return strings.Map(upper, app) + "_TELEMETRY"
}

// set reports whether a variable says yes, as far as one can tell.
func set(value string) bool {
	switch strings.ToLower(strings.TrimSpace(value)) {
	case "", "0", "false":
		return false
	}
	return true
}

// modeOf reads the program's own variable. What is no mode is off, for whoever
// wrote it meant something.
func modeOf(value string) (mode Mode, known bool) {
	switch strings.ToLower(strings.TrimSpace(value)) {
	case "on", "1", "true", "yes":
		return On, true
	case "log":
		return Log, true
	case "off", "0", "false", "no":
		return Off, true
	}
	return Off, false
}

// decide is the whole precedence. wrong is why the program cannot send at all. The
// environment is given as os.Getenv is, and empty variables are taken as not set.
func decide(getenv func(string) string, variable string, saved choice, unreadable, wrong error) Decision {
	d := agreed(getenv, variable, saved, unreadable)
	wanted := d.Mode != Off || d.Reason == ReasonCI || d.Reason == ReasonNotAsked
	if wrong == nil || !wanted || d.Mode == Log && errors.Is(wrong, errNoKey) { // printing needs no key
		return d
	}
	return cannotSend(wrong)
}

// agreed is what the user wants.
func agreed(getenv func(string) string, variable string, saved choice, unreadable error) Decision {
	if set(getenv(doNotTrack)) {
		return Decision{Off, ReasonDoNotTrack, doNotTrack + " is set"}
	}
	if value := getenv(variable); strings.TrimSpace(value) != "" {
		mode, known := modeOf(value)
		if !known {
			return Decision{Off, ReasonVariable, variable + " is none of off, log and on"}
		}
		return Decision{mode, ReasonVariable, variable + " says so"}
	}
	switch {
	case unreadable != nil:
		return Decision{Off, ReasonUnreadable, unreadable.Error()}
	case saved.made && saved.on:
		return Decision{On, ReasonChoice, "you agreed" + saved.when()}
	case saved.made:
		return Decision{Off, ReasonChoice, "you said no" + saved.when()}
	}
	for _, name := range ciVariables {
		if set(getenv(name)) {
			return Decision{Off, ReasonCI, "this is a continuous integration system, by " + name}
		}
	}
	return Decision{Off, ReasonNotAsked, "nobody has agreed yet"}
}

// Why a program cannot send.
var (
	errNotSetUp = errors.New("its telemetry is not set up")
	errNoKey    = errors.New("it was given no API key")
)

// cannotSend is the decision of a program that could not send anyway.
func cannotSend(why error) Decision {
	return Decision{Off, ReasonSetup, "this program cannot send: " + why.Error()}
}
