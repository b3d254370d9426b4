package main

import (
	"fmt"
	"strings"
)

// The sink knows an event by the number in its name, because a name is what all
// contestants send as it is. The names of a trial are parts of one string, made
// before the clock starts: to take one costs nothing.
type eventNames string

const (
	namePrefix = "quiz_done_" // a q is rare in bodies: the sink seldom looks twice
	nameDigits = 7
	nameBytes  = len(namePrefix) + nameDigits
	mostNames  = 10_000_000
)

func makeEventNames(n int) (eventNames, error) {
	if n > mostNames {
		return "", fmt.Errorf("%d events are more than there are numbers of %d digits", n, nameDigits)
	}
	var all strings.Builder
	all.Grow(n * nameBytes)
	for i := range n {
		fmt.Fprintf(&all, "%s%0*d", namePrefix, nameDigits, i)
	}
	return eventNames(all.String()), nil
}

// from leaves out the first n.
func (e eventNames) from(n int) eventNames { return e[n*nameBytes:] }

func (e eventNames) name(i int) string { return string(e[i*nameBytes : (i+1)*nameBytes]) }

// someProperties are the six properties of an event. No contestant changes them.
func someProperties() map[string]any {
	return map[string]any{
		"page": "/pricing", "referrer": "https://example.com/", "width": 1280, "dark": true, "ratio": 1.5, "plan": "enterprise",
	}
}
