package main

import (
	"fmt"
	"strings"
)

// inShort compares the most telling numbers with those of the best library that
// lost nothing, or with a bound.
func inShort(all map[string]results) string {
	var rows strings.Builder
	row := func(what, own, other, ratio string) {
		fmt.Fprintf(&rows, "| %s | %s | %s | %s |\n", what, own, other, ratio)
	}
	against := func(what, workload string, c column) {
		r := all[workload]
		name, best := bestPeer(c, r)
		if name == "" {
			return
		}
		own := medianOf(c, r[ours])
		row(what, c.format(own), name+", "+c.format(best), fmt.Sprintf("%.1f×", best/own))
	}
	against("a call while the pipeline is saturated", saturated(1), callTime)
	against("the same, 8 goroutines", saturated(8), callTime)
	against("the same, 64 goroutines", saturated(64), callTime)
	against("a call on an idle pipeline, mean", inBursts, mean)
	against("a call on an idle pipeline, median", inBursts, median)
	against("200,000 messages, wall time", endToEnd(1), wall)
	against("200,000 messages, processor time of each", endToEnd(1), cpuTime)
	against("the same as a web server's handlers make them", fromHandlers, cpuTime)

	if r := all[endToEnd(1)]; r[floorPost] != nil {
		own, floor := medianOf(cpuTime, r[ours]), medianOf(cpuTime, r[floorPost])
		row("processor time of each, against "+floorPost, nanoseconds(own), nanoseconds(floor), fmt.Sprintf("%.1f× of it", own/floor))
	}
	if r := all[outageOf("answers 503")]; r[ours] != nil {
		row("a call in an outage, 99th percentile", nanoseconds(medianOf(p99, r[ours])), "5 µs at most", "")
		bound := float64(queueBytes)
		row("memory in an outage, against the bound of the queue", bytesOf(medianOf(growth, r[ours])), bytesOf(bound), fmt.Sprintf("%.1f× of it", medianOf(growth, r[ours])/bound))
	}
	few, many := all[growthTo(100_000)], all[growthTo(5_000_000)]
	if few[ours] != nil && many[ours] != nil {
		first, last := medianOf(cpuTime, few[ours]), medianOf(cpuTime, many[ours])
		row("processor time of each of 5,000,000, against 100,000", nanoseconds(last), nanoseconds(first), fmt.Sprintf("%.1f× of it", last/first))
	}
	if rows.Len() == 0 {
		return ""
	}
	return "\n## In short\n\n| | LoopKit | the best that lost nothing, or the bound | |\n|---|---:|---:|---:|\n" + rows.String()
}

// bestPeer is the library with the least median among those that lost nothing.
func bestPeer(c column, r results) (name string, least float64) {
	for _, contestant := range contestants {
		measured := r[contestant.name]
		if contestant.floor || contestant.name == ours || measured == nil || isBlocked(measured) || medianOf(lost, measured) != 0 {
			continue
		}
		if value := medianOf(c, measured); name == "" || value < least {
			name, least = contestant.name, value
		}
	}
	return name, least
}
