package main

import (
	"fmt"
	"math"
	"strings"
	"time"
)

// inShort compares the most telling numbers, the good and the bad, with those of
// the best library that lost nothing, and with bounds.
func inShort(all map[string]results) string {
	var rows strings.Builder
	row := func(what string, c column, own float64, whose string, other float64) {
		if math.IsNaN(own) || math.IsNaN(other) {
			return
		}
		fmt.Fprintf(&rows, "| %s | %s | %s %s | %s |\n", what, c.format(own), whose, c.format(other), times(other/own))
	}
	against := func(what, workload string, c column) {
		r := all[workload]
		if name, best := bestPeer(c, r); name != "" {
			row(what, c, c.medianOf(r[ours]), name, best)
		}
	}
	for _, producers := range []int{1, 8, 64} {
		against(fmt.Sprintf("calls as fast as they are taken, goroutines: %d, time ÷ calls", producers), asFastAsTaken(producers), throughput)
	}
	against("the same, median call, goroutines: 1", asFastAsTaken(1), median)
	against("the same, p99 call, goroutines: 1", asFastAsTaken(1), p99)
	against("a call on an idle pipeline, mean", inBursts, mean)
	against("a call on an idle pipeline, median", inBursts, median)
	against("200,000 messages, wall", endToEnd(1), wall)
	against("200,000 messages, CPU a message", endToEnd(1), cpuTime)
	against("200,000 messages, producers: 8, CPU a message", endToEnd(8), cpuTime)
	against("in a process that has used no memory before, CPU a message", inAFreshProcess(1), cpuTime)
	against("with identity and properties made for each, CPU a message", fromHandlers, cpuTime)
	for _, delay := range []time.Duration{20 * time.Millisecond, 100 * time.Millisecond} {
		against(fmt.Sprintf("200,000 messages to a server %v away, wall", delay), farAway(delay), wall)
	}
	if r := all[endToEnd(1)]; r[floorPost] != nil && r[floorCopy] != nil {
		floor := min(cpuTime.medianOf(r[floorPost]), cpuTime.medianOf(r[floorCopy]))
		row("200,000 messages, CPU a message, beside net/http alone", cpuTime, cpuTime.medianOf(r[ours]), "the lower floor,", floor)
	}
	if r := all[outageOf("answers 503")]; r[ours] != nil {
		against("outage with 503, p99 of accepted calls", outageOf("answers 503"), p99)
		against("outage with 503, arrived of 200,000 calls", outageOf("answers 503"), arrived)
		against("outage with 503, heap growth", outageOf("answers 503"), growth)
		row("outage with 503, heap growth, beside the bound of the queue", growth, growth.medianOf(r[ours]), "QueueBytes,", queueBytes)
	}
	if few, many := all[growthTo(100_000)], all[growthTo(5_000_000)]; few[ours] != nil && many[ours] != nil {
		row("CPU a message at 5,000,000, beside that at 100,000", cpuTime, cpuTime.medianOf(many[ours]), "at 100,000,", cpuTime.medianOf(few[ours]))
	}
	if rows.Len() == 0 {
		return ""
	}
	return "\n## In short\n\n| | LoopKit | the best peer that lost nothing, or a bound | it is how many times LoopKit's |\n|---|---:|---:|---:|\n" + rows.String()
}

// bestPeer is the library with the best median among those that lost nothing.
func bestPeer(c column, r results) (name string, best float64) {
	for _, e := range entrants {
		measured := r[e.name]
		if e.invited || e.name == ours || measured == nil || lost.medianOf(measured) != 0 {
			continue
		}
		if value := c.medianOf(measured); name == "" || c.isBetter(value, best) {
			name, best = e.name, value
		}
	}
	return name, best
}
