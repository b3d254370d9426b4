package main

import (
	"math"
	"slices"
	"time"
)

// measurement is one trial with what the sink saw of it.
type measurement struct {
	trial
	outcome
	sink sinkReport
}

func (m measurement) lost() int64 { return int64(m.Accepted) - m.sink.Arrived() }

// column is one number of a table.
type column struct {
	title  string
	value  func(measurement) float64 // NaN if nobody knows
	format func(float64) string
	better better
}

// better says which numbers are.
type better int

const (
	neither better = iota
	less
	more
)

func (c column) medianOf(measured []measurement) float64 {
	return quantile(c.valuesOf(measured), 0.5)
}

func (c column) valuesOf(measured []measurement) []float64 {
	var values []float64
	for _, m := range measured {
		values = append(values, c.value(m))
	}
	slices.Sort(values)
	return values
}

// isBetter is false if one of them is not known.
func (c column) isBetter(a, b float64) bool {
	return c.better == less && a < b || c.better == more && a > b
}

// known turns what a system does not tell into NaN.
func known(v float64) float64 {
	if v == 0 {
		return math.NaN()
	}
	return v
}

func perMessage(d time.Duration, m measurement) float64 {
	return float64(d.Nanoseconds()) / float64(max(1, m.Messages))
}

func count(title string, better better, of func(measurement) int64) column {
	return column{title, func(m measurement) float64 { return float64(of(m)) }, whole, better}
}

func call(title string, better better, of func(callTimes) time.Duration) column {
	return column{title, func(m measurement) float64 { return float64(of(m.Calls)) }, nanoseconds, better}
}

func lasting(title string, better better, of func(measurement) time.Duration) column {
	return column{title, func(m measurement) float64 { return of(m).Seconds() }, seconds, better}
}

var (
	wall       = lasting("wall", less, func(m measurement) time.Duration { return m.Wall })
	recovery   = lasting("until all had arrived, 20 s at most", less, func(m measurement) time.Duration { return m.Recovery })
	closeTime  = lasting("Close", neither, func(m measurement) time.Duration { return m.Close })
	cpuTime    = column{"CPU a message", func(m measurement) float64 { return known(perMessage(m.CPU, m)) }, nanoseconds, less}
	throughput = column{"time ÷ calls", func(m measurement) float64 { return perMessage(m.Enqueue, m) }, nanoseconds, less}
	mean       = call("mean call", less, func(c callTimes) time.Duration { return c.Mean })
	median     = call("median call", less, func(c callTimes) time.Duration { return c.Median })
	p99        = call("p99 call", less, func(c callTimes) time.Duration { return c.P99 })
	slowest    = call("slowest call", neither, func(c callTimes) time.Duration { return c.Max })

	peak        = column{"peak memory", func(m measurement) float64 { return known(float64(m.PeakBytes)) }, bytesOf, less}
	growth      = column{"heap growth", func(m measurement) float64 { return float64(m.GrowthBytes) }, bytesOf, less}
	heapSession = column{"heap for each", func(m measurement) float64 { return float64(m.GrowthBytes) / float64(max(1, m.Messages/2)) }, bytesOf, less}
	bytesEach   = column{"bytes a message", func(m measurement) float64 { return float64(m.sink.Bytes) / float64(max(1, m.sink.Messages)) }, whole, neither}

	requests = count("requests", neither, func(m measurement) int64 { return m.sink.Requests })
	sockets  = count("new connections", neither, func(m measurement) int64 { return m.sink.Connections })
	accepted = count("accepted", more, func(m measurement) int64 { return int64(m.Accepted) })
	refused  = count("refused", neither, func(m measurement) int64 { return int64(m.Refused) })
	arrived  = count("arrived", more, func(m measurement) int64 { return m.sink.Arrived() })
	lost     = count("accepted and lost", less, measurement.lost)
	rate     = column{"messages a second", func(m measurement) float64 { return float64(m.sink.Arrived()) / m.Wall.Seconds() }, whole, more}
)
