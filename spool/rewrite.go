package spool

import (
	"errors"
	"os"

	"go.etcd.io/bbolt"

	"github.com/loopkitai/loopkit-go"
)

const (
	newSuffix  = ".new"  // may be incomplete
	nextSuffix = ".next" // complete, and takes the place of a damaged file

	writeBytes = 4 << 20 // of a transaction that copies
)

// write makes a new file of records at newSuffix and syncs it. finish may adjust
// the counters, which count what is written.
func (s *Spool) write(state []byte, records func(yield func(record) error) error, finish func(*counters)) (count counters, err error) {
	path := s.path + newSuffix
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return count, err
	}
	db, err := openDatabase(path, os.O_EXCL, false)
	if err != nil {
		return count, err
	}
	err = db.update(func(tx *bbolt.Tx) error { return initialize(tx, &count, state) })
	if err == nil {
		err = db.fill(&count, records)
	}
	if err == nil {
		finish(&count)
		err = db.update(func(tx *bbolt.Tx) error { return putMeta(tx, countersKey, count.encode()) })
	}
	if err == nil {
		// Both meta pages must describe all of it: bbolt goes back to the older if the newer is damaged.
		err = db.update(func(*bbolt.Tx) error { return nil })
	}
	if err == nil {
		err = db.db.Sync()
	}
	if err = errors.Join(err, db.close()); err != nil {
		return count, errors.Join(err, os.Remove(path))
	}
	return count, nil
}

// fill writes records in transactions of a limited size.
func (d *database) fill(count *counters, records func(yield func(record) error) error) error {
	var waiting []record
	size := 0
	flush := func() error {
		err := d.update(func(tx *bbolt.Tx) error { return putRecords(tx, waiting, count) })
		waiting, size = nil, 0
		return err
	}
	err := records(func(r record) error {
		waiting, size = append(waiting, r), size+len(r.data)
		if size < writeBytes {
			return nil
		}
		return flush()
	})
	if err == nil && len(waiting) > 0 {
		err = flush()
	}
	return err
}

// compact replaces the file by one with the same batches and without free pages.
func (s *Spool) compact() error {
	if _, err := s.write(s.state, func(yield func(record) error) error {
		for kind := range kindBuckets {
			kind := loopkit.Kind(kind)
			for after := uint64(0); ; {
				r, err := s.db.nextRecord(kind, after)
				if err != nil {
					return err
				}
				if r.data == nil {
					break
				}
				if err := yield(r); err != nil {
					return err
				}
				after = r.id
			}
		}
		return nil
	}, func(c *counters) { c.lastID = s.counters.lastID }); err != nil {
		return err
	}
	err := s.db.close()
	s.db = nil
	if err == nil {
		err = os.Rename(s.path+newSuffix, s.path)
	}
	if err != nil {
		err = errors.Join(err, os.Remove(s.path+newSuffix))
	} else {
		err = syncDir(s.dir)
	}
	return errors.Join(err, s.openFile())
}
