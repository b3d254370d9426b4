package loopkit

import (
	"context"
	"time"
)

// closeGrace is how long Close waits for what it cancelled, and again for
// callbacks, after its context has ended.
const closeGrace = 40 * time.Millisecond

func (q *queue) close(ctx context.Context) error {
	q.mu.Lock()
	first := !q.closing
	q.closing = true
	pending := q.counts.pending
	q.mu.Unlock()
	inCallback := q.reporter.called(ctx)
	if first {
		drain, cancel := ctx, context.CancelFunc(func() {})
		if inCallback { // its cancellation when the callback returns must not end the drain
			drain = context.WithoutCancel(ctx)
			if deadline, ok := ctx.Deadline(); ok {
				drain, cancel = context.WithDeadline(drain, deadline)
			}
		}
		go func() {
			defer cancel()
			q.shutDown(drain)
		}()
	}
	if inCallback {
		if pending == 0 {
			return nil
		}
		return &UndeliveredError{Pending: pending, Err: errInCallback}
	}
	if first {
		<-q.closed
		return q.closeErr
	}
	select {
	case <-q.closed:
		return q.closeErr
	case <-ctx.Done():
		return &UndeliveredError{Pending: q.stats().Pending, Err: ctx.Err()}
	}
}

// shutDown drains the queue until ctx ends and then stops everything.
func (q *queue) shutDown(ctx context.Context) {
	defer close(q.closed)
	var cancel context.CancelFunc
	if _, ok := ctx.Deadline(); ok {
		ctx, cancel = context.WithCancel(ctx)
	} else {
		ctx, cancel = context.WithTimeout(ctx, q.settings.CloseTimeout)
	}
	defer cancel()

	w := q.beginClose(ctx)
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

func (q *queue) beginClose(ctx context.Context) *waiter {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.deadline, _ = ctx.Deadline()
	q.freed() // calls that wait for space get ErrClosed
	w := q.beginFlush()
	w.closes = true
	return w
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
	q.answerWaiters(time.Now())
	if q.leftWhy != nil {
		w.why = q.leftWhy
	}
	return q.endFlush(ctx, w)
}
