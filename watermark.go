package loopkit

import "time"

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
	epoch   uint64
	pending []epochCount // in order; epochs that are settled are gone
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
	i := len(w.pending) - 1
	for i >= 0 && w.pending[i].epoch > epoch {
		i--
	}
	if i < 0 || w.pending[i].epoch != epoch { // only the current epoch can be new
		w.pending = append(w.pending, epochCount{epoch: epoch})
		i = len(w.pending) - 1
	}
	w.pending[i].places[p] += n
	if epoch != w.epoch && w.pending[i].total() == 0 {
		w.pending = append(w.pending[:i], w.pending[i+1:]...)
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

// left counts what is pending up to and including the epoch mark.
func (w *watermark) left(mark uint64) (places [placeCount]int, total int) {
	for i := range w.pending {
		if w.pending[i].epoch > mark {
			break
		}
		for p, n := range w.pending[i].places {
			places[p] += n
			total += n
		}
	}
	return places, total
}

// wait ends the epoch and returns a waiter for it.
func (w *watermark) wait(now time.Time) *waiter {
	if last := len(w.pending) - 1; last >= 0 && w.pending[last].total() == 0 {
		w.pending = w.pending[:last]
	}
	waiter := &waiter{mark: w.epoch, began: now, done: make(chan struct{})}
	w.epoch++
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
