package loopkit

import (
	"context"
	"time"
)

// closeGrace is how long Close waits for what it cancelled, and again for
// callbacks, after its context has ended.
const closeGrace = 40 * time.Millisecond

func (q *queue) close(ctx context.Context) error {
	inCallback := q.reporter.called(ctx)
	q.mu.Lock()
	first := !q.closing
	pending := q.counts.pending
	if first {
		drain, cancel := q.closeContext(ctx, inCallback)
		w := q.beginClose(drain)
		go func() {
			defer cancel()
			q.shutDown(drain, w)
		}()
	}
	q.mu.Unlock()
	switch {
	case inCallback && pending == 0:
		return nil
	case inCallback:
		return &UndeliveredError{Pending: pending, Err: errInCallback}
	case first:
		<-q.closed
		return q.closeErr
	}
	select {
	case <-q.closed: // also if ctx has ended
		return q.closeErr
	default:
	}
	select {
	case <-q.closed:
		return q.closeErr
	case <-ctx.Done():
		return &UndeliveredError{Pending: q.stats().Pending, Err: ctx.Err()}
	}
}

// closeContext has the deadline of ctx, else CloseTimeout. The end of a callback
// that calls Close cancels its context, but not the drain.
func (q *queue) closeContext(ctx context.Context, inCallback bool) (context.Context, context.CancelFunc) {
	deadline, ok := ctx.Deadline()
	if !ok {
		deadline = time.Now().Add(q.settings.CloseTimeout)
	}
	if inCallback {
		ctx = context.WithoutCancel(ctx)
	}
	return context.WithDeadline(ctx, deadline)
}

// beginClose stops accepting and begins the last flush.
func (q *queue) beginClose(ctx context.Context) *waiter {
	q.closing = true
	q.deadline, _ = ctx.Deadline()
	q.freed() // calls that wait for space get ErrClosed
	w := q.beginFlush()
	w.closes = true
	return w
}

// shutDown drains the queue until ctx ends and then stops everything.
func (q *queue) shutDown(ctx context.Context, w *waiter) {
	defer close(q.closed)
	select {
	case <-w.done:
	case <-ctx.Done():
	}
	q.giveUp(ctx, w)
	await(q.quiet, closeGrace)
	q.abandon()
	close(q.stop)
	<-q.stopped
	q.closeErr = q.finishClose(ctx, w)
	q.reporter.logRest()
	q.transport.close()

	if ctx.Err() == nil {
		select {
		case <-q.reporter.done():
			return
		case <-ctx.Done():
		}
	}
	await(q.reporter.done(), closeGrace)
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
	q.gaveUp, q.closeWhy = true, ErrClosed
	if pending > 0 {
		q.leftWhy = q.whyPending(ctx, places)
		q.closeWhy = &interruptedError{ended: ErrClosed, last: q.leftWhy}
	}
	q.dropQueued(ReasonClosed, q.closeWhy)
	q.cancel()
	if len(q.attempts) == 0 {
		close(q.quiet)
	}
}

// dropQueued drops everything that is not under way.
func (q *queue) dropQueued(reason Reason, why error) {
	q.thinQueued(reason, why, func(*batch, int) bool { return true })
	for _, e := range append([]*erasure(nil), q.erasures.waiting...) {
		if !q.deleting(e) {
			q.dropDeletion(e, reason, why)
		}
	}
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
		a.block().holders++ // finish lets go of it
		if a.erasure != nil {
			q.dropDeletion(a.erasure, ReasonClosed, q.closeWhy)
		} else {
			q.drop(a.lane.kind(), a.lane.place(), a.batch, ReasonClosed, q.closeWhy)
		}
	}
}

func (q *queue) finishClose(ctx context.Context, w *waiter) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.ended = true
	q.answerWaiters()
	if q.leftWhy != nil {
		w.why = q.leftWhy
	}
	return q.endFlush(ctx, w)
}
