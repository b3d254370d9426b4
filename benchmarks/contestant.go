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
	// of returns the calls about one person, from any number of goroutines.
	of(person string) track
	// stop sends what is left, for at most the given time.
	stop(within time.Duration) error
	// settings says what was chosen, for the report.
	settings() string
}

// track accepts one event. It returns false if the library refused it.
type track func(event string, properties map[string]any) bool

// ours is the library that the others are compared with.
const ours = "LoopKit"

// The floors.
const (
	floorCopy = "copying ready-made messages"
	floorPost = "posting ready-made bodies"
	floorCall = "making the arguments"
)

type entrant struct {
	name  string
	floor bool // not a library
	make  func() contestant
}

// contestants are all of them, by name, in the order of the report.
var contestants = []entrant{
	{ours, false, func() contestant { return &loopkitClient{} }},
	{"Segment", false, func() contestant { return &segmentClient{} }},
	{"PostHog", false, func() contestant { return &posthogClient{} }},
	{floorCopy, true, func() contestant { return &readyMade{copies: true} }},
	{floorPost, true, func() contestant { return &readyMade{} }},
	{floorCall, true, func() contestant { return idle{} }},
}

func newContestant(name string) (contestant, error) {
	for _, c := range contestants {
		if c.name == name {
			return c.make(), nil
		}
	}
	return nil, fmt.Errorf("no contestant %q", name)
}
