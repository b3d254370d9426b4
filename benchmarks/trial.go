package main

import (
	"fmt"
	"runtime"
	"time"
)

// trial is one run of one contestant in a process of its own.
type trial struct {
	Contestant string
	Story      string // a key of stories
	URL        string
	Messages   int
	Producers  int
	InFlight   int
	Blocks     bool          // calls wait for room
	Heals      bool          // the server takes messages again before Close
	Within     time.Duration // for Close
	Rehearsed  int           // messages that arrive before the clock starts
	Warm       int           // bytes of memory that the process has used before
	Profile    string        // file for a processor profile; none if empty
}

// outcome is what a trial measured. Losses are not in it: the sink counts them.
type outcome struct {
	Accepted, Refused int
	Wall, CPU         time.Duration // from the first call to the end of Close
	Enqueue           time.Duration // from the first call to the last
	Close             time.Duration
	CloseError        string
	Calls             callTimes
	PeakBytes         int64 // of the process, above what it had before the clock started
	GrowthBytes       int64 // of the heap, before Close
	Blocked           bool  // calls took more than a minute in all, and were not waited for
	Settings          string
}

// run is the whole life of the child process.
func (t trial) run() (*outcome, error) {
	c, err := newContestant(t.Contestant)
	if err != nil {
		return nil, err
	}
	story, ok := stories[t.Story]
	if !ok {
		return nil, fmt.Errorf("no story %q", t.Story)
	}
	warmHeap(t.Warm)
	if err := c.start(t.URL, t.InFlight, t.Blocks); err != nil {
		return nil, err
	}
	all := t.Rehearsed + t.Messages
	events := makeEventNames(all)
	if p, ok := c.(interface{ prepare(eventNames, int) }); ok {
		p.prepare(events, all)
	}
	if err := t.rehearse(c, events); err != nil {
		return nil, err
	}
	events = events.from(t.Rehearsed)
	o := &outcome{Settings: c.settings()}
	memoryBefore, err := memory()
	if err != nil {
		return nil, err
	}
	cpuBefore, err := cpu()
	if err != nil {
		return nil, err
	}
	if t.Profile != "" {
		stop, err := profileTo(t.Profile)
		if err != nil {
			return nil, err
		}
		defer stop()
	}
	start := time.Now()
	if err := story(t, c, events, o); err != nil {
		return nil, err
	}
	o.Enqueue = time.Since(start)
	closing := time.Now()
	if err := c.stop(t.Within); err != nil {
		o.CloseError = err.Error()
	}
	o.Close, o.Wall = time.Since(closing), time.Since(start)
	runtime.KeepAlive(events) // the heap that was measured holds them
	cpuAfter, err := cpu()
	if err != nil {
		return nil, err
	}
	o.CPU = cpuAfter - cpuBefore
	memoryAfter, err := memory()
	o.PeakBytes = memoryAfter.most - memoryBefore.now
	return o, err
}

// rehearse is the beginning of a client's life, with its connections and its
// memory still to be made. It ends when the server has everything, because no
// client's word is believed.
func (t trial) rehearse(c contestant, events eventNames) error {
	if _, isIdle := c.(idle); isIdle || t.Rehearsed == 0 {
		return nil
	}
	track, properties := c.of(someone), someProperties()
	for n := range t.Rehearsed {
		if !track(events.name(n), properties) {
			return fmt.Errorf("%s refused a message of the rehearsal", t.Contestant)
		}
	}
	for range 2000 {
		r, err := reportOf(t.URL, "/_progress")
		if err != nil {
			return err
		}
		if r.Arrived() == int64(t.Rehearsed) {
			_, err = reportOf(t.URL, "/_report")
			return err
		}
		time.Sleep(5 * time.Millisecond)
	}
	return fmt.Errorf("%s did not send its rehearsal", t.Contestant)
}
