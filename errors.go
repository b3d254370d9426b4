package loopkit

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// Errors that a call, a [Deletion] or an [UndeliveredError] may wrap; test for
// them with errors.Is.
var (
	// ErrClosed is returned by calls made after Close began.
	ErrClosed = errors.New("loopkit: the client is closed")

	// ErrQueueFull is returned when a message does not fit into the queue's
	// bounds. The message was not accepted; the program may go on.
	ErrQueueFull = errors.New("loopkit: the queue is full: LoopKit is unreachable or slower than the calls (see Options.Overflow, QueueSize and QueueBytes)")

	// ErrNoIdentity is returned by Group and Track when nothing says whose
	// message it is.
	ErrNoIdentity = errors.New("loopkit: no identity: " +
		"put one into the context with loopkit.WithIdentity or loopkit.WithUser, " +
		"pass loopkit.As, or call the methods of a Session")

	// ErrTooLarge is returned when a message's JSON is longer than
	// Options.MaxMessageBytes.
	ErrTooLarge = errors.New("loopkit: the message is too large")

	// ErrDeletionUnsupported is how a [Deletion] ends when the server does not
	// know what was asked (404, 405, 410, 501): it has no such endpoint, or no
	// such user or group. Nothing confirms that anything was deleted.
	ErrDeletionUnsupported = errors.New("loopkit: the deletion is not confirmed: the server knows no such endpoint, or no such user or group; " +
		"set Options.DeletionEndpoint, or ask LoopKit")

	// ErrDisabled is how a [Deletion] of a nil client ends: nothing was deleted.
	ErrDisabled = errors.New("loopkit: the client is nil: nothing was sent and nothing was deleted")
)

// These are the causes given to Hooks.Dropped.
var (
	errExpired  = errors.New("loopkit: the message grew older than Options.MaxAge before LoopKit took it")
	errDeleted  = errors.New("loopkit: the deletion of the person or group it names was accepted")
	errDamaged  = errors.New("loopkit: the spool could not read it back: its file was damaged or changed by another program")
	errOptedOut = errors.New("loopkit: its session opted out")

	// errWithheld never leaves the package: the caller is told nothing went wrong.
	errWithheld = errors.New("loopkit: withheld by consent or BeforeSend")

	errLeft       = fmt.Errorf("%w before LoopKit confirmed the deletion; it is in Options.Spool, and the next client goes on with it", ErrClosed)
	errTooLate    = errors.New("loopkit: what is left could not be sent before the deadline")
	errQuarantine = errors.New("loopkit: a deletion has to wait longer than the deadline, because a request went unanswered (Options.DeletionQuarantine)")
	errInCallback = errors.New("loopkit: called from one of the client's own callbacks, which cannot wait for itself")
)

// ArgumentError says which argument of which call is wrong, and why. The
// message was not accepted. It never contains the argument's value where that
// could be personal.
type ArgumentError struct {
	Call   string // the function, such as "Track"
	Field  string // the argument, option, or path into it, such as "properties.price"
	Reason string // what is wrong and what is allowed
}

func (e *ArgumentError) Error() string {
	return "loopkit." + e.Call + ": " + e.Field + " " + e.Reason
}

// APIError is an answer of LoopKit that was not a success.
type APIError struct {
	// Endpoint is "identifies", "groups", "tracks" or "deletions".
	Endpoint string
	// StatusCode is the HTTP status.
	StatusCode int
	// Message is the server's own explanation, at most 256 bytes. It may quote
	// what was sent, so Error and JSON leave it out and the client never logs it.
	Message string `json:"-"`
	// RetryAfter is the wait that the server asked for; 0 if it named none.
	RetryAfter time.Duration
}

func (e *APIError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "loopkit: %s answered %d", e.Endpoint, e.StatusCode)
	if text := http.StatusText(e.StatusCode); text != "" {
		b.WriteString(" " + text)
	}
	if remedy := remedyFor(e.StatusCode); remedy != "" && !(e.Endpoint == endpointDeletions && deletionUnknown(e.StatusCode)) {
		b.WriteString(": " + remedy)
	}
	return b.String()
}

// Retryable reports whether the client sends the same bytes again after this
// answer.
func (e *APIError) Retryable() bool {
	o := outcomeOf(e.StatusCode)
	return o == outcomeRetry || o == outcomeCrash
}

func remedyFor(status int) string {
	switch {
	case status == http.StatusUnauthorized:
		return "check the API key"
	case status == http.StatusPaymentRequired:
		return "check the plan of the LoopKit account"
	case status == http.StatusForbidden:
		return "check that the API key has the permission for this endpoint"
	case status == http.StatusNotFound, status == http.StatusMethodNotAllowed, status == http.StatusGone:
		return "check Options.BaseURL"
	case status == http.StatusProxyAuthRequired:
		return "check the proxy's credentials"
	case status >= 300 && status < 400:
		return "redirects are never followed; check Options.BaseURL"
	case status == http.StatusTooManyRequests:
		return "LoopKit asks for fewer requests; the client slows down"
	}
	return ""
}

// UndeliveredError is returned by Flush and Close when messages accepted
// before the call were not delivered. Messages dropped at the program's own
// word (a deletion, an opt-out) are not counted here; they are in [Stats].
type UndeliveredError struct {
	Pending int64 // still in the queue
	Dropped int64 // dropped while the call waited
	Err     error // why: wraps an *APIError, a network error, or the context's error
}

func (e *UndeliveredError) Error() string {
	return fmt.Sprintf("loopkit: not delivered: %d pending, %d dropped: %v", e.Pending, e.Dropped, e.Err)
}

// Unwrap returns Err.
func (e *UndeliveredError) Unwrap() error { return e.Err }
