package spool

import (
	"errors"
	"fmt"
	"os"

	"go.etcd.io/bbolt"
)

const (
	// A file of this size that is mostly free is rewritten when it is opened.
	compactBytes = 8 << 20
	compactShare = 4
)

// load makes the file of a locked slot ready for use.
func (s *Spool) load() error {
	if err := s.recover(); err != nil {
		return fmt.Errorf("spool: %w", err)
	}
	torn, err := s.inspect()
	if isDamage(err) {
		err = s.rebuild()
	}
	if err == nil {
		err = s.openFile()
	}
	if isDamage(err) {
		if err = s.rebuild(); err == nil {
			err = s.openFile()
		}
	}
	if err != nil {
		return fmt.Errorf("spool: opening the file: %w", err)
	}
	if torn {
		err = s.change(func(_ *bbolt.Tx, c *counters) error {
			c.lastID = max(c.lastID, clockID()) // the last transaction may be lost, and its IDs with it
			return nil
		})
		if err != nil {
			return fmt.Errorf("spool: %w", err)
		}
	}
	return s.economize()
}

// recover brings a creation or a replacement that was interrupted to its end.
func (s *Spool) recover() error {
	if err := os.Remove(s.path + newSuffix); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	info, err := os.Lstat(s.path)
	switch {
	case err == nil && !info.Mode().IsRegular():
		return errForeign
	case err == nil:
		if err := os.Remove(s.path + nextSuffix); err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
		return nil
	case !errors.Is(err, os.ErrNotExist):
		return err
	}
	err = os.Rename(s.path+nextSuffix, s.path)
	if errors.Is(err, os.ErrNotExist) {
		_, err = s.write(counters{}, nil, func(func(record) error) error { return nil }, func(*counters) {})
		if err == nil {
			err = os.Rename(s.path+newSuffix, s.path)
		}
	}
	if err != nil {
		return err
	}
	return syncDir(s.dir)
}

// inspect checks the file before it is mapped.
func (s *Spool) inspect() (torn bool, err error) {
	file, err := os.Open(s.path)
	if err != nil {
		return false, err
	}
	c, err := check(file)
	return c.torn, errors.Join(err, file.Close())
}

// openFile opens the database of a file that has been checked.
func (s *Spool) openFile() error {
	db, err := openDatabase(s.path, s.options.Sync == SyncAlways)
	if err != nil {
		return err
	}
	err = db.view(func(tx *bbolt.Tx) error {
		counted, err := getMeta(tx, countersKey)
		if err != nil {
			return err
		}
		if s.counters, err = decodeCounters(counted); err != nil {
			return damagedBy("%w", err)
		}
		s.state, err = getMeta(tx, stateKey)
		return err
	})
	if err != nil {
		return errors.Join(err, db.close())
	}
	s.db = db
	return nil
}

// economize gives space back after a long outage, and completes a purge.
func (s *Spool) economize() error {
	info, err := os.Stat(s.path)
	if err != nil {
		return fmt.Errorf("spool: %w", err)
	}
	// Where the disk is full, both can wait: a purge insists on the second.
	if info.Size() > compactBytes && s.counters.bytes() < info.Size()/compactShare {
		err = s.do(s.compact)
	}
	if s.err == nil && s.counters.scrub {
		err = s.finishPurge()
	}
	if s.err != nil {
		return err
	}
	return nil
}
