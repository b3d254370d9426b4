package spool

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/loopkitai/loopkit-go"
)

const (
	adoptBytes = 4 << 20 // what one Open takes over
	adoptGroup = 1 << 20 // in one transaction, unless a batch is larger
)

// adoptAll takes over what is in the files of ended processes.
func (s *Spool) adoptAll() error {
	entries, err := os.ReadDir(s.dir)
	if err != nil {
		return fmt.Errorf("spool: %w", err)
	}
	left := adoptBytes
	for _, e := range entries {
		name, ok := strings.CutSuffix(e.Name(), suffix)
		if !ok || e.Name() == s.name || !isSlot(name) || left <= 0 {
			continue
		}
		other, err := openSlot(s.dir, name, s.options)
		if err != nil {
			continue // in use, or unreadable for us; it stays as it is
		}
		err = s.adopt(other, &left)
		s.damaged += other.damaged
		err = errors.Join(err, other.release())
		if errors.Is(err, loopkit.ErrSpoolFull) {
			return nil // the rest waits in its place
		}
		if s.err != nil {
			return s.err
		}
		// Else the other file has failed: what is left there waits, too.
	}
	return nil
}

func isSlot(name string) bool {
	for slot := 1; slot <= mostSlots+1; slot++ {
		if name == slotName(slot) {
			return true
		}
	}
	return false
}

// adopt moves the oldest batches of another file to this one. They are in both for
// a moment, so that a crash repeats them, but loses none.
func (s *Spool) adopt(other *Spool, left *int) error {
	from := merge{spool: other}
	for *left > 0 {
		group, moved, size, err := from.take(min(adoptGroup, *left))
		if err != nil || len(group) == 0 {
			return err
		}
		for i := range group {
			group[i].ID = s.counters.lastID + uint64(i) + 1
		}
		if err := s.append(group); err != nil {
			return err
		}
		if s.options.Sync == SyncInterval {
			if err := s.sync(); err != nil {
				return err
			}
		}
		if err := other.Remove(moved); err != nil {
			return err
		}
		*left -= size
	}
	return nil
}

// merge reads the batches of all kinds in the order of their IDs.
type merge struct {
	spool *Spool
	heads [len(kindBuckets)]*loopkit.SpoolBatch // the next of each kind; nil if not read yet
	after [len(kindBuckets)]uint64
}

// take returns batches until their messages have size bytes, and their IDs.
func (m *merge) take(size int) (group []loopkit.SpoolBatch, ids []uint64, taken int, err error) {
	for taken < size {
		b, err := m.next()
		if err != nil {
			return nil, nil, 0, err
		}
		if b == nil {
			break
		}
		group, ids = append(group, *b), append(ids, b.ID)
		for _, message := range b.Messages {
			taken += len(message)
		}
	}
	return group, ids, taken, nil
}

// next returns nil at the end.
func (m *merge) next() (*loopkit.SpoolBatch, error) {
	var oldest *loopkit.SpoolBatch
	for kind, head := range m.heads {
		if head == nil {
			b, err := m.spool.next(loopkit.Kind(kind), m.after[kind])
			if errors.Is(err, io.EOF) {
				continue
			}
			if err != nil {
				return nil, err
			}
			head = &b
			m.heads[kind] = head
		}
		if oldest == nil || head.ID < oldest.ID {
			oldest = head
		}
	}
	if oldest != nil {
		m.heads[oldest.Kind], m.after[oldest.Kind] = nil, oldest.ID
	}
	return oldest, nil
}
