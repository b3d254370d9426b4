package main

import (
	"slices"
	"time"
)

// workload is what the entrants do in turn.
type workload struct {
	title   string
	trial   trial
	mode    sinkMode
	invites []string // of those that are invited
	only    string   // one entrant alone
	columns []column
}

func (w workload) takes(e entrant) bool {
	if w.only != "" {
		return w.only == e.name
	}
	return !e.invited || slices.Contains(w.invites, e.name)
}

// scaled has other numbers of messages. The rehearsal stays one of whole batches,
// which are sent as soon as they are full.
func (w workload) scaled(by float64) workload {
	w.trial.Messages = max(2, int(float64(w.trial.Messages)*by))
	w.trial.Rehearsed = min(w.trial.Rehearsed, 1000*int(float64(w.trial.Rehearsed)*by/1000+1))
	w.trial.Warm = int(float64(w.trial.Warm) * min(1, by))
	return w
}

// What is behind a client when its clock starts.
const (
	rehearsal    = 20_000 // messages: twenty batches
	usualWarmth  = 128 << 20
	outageWarmth = 320 << 20 // no rehearsal can be held
)

// Titles of workloads that are looked for.
const (
	inBursts     = "Calls in bursts of 50 on an idle pipeline"
	fromHandlers = "End to end, 200,000 messages, identity and properties made for each"
)

func asFastAsTaken(producers int) string {
	return "200,000 calls as fast as the client takes them, goroutines: " + whole(float64(producers))
}

func endToEnd(producers int) string {
	return "End to end, 200,000 messages, producers: " + whole(float64(producers))
}

func inAFreshProcess(producers int) string {
	return "The same in a process that has used no memory before, producers: " + whole(float64(producers))
}

func outageOf(what string) string {
	return "Outage: the server " + what + " for two seconds and 200,000 calls"
}

func farAway(delay time.Duration) string {
	return "200,000 messages to a server " + delay.String() + " away"
}

func growthTo(messages int) string { return "Growth, messages: " + whole(float64(messages)) }

// workloads are all of them, in the order of the report.
func workloads() []workload {
	stream := func(messages, producers int) trial {
		return trial{Story: "stream", Messages: messages, Producers: producers, Blocks: true, Within: time.Minute, Rehearsed: rehearsal, Warm: usualWarmth}
	}
	var all []workload
	add := func(w workload) { all = append(all, w) }
	for _, producers := range []int{1, 8, 64} {
		add(workload{title: asFastAsTaken(producers), trial: stream(200_000, producers), columns: []column{throughput, median, p99, lost}})
	}
	idle := stream(10_000, 1)
	idle.Story = "bursts"
	add(workload{title: inBursts, trial: idle, columns: []column{mean, median, p99, slowest, lost}})
	for _, producers := range []int{1, 8} {
		add(workload{title: endToEnd(producers), trial: stream(200_000, producers), invites: []string{floorCopy, floorPost},
			columns: []column{wall, cpuTime, arrived, lost, requests, sockets, bytesEach}})
	}
	for _, producers := range []int{1, 8} {
		fresh := stream(200_000, producers)
		fresh.Rehearsed, fresh.Warm = 0, 0
		add(workload{title: inAFreshProcess(producers), trial: fresh, columns: []column{wall, cpuTime, peak, lost, sockets}})
	}
	handlers := stream(200_000, 1)
	handlers.Story = "handlers"
	add(workload{title: fromHandlers, trial: handlers, invites: []string{floorCall}, columns: []column{wall, cpuTime, lost}})
	outage := trial{Story: "outage", Messages: 200_000, Within: 10 * time.Second, Warm: outageWarmth}
	for _, o := range []struct {
		what string
		mode sinkMode
	}{
		{"answers 503", sinkMode{Status: 503}},
		{"hangs", sinkMode{Hang: true}},
		{"refuses connections", sinkMode{Refuse: true}},
	} {
		add(workload{title: outageOf(o.what), mode: o.mode, invites: []string{largeQueue},
			trial:   outage,
			columns: []column{median, p99, slowest, growth, refused, accepted, arrived, lost, recovery}})
	}
	outage.Ends = true
	add(workload{title: "The process ends while the server answers 503; 200,000 calls, then Close within 10 s", mode: sinkMode{Status: 503},
		trial: outage, columns: []column{closeTime, refused, accepted, arrived, lost}})
	for _, delay := range []time.Duration{20 * time.Millisecond, 100 * time.Millisecond} {
		add(workload{title: farAway(delay), trial: stream(200_000, 1), mode: sinkMode{Delay: delay},
			invites: []string{withInFlight(1), withInFlight(16), withInFlight(64)}, columns: []column{rate, wall, lost}})
	}
	for _, n := range []int{10_000, 100_000, 1_000_000, 5_000_000} {
		t := stream(n, 1)
		t.Warm = 0 // so that what is added shows
		add(workload{title: growthTo(n), only: ours, trial: t, columns: []column{cpuTime, wall, peak, lost}})
	}
	sessions := stream(2000, 1)
	sessions.Story, sessions.Rehearsed, sessions.Warm = "sessions", 0, 0
	add(workload{title: "1,000 idle sessions", trial: sessions, only: ours, columns: []column{heapSession, growth, lost}})
	people := stream(1_000_000, 1)
	people.Story, people.Warm = "people", 0
	add(workload{title: "What is left of a million people, one event each", trial: people, columns: []column{growth, lost}})
	return all
}
