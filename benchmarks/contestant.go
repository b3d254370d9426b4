package main

import (
	"fmt"
	"time"
)

// contestant is a client library, or a floor under what any could cost.
type contestant interface {
	// start connects to a server. blocks is whether a call waits for room, where
	// that can be chosen.
	start(url string, blocks bool) error
	// of returns the calls about one person, from any number of goroutines.
	of(person string) track
	// stop sends what is left, for at most the given time.
	stop(within time.Duration) error
}

// track accepts one event. It returns false if the library refused it.
type track func(event string, properties map[string]any) bool

// entrant is a contestant as the report knows it.
type entrant struct {
	name     string
	invited  bool // takes part only in the workloads that invite it
	settings string
	make     func() contestant
}

// ours is what the others are compared with.
const ours = "LoopKit"

// Those that are invited: floors, and our client with other settings.
const (
	floorCopy  = "copying ready-made messages"
	floorPost  = "posting ready-made bodies"
	floorCall  = "making the arguments"
	largeQueue = "LoopKit, QueueBytes 128 MiB"
)

func withInFlight(n int) string { return fmt.Sprintf("LoopKit, MaxInFlight %d", n) }

const peerSettings = "BatchSize 1000, which suits it better than its 250; up to 1000 requests in flight, which cannot be set"

// entrants are all of them, in the order of the report.
var entrants = []entrant{
	{ours, false, "the defaults (QueueBytes 32 MiB, MaxInFlight 4, BatchSize 1000); Overflow: Block but in outages", func() contestant { return &loopkitClient{} }},
	{withInFlight(1), true, "else the same", func() contestant { return &loopkitClient{inFlight: 1} }},
	{withInFlight(16), true, "else the same", func() contestant { return &loopkitClient{inFlight: 16} }},
	{withInFlight(64), true, "the most that it takes; else the same", func() contestant { return &loopkitClient{inFlight: 64} }},
	{largeQueue, true, "and QueueSize 1,000,000, else the same", func() contestant { return &loopkitClient{queueBytes: 128 << 20} }},
	{"Segment", false, peerSettings, func() contestant { return &segmentClient{} }},
	{"PostHog", false, peerSettings, func() contestant { return &posthogClient{} }},
	{floorCopy, true, "net/http alone: one memcpy a message, four connections", func() contestant { return &readyMade{copies: true} }},
	{floorPost, true, "net/http alone: bodies made before the clock starts, four connections", func() contestant { return &readyMade{} }},
	{floorCall, true, "no library", func() contestant { return idle{} }},
}

func newContestant(name string) (contestant, error) {
	for _, e := range entrants {
		if e.name == name {
			return e.make(), nil
		}
	}
	return nil, fmt.Errorf("no contestant %q", name)
}
