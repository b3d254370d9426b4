package loopkit

import (
	"errors"
	"fmt"
	"log/slog"
	"time"
)

// attempt is one request under way.
type attempt struct {
	number  uint64
	lane    *lane
	batch   *batch   // nil for a deletion
	erasure *erasure // nil for a batch
	request *request
	givenUp bool // Close settled what it carries without waiting for its end
}

// errLost is the end of an attempt whose RoundTripper did not return.
var errLost = errors.New("the HTTP transport panicked or ended its goroutine")

// dispatch is the goroutine that starts all attempts. It looks at the queue
// whenever something changed or is due.
func (q *queue) dispatch() {
	defer close(q.stopped)
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-q.stop:
			return
		case <-q.wake:
		case <-timer.C:
		}
		q.mu.Lock()
		now := q.settings.now()
		next := q.advance(now)
		q.answerWaiters()
		q.mu.Unlock()
		if next.IsZero() {
			timer.Stop()
		} else {
			timer.Reset(max(0, next.Sub(now)))
		}
	}
}

// advance starts what can start now and returns when more could; the zero time
// if only a change makes a difference.
func (q *queue) advance(now time.Time) time.Time {
	if q.end.gaveUp {
		return time.Time{}
	}
	var next time.Time
	soonest := func(t time.Time) {
		if !t.IsZero() && (next.IsZero() || t.Before(next)) {
			next = t
		}
	}
	soonest(q.expire(now))
	soonest(q.releaseHeld(now))
	if q.spooler != nil {
		soonest(q.sealForSpool(now))
		q.passBacklogs()
		q.askForMore()
	}
	for i := range q.lanes {
		lane := &q.lanes[i]
		for lane.ready(now) && q.startNext(lane, now) {
		}
		if lane.inFlight < lane.most && lane.gate.probe == nil && lane.gate.until.After(now) && lane.gate.state != gateOpen {
			soonest(lane.gate.until)
		}
		if lane.ready(now) && lane.sealed.head == nil {
			soonest(lane.due(q.settings.FlushInterval))
		} else if q.spooler != nil && lane.ready(now) {
			soonest(q.gatheredAt(lane, now))
		}
	}
	if e := q.erasures.next(); e != nil && q.lanes[laneDelete].ready(now) && q.quarantineEnd(e).After(now) {
		soonest(q.quarantineEnd(e))
	}
	return next
}

// startNext starts one attempt of the lane if it has something to send now.
func (q *queue) startNext(lane *lane, now time.Time) bool {
	if lane.id == laneDelete {
		e := q.erasures.next()
		if e == nil || q.fenced(e) || q.quarantineEnd(e).After(now) || e.purging || e.batch.disk.waits() {
			return false
		}
		q.start(&attempt{lane: lane, erasure: e, request: q.deletionRequest(e)})
		return true
	}
	if due := lane.due(q.settings.FlushInterval); lane.sealed.head == nil && !due.IsZero() && !due.After(now) {
		q.seal(lane, &lane.line)
	}
	if lane.id == laneGroup && !q.groupMayGo() {
		return false
	}
	if q.spooler != nil && !q.mayStart(lane, now) {
		return false
	}
	b := q.take(lane)
	if b == nil {
		return false
	}
	q.start(&attempt{lane: lane, batch: b, request: q.requestFor(lane, b)})
	return true
}

func (q *queue) start(a *attempt) {
	a.number = q.nextAttempt
	q.nextAttempt++
	a.lane.gate.begin(a)
	a.lane.inFlight++
	q.attempts = append(q.attempts, a)
	q.counts.requests++
	if a.tries() > 1 {
		q.counts.retries++
	}
	go q.attempt(a) // close waits for it: see quiet
}

// tries counts the attempt into what it carries.
func (a *attempt) tries() int {
	b := a.batch
	if a.erasure != nil {
		b = a.erasure.batch
	}
	b.attempts++
	return b.attempts
}

// attempt sends, and survives what the program's RoundTripper may do.
func (q *queue) attempt(a *attempt) {
	r := a.request
	var bodies openBodies
	if open := r.open; open != nil {
		r.open = func() *body { return bodies.add(open()) }
	}
	got := result{outcome: outcomeRetry, err: fmt.Errorf("loopkit: %s: %w", r.endpoint, errLost), unanswered: true}
	returned := false
	defer func() {
		if recover() != nil || !returned {
			q.reporter.panicked("the HTTP transport")
			bodies.close() // nobody else will
		}
		q.finish(a, got)
	}()
	got = q.transport.send(q.context, r)
	returned = true
	bodies.settle(got.status != 0)
}

// finish settles or keeps what an attempt carried.
func (q *queue) finish(a *attempt, r result) {
	q.mu.Lock()
	defer q.mu.Unlock()
	now := q.settings.now()
	a.lane.inFlight--
	for i := range q.attempts {
		if q.attempts[i] == a {
			q.attempts = append(q.attempts[:i], q.attempts[i+1:]...)
			break
		}
	}
	probe := a.lane.gate.end(a)
	switch {
	case a.givenUp:
		q.release(a.block())
	case a.erasure != nil:
		q.finishDeletion(a.erasure, probe, r, now)
	default:
		q.finishBatch(a, probe, r, now)
	}
	q.erasures.prune(q.attempts)
	if q.end.gaveUp {
		q.dropQueued(ReasonClosed, q.end.why)
		if len(q.attempts) == 0 {
			close(q.end.quiet)
		}
	}
	q.poke()
}

// block is the memory of what the attempt carries.
func (a *attempt) block() *block {
	if a.erasure != nil {
		return a.erasure.batch.block
	}
	return a.batch.block
}

func (q *queue) finishBatch(a *attempt, probe bool, r result, now time.Time) {
	lane, b := a.lane, a.batch
	if r.unanswered {
		q.erasures.unansweredAttempt(a.number, now)
		b.unanswered = true
	}
	if r.outcome == outcomeDelivered || r.outcome == outcomeConflict && b.unanswered {
		q.delivered(a, r, now)
		return
	}
	q.noteFailure(lane, probe, r, now)
	switch b = q.thinReturned(a); b {
	case nil:
		return // everybody in it is being forgotten
	case a.batch:
	default: // what is left was never answered
		q.putBack(lane, b)
		return
	}
	switch r.outcome {
	case outcomeEncoding:
		if a.request.compress {
			q.plain = true
			q.reporter.warn(causeEncoding, "loopkit: the server does not take gzip; request bodies are plain from now on")
			q.putBack(lane, b)
			return
		}
		q.refused(a, b, probe, r, now)
	case outcomeRefused, outcomeConflict, outcomeTooLarge:
		q.refused(a, b, probe, r, now)
	case outcomeCrash:
		q.crashed(lane, b, r)
	default:
		q.putBack(lane, b)
	}
}

// noteFailure tells the gate, before what the attempt carried is looked at.
func (q *queue) noteFailure(lane *lane, probe bool, r result, now time.Time) {
	switch r.outcome {
	case outcomeRetry, outcomeCrash:
		q.backOff(lane, probe, r, now)
	case outcomeHalted:
		q.halt(lane, probe, r.err, now)
	default:
		lane.gate.answered(now, probe)
	}
}

// outagePatience is how long an endpoint may fail before the log says so.
const outagePatience = 10 * time.Second

// backOff closes the gate for a while.
func (q *queue) backOff(lane *lane, probe bool, r result, now time.Time) {
	lane.gate.failure(now, probe, r.pause, r.err)
	if now.Sub(lane.gate.since) >= outagePatience {
		q.reporter.log(slog.LevelWarn, causeOutage+cause("_"+lane.endpoint), 1,
			"loopkit: an endpoint takes nothing for now; its messages are kept and tried again until Options.MaxAge", r.err,
			slog.String("endpoint", lane.endpoint), slog.String("host", q.settings.host), slog.Int64("pending", q.counts.pending))
	}
}

func (q *queue) halt(lane *lane, probe bool, err error, now time.Time) {
	if lane.gate.halt(now, probe, err) {
		q.reporter.failed(causeHalt+cause("_"+lane.endpoint), "loopkit: an endpoint is halted",
			&haltError{endpoint: lane.endpoint, err: err}, slog.String("endpoint", lane.endpoint), slog.String("host", q.settings.host))
	}
}

// haltError is what OnError is told of an endpoint that is halted.
type haltError struct {
	endpoint string
	err      error
}

func (e *haltError) Error() string {
	return fmt.Sprintf("%v; %s are kept and tried again from time to time", e.err, e.endpoint)
}

func (e *haltError) Unwrap() error { return e.err }

func (q *queue) delivered(a *attempt, r result, now time.Time) {
	lane, b := a.lane, a.batch
	lane.gate.success(now)
	lane.singles = 0
	if r.foreign {
		q.reporter.warn(causeForeign, "loopkit: an answer with a success status was not like LoopKit's; "+
			"a proxy or a captive portal may have taken the messages (check Options.BaseURL)")
	}
	switch {
	case b.form != formOfLane:
		q.misfit(lane, b.form)
	case b.pair != nil:
		b.pair.delivered++
		if b.pair.delivered == 2 {
			q.misfit(lane, formObject)
		}
	case a.request.form == lane.form || b.len() > 1:
		lane.misfits = 0
	}
	if size := len(b.body()); size > lane.bytes/2 { // what a 413 taught may not hold for ever
		lane.bytes = min(lane.bytes+lane.bytes/64, q.settings.BatchBytes-envelopeBytes)
	}
	q.counts.delivered += int64(b.len())
	q.settle(lane.place(), b, b.len())
	q.replaced(b)
}

// misfit counts messages that were refused in one form and then taken in the
// other: that is the one that the server knows.
func (q *queue) misfit(lane *lane, taken form) {
	lane.misfits++
	if lane.misfits != maxMisfits || !lane.adapts {
		return
	}
	lane.form, lane.objectOnly, lane.misfits = taken, taken == formObject, 0
	text := "loopkit: an endpoint refuses lone messages outside an envelope; they are sent in one from now on (as with DialectEnvelopes)"
	if taken == formObject {
		text = "loopkit: an endpoint refuses envelopes; messages are sent one by one from now on (as with DialectObjects)"
	}
	q.reporter.warn(causeDialect+cause("_"+lane.endpoint), text, slog.String("endpoint", lane.endpoint))
}

// refused handles bytes that will never be taken: split, to find the message at
// fault, or drop it. b is what is left of the attempt's batch.
func (q *queue) refused(a *attempt, b *batch, probe bool, r result, now time.Time) {
	lane := a.lane
	if b.len() > 1 {
		var followed *pair
		if r.outcome == outcomeTooLarge {
			lane.bytes = max(1, min(lane.bytes, len(b.body())/2))
		} else if b.len() == 2 && r.outcome == outcomeRefused && lane.adapts && lane.form == formObject {
			followed = &pair{}
		}
		q.split(lane, b, followed)
		return
	}
	if r.outcome == outcomeRefused && lane.adapts && b.form == formOfLane {
		if a.request.form == lane.form { // else the lane has changed its form meanwhile
			b.form = lane.form.other()
		}
		q.putBack(lane, b)
		return
	}
	if lane.id == laneTrack && lane.gate.state == gateHalted { // the next probe is another event; identifies keep their order
		b.form = formOfLane
		lane.sealed.pushBack(b)
		q.expiresAt(b)
		q.halt(lane, probe, lane.gate.err, now)
		return
	}
	reason := ReasonRejected
	if r.outcome == outcomeTooLarge {
		reason = ReasonTooLarge
		lane.bytes = q.settings.BatchBytes - envelopeBytes // it was this message that was too large
	}
	q.drop(lane.kind(), lane.place(), b, reason, r.err)
	if lane.singles++; lane.singles >= maxRefusedSingles {
		q.halt(lane, probe, fmt.Errorf("loopkit: %d messages in a row were refused: check Options.BaseURL and Options.Dialect: %w",
			lane.singles, r.err), now)
	}
}

// crashed handles a batch that may be what the server fails on.
func (q *queue) crashed(lane *lane, b *batch, r result) {
	b.crashes++
	switch {
	case b.crashes%maxCrashes != 0:
		q.putBack(lane, b)
	case b.len() > 1:
		q.split(lane, b, nil)
	case lane.id == laneTrack: // let the others go first
		lane.sealed.pushBack(b)
		q.expiresAt(b)
	case b.crashes < 2*maxCrashes:
		q.putBack(lane, b)
	default:
		q.drop(lane.kind(), lane.place(), b, ReasonRejected, r.err)
	}
}

// putBack returns a batch to where it came from.
func (q *queue) putBack(lane *lane, b *batch) {
	lane.sealed.pushFront(b)
	q.expiresAt(b)
}
