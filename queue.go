package loopkit

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"log/slog"
	"maps"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/loopkitai/loopkit-go/internal/wire"
)

// queue takes encoded messages, keeps them in lanes of batches, and accounts
// for each until it is settled. One mutex guards all of its state; nothing
// encodes, sends, sleeps or calls user code while holding it. What it knows
// about sending is in dispatch.go.
type queue struct {
	settings  *settings
	transport *transport
	reporter  *reporter
	spooler   *spooler // nil without a spool
	seed      maphash.Seed

	_ [128]byte // what is written for each message slows down who reads the fields above on another processor

	mu          sync.Mutex
	counts      counts
	held        int // bytes of blocks that are queued or in flight
	noticeBytes int // bytes of blocks that only notices of their loss hold
	watermark   watermark
	lanes       [laneCount]lane
	erasures    erasures

	bytePool   pool[byte] // capacities are those that grow gives
	recordPool pool[record]
	space      chan struct{} // closed when memory becomes free; nil if nobody waits
	nextExpiry time.Time     // no message expires before; zero if there is none
	lastRank   uint64        // of the batches sealed so far; what a spool knows them by

	attempts    []*attempt // under way
	nextAttempt uint64     // number of the next attempt, from 1

	wake    chan struct{} // tells the dispatcher to look again
	stop    chan struct{} // tells the dispatcher to end
	stopped chan struct{} // the dispatcher ended
	context context.Context
	cancel  context.CancelFunc // ends the attempts under way
	plain   bool               // the server does not take compressed bodies

	end ending
}

// counts are the numbers of Stats.
type counts struct {
	accepted, delivered, pending int64
	dropped                      map[Reason]int64
	refused, withheld, redacted  int64
	restored                     int64
	requests, retries            int64
}

func newQueue(s *settings) *queue {
	q := &queue{
		settings:    s,
		transport:   newTransport(s),
		seed:        maphash.MakeSeed(),
		counts:      counts{dropped: map[Reason]int64{}},
		nextAttempt: 1,
		wake:        make(chan struct{}, 1),
		stop:        make(chan struct{}),
		stopped:     make(chan struct{}),
		end:         ending{quiet: make(chan struct{}), done: make(chan struct{})},
	}
	q.context, q.cancel = context.WithCancel(context.Background())
	q.reporter = newReporter(s, q)
	for i := range q.lanes {
		q.lanes[i].init(laneID(i), s)
	}
	return q
}

// keysOf hashes whom m names.
func (q *queue) keysOf(m *wire.Message) keys {
	k := keys{user: q.hash(m.UserID), anonymous: q.hash(m.AnonymousID), group: q.hash(m.GroupID)}
	if m.AnonymousID == "" {
		k.anonymous = q.hashDerived(m.DerivedUUID)
	}
	return k
}

// hashDerived is hash of an anonymous ID that is derived from a user ID.
func (q *queue) hashDerived(id uuid.UUID) uint64 {
	var text [len(wire.AnonymousPrefix) + 36]byte
	return maphash.Bytes(q.seed, wire.AppendUUID(append(text[:0], wire.AnonymousPrefix...), id)) | 1
}

func (q *queue) hash(id string) uint64 {
	if id == "" {
		return 0
	}
	return maphash.String(q.seed, id) | 1 // never 0, which means nobody
}

// accept takes a message into its lane, or behind the deletion of someone that
// it names. It withholds what a session sends that has opted out, and returns
// errOptedOut then.
func (q *queue) accept(ctx context.Context, p parcel, s *Session) error {
	q.mu.Lock()
	for {
		if s != nil && s.optedOut.Load() {
			q.counts.withheld++
			q.mu.Unlock()
			return errOptedOut
		}
		if q.end.begun {
			q.counts.refused++
			q.mu.Unlock()
			return ErrClosed
		}
		lane := &q.lanes[p.kind]
		line, holder := &lane.line, q.erasures.holder(p.keys)
		if holder != nil {
			line = &holder.held[p.kind]
		}
		first := q.firstCapacity(line, len(*p.body)+1)
		if q.fits(p.kind, q.growth(lane, line, len(*p.body)+1, first)) {
			if holder != nil {
				q.erasures.hold(holder, p.kind, p.keys)
			}
			q.put(lane, line, p, first)
			q.mu.Unlock()
			return nil
		}
		err := q.makeRoom(ctx)
		p.at = q.settings.now() // it may have waited for long
		if err != nil {
			q.counts.refused++
			why := q.lanes[p.kind].gate.err
			q.mu.Unlock()
			q.reporter.log(slog.LevelWarn, causeQueueFull, 1, "loopkit: the queue is full: calls are refused", why)
			return err
		}
	}
}

// put adds the message to the line's open batch, or to a new one with the first
// capacity. There is memory for it.
func (q *queue) put(lane *lane, line *line, p parcel, first capacity) {
	size := len(*p.body) + 1
	if line.open != nil && !lane.takes(line.open, size) {
		q.seal(lane, line)
	}
	if line.open == nil {
		line.open = q.newBatch(p.at, first)
		q.poke() // the flush interval begins
	}
	b := line.open
	q.grow(b.block, size)
	b.add(*p.body, p.keys, p.at)
	q.counts.accepted++
	q.counts.redacted += int64(p.redacted)
	q.counts.pending++
	q.watermark.add(placeOf(lane, line), b.epoch, 1)
	if !lane.takes(b, 1) {
		q.seal(lane, line)
		q.poke()
	}
}

// fits reports whether a message of this kind may take this much more memory.
// Events leave the last tenth to everything else.
func (q *queue) fits(kind Kind, growth int) bool {
	size := q.settings.QueueSize
	if kind == KindTrack {
		size -= size / 10
	}
	if q.inMemory() >= size || growth > q.freeBytes(kind) {
		return false
	}
	q.takeBackNotices(growth)
	return true
}

// makeRoom is called, and returns, with the lock held. It returns an error if
// there is no room for good.
func (q *queue) makeRoom(ctx context.Context) error {
	q.hurry()
	switch q.settings.Overflow {
	case DropOldest:
		tracks := &q.lanes[laneTrack]
		from := &tracks.sealed
		if from.head == nil {
			from = &tracks.behind
		}
		oldest := from.head
		if oldest == nil {
			return ErrQueueFull
		}
		from.remove(oldest)
		q.drop(KindTrack, placeTrack, oldest, ReasonQueueFull, ErrQueueFull)
		return nil
	case Block:
		if q.space == nil {
			q.space = make(chan struct{})
		}
		space := q.space
		q.mu.Unlock() // the context's methods may be the program's
		err := q.awaitSpace(ctx, space)
		q.mu.Lock()
		return err
	default:
		return ErrQueueFull
	}
}

// awaitSpace is called without the lock. If the context panics, nothing is locked.
func (q *queue) awaitSpace(ctx context.Context, space <-chan struct{}) error {
	if q.reporter.called(ctx) {
		return ErrQueueFull
	}
	select {
	case <-space: // freed, or closing
		return nil
	case <-ctx.Done():
		return fmt.Errorf("%w: %w", ErrQueueFull, ctx.Err())
	}
}

// hurry makes a queue that is full by number send batches that are far from it.
func (q *queue) hurry() {
	for i := range q.lanes {
		lane := &q.lanes[i]
		if lane.open != nil && !lane.urgent {
			lane.urgent = true
			q.poke()
		}
		if q.spooler != nil && lane.flushedRank < q.lastRank {
			lane.flushedRank = q.lastRank
			q.poke()
		}
	}
}

// freed wakes calls that wait for space.
func (q *queue) freed() {
	if q.space != nil {
		close(q.space)
		q.space = nil
	}
}

// poke makes the dispatcher look at the queue again.
func (q *queue) poke() {
	select {
	case q.wake <- struct{}{}:
	default:
	}
}

// settle counts n messages of a batch out of the queue.
func (q *queue) settle(p place, b *batch, n int) {
	q.counts.pending -= int64(n)
	if b.disk.kept() {
		q.spooler.saved[p] -= n
	} else {
		q.watermark.add(p, b.epoch, -n)
	}
	q.freed() // the number of messages is bounded too
	q.poke()
}

// drop settles a whole batch as lost; p is where it was. Its memory is gone then,
// its links in a list are not.
func (q *queue) drop(kind Kind, p place, b *batch, reason Reason, why error) {
	if reason == ReasonExpired && q.lanes[kind].gate.err != nil {
		why = &interruptedError{ended: why, last: q.lanes[kind].gate.err}
	}
	q.counts.dropped[reason] += int64(b.len())
	q.watermark.lost(b.epoch, b.len(), reason, why)
	q.settle(p, b, b.len())
	q.logDrop(kind, b.len(), reason, why)
	q.showDrop(kind, b, reason, why)
	q.release(b.block)
	if !kind.isDeletion() || !b.disk.kept() { // a deletion is in the spool as long as it holds messages
		q.unstore(b)
	}
}

func (q *queue) logDrop(kind Kind, n int, reason Reason, why error) {
	if reason != ReasonDeleted && reason != ReasonConsent {
		q.reporter.log(slog.LevelWarn, causeDrop+cause("_"+string(reason)+"_"+kind.String()), n, "loopkit: messages were dropped", why,
			slog.String("reason", string(reason)), slog.String("kind", kind.String()))
	}
}

// showDrop lends the batch's memory to the hook.
func (q *queue) showDrop(kind Kind, b *batch, reason Reason, why error) {
	hook := q.settings.Hooks.Dropped
	if hook == nil {
		return
	}
	block, size := b.block, b.size()+batchBytes
	// At Close everything left is told: its memory is already counted.
	if !q.end.begun && !q.mayLend(size) {
		q.reporter.lost.Add(1)
		return
	}
	block.holders++
	block.lent = true
	q.held -= size
	q.noticeBytes += size
	q.reporter.lend(block, func() {
		defer q.noticeDone(block)
		messages := make([][]byte, b.len())
		for i := range messages {
			messages[i] = b.message(i)
		}
		hook(q.reporter.ctx, Drop{Kind: kind, Reason: reason, Err: why, Messages: messages})
	})
}

func (q *queue) noticeDone(b *block) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.release(b)
}

func (q *queue) withhold() {
	q.mu.Lock()
	q.counts.withheld++
	q.mu.Unlock()
}

// refuse counts a call that returned an error before the queue saw it.
func (q *queue) refuse(call string, err error) {
	q.mu.Lock()
	q.counts.refused++
	q.mu.Unlock()
	var wrong *ArgumentError
	if errors.As(err, &wrong) {
		// Not the path to it: its parts may be keys of the caller's maps.
		field, _, _ := strings.Cut(wrong.Field, ".")
		err = &ArgumentError{Call: wrong.Call, Field: field, Reason: wrong.Reason}
	}
	q.reporter.log(slog.LevelWarn, causeRefused, 1, "loopkit: a call was refused", err, slog.String("call", call))
}

func (q *queue) stats() Stats {
	q.mu.Lock()
	defer q.mu.Unlock()
	n := &q.counts
	s := Stats{
		Restored: n.restored,
		Accepted: n.accepted, Delivered: n.delivered, Pending: n.pending,
		Dropped: maps.Clone(n.dropped),
		Refused: n.refused, Withheld: n.withheld, Redacted: n.redacted,
		Panics: q.reporter.panics.Load(), NoticesLost: q.reporter.lost.Load(),
		QueueBytes: int64(q.held + q.noticeBytes),
		Requests:   n.requests, Retries: n.retries,
		Failing: map[string]error{},
		Halted:  map[string]error{},
	}
	if q.spooler != nil {
		for _, saved := range q.spooler.saved {
			s.Spooled += int64(saved)
		}
		s.SpoolBytes, s.SpoolDamaged = q.spooler.status.Bytes, q.spooler.status.Damaged
	}
	for i := range q.lanes {
		switch lane := &q.lanes[i]; lane.gate.state {
		case gateBackoff:
			s.Failing[lane.endpoint] = lane.gate.err
		case gateHalted:
			s.Halted[lane.endpoint] = lane.gate.err
		}
	}
	return s
}
