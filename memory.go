package loopkit

import "time"

// byteBound is what queued messages may hold.
func (q *queue) byteBound() int { return q.settings.QueueBytes - q.noticeBound() }

// noticeBound is the memory that belongs to notices of losses, if anybody wants
// them.
func (q *queue) noticeBound() int {
	if q.settings.Hooks.Dropped == nil {
		return 0
	}
	return q.settings.QueueBytes / 4
}

// mayLend reports whether a notice may keep a dropped batch: in the part of the
// memory that belongs to notices, or for as long as messages leave that much
// free. A whole queue may expire at once, and even a fast hook needs a moment.
func (q *queue) mayLend(size int) bool {
	return q.noticeBytes == 0 || q.noticeBytes+size <= q.noticeBound() || q.held+q.noticeBytes <= q.byteBound()
}

// takeBackNotices frees what messages need and notices hold beyond their part.
func (q *queue) takeBackNotices(growth int) {
	for q.noticeBytes > q.noticeBound() && q.held+q.noticeBytes+growth > q.settings.QueueBytes {
		lent := q.reporter.takeBack()
		if lent == nil {
			return
		}
		q.release(lent)
	}
}

// capacityFor doubles the first capacity until it is enough, or the most.
func capacityFor(first, need, most int) int {
	for first < need {
		first *= 2
	}
	return max(need, min(first, most))
}

// freeBytes is how much more memory a message of this kind may take.
func (q *queue) freeBytes(kind Kind) int {
	bound := q.byteBound()
	if kind == KindTrack {
		bound -= bound / 10
	}
	return bound - q.held
}

// firstCapacity is that of a new batch that begins with a message of this size:
// small, unless an earlier one grew large and there is memory for another such
// that neither the last tenth, nor a notice, nor anybody else needs.
func (q *queue) firstCapacity(line *line, size int) capacity {
	free := min(q.freeBytes(KindTrack), q.settings.QueueBytes-q.held-q.noticeBytes)
	if usual := line.usual; size <= usual.bytes && usual.size()+batchBytes <= free {
		return usual
	}
	return capacity{capacityFor(firstBytes, size, q.settings.BatchBytes), firstRecords}
}

// growth is how much memory a message of this size, with its comma, would take;
// first is the capacity of a new batch for it.
func (q *queue) growth(lane *lane, line *line, size int, first capacity) int {
	b := line.open
	if b == nil || !lane.takes(b, size) {
		return first.size() + batchBytes
	}
	growth := 0
	if need := len(b.bytes) + size; need > cap(b.bytes) {
		growth += capacityFor(cap(b.bytes)*2, need, q.settings.BatchBytes) - cap(b.bytes)
	}
	if len(b.records) == cap(b.records) {
		growth += cap(b.records) * recordBytes
	}
	return growth
}

// grow makes room for a message; what it takes was asked of fits before.
func (q *queue) grow(b *block, size int) {
	before := b.size()
	if need := len(b.bytes) + size; need > cap(b.bytes) {
		bytes := append(q.bytePool.get(capacityFor(cap(b.bytes)*2, need, q.settings.BatchBytes)), b.bytes...)
		q.keepBytes(b.bytes)
		b.bytes = bytes
	}
	if len(b.records) == cap(b.records) {
		records := append(q.recordPool.get(cap(b.records)*2), b.records...)
		q.keepRecords(b.records)
		b.records = records
	}
	if b.size() != before {
		q.charge(b.size() - before)
	}
}

// newBatch returns an empty batch of the current epoch.
func (q *queue) newBatch(base time.Time, room capacity) *batch {
	b := &batch{
		block: &block{bytes: q.bytePool.get(room.bytes), records: q.recordPool.get(room.records), holders: 1},
		base:  base,
		epoch: q.watermark.current.epoch,
	}
	q.charge(b.size() + batchBytes)
	return b
}

// charge counts memory. Pooled memory is the first to go when it gets short.
func (q *queue) charge(bytes int) {
	q.held += bytes
	if q.held+q.noticeBytes+q.pooled() > q.settings.QueueBytes {
		q.bytePool.clear()
		q.recordPool.clear()
	}
}

func (q *queue) pooled() int { return q.bytePool.held + q.recordPool.held*recordBytes }

// release lets go of a block, and returns its memory when nobody else holds it.
func (q *queue) release(b *block) {
	b.holders--
	if b.holders > 0 {
		return
	}
	if size := b.size() + batchBytes; b.lent {
		q.noticeBytes -= size
	} else {
		q.held -= size
	}
	q.keepBytes(b.bytes)
	q.keepRecords(b.records)
	b.bytes, b.records = nil, nil
	q.freed()
}

// keepBytes and keepRecords keep memory for reuse: up to an eighth of what the
// queue may hold, and of the capacities that grow asks for. After Close nothing
// is used again, so a request that Close gave up may go on reading.
func (q *queue) keepBytes(s []byte) {
	if c := cap(s); c == capacityFor(firstBytes, c, q.settings.BatchBytes) && q.mayKeep(c) {
		q.bytePool.put(s)
	}
}

func (q *queue) keepRecords(s []record) {
	if c := cap(s); c >= firstRecords && c&(c-1) == 0 && q.mayKeep(c*recordBytes) {
		q.recordPool.put(s)
	}
}

func (q *queue) mayKeep(bytes int) bool {
	return !q.end.begun && q.pooled()+bytes <= q.settings.QueueBytes/8
}

// pool keeps slices for reuse, by capacity. It is not safe for concurrent use.
type pool[T any] struct {
	free map[int][][]T
	held int // elements kept
}

// get returns an empty slice of exactly this capacity.
func (p *pool[T]) get(capacity int) []T {
	kept := p.free[capacity]
	if len(kept) == 0 {
		return make([]T, 0, capacity)
	}
	last := len(kept) - 1
	s := kept[last]
	kept[last] = nil
	p.free[capacity] = kept[:last]
	p.held -= capacity
	return s
}

func (p *pool[T]) put(s []T) {
	if p.free == nil {
		p.free = map[int][][]T{}
	}
	p.free[cap(s)] = append(p.free[cap(s)], s[:0])
	p.held += cap(s)
}

func (p *pool[T]) clear() { *p = pool[T]{} }
