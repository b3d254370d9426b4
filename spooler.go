package loopkit

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math"
	"time"
)

// spooler owns the spool: its goroutine makes all calls after New. The queue's
// lock is never held during a call.
type spooler struct {
	spool Spool
	queue *queue

	// The queue's lock guards these.
	unsaved  []*stored // to be appended, in order of their IDs
	purges   []diskPurge
	removals []removal
	leaving  []*erasure      // wait for their removal
	saved    [placeCount]int // pending messages that are in the spool
	apart    map[uint64]bool // batches in the range of a backlog that are not part of it: in memory, or to be removed
	restored uint64          // what has an ID up to this was left by an earlier client
	status   SpoolStatus
	stuck    time.Time     // since when backlogs cannot be read; zero if they can
	written  chan struct{} // closed when nothing is to be appended; nil if nobody waits

	// Only the goroutine uses these.
	troubles map[string]*trouble // by method

	wake    chan struct{}
	stop    chan struct{}
	stopped chan struct{}
}

// trouble is what is known of a method that has failed.
type trouble struct {
	failing bool
	pause   time.Duration
	retry   time.Time
	told    time.Time // when OnError was told last
}

// diskPurge is a purge that the spool has still to make.
type diskPurge struct {
	before  uint64
	target  keys
	reason  Reason
	erasure *erasure // waits for it; nil for an opt-out
}

const (
	spoolRetryMin = time.Second
	spoolRetryMax = 30 * time.Second
	spoolPatience = time.Minute // how long what is in memory waits for a backlog that cannot be read
	appendMost    = 4 << 20     // bytes of messages in one call of Append
)

func newSpooler(q *queue, spool Spool) *spooler {
	return &spooler{
		spool:    spool,
		queue:    q,
		apart:    map[uint64]bool{},
		troubles: map[string]*trouble{},
		wake:     make(chan struct{}, 1),
		stop:     make(chan struct{}),
		stopped:  make(chan struct{}),
	}
}

// enqueue has a batch appended before it is sent.
func (s *spooler) enqueue(b *batch, kind Kind, p place) {
	b.place = p
	d := &stored{ids: []uint64{b.rank}, kind: kind}
	b.disk = d.share(b)
	s.unsaved = append(s.unsaved, d)
	if p == placeHeld {
		s.apart[b.rank] = true
	}
	s.poke()
}

// takeBack gives up what has not been appended and need not be any more.
func (s *spooler) takeBack(d *stored) {
	delete(s.apart, d.ids[0])
	s.answerWritten()
}

// removal is of a batch that has settled.
type removal struct {
	ids  []uint64
	lane *lane // waits for it; nil for none
}

// remove has the spool forget a batch. Until it has, the batch takes the place of
// a request: after a crash, no more than what could be in flight is sent twice.
func (s *spooler) remove(d *stored) {
	for _, id := range d.ids {
		s.apart[id] = true // as long as it is there
	}
	r := removal{ids: d.ids}
	if !d.kind.isDeletion() {
		r.lane = &s.queue.lanes[d.kind]
		r.lane.leaving++
	}
	s.removals = append(s.removals, r)
	s.poke()
}

// removeDeletion removes a deletion, and has the dispatcher look again then.
func (s *spooler) removeDeletion(e *erasure) {
	if !e.leaving {
		e.leaving = true
		s.leaving = append(s.leaving, e)
		s.remove(e.batch.disk)
	}
}

func (s *spooler) purge(p diskPurge) {
	if p.erasure != nil {
		p.erasure.purging = true
	}
	s.purges = append(s.purges, p)
	s.poke()
}

func (s *spooler) poke() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// owes reports whether messages of this epoch or an earlier one are still to be
// appended.
func (s *spooler) owes(epoch uint64) bool {
	for _, d := range s.unsaved {
		if len(d.parts) > 0 {
			return d.parts[0].epoch <= epoch // the first is the oldest
		}
	}
	return false
}

// readable notes whether the last attempt to read failed.
func (s *spooler) readable(err error) {
	switch {
	case err == nil:
		s.stuck = time.Time{}
	case s.stuck.IsZero():
		s.stuck = s.queue.settings.now()
	}
}

// givenUp reports whether backlogs could not be read for so long that nothing
// waits for them any more.
func (s *spooler) givenUp() bool {
	return !s.stuck.IsZero() && s.queue.settings.now().Sub(s.stuck) >= spoolPatience
}

// owesAny is owes for all epochs.
func (s *spooler) owesAny() bool { return s.owes(math.MaxUint64) }

// allWritten returns a channel that is closed once nothing is to be appended.
func (s *spooler) allWritten() <-chan struct{} {
	s.queue.mu.Lock()
	defer s.queue.mu.Unlock()
	written := make(chan struct{})
	s.written = written // only Close asks, and once
	s.answerWritten()
	return written
}

func (s *spooler) answerWritten() {
	if s.written != nil && !s.owesAny() {
		close(s.written)
		s.written = nil
	}
}

func (s *spooler) run() {
	defer close(s.stopped)
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-s.stop:
			s.end()
			return
		case <-s.wake:
		case <-timer.C:
		}
		for s.round() {
		}
		if next := s.nextRetry(); next.IsZero() {
			timer.Stop()
		} else {
			timer.Reset(max(0, next.Sub(s.queue.settings.now())))
		}
	}
}

// round does what is to be done, and reports whether there may be more.
func (s *spooler) round() bool {
	more := s.append()
	if s.may("Remove") {
		s.makeRemovals()
	}
	if s.may("Purge") {
		s.makePurges()
	}
	if s.may("Next") && s.readBacklog() {
		more = true
	}
	if s.may("Status") {
		s.look()
	}
	return more
}

// may reports whether a method does not fail, or has waited after that.
func (s *spooler) may(method string) bool {
	t := s.troubles[method]
	return t == nil || !t.failing || !s.queue.settings.now().Before(t.retry)
}

// nextRetry is when a method that fails is to be called again. One whose time has
// come, and that was not called, has nothing to do; Append is called with each batch.
func (s *spooler) nextRetry() (next time.Time) {
	now := s.queue.settings.now()
	for method, t := range s.troubles {
		if t.failing && t.retry.After(now) && method != "Append" && (next.IsZero() || t.retry.Before(next)) {
			next = t.retry
		}
	}
	return next
}

// call calls a method. If it fails, that is reported once until it works again, at
// most once a minute.
func (s *spooler) call(method string, run func() error) error {
	err := s.guard(method, run)
	if errors.Is(err, ErrSpoolFull) {
		return err
	}
	t := s.troubles[method]
	if t == nil {
		t = &trouble{}
		s.troubles[method] = t
	}
	if err == nil || errors.Is(err, io.EOF) {
		t.failing, t.pause = false, 0
		return err
	}
	now := s.queue.settings.now()
	if !t.failing && (t.told.IsZero() || now.Sub(t.told) >= logInterval) {
		t.told = now
		s.queue.reporter.failed(causeSpool, "loopkit: the spool fails: messages are kept in memory only", &spoolError{err})
	}
	t.failing = true
	t.pause = min(max(spoolRetryMin, 2*t.pause), spoolRetryMax)
	t.retry = now.Add(t.pause)
	return err
}

// guard survives a spool that panics.
func (s *spooler) guard(method string, run func() error) (err error) {
	returned := false
	defer func() {
		if recover() != nil || !returned {
			s.queue.reporter.panicked("Spool." + method)
			err = fmt.Errorf("loopkit: Spool.%s panicked", method)
		}
	}()
	err = run()
	returned = true
	return err
}

// spoolError is what OnError is told of a spool that fails.
type spoolError struct{ err error }

func (e *spoolError) Error() string {
	return "loopkit: Options.Spool fails, so messages are kept in memory only: " + e.err.Error()
}
func (e *spoolError) Unwrap() error { return e.err }

// makeRemovals removes what has been settled.
func (s *spooler) makeRemovals() {
	q := s.queue
	q.mu.Lock()
	removals, leaving := s.removals, s.leaving
	s.removals, s.leaving = nil, nil
	q.mu.Unlock()
	if len(removals) == 0 {
		return
	}
	var ids []uint64
	for _, r := range removals {
		ids = append(ids, r.ids...)
	}
	err := s.call("Remove", func() error { return s.spool.Remove(ids) })
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, r := range removals {
		if r.lane != nil { // a disk that fails must not stop it
			r.lane.leaving--
		}
	}
	q.poke()
	if err != nil {
		s.removals, s.leaving = append([]removal{{ids: ids}}, s.removals...), append(leaving, s.leaving...)
		return
	}
	for _, id := range ids {
		delete(s.apart, id)
	}
	for _, e := range leaving {
		e.batch.disk = nil
	}
}

// look takes note of how the spool is.
func (s *spooler) look() {
	var status SpoolStatus
	err := s.call("Status", func() (err error) {
		status, err = s.spool.Status()
		return err
	})
	if err != nil {
		return
	}
	s.queue.mu.Lock()
	damaged := status.Damaged - s.status.Damaged
	s.status = status
	s.queue.mu.Unlock()
	if damaged > 0 {
		s.queue.reporter.failed(causeSpoolDamaged, "loopkit: a part of the spool could not be read back", errDamaged, slog.Int64("batches", damaged))
	}
}

// end leaves the spool to the next client. What fails has been reported.
func (s *spooler) end() {
	s.append()
	s.makePurges()
	s.makeRemovals()
	s.look()
	s.keepState()
	_ = s.call("Close", s.spool.Close)
}
