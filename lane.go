package loopkit

import (
	"math"
	"time"

	"github.com/loopkitai/loopkit-go/internal/wire"
)

// laneID numbers the lanes; the first three are those of Kind.
type laneID uint8

const (
	laneIdentify laneID = iota
	laneGroup
	laneTrack
	laneDelete
	laneCount
)

// lane is the way of one kind of message to its endpoint: a line of batches,
// the gate of the endpoint, and what is known of the server. The lane of
// deletions has no batches; its line is in erasures.
type lane struct {
	line
	id       laneID
	endpoint string
	path     string // relative to the base URL
	size     int    // messages in a batch
	bytes    int    // bytes in a batch: the option, or less after a 413
	most     int    // requests at once
	inFlight int
	leaving  int // batches that are settled, and that the spool has still to forget
	gate     gate
	urgent   bool // send the open batch now: the queue is full

	backlog     backlog // with a spool: what is only there, behind the sealed batches
	behind      list    // sealed batches in memory that come after the backlog
	flushedRank uint64  // with a spool: batches up to this rank wait for no others to share a request

	singles    int  // refused one after the other without a success
	form       form // of a lone message
	adapts     bool // a lone message that is refused is tried in the other form too
	misfits    int  // refused in the lane's form and then taken in the other
	objectOnly bool // one message a request
}

// line is an open batch and the sealed ones before it.
type line struct {
	open   *batch
	sealed list
	usual  capacity // to which the last batch grew, if it was full: the next one likely will
}

const (
	endpointDeletions = "deletions"

	envelopeBytes = 32 // more than the longest envelope's own

	maxRefusedSingles = 20
	maxMisfits        = 3
	maxCrashes        = 5
)

func (l *lane) init(id laneID, s *settings) {
	*l = lane{
		id:         id,
		endpoint:   [laneCount]string{"identifies", "groups", "tracks", endpointDeletions}[id],
		path:       [laneCount]string{"/identifies", "/groups", "/tracks", ""}[id],
		size:       min(s.BatchSize, max(1, s.QueueSize/8)), // so that DropOldest always has a batch to evict
		bytes:      s.BatchBytes - envelopeBytes,
		most:       1,
		gate:       newGate(s),
		form:       formObject,
		adapts:     s.Dialect == DialectAuto,
		objectOnly: s.Dialect == DialectObjects,
	}
	// The documentation shows no request with an event, only the SDKs do.
	if s.Dialect == DialectEnvelopes || s.Dialect == DialectAuto && id == laneTrack {
		l.form = formEnvelope
	}
	if id == laneTrack {
		l.most = s.MaxInFlight
	}
}

func (l *lane) kind() Kind   { return Kind(l.id) }
func (l *lane) place() place { return place(l.id) }

// placeOf tells a line of the lane itself from one behind a deletion.
func placeOf(l *lane, on *line) place {
	if on == &l.line {
		return l.place()
	}
	return placeHeld
}

// takes reports whether one more message of this size belongs into b.
func (l *lane) takes(b *batch, size int) bool {
	return len(b.records) == 0 || len(b.records) < l.size && len(b.bytes)+size <= l.bytes
}

// ready reports whether a request could start now.
func (l *lane) ready(now time.Time) bool {
	return l.inFlight+l.leaving < l.most && l.gate.admits(now)
}

// due is when the open batch has waited long enough; the zero time if nothing
// makes it.
func (l *lane) due(interval time.Duration) time.Time {
	switch {
	case l.open == nil:
		return time.Time{}
	case l.urgent:
		return l.open.base
	case interval < 0:
		return time.Time{}
	}
	return l.open.base.Add(interval)
}

// seal closes the open batch of a line, and has it kept in the spool.
func (q *queue) seal(lane *lane, line *line) {
	b := line.open
	if b == nil {
		return
	}
	line.open, line.usual = nil, capacity{}
	if len(b.records) >= lane.size || len(b.bytes) > lane.bytes/2 { // full, or near it
		line.usual = capacity{
			bytes:   capacityFor(firstBytes, len(b.bytes), q.settings.BatchBytes),
			records: capacityFor(firstRecords, len(b.records), math.MaxInt),
		}
	}
	q.fit(b)
	q.poke()
	if line == &lane.line {
		lane.urgent = false
		q.join(lane, b)
	} else { // it gets another rank when the deletion lets it go
		if e := q.erasures.holdingGroups(line); lane.id == laneGroup && e != nil { // as in join
			q.seal(&q.lanes[laneIdentify], &e.held[laneIdentify])
		}
		b.rank = q.nextRank()
		line.sealed.pushBack(b)
	}
	if q.spooler != nil {
		q.spooler.enqueue(b, lane.kind(), placeOf(lane, line))
	}
}

// join puts a sealed batch at the lane's end. A group batch follows all
// identifies accepted so far, so these are sealed with it.
func (q *queue) join(lane *lane, b *batch) {
	if lane.id == laneGroup {
		q.seal(&q.lanes[laneIdentify], &q.lanes[laneIdentify].line)
	}
	b.rank = q.nextRank()
	if lane.backlog.open {
		lane.behind.pushBack(b)
	} else {
		lane.sealed.pushBack(b)
	}
}

func (q *queue) nextRank() uint64 {
	q.lastRank++
	return q.lastRank
}

func (q *queue) sealAll() {
	for i := range q.lanes[:laneDelete] {
		lane := &q.lanes[i]
		q.seal(lane, &lane.line)
		lane.flushedRank = q.lastRank
		for _, e := range q.erasures.holding {
			q.seal(lane, &e.held[i])
		}
	}
}

// fit copies a batch that uses less than half of its memory, so that many small
// batches do not fill the queue with nothing.
func (q *queue) fit(b *batch) {
	before := b.size()
	if len(b.bytes) < cap(b.bytes)/2 {
		fitted := append(make([]byte, 0, len(b.bytes)), b.bytes...)
		q.keepBytes(b.bytes)
		b.bytes = fitted
	}
	if len(b.records) < cap(b.records)/2 {
		fitted := append(make([]record, 0, len(b.records)), b.records...)
		q.keepRecords(b.records)
		b.records = fitted
	}
	if b.size() != before {
		q.charge(b.size() - before)
		q.freed()
	}
}

// groupMayGo reports whether the identifies before the first group batch are
// settled, or cannot be for now because their endpoint is halted.
func (q *queue) groupMayGo() bool {
	b := q.lanes[laneGroup].sealed.head
	return b == nil || q.mayFollowIdentifies(b)
}

func (q *queue) mayFollowIdentifies(b *batch) bool {
	identifies := &q.lanes[laneIdentify]
	if identifies.gate.state == gateHalted {
		return true
	}
	if first := identifies.sealed.head; first != nil && first.rank <= b.rank {
		return false
	}
	for _, a := range q.attempts {
		if a.lane == identifies && a.batch.rank <= b.rank {
			return false
		}
	}
	return !identifies.backlog.open || identifies.backlog.after >= b.rank || q.spooler.givenUp()
}

// take removes the next batch to send from the lane; nil if there is none.
func (q *queue) take(lane *lane) *batch {
	b := lane.sealed.head
	if b == nil {
		return nil
	}
	if lane.objectOnly && b.len() > 1 {
		return q.peel(b)
	}
	lane.sealed.remove(b)
	if q.spooler != nil {
		b = q.gather(lane, b)
	}
	return b
}

// peel takes the first message of a batch into one of its own.
func (q *queue) peel(b *batch) *batch {
	first := q.copyOf(b, 0, 1)
	b.peeled++ // its memory stays as it is: a body may still read it
	return first
}

// copyOf returns a new batch with the messages from i to j.
func (q *queue) copyOf(b *batch, i, j int) *batch {
	part := q.partOf(b, int(b.record(j-1).end-b.start(i)), j-i)
	part.copyFrom(b, i, j)
	return part
}

// partOf returns an empty batch for some of the messages of b.
func (q *queue) partOf(b *batch, bytes, messages int) *batch {
	part := q.newBatch(b.base, capacity{bytes, messages})
	part.epoch, part.rank, part.unanswered, part.attempts = b.epoch, b.rank, b.unanswered, b.attempts
	part.place = b.place
	part.disk = b.disk.share(part)
	return part
}

// replaced lets go of a batch that is settled, or whose messages are in others now.
func (q *queue) replaced(b *batch) {
	q.release(b.block)
	q.unstore(b)
}

// split replaces a batch that came back with its two halves, at the head of its
// lane. They are copies, because a body may still be reading the batch.
func (q *queue) split(lane *lane, b *batch, followed *pair) {
	middle := b.len() / 2
	left, right := q.copyOf(b, 0, middle), q.copyOf(b, middle, b.len())
	left.pair, right.pair = followed, followed
	q.putBack(lane, right)
	q.putBack(lane, left)
	q.replaced(b)
}

func (l *lane) formOf(b *batch) form {
	switch {
	case b.len() > 1:
		return formEnvelope
	case b.form != formOfLane:
		return b.form
	}
	return l.form
}

// requestFor makes the request that carries b.
func (q *queue) requestFor(lane *lane, b *batch) *request {
	var parts [3][]byte
	kind := wire.Kind(lane.id)
	form := lane.formOf(b)
	switch {
	case form == formEnvelope:
		open, end := wire.Envelope(kind)
		parts = [3][]byte{[]byte(open), b.body(), []byte(end)}
	case kind == wire.Track:
		parts[0] = b.body()
	default:
		head, tail := wire.Documented(b.body())
		parts = [3][]byte{head, documentedKey, tail}
	}
	return &request{
		endpoint: lane.endpoint,
		method:   "POST",
		url:      q.settings.BaseURL + lane.path,
		open:     func() *body { return q.openBody(b.block, parts) },
		form:     form,
		compress: q.settings.Compression == Gzip && !q.plain,
	}
}

// documentedKey is what LoopKit's documentation calls the values of an identify
// or a group.
var documentedKey = []byte(`"traits"`)
