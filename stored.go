package loopkit

import (
	"slices"
	"time"
)

// stored is what the spool has of a batch, and of those that it was split into
// or gathered in since. It leaves the spool when the last of them is settled.
type stored struct {
	ids   []uint64
	kind  Kind
	state storedState
	parts []*batch // not settled
}

type storedState uint8

const (
	storedWaiting storedState = iota // to be appended
	storedWriting
	storedKept
)

// kept reports whether the messages would survive the process. A batch without
// a place in the spool is in memory only.
func (d *stored) kept() bool { return d != nil && d.state == storedKept }

// waits reports whether a request has to wait for the spool.
func (d *stored) waits() bool { return d != nil && d.state != storedKept }

// share lets one more batch have messages of it.
func (d *stored) share(part *batch) *stored {
	if d != nil {
		d.parts = append(d.parts, part)
	}
	return d
}

// unstore lets go of what the spool has of a batch that is settled or replaced.
func (q *queue) unstore(b *batch) {
	d := b.disk
	if d == nil {
		return
	}
	b.disk = nil
	if i := slices.Index(d.parts, b); i >= 0 {
		d.parts = slices.Delete(d.parts, i, i+1)
	}
	if len(d.parts) > 0 {
		return
	}
	switch d.state {
	case storedWaiting:
		q.spooler.withdraw(d)
	case storedKept:
		q.spooler.remove(d)
	case storedWriting: // removed as soon as it is there
	}
}

// move takes a batch from one place to another.
func (q *queue) move(from, to place, b *batch) {
	b.place = to
	if b.disk.kept() {
		q.spooler.saved[from] -= b.len()
		q.spooler.saved[to] += b.len()
		return
	}
	q.watermark.move(from, to, b.epoch, b.len())
}

// keep notes that the spool has appended d: a flush need not wait for it.
func (q *queue) keep(d *stored) {
	d.state = storedKept
	if len(d.parts) == 0 {
		q.spooler.remove(d)
		return
	}
	for _, b := range d.parts {
		q.watermark.add(b.place, b.epoch, -b.len())
		q.spooler.saved[b.place] += b.len()
	}
	q.pageOut(d)
}

// lose notes that the spool has not taken d: it goes on in memory.
func (s *spooler) lose(d *stored) {
	delete(s.apart, d.ids[0])
	for _, b := range d.parts {
		b.disk = nil
	}
	d.parts = nil
}

// sealForSpool seals what has waited for SpoolInterval, whatever its endpoint
// does, and returns when to look again.
func (q *queue) sealForSpool(now time.Time) (next time.Time) {
	q.eachLine(func(lane *lane, line *line) {
		if line.open == nil {
			return
		}
		switch due := line.open.base.Add(q.settings.SpoolInterval); {
		case !due.After(now):
			q.seal(lane, line)
		case next.IsZero() || due.Before(next):
			next = due
		}
	})
	return next
}

// fresh reports whether a batch may share its request with its neighbours.
func (b *batch) fresh() bool {
	return b.disk.kept() && len(b.disk.parts) == 1 && b.attempts == 0 && b.form == formOfLane && b.pair == nil && b.peeled == 0
}

// mayLeave reports whether the lane's first batch is stored, and has not to wait
// for others to share its request: SpoolInterval makes small batches, and
// FlushInterval few requests.
func (q *queue) mayLeave(lane *lane, now time.Time) bool {
	b := lane.sealed.head
	if b == nil || b.disk.waits() {
		return b == nil
	}
	at, waits := q.gathers(lane)
	return !waits || !at.IsZero() && !at.After(now)
}

// gatheredAt is when the lane's first batch goes alone; the zero time if that is
// not a matter of time.
func (q *queue) gatheredAt(lane *lane, now time.Time) time.Time {
	if at, waits := q.gathers(lane); waits && at.After(now) {
		return at
	}
	return time.Time{} // it may wait for identifies
}

func (q *queue) gathers(lane *lane) (until time.Time, waits bool) {
	first := lane.sealed.head
	if first == nil || first.rank <= lane.pushed || lane.urgent || lane.objectOnly || lane.backlog.open || !first.fresh() {
		return time.Time{}, false
	}
	messages, bytes := 0, 0
	for b := first; b != nil && b.fresh(); b = b.next {
		messages += b.len()
		bytes += len(b.body()) + 1
		if messages >= lane.size || bytes > lane.bytes-lane.bytes/8 {
			return time.Time{}, false
		}
	}
	if q.settings.FlushInterval < 0 {
		return time.Time{}, true
	}
	return first.base.Add(q.settings.FlushInterval), true
}

// gather adds to a batch those behind it that fit into the same request.
func (q *queue) gather(lane *lane, first *batch) *batch {
	if !first.fresh() || lane.objectOnly {
		return first
	}
	size, last := first.takenBy(), first
	var others []*batch
	for b := lane.sealed.head; b != nil && b.fresh(); b = b.next {
		sum := capacity{size.bytes + b.takenBy().bytes, size.records + b.takenBy().records}
		if sum.records > lane.size || sum.bytes > lane.bytes || sum.size() > q.freeBytes(KindIdentify) ||
			lane.id == laneGroup && !q.mayFollowIdentifies(b) {
			break
		}
		size, last = sum, b
		others = append(others, b)
	}
	if len(others) == 0 {
		return first
	}
	d := &stored{kind: lane.kind(), state: storedKept}
	whole := q.newBatch(first.base, size)
	whole.epoch, whole.rank, whole.place, whole.unanswered = last.epoch, first.rank, first.place, first.unanswered
	if lane.id == laneGroup {
		whole.rank = last.rank // it follows the identifies that any of them follows
	}
	for _, b := range append([]*batch{first}, others...) {
		if b != first {
			lane.sealed.remove(b)
		}
		whole.copyFrom(b, 0, b.len())
		whole.unanswered = whole.unanswered || b.unanswered
		d.ids = append(d.ids, b.disk.ids...)
		b.disk.parts, b.disk = nil, nil
		q.release(b.block)
	}
	whole.disk = d.share(whole)
	return whole
}

// takenBy is the least capacity that holds the batch.
func (b *batch) takenBy() capacity { return capacity{len(b.body()) + 1, b.len()} }
