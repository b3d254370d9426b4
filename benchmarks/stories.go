package main

import (
	"errors"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"time"
)

// story is a way to use a client. It notes when its last call ended.
type story func(trial, contestant, eventNames, *outcome) error

var stories = map[string]story{
	"stream":   stream,
	"bursts":   bursts,
	"outage":   outage,
	"people":   people,
	"handlers": handlers,
	"sessions": sessions,
}

const someone = "anon_6f49213a-7c1e-4c51-bdc7-91c2353e56f1"

// stream tracks as fast as the client lets it, and measures some of the calls by
// themselves. What does not change from call to call is made once: what is
// measured is the library.
func stream(t trial, c contestant, events eventNames, o *outcome) error {
	const measured = 32 // every how manieth call
	properties := someProperties()
	var wg sync.WaitGroup
	refused, took := make([]int, t.Producers), make([][]time.Duration, t.Producers)
	for p := range t.Producers {
		wg.Go(func() {
			track := c.of(someone)
			first, end := p*t.Messages/t.Producers, (p+1)*t.Messages/t.Producers
			took[p] = make([]time.Duration, 0, (end-first)/measured+1)
			for n := first; n < end; n++ {
				var begin time.Time
				if n%measured == 0 {
					begin = time.Now()
				}
				if !track(events.name(n), properties) {
					refused[p]++
				}
				if n%measured == 0 {
					took[p] = append(took[p], time.Since(begin))
				}
			}
		})
	}
	wg.Wait()
	o.called = time.Now()
	for _, n := range refused {
		o.Refused += n
	}
	o.Accepted = t.Messages - o.Refused
	o.took = slices.Concat(took...)
	return nil
}

// timed makes one call and measures it if it was accepted.
func (o *outcome) timed(track track, event string, properties map[string]any) {
	begin := time.Now()
	ok := track(event, properties)
	took := time.Since(begin)
	if !ok {
		o.Refused++
		return
	}
	o.Accepted++
	o.took = append(o.took, took)
}

// bursts tracks fifty events at a time, with pauses in which the client has
// nothing to do, and measures each call.
func bursts(t trial, c contestant, events eventNames, o *outcome) error {
	const burst = 50
	track, properties := c.of(someone), someProperties()
	for n := range t.Messages {
		if n%burst == 0 {
			time.Sleep(5 * time.Millisecond)
		}
		o.timed(track, events.name(n), properties)
	}
	o.called = time.Now()
	return nil
}

const (
	outageLasts   = 2 * time.Second  // at least
	recoveryTakes = 20 * time.Second // at most: what has not arrived by then is told at Close
)

// outage tracks while nothing is delivered. Then the server comes back, and the
// process lives on.
func outage(t trial, c contestant, events eventNames, o *outcome) error {
	track, properties := c.of(someone), someProperties()
	before := heapInUse()
	start := time.Now()
	for n := range t.Messages {
		o.timed(track, events.name(n), properties)
	}
	o.called = time.Now()
	o.GrowthBytes = heapInUse() - before
	if t.Ends {
		return nil
	}
	time.Sleep(outageLasts - time.Since(start))
	if err := tell(t.Control, sinkMode{}); err != nil {
		return err
	}
	healed := time.Now()
	_, err := t.awaitArrival(o.Accepted, recoveryTakes)
	o.Recovery = time.Since(healed)
	return err
}

// handlers tracks as the handlers of a web server do, each of which makes the
// person's identity and the properties itself.
func handlers(t trial, c contestant, events eventNames, o *outcome) error {
	for n := range t.Messages {
		if !c.of(someone)(events.name(n), someProperties()) {
			o.Refused++
		}
	}
	o.called = time.Now()
	o.Accepted = t.Messages - o.Refused
	return nil
}

// sessions keeps as many sessions as half of the messages. Each has tracked one
// and waits for the next one; the others are tracked before, so that the client
// has what it needs itself.
func sessions(t trial, c contestant, events eventNames, o *outcome) error {
	keeper, ok := c.(interface {
		session() track
		flush() error
	})
	if !ok {
		return errors.New("it has no sessions")
	}
	properties := someProperties()
	first := keeper.session()
	half := t.Messages / 2
	for n := range half {
		if !first(events.name(n), properties) {
			o.Refused++
		}
	}
	if err := keeper.flush(); err != nil {
		return err
	}
	before := heapInUse()
	kept := make([]track, half)
	for n := range kept {
		kept[n] = keeper.session()
		if !kept[n](events.name(half+n), properties) {
			o.Refused++
		}
	}
	o.called = time.Now()
	o.Accepted = 2*half - o.Refused
	if err := keeper.flush(); err != nil {
		return err
	}
	o.GrowthBytes = heapInUse() - before
	runtime.KeepAlive(kept)
	runtime.KeepAlive(events) // the heap that was measured holds them
	return nil
}

// people tracks one event of each of many people, and looks at what is left of
// them when all has arrived.
func people(t trial, c contestant, events eventNames, o *outcome) error {
	properties := someProperties()
	before := heapInUse()
	for n := range t.Messages {
		if !c.of(fmt.Sprintf("anon_%d", n))(events.name(n), properties) {
			o.Refused++
		}
	}
	o.called = time.Now()
	o.Accepted = t.Messages - o.Refused
	if _, err := t.awaitArrival(o.Accepted, recoveryTakes); err != nil {
		return err
	}
	o.GrowthBytes = heapInUse() - before
	runtime.KeepAlive(events) // the heap that was measured holds them
	return nil
}
