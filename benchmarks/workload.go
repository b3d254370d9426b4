package main

import (
	"slices"
	"time"
)

// workload is what all contestants do in turn.
type workload struct {
	title   string
	trial   trial
	mode    sinkMode
	nowhere bool     // connections are refused
	floors  []string // those that take part
	only    string   // one contestant alone
	columns []column
}

func (w workload) takes(c entrant) bool {
	return (!c.floor || slices.Contains(w.floors, c.name)) && (w.only == "" || w.only == c.name)
}

// measurement is one trial with what the sink saw of it.
type measurement struct {
	trial
	outcome
	sink sinkReport
}

func (m measurement) lost() int64 { return int64(m.Accepted) - m.sink.Arrived() }

// column is one number of a table. Less is better, if it is compared.
type column struct {
	title    string
	value    func(measurement) float64
	format   func(float64) string
	compares bool
}

func perMessage(d time.Duration, m measurement) float64 {
	return float64(d.Nanoseconds()) / float64(max(1, m.Messages))
}

var (
	wall        = column{"wall", func(m measurement) float64 { return m.Wall.Seconds() }, seconds, true}
	cpuTime     = column{"CPU a message", func(m measurement) float64 { return perMessage(m.CPU, m) }, nanoseconds, true}
	callTime    = column{"a call", func(m measurement) float64 { return perMessage(m.Enqueue, m) }, nanoseconds, true}
	mean        = column{"mean call", func(m measurement) float64 { return float64(m.Calls.Mean) }, nanoseconds, true}
	median      = column{"median call", func(m measurement) float64 { return float64(m.Calls.Median) }, nanoseconds, true}
	p99         = column{"p99 call", func(m measurement) float64 { return float64(m.Calls.P99) }, nanoseconds, true}
	slowest     = column{"slowest call", func(m measurement) float64 { return float64(m.Calls.Max) }, nanoseconds, false}
	peak        = column{"peak memory", func(m measurement) float64 { return float64(m.PeakBytes) }, bytesOf, true}
	growth      = column{"heap growth", func(m measurement) float64 { return float64(m.GrowthBytes) }, bytesOf, true}
	heapEach    = column{"heap for each", func(m measurement) float64 { return float64(m.GrowthBytes) / float64(max(1, m.Messages)) }, bytesOf, true}
	heapSession = column{"heap for each", func(m measurement) float64 { return float64(m.GrowthBytes) / float64(max(1, m.Messages/2)) }, bytesOf, true}
	closeTime   = column{"Close", func(m measurement) float64 { return m.Close.Seconds() }, seconds, false}
	requests    = column{"requests", func(m measurement) float64 { return float64(m.sink.Requests) }, whole, false}
	sockets     = column{"new connections", func(m measurement) float64 { return float64(m.sink.Connections) }, whole, false}
	accepted    = column{"accepted", func(m measurement) float64 { return float64(m.Accepted) }, whole, false}
	arrived     = column{"arrived", func(m measurement) float64 { return float64(m.sink.Arrived()) }, whole, false}
	refused     = column{"refused", func(m measurement) float64 { return float64(m.Refused) }, whole, false}
	lost        = column{"lost", func(m measurement) float64 { return float64(m.lost()) }, whole, false}
	rate        = column{"messages a second", func(m measurement) float64 { return float64(m.sink.Arrived()) / m.Wall.Seconds() }, whole, false}
)

// What is behind a client when its clock starts. In outages no rehearsal can be
// held, so that the process has used more memory than any client will take.
const (
	usualWarmth  = 128 << 20
	outageWarmth = 320 << 20

	rehearsal = 20_000 // twenty batches
)

// Titles of workloads that are looked for.
const (
	inBursts     = "A call in bursts of 50 on an idle pipeline"
	fromHandlers = "End to end, 200,000 messages, identity and properties made for each"
)

func saturated(producers int) string {
	return "A call while the pipeline is saturated, goroutines: " + whole(float64(producers))
}

func endToEnd(producers int) string {
	return "End to end, 200,000 messages, producers: " + whole(float64(producers))
}

func outageOf(what string) string { return "Outage: the server " + what + "; 200,000 calls" }

func growthTo(messages int) string { return "Growth, messages: " + whole(float64(messages)) }

// workloads are all of them, in the order of the report.
func workloads() []workload {
	stream := func(messages, producers int) trial {
		return trial{Story: "stream", Messages: messages, Producers: producers, InFlight: 4, Blocks: true, Within: time.Minute, Rehearsed: rehearsal, Warm: usualWarmth}
	}
	outage := trial{Story: "outage", Messages: 200_000, InFlight: 4, Within: 10 * time.Second, Warm: outageWarmth}
	var all []workload
	add := func(w workload) { all = append(all, w) }
	for _, producers := range []int{1, 8, 64} {
		add(workload{title: saturated(producers),
			trial: stream(200_000, producers), columns: []column{callTime, median, p99, lost}})
	}
	add(workload{title: inBursts, trial: trial{Story: "bursts", Messages: 10_000, InFlight: 4, Blocks: true, Within: time.Minute, Rehearsed: rehearsal, Warm: usualWarmth},
		columns: []column{mean, median, p99, slowest, lost}})
	for _, producers := range []int{1, 8} {
		var floors []string
		if producers == 1 {
			floors = []string{floorCopy, floorPost}
		}
		add(workload{title: endToEnd(producers), floors: floors,
			trial: stream(200_000, producers), columns: []column{wall, cpuTime, arrived, lost, requests, sockets}})
	}
	fresh := stream(200_000, 1)
	fresh.Rehearsed, fresh.Warm = 0, 0
	add(workload{title: "End to end, 200,000 messages, in a process that has used no memory before",
		trial: fresh, columns: []column{wall, cpuTime, peak, lost}})
	handlers := stream(200_000, 1)
	handlers.Story = "handlers"
	add(workload{title: fromHandlers, floors: []string{floorCall},
		trial: handlers, columns: []column{wall, cpuTime, lost}})
	for _, o := range []struct {
		title   string
		mode    sinkMode
		nowhere bool
	}{
		{"answers 503", sinkMode{Status: 503}, false},
		{"hangs", sinkMode{Hang: true}, false},
		{"refuses connections", sinkMode{}, true},
	} {
		t := outage
		t.Heals = !o.nowhere
		add(workload{title: outageOf(o.title), trial: t, mode: o.mode, nowhere: o.nowhere,
			columns: []column{median, p99, slowest, growth, refused, accepted, arrived, lost, closeTime}})
	}
	for _, away := range []time.Duration{20 * time.Millisecond, 100 * time.Millisecond} {
		for _, inFlight := range []int{1, 4, 16} {
			t := stream(200_000, 1)
			t.InFlight = inFlight
			w := workload{title: "A server " + away.String() + " away, requests in flight: " + whole(float64(inFlight)), trial: t,
				mode: sinkMode{Delay: away}, columns: []column{rate, wall, lost}}
			if inFlight != 4 { // the others cannot choose
				w.only = ours
			}
			add(w)
		}
	}
	for _, n := range []int{10_000, 100_000, 1_000_000, 5_000_000} {
		add(workload{title: growthTo(n), only: ours, trial: stream(n, 1), columns: []column{cpuTime, wall, lost}})
	}
	sessions := trial{Story: "sessions", Messages: 2000, InFlight: 4, Within: time.Minute}
	add(workload{title: "1,000 idle sessions", trial: sessions, only: ours, columns: []column{heapSession, growth, lost}})
	people := trial{Story: "people", Messages: 1_000_000, InFlight: 4, Blocks: true, Within: time.Minute}
	add(workload{title: "A million people, one event each", trial: people, columns: []column{heapEach, growth, lost}})
	return all
}
