package loopkit

import (
	"encoding/json"
	"errors"
	"io"
	"time"
)

// backlog is what a lane has in the spool alone, between the sealed batches that
// are in memory and those that came later: what an earlier client left, and
// what did not fit into memory. The spooler's goroutine alone changes it.
type backlog struct {
	open     bool
	after    uint64 // everything up to this ID has been read
	last     uint64 // the largest ID that belongs to it
	messages int    // in it, of those that this client has accepted
}

// onlyThere reports whether a batch is in the spool alone.
func (s *spooler) onlyThere(kind Kind, id uint64) bool {
	s.queue.mu.Lock()
	defer s.queue.mu.Unlock()
	l := &s.queue.lanes[kind].backlog
	return l.open && l.after < id && id <= l.last && !s.apart[id]
}

// inMemory counts pending messages that are not in the spool alone.
func (q *queue) inMemory() int {
	n := int(q.counts.pending)
	if q.spooler == nil {
		return n
	}
	for i := range q.lanes[:laneDelete] {
		n -= q.lanes[i].backlog.messages
	}
	return n
}

// crowded reports whether half of the queue's memory is taken: the rest is for
// calls, and what is in the spool can wait there.
func (q *queue) crowded() bool {
	return q.held > q.settings.QueueBytes/2 || q.inMemory() > q.settings.QueueSize/2
}

// pageOut leaves a batch to the spool alone if those before it are there, too,
// or if memory gets short.
func (q *queue) pageOut(d *stored) {
	if d.kind.isDeletion() || !q.spooler.stuck.IsZero() {
		return
	}
	b, lane := d.parts[0], &q.lanes[d.kind]
	from := &lane.behind
	switch {
	case b.place == placeHeld || b.rank != d.ids[0]: // it was held: its ID does not tell its turn
		return
	case lane.backlog.open:
		if lane.behind.head != b && (lane.id != laneTrack || !lane.behind.has(b)) {
			return // those before it may be in memory alone, which matters but for events
		}
		for earlier := b.prev; earlier != nil; earlier = earlier.prev {
			q.spooler.setApart(earlier)
		}
	case b.prev == nil || !q.crowded():
		return
	default:
		for later := b.next; later != nil; later = b.next {
			lane.sealed.remove(later)
			lane.behind.pushBack(later)
		}
		from = &lane.sealed
		lane.backlog = backlog{open: true, after: b.rank - 1}
	}
	from.remove(b)
	lane.backlog.last = b.rank
	lane.backlog.messages += b.len()
	d.parts, b.disk = nil, nil
	q.release(b.block)
}

// readAhead is how many requests of a lane the window of its backlog holds, as
// far as an eighth of the queue's memory does.
const readAhead = 2

// wantsMore reports whether more of the lane's backlog should be in memory.
func (q *queue) wantsMore(lane *lane) bool {
	if !lane.backlog.open || q.end.gaveUp || len(q.spooler.purges) > 0 {
		return false
	}
	if q.crowded() { // what is behind the backlog may be what takes the memory
		return lane.sealed.head == nil && lane.inFlight == 0 && q.held <= q.byteBound()
	}
	messages, bytes := 0, 0
	for b := lane.sealed.head; b != nil; b = b.next {
		messages += b.len()
		bytes += b.size()
		if messages >= readAhead*lane.most*lane.size || bytes >= q.settings.QueueBytes/8 {
			return false
		}
	}
	return true
}

// passBacklogs lets batches in memory go, one at a time, while the spool cannot be
// read. Order is lost for that long.
func (q *queue) passBacklogs() {
	if !q.spooler.givenUp() {
		return
	}
	for i := range q.lanes[:laneDelete] {
		lane := &q.lanes[i]
		if b := lane.behind.head; b != nil && lane.sealed.head == nil && lane.inFlight == 0 {
			lane.behind.remove(b)
			lane.sealed.pushBack(b)
			q.spooler.setApart(b)
		}
	}
}

// setApart notes that a batch is in memory, wherever the backlog ends.
func (s *spooler) setApart(b *batch) {
	if b.disk != nil {
		for _, id := range b.disk.ids {
			s.apart[id] = true
		}
	}
}

// askForMore wakes the spooler if there is room for more of a backlog.
func (q *queue) askForMore() {
	for i := range q.lanes[:laneDelete] {
		if q.wantsMore(&q.lanes[i]) {
			q.spooler.poke()
			return
		}
	}
}

// burst bounds how long reading one lane's backlog delays everything else.
const burst = 64

// readBacklog brings more of the backlog into memory, and reports whether there
// may be still more.
func (s *spooler) readBacklog() bool {
	more := false
	for i := range s.queue.lanes[:laneDelete] {
		lane := &s.queue.lanes[i]
		n := 0
		for n < burst && s.readNext(lane) {
			n++
		}
		more = more || n == burst
	}
	return more
}

// readNext reports whether it read a batch.
func (s *spooler) readNext(lane *lane) bool {
	q := s.queue
	q.mu.Lock()
	wants, after := q.wantsMore(lane), lane.backlog.after
	q.mu.Unlock()
	if !wants {
		return false
	}
	next, err := s.nextUnread(lane.kind(), after)
	q.mu.Lock()
	defer q.mu.Unlock()
	switch {
	case q.end.gaveUp || len(s.purges) > 0: // meanwhile: it may name someone who is to be forgotten
		return false
	case errors.Is(err, io.EOF) || err == nil && next.ID > lane.backlog.last:
		s.readable(nil)
		q.endBacklog(lane)
	case err != nil:
		s.readable(err)
	default:
		s.readable(nil)
		lane.backlog.after = next.ID
		q.readBack(lane, next)
		q.poke()
		return true
	}
	q.poke()
	return false
}

var errOtherBatch = errors.New("loopkit: Spool.Next returned another batch than the one that it was asked for")

func (s *spooler) next(kind Kind, after uint64) (next SpoolBatch, err error) {
	err = s.call("Next", func() (err error) {
		next, err = s.spool.Next(kind, after)
		if err == nil && (next.Kind != kind || next.ID <= after) {
			err = errOtherBatch
		}
		return err
	})
	return next, err
}

// nextUnread is next without the batches that are in memory.
func (s *spooler) nextUnread(kind Kind, after uint64) (SpoolBatch, error) {
	for {
		next, err := s.next(kind, after)
		s.queue.mu.Lock()
		skip := err == nil && s.apart[next.ID]
		s.queue.mu.Unlock()
		if !skip {
			return next, err
		}
		after = next.ID
	}
}

// endBacklog lets what came after the backlog follow. What should have been in
// it was damaged.
func (q *queue) endBacklog(lane *lane) {
	missing := lane.backlog.messages
	lane.backlog = backlog{}
	for b := lane.behind.head; b != nil; b = lane.behind.head {
		lane.behind.remove(b)
		lane.sealed.pushBack(b)
	}
	if missing > 0 {
		q.counts.pending -= int64(missing)
		q.spooler.saved[lane.place()] -= missing
		q.lost(lane.kind(), missing, ReasonDamaged, errDamaged)
	}
}

// readBack puts a batch of the spool into its lane, or behind the deletion of
// someone that it names.
func (q *queue) readBack(lane *lane, from SpoolBatch) {
	b := q.batchFrom(from)
	if b == nil {
		return
	}
	restored := from.ID <= q.spooler.restored
	if restored {
		b.unanswered = true // an earlier client may have sent it
		q.counts.accepted += int64(b.len())
		q.counts.restored += int64(b.len())
		q.counts.pending += int64(b.len())
		q.spooler.saved[lane.place()] += b.len()
	} else {
		lane.backlog.messages -= b.len()
	}
	q.expiresAt(b)
	for _, part := range q.byHolder(b) {
		k := part.record(0).keys
		if h := q.erasures.holder(k); h != nil {
			for i := range part.len() {
				q.erasures.hold(h, lane.kind(), part.record(i).keys)
			}
			q.move(lane.place(), placeHeld, part)
			q.pushSized(lane, &h.held[lane.id].sealed, part)
		} else {
			q.pushSized(lane, &lane.sealed, part)
		}
	}
}

// pushSized puts a batch at the end of a list of the lane, in parts if an earlier
// client had larger batches.
func (q *queue) pushSized(lane *lane, to *list, b *batch) {
	from := 0
	for i := 1; i < b.len(); i++ {
		if i-from >= lane.size || int(b.record(i).end-b.start(from)) > lane.bytes {
			to.pushBack(q.copyOf(b, from, i))
			from = i
		}
	}
	if from == 0 {
		to.pushBack(b)
		return
	}
	to.pushBack(q.copyOf(b, from, b.len()))
	q.replaced(b)
}

// batchFrom is a batch as the spool returned it; nil if it is empty.
func (q *queue) batchFrom(from SpoolBatch) *batch {
	size := capacity{records: len(from.Messages)}
	for _, m := range from.Messages {
		size.bytes += len(m) + 1
	}
	if size.records == 0 {
		return nil
	}
	base := sinceThen(q.settings.now(), from.Accepted)
	b := q.newBatch(base, size)
	b.epoch, b.rank, b.place = 0, from.ID, place(min(laneID(from.Kind), laneDelete))
	for _, m := range from.Messages {
		b.add(m, q.keysIn(m), base)
	}
	d := &stored{ids: []uint64{from.ID}, kind: from.Kind, state: storedKept}
	b.disk = d.share(b)
	return b
}

// sinceThen is a time of an earlier process as one that a step of the wall clock
// does not change from now on; a time in the future is now.
func sinceThen(now, then time.Time) time.Time { return now.Add(-max(0, now.Sub(then))) }

// named is whom an encoded message names.
type named struct {
	UserID      string `json:"userId"`
	AnonymousID string `json:"anonymousId"`
	GroupID     string `json:"groupId"`
}

// keysIn hashes whom an encoded message names. The encoder wrote it, and the
// spool must return it as it was.
func (q *queue) keysIn(message []byte) keys {
	var n named
	if json.Unmarshal(message, &n) != nil {
		return keys{}
	}
	return keys{user: q.hash(n.UserID), anonymous: q.hash(n.AnonymousID), group: q.hash(n.GroupID)}
}

// lost accounts for messages that had left memory.
func (q *queue) lost(kind Kind, n int, reason Reason, why error) {
	q.counts.dropped[reason] += int64(n)
	q.watermark.lost(0, n, reason, why)
	q.logDrop(kind, n, reason, why)
	q.freed()
	q.poke()
}
