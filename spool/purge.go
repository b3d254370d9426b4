package spool

import (
	"errors"
	"fmt"
	"io"
	"slices"

	"go.etcd.io/bbolt"

	"github.com/loopkitai/loopkit-go"
)

// Purge implements [loopkit.Spool]. It reads all batches below before. If it or an
// earlier [Spool.Remove] has removed anything, it then overwrites all that is free
// in the file with zeros, so that the bytes of what was purged, or delivered, are
// in this file no more; that takes as long as reading the free pages, and writing
// those that are not zero. It also deletes the damaged files that were set aside,
// by whatever process, which may contain them as well. What is in the files of other
// processes it does not reach, nor what a file system or a disk keeps of blocks that
// were overwritten or given back.
//
// match must not call the spool.
func (s *Spool) Purge(before uint64, match func(id uint64, kind loopkit.Kind, message []byte) bool) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	purged := 0
	for kind := range kindBuckets {
		n, err := s.purgeKind(loopkit.Kind(kind), before, match)
		purged += n
		if err != nil {
			return purged, fmt.Errorf("spool: purging: %w", err)
		}
	}
	if s.counters.purged || s.counters.freed {
		if err := s.finishPurge(); err != nil {
			return purged, fmt.Errorf("spool: erasing what was purged: %w", err)
		}
	}
	if err := s.prune("", 0); err != nil { // last, because a rebuild in between sets a file aside
		return purged, fmt.Errorf("spool: deleting damaged files: %w", err)
	}
	return purged, nil
}

// finishPurge erases what was purged, also by a process that ended before it did.
func (s *Spool) finishPurge() error {
	if err := s.do(s.erase); err != nil {
		return err
	}
	return s.changeInSteps(1, func(_ *bbolt.Tx, c *counters, _ int) error {
		c.purged, c.freed = false, false
		return nil
	})
}

// thinned is a batch without some of its messages.
type thinned struct {
	record
	gone int
}

// purgeKind collects changes and writes them in transactions of a limited size.
func (s *Spool) purgeKind(kind loopkit.Kind, before uint64, match func(uint64, loopkit.Kind, []byte) bool) (purged int, err error) {
	var waiting []thinned
	size := 0
	flush := func() error {
		err := s.changeInSteps(len(waiting), func(tx *bbolt.Tx, c *counters, i int) error { return replaceRecord(tx, waiting[i].record, c) })
		if err == nil {
			for _, w := range waiting {
				purged += w.gone
			}
		}
		waiting, size = nil, 0
		return err
	}
	for after := uint64(0); ; {
		batch, err := s.nextBatch(kind, after)
		if errors.Is(err, io.EOF) || err == nil && batch.ID >= before {
			break
		}
		if err != nil {
			return purged, err
		}
		after = batch.ID
		all := len(batch.Messages)
		batch.Messages = slices.DeleteFunc(batch.Messages, func(m []byte) bool { return match(batch.ID, kind, m) })
		if len(batch.Messages) == all {
			continue
		}
		w := thinned{record: record{kind: kind, id: batch.ID}, gone: all - len(batch.Messages)}
		if len(batch.Messages) > 0 {
			w.record = encode(batch)
		}
		waiting, size = append(waiting, w), size+len(w.data)
		if size >= writeBytes || len(waiting) >= removeBatches {
			if err := flush(); err != nil {
				return purged, err
			}
		}
	}
	if len(waiting) == 0 {
		return purged, nil
	}
	return purged, flush()
}

// replaceRecord puts r in the place of the record with its ID, or removes that if
// r is empty.
func replaceRecord(tx *bbolt.Tx, r record, c *counters) error {
	b, err := bucket(tx, kindBuckets[r.kind])
	if err != nil {
		return err
	}
	if b.Get(partKey(r.id, 0)) == nil {
		return nil // damaged since, and dropped
	}
	if err := dropRecord(b, r.kind, r.id, c); err != nil {
		return err
	}
	c.purged = true
	if r.data == nil {
		return nil
	}
	return addRecord(tx, r, c)
}
