package main

import (
	"fmt"
	"runtime"
	"slices"
	"sync"
	"time"
)

// stories are the ways to use a client.
var stories = map[string]func(trial, contestant, eventNames, *outcome) error{
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
	for _, n := range refused {
		o.Refused += n
	}
	o.Accepted = t.Messages - o.Refused
	o.Calls = summarise(slices.Concat(took...))
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

// sessions keeps as many sessions as half of the messages. Each has tracked one
// and waits for the next one; the others are tracked before, so that the client
// has what it needs itself.
func sessions(t trial, c contestant, events eventNames, o *outcome) error {
	keeper, ok := c.(interface {
		session() track
		flush() error
	})
	if !ok {
		return fmt.Errorf("%s has no sessions", t.Contestant)
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
	o.Accepted = 2*half - o.Refused
	if err := keeper.flush(); err != nil {
		return err
	}
	o.GrowthBytes = heapInUse() - before
	runtime.KeepAlive(kept)
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
