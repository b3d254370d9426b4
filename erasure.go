package loopkit

import (
	"errors"
	"fmt"
	"slices"
	"time"
)

// erasure is the deletion of one person or group on its way:
//
//	purge       their unsent messages leave the queue
//	fence       attempts that began before are waited for: they may carry them
//	quarantine  one of those that went unanswered may still be executed
//	send        the deletion alone, until the server decides
//	hold        messages about them accepted meanwhile follow it
type erasure struct {
	kind        Kind
	method, url string
	target      keys
	deletion    *Deletion
	batch       *batch // the deletion as the one message of a batch, for the accounting

	fence      uint64    // the first attempt that cannot carry them
	quarantine time.Time // since the last unanswered attempt before the fence; zero if there is none
	unanswered time.Time // the last attempt of the deletion itself that was; zero if there is none
	order      uint64    // among the deletions
	settled    bool
	holds      bool
	held       [laneDelete]line
}

// erasures are the deletions in order of acceptance, and what else the queue
// must forget. There may be thousands: nothing here looks through all of them
// for a message or a request.
type erasures struct {
	all            []*erasure // until what they hold was let go
	waiting        []*erasure // of these, those that are not settled
	holding        []*erasure // of these, those that hold messages
	newest         map[subject]*erasure
	purges         []purge // by fence
	purged         map[subject]purge
	orders         uint64
	lastUnanswered time.Time // the end of the client's last unanswered attempt
}

// purge is to be applied to batches that come back from attempts that began
// before the fence.
type purge struct {
	subject subject
	fence   uint64
	reason  Reason
}

// purgeCauses are what hooks are told of purged messages.
var purgeCauses = map[Reason]error{ReasonDeleted: errDeleted, ReasonConsent: errOptedOut}

// next is the deletion whose turn it is.
func (e *erasures) next() *erasure {
	if len(e.waiting) == 0 {
		return nil
	}
	return e.waiting[0]
}

// holder is the newest deletion that a message with these keys has to follow.
func (e *erasures) holder(k keys) *erasure {
	if len(e.all) == 0 {
		return nil
	}
	var holder *erasure
	for _, s := range k.subjects() {
		if at := e.newest[s]; at != nil && (holder == nil || at.order > holder.order) {
			holder = at
		}
	}
	return holder
}

func (e *erasures) add(a *erasure) {
	e.orders++
	a.order = e.orders
	e.all = append(e.all, a)
	e.waiting = append(e.waiting, a)
	if e.newest == nil {
		e.newest = map[subject]*erasure{}
	}
	for _, s := range a.target.subjects() {
		if s.hash != 0 {
			e.newest[s] = a
		}
	}
}

// holds notes that a deletion holds messages.
func (e *erasures) holds(a *erasure) {
	if !a.holds {
		a.holds = true
		e.holding = append(e.holding, a)
	}
}

// settle takes a deletion out of the line of those that wait.
func (e *erasures) settle(a *erasure) {
	a.settled = true
	if i := slices.Index(e.waiting, a); i == 0 {
		e.waiting[0] = nil
		e.waiting = e.waiting[1:]
	} else if i > 0 {
		e.waiting = slices.Delete(e.waiting, i, i+1)
	}
}

// removeFirst forgets the first deletion, which holds nothing any more.
func (e *erasures) removeFirst() {
	first := e.all[0]
	e.all[0] = nil
	e.all = e.all[1:]
	for _, s := range first.target.subjects() {
		if e.newest[s] == first {
			delete(e.newest, s)
		}
	}
	if i := slices.Index(e.holding, first); i >= 0 {
		e.holding = slices.Delete(e.holding, i, i+1)
	}
}

func (e *erasures) unansweredAttempt(number uint64, now time.Time) {
	e.lastUnanswered = now
	for _, waiting := range e.waiting {
		if number < waiting.fence {
			waiting.quarantine = now
		}
	}
}

// forget notes a purge for the batches that are under way.
func (e *erasures) forget(target keys, fence uint64, reason Reason) {
	if e.purged == nil {
		e.purged = map[subject]purge{}
	}
	for _, s := range target.subjects() {
		if s.hash != 0 {
			p := purge{s, fence, reason}
			e.purges = append(e.purges, p)
			e.purged[s] = p
		}
	}
}

// prune forgets purges that no attempt under way can need.
func (e *erasures) prune(attempts []*attempt) {
	for len(e.purges) > 0 && !anyBefore(attempts, e.purges[0].fence) {
		p := e.purges[0]
		e.purges = e.purges[1:]
		if e.purged[p.subject].fence == p.fence {
			delete(e.purged, p.subject)
		}
	}
}

func anyBefore(attempts []*attempt, fence uint64) bool {
	for _, a := range attempts {
		if a.batch != nil && a.number < fence {
			return true
		}
	}
	return false
}

// acceptErasure takes a deletion into the queue.
func (q *queue) acceptErasure(e *erasure, message []byte) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	size := len(message) + 1
	switch {
	case q.closing:
		q.counts.refused++
		return ErrClosed
	case !q.fits(e.kind, size+recordBytes+batchBytes):
		q.counts.refused++
		return ErrQueueFull
	}
	now := time.Now()
	e.batch = q.newBatch(now, size, 1)
	e.batch.add(message, e.target, now)
	e.fence, e.quarantine = q.nextAttempt, q.erasures.lastUnanswered
	q.counts.accepted++
	q.counts.pending++
	q.watermark.add(placeDelete, e.batch.epoch, 1)
	q.purge(e.target, ReasonDeleted)
	q.erasures.add(e)
	q.poke()
	return nil
}

// withdraw drops what has not been sent of someone who opted out.
func (q *queue) withdraw(id Identity) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.purge(keys{user: q.hash(id.UserID), anonymous: q.hash(id.AnonymousID)}, ReasonConsent)
}

func (q *queue) purge(target keys, reason Reason) {
	q.thinQueued(reason, purgeCauses[reason], func(b *batch, i int) bool { return b.record(i).matches(target) })
	if anyBefore(q.attempts, q.nextAttempt) {
		q.erasures.forget(target, q.nextAttempt, reason)
	}
}

// fenced reports whether an attempt that may carry the person is under way.
func (q *queue) fenced(e *erasure) bool { return anyBefore(q.attempts, e.fence) }

// quarantineEnd is when e may be sent, if the fence lets it.
func (q *queue) quarantineEnd(e *erasure) time.Time { return q.afterQuarantine(e.quarantine) }

func (q *queue) afterQuarantine(unanswered time.Time) time.Time {
	if unanswered.IsZero() || q.settings.DeletionQuarantine < 0 {
		return time.Time{}
	}
	return unanswered.Add(q.settings.DeletionQuarantine)
}

func (q *queue) deletionRequest(e *erasure) *request {
	return &request{endpoint: q.lanes[laneDelete].endpoint, method: e.method, url: e.url}
}

// finishDeletion settles or keeps a deletion after an attempt.
func (q *queue) finishDeletion(e *erasure, probe bool, r result, now time.Time) {
	lane := &q.lanes[laneDelete]
	if r.unanswered {
		e.unanswered = now
	}
	switch r.outcome {
	case outcomeDelivered:
		lane.gate.success(now)
		q.counts.delivered++
		q.settleDeletion(e, nil)
		q.settle(placeDelete, e.batch.epoch, 1)
		q.release(e.batch.block)
		return
	case outcomeRetry, outcomeCrash:
		q.backOff(lane, probe, r, now)
		return
	case outcomeHalted:
		if !deletionUnknown(r.status) {
			q.halt(lane, probe, r.err, now)
			return
		}
		lane.gate.answered(now, probe)
		q.dropDeletion(e, ReasonUnsupported, fmt.Errorf("%w: %w", ErrDeletionUnsupported, r.err))
	default:
		lane.gate.answered(now, probe)
		q.dropDeletion(e, ReasonRejected, r.err)
	}
}

// deletionUnknown lists the statuses of a server that has no such endpoint.
func deletionUnknown(status int) bool {
	return status == 404 || status == 405 || status == 410 || status == 501
}

func (q *queue) dropDeletion(e *erasure, reason Reason, why error) {
	q.settleDeletion(e, why)
	q.drop(e.kind, placeDelete, e.batch, reason, why)
}

// settleDeletion ends the deletion for whoever waits for it.
func (q *queue) settleDeletion(e *erasure, err error) {
	q.erasures.settle(e)
	e.deletion.end(err)
}

// releaseHeld lets messages go whose deletion has been settled, in order, and
// returns when more may follow. An attempt of the deletion that went unanswered
// may still be executed: it must not delete what came after.
func (q *queue) releaseHeld(now time.Time) time.Time {
	for len(q.erasures.all) > 0 {
		first := q.erasures.all[0]
		if !first.settled {
			return time.Time{}
		}
		if at := q.afterQuarantine(first.unanswered); at.After(now) {
			return at
		}
		q.letGo(first)
		q.erasures.removeFirst()
	}
	return time.Time{}
}

func (q *queue) letGo(e *erasure) {
	for i := range e.held {
		lane, held := &q.lanes[i], &e.held[i]
		q.seal(lane, held)
		for b := held.sealed.head; b != nil; b = held.sealed.head {
			held.sealed.remove(b)
			q.watermark.move(placeHeld, lane.place(), b.epoch, b.len())
			q.join(lane, b)
		}
	}
}

// heldCouldGo reports whether held messages could be tried before the deadline
// of Close.
func (q *queue) heldCouldGo(now time.Time) bool {
	if first := q.erasures.all[0]; first.settled {
		return !q.afterQuarantine(first.unanswered).After(q.deadline)
	}
	return q.couldStart(placeDelete, now)
}

// thinReturned removes from a batch that came back whoever is to be forgotten.
// It returns what is left; nil if that is nothing.
func (q *queue) thinReturned(a *attempt) *batch {
	b, purged := a.batch, q.erasures.purged
	for _, reason := range []Reason{ReasonDeleted, ReasonConsent} {
		if b == nil || len(purged) == 0 {
			return b
		}
		b = q.thin(a.lane.kind(), a.lane.place(), b, reason, purgeCauses[reason], func(b *batch, i int) bool {
			for _, s := range b.record(i).subjects() {
				if p, ok := purged[s]; ok && a.number < p.fence && p.reason == reason {
					return true
				}
			}
			return false
		})
	}
	return b
}

// thinQueued drops the messages that lost selects from all lines.
func (q *queue) thinQueued(reason Reason, why error, lost func(*batch, int) bool) {
	q.eachLine(func(lane *lane, line *line) {
		kind, place := lane.kind(), placeOf(lane, line)
		if line.open != nil {
			line.open = q.thin(kind, place, line.open, reason, why, lost)
		}
		for b := line.sealed.head; b != nil; {
			next := b.next
			line.sealed.replace(b, q.thin(kind, place, b, reason, why, lost))
			b = next
		}
	})
}

func (q *queue) eachLine(visit func(*lane, *line)) {
	for i := range q.lanes[:laneDelete] {
		lane := &q.lanes[i]
		visit(lane, &lane.line)
		for _, e := range q.erasures.holding {
			visit(lane, &e.held[i])
		}
	}
}

// thin drops the messages of b that lost selects, and returns what is left: b
// itself, a smaller copy (bodies may still read b), or nil.
func (q *queue) thin(kind Kind, p place, b *batch, reason Reason, why error, lost func(*batch, int) bool) *batch {
	n, bytes := 0, 0
	for i := range b.len() {
		if lost(b, i) {
			n++
			bytes += len(b.message(i)) + 1
		}
	}
	switch n {
	case 0:
		return b
	case b.len():
		q.drop(kind, p, b, reason, why)
		return nil
	}
	gone := q.partOf(b, bytes, n)
	kept := q.partOf(b, len(b.body())+1-bytes, b.len()-n)
	for i := range b.len() {
		if lost(b, i) {
			gone.copyFrom(b, i, i+1)
		} else {
			kept.copyFrom(b, i, i+1)
		}
	}
	q.release(b.block)
	q.drop(kind, p, gone, reason, why)
	return kept
}

// whyDeleting is the end of a wait for a deletion together with the failure of
// its endpoint.
func (q *queue) whyDeleting(ended error) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	if last := q.lanes[laneDelete].gate.err; last != nil {
		return &interruptedError{ended: ended, last: last}
	}
	return ended
}

// errNoDeletion is how a nil Deletion ends: its call returned an error.
var errNoDeletion = errors.New("loopkit: the deletion was not accepted; see the error of the call")
