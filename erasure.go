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
	purging     bool   // the spool may still have earlier messages about them
	leaving     bool   // the spool is about to forget it

	fence      uint64    // the first attempt that cannot carry them
	quarantine time.Time // since the last unanswered attempt before the fence; zero if there is none
	unanswered time.Time // the last attempt of the deletion itself that was; zero if there is none
	order      uint64    // among the deletions
	names      []subject // whose messages follow it
	holds      bool
	held       [laneDelete]line
}

// erasures are the deletions, and what else the queue must forget. There may be
// thousands: nothing here looks through all of them for a message or a request.
type erasures struct {
	waiting        []*erasure // not settled
	lingering      []*erasure // settled, until what they hold is let go
	holding        []*erasure // of both, those that hold messages
	newest         map[subject]*erasure
	purged         map[subject]purge
	oldestFence    uint64 // no later than that of any purge
	orders         uint64
	lastUnanswered time.Time // the end of the client's last unanswered attempt
	unfenced       bool      // set by a test alone, to see deleted people come back without the fence
}

// next is the deletion whose turn it is.
func (e *erasures) next() *erasure {
	if len(e.waiting) == 0 {
		return nil
	}
	return e.waiting[0]
}

// holder is the newest deletion that a message with these keys has to follow.
func (e *erasures) holder(k keys) *erasure {
	if len(e.newest) == 0 {
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

// holdingGroups returns the deletion whose held groups are in a line; nil if it is
// another line.
func (e *erasures) holdingGroups(l *line) *erasure {
	for _, a := range e.holding {
		if l == &a.held[laneGroup] {
			return a
		}
	}
	return nil
}

// add puts a deletion behind all others, also one that was there before.
func (e *erasures) add(a *erasure) {
	e.orders++
	a.order = e.orders
	e.waiting = append(e.waiting, a)
	for _, s := range a.target.subjects() {
		e.name(a, s)
	}
}

// name makes messages about s follow a deletion.
func (e *erasures) name(a *erasure, s subject) {
	if s.hash == 0 {
		return
	}
	if e.newest == nil {
		e.newest = map[subject]*erasure{}
	}
	if e.newest[s] != a {
		e.newest[s] = a
		a.names = append(a.names, s)
	}
}

// hold notes that a deletion holds messages. An identify makes those of its
// anonymous ID follow it, for they are about the person as well.
func (e *erasures) hold(a *erasure, kind Kind, k keys) {
	if !a.holds {
		a.holds = true
		e.holding = append(e.holding, a)
	}
	if kind == KindIdentify {
		e.name(a, subject{roleAnonymous, k.anonymous})
	}
}

// remove takes a deletion out of a list.
func remove(list []*erasure, a *erasure) []*erasure {
	switch i := slices.Index(list, a); i {
	case -1:
		return list
	case 0:
		list[0] = nil
		return list[1:]
	default:
		return slices.Delete(list, i, i+1)
	}
}

// settle takes a deletion out of the line of those that wait.
func (e *erasures) settle(a *erasure) {
	e.waiting = remove(e.waiting, a)
	e.lingering = append(e.lingering, a)
}

// rotate puts a deletion that keeps failing behind the others, unless a later
// one is about the same person or group.
func (e *erasures) rotate(a *erasure) {
	for _, s := range a.names {
		if e.newest[s] != a {
			return
		}
	}
	e.waiting = remove(e.waiting, a)
	e.add(a)
}

// forget drops what is known of a deletion that holds nothing any more.
func (e *erasures) forget(a *erasure) {
	for _, s := range a.names {
		if e.newest[s] == a {
			delete(e.newest, s)
		}
	}
	if a.holds {
		e.holding = remove(e.holding, a)
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
	case q.end.begun:
		q.counts.refused++
		return ErrClosed
	case !q.fits(e.kind, size+recordBytes+batchBytes) && !q.anyQueued(e.target): // else its purge makes room
		q.counts.refused++
		return ErrQueueFull
	}
	now := q.settings.now()
	e.batch = q.newBatch(now, capacity{size, 1})
	e.batch.add(message, e.target, now)
	e.fence, e.quarantine = q.nextAttempt, q.erasures.lastUnanswered
	q.counts.accepted++
	q.counts.pending++
	q.watermark.add(placeDelete, e.batch.epoch, 1)
	q.purge(e.target, ReasonDeleted)
	if q.spooler != nil {
		e.batch.rank = q.nextRank()
		q.spooler.enqueue(e.batch, e.kind, placeDelete)
		q.spooler.purge(diskPurge{before: e.batch.rank, target: e.target, reason: ReasonDeleted, erasure: e})
	}
	q.erasures.add(e)
	q.poke()
	return nil
}

// withdraw drops what has not been sent of someone who opted out.
func (q *queue) withdraw(id Identity) {
	q.mu.Lock()
	defer q.mu.Unlock()
	target := keys{user: q.hash(id.UserID), anonymous: q.hash(id.AnonymousID)}
	q.purge(target, ReasonConsent)
	if q.spooler != nil {
		q.spooler.purge(diskPurge{before: q.nextRank(), target: target, reason: ReasonConsent})
	}
}

// fenced reports whether an attempt that may carry the person is under way.
func (q *queue) fenced(e *erasure) bool {
	return !q.erasures.unfenced && anyBefore(q.attempts, e.fence)
}

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
	unknown := deletionUnknown(r.status)
	if r.outcome == outcomeDelivered {
		lane.gate.success(now)
		q.counts.delivered++
		q.settleDeletion(e, nil)
		q.settle(placeDelete, e.batch, 1)
		q.release(e.batch.block)
		return
	}
	if unknown {
		r.outcome = outcomeRefused
	}
	q.noteFailure(lane, probe, r, now)
	switch r.outcome {
	case outcomeHalted:
	case outcomeRetry, outcomeCrash:
		if e.batch.attempts%maxCrashes == 0 { // it may be the cause
			q.erasures.rotate(e)
		}
	default:
		why, reason := r.err, ReasonRejected
		if unknown {
			why, reason = fmt.Errorf("%w: %w", ErrDeletionUnsupported, r.err), ReasonUnsupported
		}
		if !e.unanswered.IsZero() {
			why = fmt.Errorf("%w (an earlier request went unanswered and may have deleted it)", why)
		}
		q.dropDeletion(e, reason, why)
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

// releaseHeld lets messages go whose deletion has been settled, and returns when
// more may follow. An attempt of the deletion that went unanswered may still be
// executed: it must not delete what came after.
func (q *queue) releaseHeld(now time.Time) time.Time {
	for len(q.erasures.lingering) > 0 {
		first := q.erasures.lingering[0]
		if at := q.afterQuarantine(first.unanswered); at.After(now) {
			return at
		}
		if first.batch.disk.kept() { // after a restart it would be sent again, and delete what it holds
			q.spooler.removeDeletion(first)
			return time.Time{}
		}
		q.erasures.lingering = remove(q.erasures.lingering, first)
		q.erasures.forget(first)
		q.letGo(first)
	}
	return time.Time{}
}

// letGo sends held messages on, those that name somebody else under deletion to
// that deletion.
func (q *queue) letGo(e *erasure) {
	for i := range e.held {
		lane, held := &q.lanes[i], &e.held[i]
		q.seal(lane, held)
		for b := held.sealed.head; b != nil; b = held.sealed.head {
			held.sealed.remove(b)
			for _, part := range q.byHolder(b) {
				if h := q.erasures.holder(part.record(0).keys); h != nil {
					q.erasures.hold(h, lane.kind(), part.record(0).keys)
					h.held[i].sealed.pushBack(part)
					continue
				}
				q.move(placeHeld, lane.place(), part)
				q.join(lane, part)
			}
		}
	}
}

// byHolder cuts a batch into runs of messages that have the same way to go.
func (q *queue) byHolder(b *batch) []*batch {
	var runs []*batch
	from := 0
	for i := 1; i <= b.len(); i++ {
		if i == b.len() || q.erasures.holder(b.record(i).keys) != q.erasures.holder(b.record(from).keys) {
			if from == 0 && i == b.len() {
				return []*batch{b}
			}
			runs = append(runs, q.copyOf(b, from, i))
			from = i
		}
	}
	q.replaced(b)
	return runs
}

// heldCouldGo reports whether held messages could be tried before the deadline
// of Close.
func (q *queue) heldCouldGo() bool {
	if len(q.erasures.lingering) > 0 && !q.afterQuarantine(q.erasures.lingering[0].unanswered).After(q.end.deadline) {
		return true
	}
	return len(q.erasures.waiting) > 0 && q.couldStart(placeDelete)
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
