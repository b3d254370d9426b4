package loopkit

import "context"

// flush calls the context's methods, which may be the program's and may use the
// client, without the lock.
func (q *queue) flush(ctx context.Context) error {
	inCallback, ended := q.reporter.called(ctx), ctx.Done()
	q.mu.Lock()
	if q.end.over {
		q.mu.Unlock()
		return ErrClosed
	}
	if q.counts.pending == 0 {
		q.mu.Unlock()
		return nil
	}
	w := q.beginFlush()
	q.mu.Unlock()
	if !inCallback {
		select {
		case <-w.done:
		case <-ended:
		}
	}
	why := ctx.Err()
	if inCallback {
		why = errInCallback
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.endFlush(why, w)
}

// beginFlush seals everything and tries halted endpoints now.
func (q *queue) beginFlush() *waiter {
	now := q.settings.now()
	q.sealAll()
	for i := range q.lanes {
		q.lanes[i].gate.hasten(now)
	}
	q.poke()
	return q.watermark.wait(now)
}

// endFlush says what became of the messages that w waited for; ended is the
// context's error.
func (q *queue) endFlush(ended error, w *waiter) error {
	q.watermark.remove(w)
	places, pending := q.watermark.left(w.mark)
	if pending == 0 && w.dropped == 0 {
		return nil
	}
	e := &UndeliveredError{Pending: int64(pending), Dropped: w.dropped, Err: w.why}
	if pending > 0 {
		e.Err = q.whyPending(ended, places)
	}
	return e
}

// whyPending names the context's error and the failure behind it, as far as
// there are any.
func (q *queue) whyPending(why error, places [placeCount]int) error {
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
	switch {
	case why != nil:
	case places[placeDelete]+places[placeHeld] > 0:
		return errQuarantine
	default:
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

// answerWaiters ends the flushes that have nothing left to wait for. They stand
// in order of their marks, so one look at the epochs serves all. Each goes on
// counting losses until its goroutine has seen the answer: an endpoint that is
// halted lets a flush go with messages that may still be dropped.
func (q *queue) answerWaiters() {
	var places [placeCount]int
	past := q.watermark.past
	for _, w := range q.watermark.waiters {
		for len(past) > 0 && past[0].epoch <= w.mark {
			for p, n := range past[0].places {
				places[p] += n
			}
			past = past[1:]
		}
		if !w.answered && !q.hasToWait(w, places) {
			w.answered = true
			close(w.done)
		}
	}
}

func (q *queue) hasToWait(w *waiter, places [placeCount]int) bool {
	if q.spooler != nil && (q.spooler.owes(w.mark) || w.closes && q.couldSendStored()) {
		return true
	}
	for p, n := range places {
		if n == 0 {
			continue
		}
		lane := q.laneOf(place(p))
		switch {
		case lane.inFlight > 0, place(p) == placeHeld && len(q.erasures.lingering) > 0 && !w.closes:
			return true
		case lane.gate.haltedSince(w.began):
		case w.closes && !q.couldStart(place(p)):
		default:
			return true
		}
	}
	return false
}

// couldSendStored reports whether Close should wait for something that is in the
// spool. It does not sit out a failure for that: the next client sends it.
func (q *queue) couldSendStored() bool {
	for p, n := range q.spooler.saved {
		lane := q.laneOf(place(p))
		switch unread := place(p) == lane.place() && lane.backlog.open && q.spooler.stuck.IsZero(); {
		case n == 0 && !unread:
		case lane.inFlight > 0:
			return true
		case lane.gate.state != gateOpen:
		case place(p) == placeGroup && !q.groupMayGo(): // the identifies decide
		case q.couldStart(place(p)):
			return true
		}
	}
	return false
}

// couldStart reports whether something at the place could be tried before the
// deadline of Close.
func (q *queue) couldStart(p place) bool {
	lane := q.laneOf(p)
	if lane.inFlight > 0 {
		return true
	}
	if lane.gate.state != gateOpen && lane.gate.until.After(q.end.deadline) {
		return false
	}
	switch p {
	case placeGroup:
		return q.groupMayGo() || q.couldStart(placeIdentify)
	case placeDelete:
		e := q.erasures.next()
		return e == nil || !q.quarantineEnd(e).After(q.end.deadline)
	case placeHeld:
		return q.heldCouldGo()
	}
	return true
}
