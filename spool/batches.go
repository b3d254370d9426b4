package spool

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"

	"go.etcd.io/bbolt"

	"github.com/loopkitai/loopkit-go"
)

// fillPercent suits records that are added in order: split pages stay full.
const fillPercent = 0.95

// Append implements [loopkit.Spool]. All batches share one transaction.
func (s *Spool) Append(batches []loopkit.SpoolBatch) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err != nil {
		return s.err
	}
	records := make([]record, len(batches))
	last, bounded := s.counters.lastID, int64(0)
	for i, b := range batches {
		switch {
		case !known(b.Kind):
			return fmt.Errorf("spool: %v is no kind of message", b.Kind)
		case len(b.Messages) == 0:
			return errors.New("spool: a batch has no messages")
		case b.ID <= last:
			return fmt.Errorf("spool: the ID %d of a batch is not above %d", b.ID, last)
		}
		last = b.ID
		records[i] = encode(b)
		if !deletes(b.Kind) {
			bounded += int64(len(records[i].data))
		}
	}
	if bytes := s.counters.bytes(); bounded > 0 && bytes+bounded > s.options.MaxBytes {
		return fmt.Errorf("spool: %w: it has %d of Options.MaxBytes, %d", loopkit.ErrSpoolFull, bytes, s.options.MaxBytes)
	}
	if len(records) == 0 {
		return nil
	}
	err := s.change(func(tx *bbolt.Tx, c *counters) error {
		if err := fillReserve(tx); err != nil {
			return err
		}
		return addRecords(tx, records, c)
	})
	if err != nil {
		return fmt.Errorf("spool: keeping a batch: %w", err)
	}
	return nil
}

// putRecords writes records and the counters of a file that is not in use yet.
func putRecords(tx *bbolt.Tx, records []record, c *counters) error {
	if err := addRecords(tx, records, c); err != nil {
		return err
	}
	return putMeta(tx, countersKey, c.encode())
}

func addRecords(tx *bbolt.Tx, records []record, c *counters) error {
	for _, r := range records {
		if err := addRecord(tx, r, c); err != nil {
			return err
		}
	}
	return nil
}

func addRecord(tx *bbolt.Tx, r record, c *counters) error {
	b, err := bucket(tx, kindBuckets[r.kind])
	if err != nil {
		return err
	}
	b.FillPercent = fillPercent
	c.add(r)
	return r.parts(b.Put)
}

// nextRecord returns the record with the smallest ID above after, without data if there
// is none.
func (d *database) nextRecord(kind loopkit.Kind, after uint64) (r record, err error) {
	if after+1 == 0 {
		return record{}, nil
	}
	err = d.view(func(tx *bbolt.Tx) error {
		b, err := bucket(tx, kindBuckets[kind])
		if err != nil {
			return err
		}
		cursor := b.Cursor()
		key, value := cursor.Seek(partKey(after+1, 0))
		if key == nil {
			return nil
		}
		var a assembly
		for ; key != nil; key, value = cursor.Next() {
			id, part, ok := splitKey(key)
			if ok && a.next > 0 && id > a.id && part == 0 {
				break
			}
			if !ok || id <= after || !a.add(id, part, value) {
				return damagedBy("a record is incomplete or out of order")
			}
		}
		batch, err := decode(kind, a.id, a.data)
		if err != nil {
			return damagedBy("%w", err)
		}
		r = record{kind: kind, id: a.id, messages: len(batch.Messages), data: a.data}
		return nil
	})
	return r, err
}

// removeBatches is how many IDs one transaction removes.
const removeBatches = 256

// Remove implements [loopkit.Spool].
//
// bbolt never overwrites what is in use, so it needs new pages even to remove
// something. On a full disk they come from the reserve.
func (s *Spool) Remove(ids []uint64) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err != nil {
		return s.err
	}
	ids = slices.Clone(ids)
	slices.Sort(ids)
	for some := range slices.Chunk(slices.Compact(ids), removeBatches) {
		err := s.changeInSteps(len(some), func(tx *bbolt.Tx, c *counters, i int) error { return removeRecord(tx, some[i], c) })
		if err != nil {
			return fmt.Errorf("spool: removing batches: %w", err)
		}
	}
	if s.counters.batches() > 0 {
		return nil
	}
	// On a full disk it can wait: what was to be removed is.
	if err := s.compactIfFree(); s.err != nil {
		return err
	}
	return nil
}

// changeInSteps runs n steps in one transaction. If that fails, because the disk is
// full, it runs each in its own, with the help of the reserve.
func (s *Spool) changeInSteps(n int, step func(tx *bbolt.Tx, c *counters, i int) error) error {
	err := s.change(func(tx *bbolt.Tx, c *counters) error {
		for i := range n {
			if err := step(tx, c, i); err != nil {
				return err
			}
		}
		return nil
	})
	if err == nil || s.err != nil {
		return err
	}
	if s.change(func(tx *bbolt.Tx, _ *counters) error { return dropReserve(tx) }) != nil {
		return err
	}
	for i := range n {
		if err := s.change(func(tx *bbolt.Tx, c *counters) error { return step(tx, c, i) }); err != nil {
			return err
		}
	}
	return nil
}

// removeRecord removes the record with an ID, whatever its kind, if there is one.
func removeRecord(tx *bbolt.Tx, id uint64, c *counters) error {
	for kind, name := range kindBuckets {
		b, err := bucket(tx, name)
		if err != nil {
			return err
		}
		if b.Get(partKey(id, 0)) == nil {
			continue
		}
		c.freed = true
		return dropRecord(b, loopkit.Kind(kind), id, c)
	}
	return nil
}

func dropRecord(b *bbolt.Bucket, kind loopkit.Kind, id uint64, c *counters) error {
	var keys [][]byte
	var messages int
	var size int64
	cursor := b.Cursor()
	for key, value := cursor.Seek(partKey(id, 0)); len(key) == partKeyBytes && binary.BigEndian.Uint64(key) == id; key, value = cursor.Next() {
		if len(keys) == 0 {
			var err error
			if messages, _, err = countOf(value); err != nil {
				return damagedBy("%w", err)
			}
		}
		keys, size = append(keys, partKey(id, uint32(len(keys)))), size+int64(len(value))
	}
	for _, key := range keys {
		if err := b.Delete(key); err != nil {
			return err
		}
	}
	c.count(kind, -1, -int64(messages), -size)
	return nil
}

// fillReserve keeps pages for removing on a full disk.
func fillReserve(tx *bbolt.Tx) error {
	b, err := bucket(tx, reserveBucket)
	if err != nil || b.Get([]byte(reserveKey)) != nil {
		return err
	}
	return b.Put([]byte(reserveKey), make([]byte, (reservePages-1)*tx.DB().Info().PageSize))
}

func dropReserve(tx *bbolt.Tx) error {
	b, err := bucket(tx, reserveBucket)
	if err != nil {
		return err
	}
	return b.Delete([]byte(reserveKey))
}
