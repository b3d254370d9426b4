package main

import (
	"fmt"
	"time"
)

// contestant is a client library, or a floor under what any could cost.
type contestant interface {
	// start connects to a server. inFlight is how many requests may be under way
	// and blocks whether a call waits for room, where these can be chosen.
	start(url string, inFlight int, blocks bool) error
	// track accepts one event of a user, with six properties, one of which is its
	// number. It returns false if the library refused it.
	track(user string, number int) bool
	// stop sends what is left, for at most the given time.
	stop(within time.Duration) error
	// settings says what was chosen, for the report.
	settings() string
}

// contestants are all of them, by name, in the order of the report.
var contestants = []struct {
	name  string
	floor bool // not a library
	make  func() contestant
}{
	{"LoopKit", false, func() contestant { return &loopkitClient{} }},
	{"Segment", false, func() contestant { return &segmentClient{} }},
	{"PostHog", false, func() contestant { return &posthogClient{} }},
	{"copying ready-made messages", true, func() contestant { return &readyMade{copies: true} }},
	{"posting ready-made bodies", true, func() contestant { return &readyMade{} }},
}

func newContestant(name string) (contestant, error) {
	for _, c := range contestants {
		if c.name == name {
			return c.make(), nil
		}
	}
	return nil, fmt.Errorf("no contestant %q", name)
}
