package main

import (
	"fmt"
	"sync"
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
	Fresh      bool          // the process has used no memory before
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

// stories are the ways to use a client.
var stories = map[string]func(trial, contestant, eventNames, *outcome) error{
	"stream":   stream,
	"bursts":   bursts,
	"outage":   outage,
	"people":   people,
	"handlers": handlers,
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
	if err := c.start(t.URL, t.InFlight, t.Blocks); err != nil {
		return nil, err
	}
	events := makeEventNames(t.Messages)
	if p, ok := c.(interface{ prepare(eventNames, int) }); ok {
		p.prepare(events, t.Messages)
	}
	o := &outcome{Settings: c.settings()}
	if !t.Fresh {
		warmHeap()
	}
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
	cpuAfter, err := cpu()
	if err != nil {
		return nil, err
	}
	o.CPU = cpuAfter - cpuBefore
	memoryAfter, err := memory()
	o.PeakBytes = memoryAfter.most - memoryBefore.now
	return o, err
}

const someone = "anon_6f49213a-7c1e-4c51-bdc7-91c2353e56f1"

// stream tracks as fast as the client lets it. What does not change from call to
// call is made once: what is measured is the library.
func stream(t trial, c contestant, events eventNames, o *outcome) error {
	properties := someProperties()
	var wg sync.WaitGroup
	refused := make([]int, t.Producers)
	for p := range t.Producers {
		wg.Go(func() {
			track := c.of(someone)
			for n := p * t.Messages / t.Producers; n < (p+1)*t.Messages/t.Producers; n++ {
				if !track(events.name(n), properties) {
					refused[p]++
				}
			}
		})
	}
	wg.Wait()
	for _, n := range refused {
		o.Refused += n
	}
	o.Accepted = t.Messages - o.Refused
	return nil
}

// bursts tracks fifty events at a time, with pauses in which the client has
// nothing to do, and measures each call.
func bursts(t trial, c contestant, events eventNames, o *outcome) error {
	const burst = 50
	track, properties := c.of(someone), someProperties()
	took := make([]time.Duration, 0, t.Messages)
	for n := range t.Messages {
		if n%burst == 0 {
			time.Sleep(5 * time.Millisecond)
		}
		begin := time.Now()
		ok := track(events.name(n), properties)
		took = append(took, time.Since(begin))
		if !ok {
			o.Refused++
		}
	}
	o.Accepted = t.Messages - o.Refused
	o.Calls = summarise(took)
	return nil
}

// outage tracks while nothing is delivered.
func outage(t trial, c contestant, events eventNames, o *outcome) error {
	track, properties := c.of(someone), someProperties()
	before := heapInUse()
	took := make([]time.Duration, 0, t.Messages)
	done := make(chan int, 1)
	go func() { // until the process ends, if the calls block
		refused := 0
		for n := range t.Messages {
			begin := time.Now()
			ok := track(events.name(n), properties)
			took = append(took, time.Since(begin))
			if !ok {
				refused++
			}
		}
		done <- refused
	}()
	select {
	case o.Refused = <-done:
		o.Accepted = t.Messages - o.Refused
		o.Calls = summarise(took)
	case <-time.After(time.Minute):
		o.Blocked = true
	}
	o.GrowthBytes = heapInUse() - before
	if t.Heals {
		return setMode(t.URL, sinkMode{})
	}
	return nil
}

// handlers tracks as the handlers of a web server do, each of which makes the
// person's identity and the properties itself.
func handlers(t trial, c contestant, events eventNames, o *outcome) error {
	for n := range t.Messages {
		if !c.of(someone)(events.name(n), someProperties()) {
			o.Refused++
		}
	}
	o.Accepted = t.Messages - o.Refused
	return nil
}

// people tracks one event of each of many people.
func people(t trial, c contestant, events eventNames, o *outcome) error {
	properties := someProperties()
	before := heapInUse()
	for n := range t.Messages {
		if !c.of(fmt.Sprintf("anon_%d", n))(events.name(n), properties) {
			o.Refused++
		}
	}
	o.Accepted = t.Messages - o.Refused
	o.GrowthBytes = heapInUse() - before
	return nil
}
