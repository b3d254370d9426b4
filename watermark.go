package loopkit

import (
	"context"
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

func (q *queue) flush(ctx context.Context) error {
	q.mu.Lock()
	if q.ended {
		q.mu.Unlock()
		return ErrClosed
	}
	if q.counts.pending == 0 {
		q.mu.Unlock()
		return nil
	}
	w := q.beginFlush()
	q.mu.Unlock()
	if !q.reporter.called(ctx) {
		select {
		case <-w.done:
		case <-ctx.Done():
		}
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.endFlush(ctx, w)
}

// beginFlush seals everything and tries halted endpoints now.
func (q *queue) beginFlush() *waiter {
	now := time.Now()
	q.sealAll()
	for i := range q.lanes {
		q.lanes[i].gate.hasten(now)
	}
	q.poke()
	return q.watermark.wait(now)
}

// endFlush says what became of the messages that w waited for.
func (q *queue) endFlush(ctx context.Context, w *waiter) error {
	q.watermark.remove(w)
	places, pending := q.watermark.left(w.mark)
	if pending == 0 && w.dropped == 0 {
		return nil
	}
	e := &UndeliveredError{Pending: int64(pending), Dropped: w.dropped, Err: w.why}
	if pending > 0 {
		e.Err = q.whyPending(ctx, places)
	}
	return e
}

// whyPending names the context's error and the failure behind it, as far as
// there are any.
func (q *queue) whyPending(ctx context.Context, places [placeCount]int) error {
	why := ctx.Err()
	if q.reporter.called(ctx) {
		why = errInCallback
	}
	for p, n := range places {
		if n == 0 {
			continue
		}
		if err := q.laneOf(place(p)).gate.err; err != nil {
			if why == nil {
				return err
			}
			return &interruptedError{ended: why, last: err}
		}
	}
	if why == nil {
		return errTooLate
	}
	return why
}

// interruptedError is the end of a wait together with the failure that made it
// long.
type interruptedError struct{ ended, last error }

func (e *interruptedError) Error() string {
	return e.ended.Error() + "; before that: " + e.last.Error()
}
func (e *interruptedError) Unwrap() []error { return []error{e.ended, e.last} }

// laneOf returns the lane whose endpoint a place waits for.
func (q *queue) laneOf(p place) *lane {
	if p == placeHeld {
		p = placeDelete
	}
	return &q.lanes[p]
}

// answerWaiters ends the flushes that have nothing left to wait for.
func (q *queue) answerWaiters(now time.Time) {
	for _, w := range q.watermark.waiters {
		if !w.answered && !q.hasToWait(w, now) {
			w.answered = true
			close(w.done)
		}
	}
}

func (q *queue) hasToWait(w *waiter, now time.Time) bool {
	places, _ := q.watermark.left(w.mark)
	for p, n := range places {
		if n == 0 {
			continue
		}
		lane := q.laneOf(place(p))
		switch {
		case lane.inFlight > 0:
			return true
		case lane.gate.haltedSince(w.began):
		case q.closing && !q.couldStart(place(p), now):
		default:
			return true
		}
	}
	return false
}

// couldStart reports whether something at the place could be tried before the
// deadline of Close.
func (q *queue) couldStart(p place, now time.Time) bool {
	lane := q.laneOf(p)
	if lane.inFlight > 0 {
		return true
	}
	if lane.gate.state != gateOpen && lane.gate.until.After(q.deadline) {
		return false
	}
	switch p {
	case placeGroup:
		return q.groupMayGo() || q.couldStart(placeIdentify, now)
	case placeDelete:
		e := q.erasures.next()
		return e == nil || !q.quarantineEnd(e).After(q.deadline)
	case placeHeld:
		return q.heldCouldGo(now)
	}
	return true
}
