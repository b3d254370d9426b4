package loopkit

import (
	"cmp"
	"slices"
	"time"
)

// place is where a pending message is.
type place uint8

const (
	placeIdentify place = iota
	placeGroup
	placeTrack
	placeDelete
	placeHeld // behind a deletion
	placeCount
)

// watermark counts pending messages by epoch, so that a flush can wait for what
// was accepted before it and for nothing else. Each flush ends an epoch.
type watermark struct {
	current epochCount
	past    []epochCount // in order; epochs that are settled are gone
	waiters []*waiter
}

type epochCount struct {
	epoch  uint64
	places [placeCount]int
}

func (e *epochCount) total() (n int) {
	for _, p := range e.places {
		n += p
	}
	return n
}

// waiter is one flush, or the close.
type waiter struct {
	mark     uint64 // waits for this epoch and those before
	began    time.Time
	done     chan struct{} // closed when answered
	answered bool
	closes   bool // it is the Close: what could not start before its deadline is given up
	dropped  int64
	why      error // why the last of them was dropped
}

func (w *watermark) add(p place, epoch uint64, n int) {
	if epoch == w.current.epoch {
		w.current.places[p] += n
		return
	}
	i, found := slices.BinarySearchFunc(w.past, epoch, func(e epochCount, epoch uint64) int { return cmp.Compare(e.epoch, epoch) })
	if !found {
		w.past = slices.Insert(w.past, i, epochCount{epoch: epoch})
	}
	w.past[i].places[p] += n
	if w.past[i].total() == 0 {
		w.past = slices.Delete(w.past, i, i+1)
	}
}

// move takes messages from one place to another.
func (w *watermark) move(from, to place, epoch uint64, n int) {
	w.add(to, epoch, n)
	w.add(from, epoch, -n)
}

// lost tells the waiters of messages that were dropped against the program's
// wish.
func (w *watermark) lost(epoch uint64, n int, reason Reason, why error) {
	if reason == ReasonDeleted || reason == ReasonConsent {
		return
	}
	for _, waiter := range w.waiters {
		if epoch <= waiter.mark {
			waiter.dropped += int64(n)
			waiter.why = why
		}
	}
}

// left counts what is pending up to and including the epoch mark, which is past.
func (w *watermark) left(mark uint64) (places [placeCount]int, total int) {
	for i := range w.past {
		if w.past[i].epoch > mark {
			break
		}
		for p, n := range w.past[i].places {
			places[p] += n
			total += n
		}
	}
	return places, total
}

// wait ends the epoch and returns a waiter for it.
func (w *watermark) wait(now time.Time) *waiter {
	waiter := &waiter{mark: w.current.epoch, began: now, done: make(chan struct{})}
	if w.current.total() > 0 {
		w.past = append(w.past, w.current)
	}
	w.current = epochCount{epoch: w.current.epoch + 1}
	w.waiters = append(w.waiters, waiter)
	return waiter
}

func (w *watermark) remove(waiter *waiter) {
	for i := range w.waiters {
		if w.waiters[i] == waiter {
			w.waiters = append(w.waiters[:i], w.waiters[i+1:]...)
			return
		}
	}
}
