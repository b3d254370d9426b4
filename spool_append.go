package loopkit

import (
	"errors"
	"log/slog"
	"slices"
)

// entry is a batch that is being appended. Its memory stays until that is done,
// whatever becomes of the batch meanwhile.
type entry struct {
	stored  *stored
	batches []*batch // what it was in parts of, when its turn came
}

// append brings what is sealed into the spool, and reports whether there was
// anything. All that came while the last call was under way goes into one.
func (s *spooler) append() bool {
	q := s.queue
	q.mu.Lock()
	entries := s.beginAppend()
	q.mu.Unlock()
	appended := len(entries) > 0
	alone := false
	for len(entries) > 0 {
		n := 1
		if !alone {
			n = runOf(entries)
		}
		err := s.appendRun(entries[:n])
		if n > 1 && errors.Is(err, ErrSpoolFull) {
			alone = true // some of them may fit
			continue
		}
		q.mu.Lock()
		s.endAppend(entries[:n], err)
		q.mu.Unlock()
		entries = entries[n:]
	}
	return appended
}

func (s *spooler) beginAppend() []entry {
	entries := make([]entry, 0, len(s.unsaved))
	s.unsaved = slices.DeleteFunc(s.unsaved, func(d *stored) bool { return len(d.parts) == 0 }) // taken back
	for _, d := range s.unsaved {
		d.state = storedWriting
		e := entry{stored: d, batches: append([]*batch(nil), d.parts...)}
		for _, b := range e.batches {
			b.holders++
		}
		entries = append(entries, e)
	}
	return entries
}

func (s *spooler) endAppend(entries []entry, err error) {
	q := s.queue
	if errors.Is(err, ErrSpoolFull) {
		q.reporter.log(slog.LevelWarn, causeSpoolFull, 1, "loopkit: the spool is full: messages are kept in memory only", err)
	}
	s.unsaved = s.unsaved[len(entries):]
	for _, e := range entries {
		if err != nil {
			s.lose(e.stored)
		} else {
			q.keep(e.stored)
			if e.isWhole() {
				q.pageOut(e.stored)
			}
		}
		for _, b := range e.batches {
			q.release(b.block)
		}
	}
	s.answerWritten()
	q.poke()
}

// runOf counts the entries that go into one call: deletions apart from others.
func runOf(entries []entry) int {
	bytes := 0
	for n, e := range entries {
		for _, b := range e.batches {
			bytes += len(b.bytes)
		}
		if n > 0 && (bytes > appendMost || e.isDeletion() != entries[0].isDeletion()) {
			return n
		}
	}
	return len(entries)
}

func (e entry) isDeletion() bool { return e.stored.kind.isDeletion() }

// isWhole reports whether the batch is still what was appended. One that was
// thinned meanwhile is more in the spool than in the books.
func (e entry) isWhole() bool {
	return len(e.batches) == 1 && len(e.stored.parts) == 1 && e.batches[0] == e.stored.parts[0]
}

// appendRun makes room, if that is what DropOldest wants.
func (s *spooler) appendRun(entries []entry) error {
	batches := make([]SpoolBatch, 0, len(entries))
	for _, e := range entries {
		batches = append(batches, e.spoolBatch())
	}
	for {
		err := s.call("Append", func() error { return s.spool.Append(batches) })
		if len(entries) > 1 || !errors.Is(err, ErrSpoolFull) || s.queue.settings.Overflow != DropOldest || !s.evict() {
			return err
		}
	}
}

func (e entry) spoolBatch() SpoolBatch {
	to := SpoolBatch{ID: e.stored.ids[0], Kind: e.stored.kind}
	for _, b := range e.batches {
		if to.Messages == nil {
			to.Accepted = b.acceptedAt(0)
			to.Messages = make([][]byte, 0, b.len())
		}
		for i := range b.len() {
			to.Messages = append(to.Messages, b.message(i))
		}
	}
	return to
}

// evict drops the oldest events that are in the spool alone, and reports whether
// there were any.
func (s *spooler) evict() bool {
	q := s.queue
	tracks := &q.lanes[laneTrack]
	q.mu.Lock()
	after, open := tracks.backlog.after, tracks.backlog.open
	q.mu.Unlock()
	if !open {
		return false
	}
	oldest, err := s.nextUnread(KindTrack, after)
	if err != nil || !s.onlyThere(KindTrack, oldest.ID) {
		return false
	}
	if s.call("Remove", func() error { return s.spool.Remove([]uint64{oldest.ID}) }) != nil {
		return false
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	tracks.backlog.after = oldest.ID
	var gone unread
	for _, m := range oldest.Messages {
		gone.add(m, oldest.ID <= s.restored, q.shownUnread())
	}
	q.dropUnread(KindTrack, &gone, ReasonQueueFull, ErrSpoolFull)
	return true
}
