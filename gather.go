package loopkit

import "time"

// fresh reports whether a batch may share its request with its neighbours.
func (b *batch) fresh() bool {
	return !b.disk.waits() && (b.disk == nil || len(b.disk.parts) == 1) && b.attempts == 0 && b.form == formOfLane && b.pair == nil && b.peeled == 0
}

// mayStart reports whether the lane's first batch is stored, and has not to wait
// for others to share its request: SpoolInterval makes small batches, and
// FlushInterval few requests.
func (q *queue) mayStart(lane *lane, now time.Time) bool {
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
	if first == nil || first.rank <= lane.flushedRank || q.end.begun || lane.urgent || lane.objectOnly || lane.backlog.open || !first.fresh() {
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
		if b.disk.kept() != first.disk.kept() || b.disk == nil && b.epoch != first.epoch { // a flush finds what is in memory alone by its epoch
			break
		}
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
		if b.disk != nil {
			d.ids = append(d.ids, b.disk.ids...)
			b.disk.parts, b.disk = nil, nil
		}
		q.release(b.block)
	}
	if len(d.ids) > 0 {
		whole.disk = d.share(whole)
	}
	return whole
}

// takenBy is the least capacity that holds the batch.
func (b *batch) takenBy() capacity { return capacity{len(b.body()) + 1, b.len()} }
