package wire

import (
	"errors"
	"strconv"
	"strings"
	"unicode/utf8"
)

// ErrTooLarge says that a message or a set of fields has no room within its limit.
var ErrTooLarge = errors.New("wire: larger than the limit")

// ErrWatched says that a [Watch] ended the encoding.
var ErrWatched = errors.New("wire: the message has a member that is watched for")

// ValueError says which value of a message cannot be sent, and why.
// It carries names and Go types only, never a value: values may be personal data.
type ValueError struct {
	Path     string // such as properties.items[3].price; keys are the caller's own
	Reason   string // what is wrong and what to do about it
	Panicked bool   // code of the caller's (MarshalJSON, MarshalText) panicked
}

// Error returns the path and the reason.
func (e *ValueError) Error() string { return e.Path + ": " + e.Reason }

// The path of a ValueError is put together while the error travels outwards,
// so that encoding without errors does not pay for it.

func inMember(err error, name string) error { return prependPath(err, "."+shorten(name)) }

func inElement(err error, index int) error {
	return prependPath(err, "["+strconv.Itoa(index)+"]")
}

func prependPath(err error, segment string) error {
	if invalid, ok := err.(*ValueError); ok {
		invalid.Path = segment + invalid.Path
	}
	return err
}

// shorten keeps names made by programs, which may be very long, from filling a log.
func shorten(name string) string {
	const most = 64
	if len(name) <= most {
		return name
	}
	cut := most
	for !utf8.RuneStart(name[cut]) && cut > most-utf8.UTFMax {
		cut--
	}
	return strings.Clone(name[:cut]) + "…"
}
