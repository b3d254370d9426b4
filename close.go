package loopkit

import (
	"context"
	"time"
)

// These are how long Close waits after its context has ended: for the spool, twice,
// for what it cancelled, and for callbacks.
const (
	spoolGrace  = 15 * time.Millisecond
	quietGrace  = 25 * time.Millisecond
	reportGrace = 35 * time.Millisecond
)

// ending is how far Close has come.
type ending struct {
	begun    bool // nothing is accepted any more
	deadline time.Time
	gaveUp   bool          // nothing is sent any more: what comes back is dropped
	quiet    chan struct{} // closed when the last attempt ended after that
	why      error         // what the hooks and deletions are told of what was given up
	left     error         // what Close returns for it; nil if nothing was left
	over     bool          // and err says how it ended
	err      error
	done     chan struct{} // closed when callbacks have ended too, or were given up
}

func (q *queue) close(ctx context.Context) error {
	inCallback := q.reporter.called(ctx)
	drain, cancel := q.closeContext(ctx, inCallback) // user code, so without the lock
	deadline, _ := drain.Deadline()
	q.mu.Lock()
	first := !q.end.begun
	pending := q.counts.pending
	if first {
		w := q.beginClose(deadline)
		go func() {
			defer cancel()
			q.shutDown(drain, w)
		}()
	}
	q.mu.Unlock()
	if !first {
		cancel()
	}
	switch {
	case inCallback && pending == 0:
		return nil
	case inCallback:
		return &UndeliveredError{Pending: pending, Err: errInCallback}
	case first:
		<-q.end.done
		return q.end.err
	}
	select {
	case <-q.end.done: // also if ctx has ended
		return q.end.err
	default:
	}
	select {
	case <-q.end.done:
		return q.end.err
	case <-ctx.Done():
	}
	why := ctx.Err()
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.end.over { // and only callbacks are waited for
		return q.end.err
	}
	return &UndeliveredError{Pending: q.counts.pending, Err: why}
}

// closeContext has the deadline of ctx, else CloseTimeout. The end of a callback
// that calls Close cancels its context, but not the drain.
func (q *queue) closeContext(ctx context.Context, inCallback bool) (context.Context, context.CancelFunc) {
	timeout := q.settings.CloseTimeout
	if deadline, ok := ctx.Deadline(); ok {
		timeout = time.Until(deadline)
	}
	if inCallback {
		ctx = context.WithoutCancel(ctx)
	}
	return context.WithTimeout(ctx, timeout)
}

// beginClose stops accepting and begins the last flush.
func (q *queue) beginClose(deadline time.Time) *waiter {
	q.end.begun = true
	q.freed() // calls that wait for space get ErrClosed

	// The context's deadline may be without a monotonic clock.
	q.end.deadline = q.settings.now().Add(time.Until(deadline))
	w := q.beginFlush()
	w.closes = true
	return w
}

// shutDown drains the queue until ctx ends and then stops everything.
func (q *queue) shutDown(ctx context.Context, w *waiter) {
	defer close(q.end.done)
	select {
	case <-w.done:
	case <-ctx.Done():
	}
	if q.spooler != nil {
		await(q.spooler.allWritten(), spoolGrace)
	}
	q.giveUp(ctx, w)
	await(q.end.quiet, quietGrace)
	q.abandon()
	close(q.stop)
	<-q.stopped
	if q.spooler != nil {
		q.leaveStored()
		close(q.spooler.stop)
		select {
		case <-q.spooler.stopped:
		case <-ctx.Done():
			await(q.spooler.stopped, spoolGrace)
		}
	}
	q.finishClose(ctx, w)
	q.reporter.logRest()
	q.transport.close()

	if ctx.Err() == nil {
		select {
		case <-q.reporter.done():
			return
		case <-ctx.Done():
		}
	}
	await(q.reporter.done(), reportGrace)
}

func await(done <-chan struct{}, most time.Duration) {
	timer := time.NewTimer(most)
	defer timer.Stop()
	select {
	case <-done:
	case <-timer.C:
	}
}

// giveUp drops what is queued and cancels what is under way.
func (q *queue) giveUp(ctx context.Context, w *waiter) {
	q.mu.Lock()
	defer q.mu.Unlock()
	places, pending := q.watermark.left(w.mark)
	q.end.gaveUp, q.end.why = true, ErrClosed
	if pending > 0 {
		q.end.left = q.whyPending(ctx.Err(), places)
		q.end.why = &interruptedError{ended: ErrClosed, last: q.end.left}
	}
	q.dropQueued(ReasonClosed, q.end.why)
	q.cancel()
	if len(q.attempts) == 0 {
		close(q.end.quiet)
	}
}

// dropQueued drops everything that is neither under way nor in the spool.
func (q *queue) dropQueued(reason Reason, why error) {
	q.thinQueued(reason, why, func(b *batch, _ int) bool { return !b.disk.kept() })
	for _, e := range append([]*erasure(nil), q.erasures.waiting...) {
		switch {
		case q.deleting(e):
		case e.batch.disk.kept():
			q.leaveDeletion(e)
		default:
			q.dropDeletion(e, reason, why)
		}
	}
}

// leaveDeletion leaves a deletion to the next client.
func (q *queue) leaveDeletion(e *erasure) {
	q.erasures.waiting = remove(q.erasures.waiting, e)
	e.deletion.end(errLeft)
	q.release(e.batch.block)
}

// leaveStored lets go of the memory of what stays in the spool.
func (q *queue) leaveStored() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.eachLine(func(lane *lane, line *line) {
		for _, l := range []*list{&line.sealed, &lane.behind} {
			for b := l.head; b != nil; b = l.head {
				l.remove(b)
				q.release(b.block)
			}
		}
	})
}

func (q *queue) deleting(e *erasure) bool {
	for _, a := range q.attempts {
		if a.erasure == e {
			return true
		}
	}
	return false
}

// abandon settles what a RoundTripper that ignores its context still holds.
func (q *queue) abandon() {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, a := range q.attempts {
		a.givenUp = true
		switch {
		case a.erasure == nil && a.batch.disk.kept(): // it stays where it is
		case a.erasure == nil:
			a.batch.holders++ // finish lets go of it
			q.drop(a.lane.kind(), a.lane.place(), a.batch, ReasonClosed, q.end.why)
		case a.erasure.batch.disk.kept():
			a.erasure.batch.holders++
			q.leaveDeletion(a.erasure)
		default:
			a.erasure.batch.holders++
			q.dropDeletion(a.erasure, ReasonClosed, q.end.why)
		}
	}
}

func (q *queue) finishClose(ctx context.Context, w *waiter) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.end.over = true
	q.answerWaiters()
	if q.end.left != nil {
		w.why = q.end.left
	}
	q.end.err = q.endFlush(ctx.Err(), w)
}
