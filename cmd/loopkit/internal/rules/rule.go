// Package rules finds what LoopKit's documentation page advises against, and
// what keeps people from merging, in messages.
//
// A finding about a message's values is reported for every such message, one
// about an ID or a name when it is first seen.
package rules

import "github.com/loopkitai/loopkit-go/internal/collector"

// Severity says how bad a finding is.
type Severity string

// The severities, the worst first. An error is certain; a warning may be a guess.
const (
	Error   Severity = "error"   // data is lost or people are mixed up
	Warning Severity = "warning" // the documentation page advises against it
	Info    Severity = "info"    // worth a look
)

// Rule is one thing to find.
type Rule struct {
	ID       string // "W-NOANON"
	Severity Severity
	Title    string // in a few words, without a full stop
	Section  string // of the documentation page, "Troubleshooting: User data isn't merging properly"; empty if it has none
	Why      string // it matters
	Fix      string // what to do
	Example  string // good code; the page's own where it has some
}

// Finding is one place where a rule found something.
type Finding struct {
	Rule    *Rule
	Subject int64  // the message's number as given to Observe; 0 for a conclusion about no single message
	Detail  string // what was found, with the IDs and keys concerned, never values that may be personal
}

// Input is a message to look at, and how it arrived if it came over HTTP.
type Input struct {
	Number  int64 // of the message: 1, 2, …; a line of a file, or a place in the stream
	Message collector.Message
	Request *collector.Request // nil for files
}
