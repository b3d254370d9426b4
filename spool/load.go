package spool

import (
	"errors"
	"fmt"
	"os"

	"go.etcd.io/bbolt"
)

const (
	// A file of this size that is mostly free is rewritten, unless that takes long.
	compactBytes = 8 << 20
	compactShare = 4
	compactMost  = 8 << 20 // bytes of batches that are copied
)

// load makes the file of a locked slot ready for use.
func (s *Spool) load() error {
	if err := s.finishReplacing(); err != nil {
		return fmt.Errorf("spool: %w", err)
	}
	err := s.check()
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
	// Where the disk is full, both can wait: a purge insists on the second.
	if s.counters.bytes() <= compactMost {
		err = s.compactIfFree()
	}
	if s.err == nil && s.counters.purged {
		err = s.finishPurge()
	}
	if s.err != nil {
		return err
	}
	return nil
}

// finishReplacing brings a creation or a replacement that was interrupted to its end.
func (s *Spool) finishReplacing() error {
	if err := os.Remove(s.path + newSuffix); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	info, err := os.Lstat(s.path)
	switch {
	case err == nil && !info.Mode().IsRegular():
		return irregular(s.path)
	case err == nil:
		if err := os.Remove(s.path + nextSuffix); err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
		return nil
	case !errors.Is(err, os.ErrNotExist):
		return err
	}
	info, err = os.Lstat(s.path + nextSuffix)
	switch {
	case err == nil && !info.Mode().IsRegular():
		return irregular(s.path + nextSuffix)
	case err == nil:
		err = os.Rename(s.path+nextSuffix, s.path)
	case errors.Is(err, os.ErrNotExist):
		err = s.create()
	}
	if err != nil {
		return err
	}
	return syncDir(s.dir)
}

func (s *Spool) create() error {
	_, err := s.write(nil, func(func(record) error) error { return nil }, func(*counters) {})
	if err != nil {
		return err
	}
	return os.Rename(s.path+newSuffix, s.path)
}

// check checks the file before it is mapped.
func (s *Spool) check() error {
	file, err := openRegular(s.path, os.O_RDONLY)
	if err != nil {
		return err
	}
	_, err = examine(file)
	return errors.Join(err, file.Close())
}

func examine(file *os.File) (c checked, err error) {
	info, err := file.Stat()
	if err != nil {
		return c, err
	}
	err = guard(func() (err error) {
		c, err = check(file, info.Size())
		return err
	})
	return c, err
}

// openFile opens the database of a file that has been checked.
func (s *Spool) openFile() error {
	db, err := openDatabase(s.path, 0, s.options.Sync == SyncAlways)
	if err != nil {
		return err
	}
	var counted counters
	var state []byte
	err = db.view(func(tx *bbolt.Tx) error {
		value, err := getMeta(tx, countersKey)
		if err != nil {
			return err
		}
		if counted, err = decodeCounters(value); err != nil {
			return damagedBy("%w", err)
		}
		state, err = getMeta(tx, stateKey)
		return err
	})
	if err != nil {
		return errors.Join(err, db.close())
	}
	s.db, s.counters, s.state, s.loaded = db, counted, state, true
	return nil
}

// compactIfFree gives the space of a long outage back. bbolt writes its list of free
// pages with every transaction, so what is free makes each of them slow.
func (s *Spool) compactIfFree() error {
	info, err := s.db.file.Stat()
	if err != nil {
		return fmt.Errorf("spool: %w", err)
	}
	if info.Size() <= compactBytes || s.counters.bytes() >= info.Size()/compactShare {
		return nil
	}
	return s.do(s.compact)
}
