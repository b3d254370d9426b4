package loopkit

// purge is to be applied to batches that come back from attempts that began
// before the fence.
type purge struct {
	fence  uint64
	reason Reason
}

// purgeCauses are what hooks are told of purged messages.
var purgeCauses = map[Reason]error{ReasonDeleted: errDeleted, ReasonConsent: errOptedOut}

// purge notes whom batches that are under way must lose when they come back.
func (e *erasures) purge(target keys, fence uint64, reason Reason) {
	if len(e.purged) == 0 {
		e.purged = map[subject]purge{}
		e.oldestFence = fence
	}
	for _, s := range target.subjects() {
		if s.hash != 0 {
			e.purged[s] = purge{fence, reason}
		}
	}
}

// prune forgets purges that no attempt under way can need.
func (e *erasures) prune(attempts []*attempt) {
	if len(e.purged) == 0 || anyBefore(attempts, e.oldestFence) {
		return
	}
	e.oldestFence = 0
	for s, p := range e.purged {
		if !anyBefore(attempts, p.fence) {
			delete(e.purged, s)
		} else if e.oldestFence == 0 || p.fence < e.oldestFence {
			e.oldestFence = p.fence
		}
	}
}

// purge drops the unsent messages about target, now and from what comes back.
func (q *queue) purge(target keys, reason Reason) {
	q.thinQueued(reason, purgeCauses[reason], func(b *batch, i int) bool { return b.record(i).matches(target) })
	if anyBefore(q.attempts, q.nextAttempt) {
		q.erasures.purge(target, q.nextAttempt, reason)
	}
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
			if line.open = q.thin(kind, place, line.open, reason, why, lost); line.open == nil && line == &lane.line {
				lane.urgent = false
			}
		}
		thin := func(l *list) {
			for b := l.head; b != nil; {
				next := b.next
				l.replace(b, q.thin(kind, place, b, reason, why, lost))
				b = next
			}
		}
		thin(&line.sealed)
		if line == &lane.line {
			thin(&lane.behind)
		}
	})
}

// anyQueued reports whether a message names someone that target names.
func (q *queue) anyQueued(target keys) bool {
	found := false
	q.eachBatch(func(b *batch) {
		for i := 0; i < b.len() && !found; i++ {
			found = b.record(i).matches(target)
		}
	})
	return found
}

func (q *queue) eachBatch(visit func(*batch)) {
	q.eachLine(func(lane *lane, line *line) {
		if line.open != nil {
			visit(line.open)
		}
		for b := line.sealed.head; b != nil; b = b.next {
			visit(b)
		}
		if line == &lane.line {
			for b := lane.behind.head; b != nil; b = b.next {
				visit(b)
			}
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
	b.disk.swap(b, kept)
	kept.crashes, kept.form = b.crashes, b.form
	for i := range b.len() {
		if lost(b, i) {
			gone.copyFrom(b, i, i+1)
		} else {
			kept.copyFrom(b, i, i+1)
		}
	}
	q.replaced(b)
	q.drop(kind, p, gone, reason, why)
	return kept
}
