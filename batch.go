package loopkit

import (
	"time"
	"unsafe"
)

// keys are keyed hashes of whom a message names, so that a deletion or an
// opt-out finds it without decoding; 0 means nobody.
type keys struct{ user, anonymous, group uint64 }

// matches reports whether k names someone that target names.
func (k keys) matches(target keys) bool {
	return k.user != 0 && k.user == target.user ||
		k.anonymous != 0 && k.anonymous == target.anonymous ||
		k.group != 0 && k.group == target.group
}

// subject is one of the keys together with what it is a hash of.
type subject struct {
	role uint8
	hash uint64
}

const (
	roleUser uint8 = iota
	roleAnonymous
	roleGroup
)

func (k keys) subjects() [3]subject {
	return [3]subject{{roleUser, k.user}, {roleAnonymous, k.anonymous}, {roleGroup, k.group}}
}

// record is what a batch knows of one of its messages.
type record struct {
	keys
	end   uint32 // offset just behind the message's bytes and its comma
	after uint32 // milliseconds between the batch's base and the acceptance
}

const (
	recordBytes  = int(unsafe.Sizeof(record{}))
	batchBytes   = int(unsafe.Sizeof(batch{}) + unsafe.Sizeof(block{}))
	firstBytes   = 4 << 10 // capacity of a new block, in bytes and in records
	firstRecords = 16
)

// block is the memory of a batch: its messages, each followed by a comma, and
// their records. It returns to the pool when its last holder lets go: the
// batch, every request body made from it, and a notice of its loss.
type block struct {
	bytes   []byte
	records []record
	holders int
	lent    bool // to a notice of its loss, which may outlive the batch
}

func (b *block) capacity() capacity { return capacity{cap(b.bytes), cap(b.records)} }

func (b *block) size() int { return b.capacity().size() }

// capacity of a block, in bytes and in records.
type capacity struct{ bytes, records int }

func (c capacity) size() int { return c.bytes + c.records*recordBytes }

// batch is a run of messages of one lane, in order of acceptance.
type batch struct {
	next, prev *batch
	*block
	base  time.Time // acceptance of its first message
	epoch uint64    // of the flushes; see watermark.go
	rank  uint64    // in the order of all batches; see queue.lastRank
	place place     // where it is, if there is a spool
	disk  *stored   // what the spool has of it; nil without a spool, and if the spool failed

	attempts   int  // requests that carried it
	crashes    int  // times that it was answered 500
	unanswered bool // a request that carried it went unanswered
	peeled     int  // messages at its beginning that went into batches of their own
	form       form // one message, refused in its lane's form: the other
	pair       *pair
}

// form of the body that carries one message; several are always in an envelope.
type form uint8

const (
	formOfLane form = iota
	formObject
	formEnvelope
)

func (f form) other() form {
	if f == formObject {
		return formEnvelope
	}
	return formObject
}

// pair follows the two halves of an envelope of two that was refused.
type pair struct{ delivered int }

func (b *batch) len() int { return len(b.records) - b.peeled }

func (b *batch) record(i int) *record { return &b.records[b.peeled+i] }

// start is where the i-th message's bytes begin.
func (b *batch) start(i int) uint32 {
	if b.peeled+i == 0 {
		return 0
	}
	return b.record(i - 1).end
}

// message returns the i-th message without its comma, which an append to it
// does not overwrite.
func (b *batch) message(i int) []byte {
	end := b.record(i).end - 1
	return b.bytes[b.start(i):end:end]
}

// body returns all messages with commas between them.
func (b *batch) body() []byte { return b.bytes[b.start(0) : len(b.bytes)-1] }

func (b *batch) acceptedAt(i int) time.Time {
	return b.base.Add(time.Duration(b.record(i).after) * time.Millisecond)
}

// add appends a message; the block must have room for it.
func (b *batch) add(message []byte, k keys, at time.Time) {
	b.bytes = append(append(b.bytes, message...), ',')
	b.records = append(b.records, record{keys: k, end: uint32(len(b.bytes)), after: b.sinceBase(at)})
}

func (b *batch) sinceBase(at time.Time) uint32 {
	return uint32(max(0, at.Sub(b.base)) / time.Millisecond)
}

// copyFrom appends the messages of another batch from i up to j.
func (b *batch) copyFrom(from *batch, i, j int) {
	if b.len() == 0 && i < j {
		b.base = from.acceptedAt(i)
	}
	for ; i < j; i++ {
		b.bytes = append(b.bytes, from.bytes[from.start(i):from.record(i).end]...)
		r := *from.record(i)
		r.end = uint32(len(b.bytes))
		r.after = b.sinceBase(from.acceptedAt(i))
		b.records = append(b.records, r)
	}
}

// list is a first-in, first-out list of batches that a batch can leave from the
// middle of and return to the head of.
type list struct{ head, tail *batch }

func (l *list) pushBack(b *batch) {
	b.prev, b.next = l.tail, nil
	if l.tail != nil {
		l.tail.next = b
	} else {
		l.head = b
	}
	l.tail = b
}

func (l *list) pushFront(b *batch) {
	b.prev, b.next = nil, l.head
	if l.head != nil {
		l.head.prev = b
	} else {
		l.tail = b
	}
	l.head = b
}

func (l *list) remove(b *batch) {
	if b.prev != nil {
		b.prev.next = b.next
	} else {
		l.head = b.next
	}
	if b.next != nil {
		b.next.prev = b.prev
	} else {
		l.tail = b.prev
	}
	b.prev, b.next = nil, nil
}

// has reports whether b is in this list, and not in another or none.
func (l *list) has(b *batch) bool {
	for b.prev != nil {
		b = b.prev
	}
	return l.head == b
}

// replace puts other in the place of b; nil takes b out.
func (l *list) replace(b, other *batch) {
	if b == other {
		return
	}
	if other != nil {
		other.prev, other.next = b, b.next
		if b.next != nil {
			b.next.prev = other
		} else {
			l.tail = other
		}
		b.next = other
	}
	l.remove(b)
}
