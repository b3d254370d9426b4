package main

import (
	"errors"
	"fmt"
	"time"
)

// trial is one run of one contestant in a process of its own.
type trial struct {
	Contestant   string
	Story        string // a key of stories
	URL, Control string // of the sink
	Messages     int
	Producers    int
	Blocks       bool          // calls wait for room
	Ends         bool          // the process does, before the server is back
	Within       time.Duration // for Close
	Rehearsed    int           // messages that arrive before the clock starts
	Warm         int           // bytes of memory that the process has used before
	Profile      string        // file for a processor profile; none if empty
}

// outcome is what a trial measured. Losses are not in it: the sink counts them.
type outcome struct {
	Accepted, Refused int
	Wall, CPU         time.Duration // from the first call to the end of Close
	Enqueue           time.Duration // from the first call to the last
	Recovery          time.Duration // from the end of an outage to the last arrival
	Close             time.Duration
	CloseError        string
	Calls             callTimes // of accepted calls
	PeakBytes         int64     // of the process, above what it had before the clock started
	GrowthBytes       int64     // of the heap, before Close

	called time.Time       // the end of the last call
	took   []time.Duration // by single calls
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
	if err := c.start(t.URL, t.Blocks); err != nil {
		return nil, err
	}
	all := t.Rehearsed + t.Messages
	events, err := makeEventNames(all)
	if err != nil {
		return nil, err
	}
	if p, ok := c.(interface{ prepare(eventNames, int) }); ok {
		p.prepare(events, all)
	}
	if err := t.rehearse(c, events); err != nil {
		return nil, err
	}
	if t.Profile != "" {
		stop, err := profileTo(t.Profile)
		if err != nil {
			return nil, err
		}
		defer stop()
	}
	return t.measure(c, story, events.from(t.Rehearsed))
}

func (t trial) measure(c contestant, story story, events eventNames) (*outcome, error) {
	o := &outcome{took: make([]time.Duration, 0, t.Messages)}
	memoryBefore, err := memory()
	if err != nil {
		return nil, err
	}
	cpuBefore, err := cpu()
	if err != nil {
		return nil, err
	}
	start := time.Now()
	if err := story(t, c, events, o); err != nil {
		return nil, err
	}
	o.Enqueue = o.called.Sub(start)
	closing := time.Now()
	if err := c.stop(t.Within); err != nil {
		o.CloseError = err.Error()
	}
	o.Close, o.Wall = time.Since(closing), time.Since(start)
	cpuAfter, err := cpu()
	if err != nil {
		return nil, err
	}
	o.CPU = cpuAfter - cpuBefore
	memoryAfter, err := memory()
	o.PeakBytes = memoryAfter.most - memoryBefore.now
	o.Calls = summarise(o.took)
	return o, err
}

// rehearse is the beginning of a client's life, with its connections and its
// memory still to be made.
func (t trial) rehearse(c contestant, events eventNames) error {
	if _, isIdle := c.(idle); isIdle || t.Rehearsed == 0 {
		return nil
	}
	track, properties := c.of(someone), someProperties()
	for n := range t.Rehearsed {
		if !track(events.name(n), properties) {
			return errors.New("a message of the rehearsal was refused")
		}
	}
	arrived, err := t.awaitArrival(t.Rehearsed, 10*time.Second)
	if err == nil && !arrived {
		err = errors.New("the rehearsal did not arrive")
	}
	if err == nil {
		_, err = ask(t.Control, "/report") // the count begins anew
	}
	return err
}

// awaitArrival asks the server, because no client's word is believed.
func (t trial) awaitArrival(n int, most time.Duration) (arrived bool, err error) {
	for start := time.Now(); time.Since(start) < most; time.Sleep(5 * time.Millisecond) {
		r, err := ask(t.Control, "/progress")
		if err != nil || r.Arrived() >= int64(n) {
			return err == nil, err
		}
	}
	return false, nil
}
