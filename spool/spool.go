package spool

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"

	"go.etcd.io/bbolt"

	"github.com/loopkitai/loopkit-go"
)

const (
	fileName = "spool"
	suffix   = ".db"

	lockSuffix = ".lock"

	fileMode = 0o600
	dirMode  = 0o700
)

var (
	// ErrLocked is what [Open] returns if the spool is in use: by as many
	// processes as Options.Processes allows, or by this one.
	ErrLocked = errors.New("spool: the directory is in use by another process or client; give each its own, or set Options.Processes")

	errClosed = errors.New("spool: it is closed")
)

var _ loopkit.Spool = (*Spool)(nil)

// Spool keeps batches in a file. Its methods are safe for concurrent use, and
// implement [loopkit.Spool].
type Spool struct {
	dir, name, path string // path is dir/name
	options         Options

	stop chan struct{} // tells the goroutine of SyncInterval to end; nil without one
	done chan struct{}

	mu       sync.Mutex
	err      error // why nothing can be kept any more
	lock     *os.File
	db       *database // nil if the file is not open
	loaded   bool      // the next two are known
	counters counters  // as the last transaction left them
	state    []byte
	damaged  int64
	unsynced bool
}

// Open opens the spool in a directory, and creates both if they are not there.
// A nil opts means the defaults.
//
// It never returns nil. With an error it returns a spool that keeps nothing:
// every method returns that error, except Close, which returns nil. It can thus
// be given to Options.Spool of a client in any case, which then warns once and
// works in memory.
//
// The error is [ErrLocked], without any wait, if the spool is in use.
//
// If Options.Processes is above 1, Open takes a file in which an ended process has
// left something, if there is one: that which was not opened for the longest time.
// A run thus sends what is in one file, and the leftovers in n files need n runs.
// There is no order among files, and no ID or state in common. A file that cannot
// be opened is passed over for another.
func Open(dir string, opts *Options) (*Spool, error) {
	s, err := open(dir, opts)
	if err != nil {
		return &Spool{err: err}, err
	}
	return s, nil
}

func open(dir string, opts *Options) (*Spool, error) {
	var o Options
	if opts != nil {
		o = *opts
	}
	if err := o.resolve(); err != nil {
		return nil, err
	}
	dir, err := filepath.Abs(dir) // or a later Chdir would move it
	if err != nil {
		return nil, fmt.Errorf("spool: %w", err)
	}
	if err := prepareDir(dir); err != nil {
		return nil, fmt.Errorf("spool: the directory %s: %w", dir, err)
	}
	s, err := openSlots(dir, o)
	if err != nil {
		return nil, err
	}
	if o.Sync == SyncInterval {
		s.stop, s.done = make(chan struct{}), make(chan struct{})
		go s.syncRegularly(s.stop)
	}
	return s, nil
}

// openSlot opens one file of a directory.
func openSlot(dir, name string, o Options) (*Spool, error) {
	s := &Spool{dir: dir, name: name + suffix, path: filepath.Join(dir, name+suffix), options: o}
	var err error
	if s.lock, err = takeLock(filepath.Join(dir, name+lockSuffix)); err != nil {
		return nil, err
	}
	if err := s.load(); err != nil {
		return nil, errors.Join(err, s.release())
	}
	return s, nil
}

// do runs an operation that leaves no trace if it fails. If it finds damage, the
// file is rebuilt, and it runs again.
func (s *Spool) do(op func() error) error {
	if s.err != nil {
		return s.err
	}
	if err := s.present(); err != nil {
		return err
	}
	err := op()
	if isDamage(err) {
		err = s.rebuildOpen(err)
		if err == nil {
			err = op()
		}
	}
	switch {
	case err == nil:
		return nil
	case s.db == nil, isDamage(err):
		return s.fail(err)
	case failedSync(err):
		return s.fail(fmt.Errorf("the disk failed to sync, so what it holds is unknown until the spool is opened again: %w", err))
	}
	return err
}

// rebuildOpen rebuilds a file that is open.
func (s *Spool) rebuildOpen(cause error) error {
	// An error of closing adds nothing to the damage, and closing is all that can be done.
	closing := s.db.close()
	s.db = nil
	err := s.rebuild()
	if err == nil {
		err = s.openFile()
	}
	if err != nil {
		return errors.Join(fmt.Errorf("%w, and could not be rebuilt", cause), err, closing)
	}
	return nil
}

// fail makes an error the answer to every further call.
func (s *Spool) fail(err error) error {
	s.err = fmt.Errorf("spool: nothing can be kept any more: %w", err)
	return s.err
}

// present fails if the file is not there: what is written to it would be gone with
// the process. It may come back, but not once another is in its place.
func (s *Spool) present() error {
	now, err := os.Stat(s.path)
	if err != nil {
		return fmt.Errorf("spool: the file is not where it was: %w", err)
	}
	opened, err := s.db.file.Stat()
	if err != nil {
		return fmt.Errorf("spool: %w", err)
	}
	if !os.SameFile(now, opened) {
		return s.fail(errors.New("its file was replaced by another"))
	}
	return nil
}

// change runs a transaction and adopts the counters that fn changed.
func (s *Spool) change(fn func(*bbolt.Tx, *counters) error) error {
	return s.do(func() error {
		changed := s.counters
		err := s.db.update(func(tx *bbolt.Tx) error {
			if err := fn(tx, &changed); err != nil {
				return err
			}
			return putMeta(tx, countersKey, changed.encode())
		})
		if err != nil {
			s.counters.freed = true // it may have written messages to pages that stay free
			return err
		}
		s.counters, s.unsynced = changed, true
		return nil
	})
}

// SetState implements [loopkit.Spool].
func (s *Spool) SetState(state []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(state) > maxState {
		return fmt.Errorf("spool: the state has %d bytes; it may have %d", len(state), maxState)
	}
	err := s.change(func(tx *bbolt.Tx, _ *counters) error { return putMeta(tx, stateKey, state) })
	if err == nil {
		s.state = append([]byte{}, state...)
	}
	return err
}

// State implements [loopkit.Spool].
func (s *Spool) State() ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return bytes.Clone(s.state), s.err
}

// Status implements [loopkit.Spool].
func (s *Spool) Status() (loopkit.SpoolStatus, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err != nil {
		return loopkit.SpoolStatus{}, s.err
	}
	return loopkit.SpoolStatus{LastID: s.counters.lastID, Bytes: s.counters.bytes(), Damaged: s.damaged}, nil
}

// Next implements [loopkit.Spool]. It reads a single batch.
func (s *Spool) Next(kind loopkit.Kind, after uint64) (loopkit.SpoolBatch, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.nextBatch(kind, after)
}

func (s *Spool) nextBatch(kind loopkit.Kind, after uint64) (batch loopkit.SpoolBatch, err error) {
	if !known(kind) {
		return batch, fmt.Errorf("spool: %v is no kind of message", kind)
	}
	err = s.do(func() error {
		r, err := s.db.nextRecord(kind, after)
		if err != nil {
			return err
		}
		if r.data == nil {
			if counted := s.counters.kinds[kind]; after == 0 && counted != (KindStats{}) {
				return damagedBy("%d batches are counted and none is there", counted.Batches)
			}
			return io.EOF
		}
		batch, err = decode(kind, r.id, r.data)
		return err
	})
	return batch, err
}

// Close implements [loopkit.Spool]. It is idempotent.
func (s *Spool) Close() error {
	s.mu.Lock()
	stop := s.stop
	s.stop = nil
	s.mu.Unlock()
	if stop != nil {
		close(stop)
		<-s.done
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.lock == nil {
		return nil
	}
	var err error
	if s.db != nil && s.err == nil && s.options.Sync == SyncInterval {
		err = s.sync()
	}
	err = errors.Join(err, s.release())
	s.err = errClosed
	return err
}

// release closes what is open.
func (s *Spool) release() error {
	var err error
	if s.db != nil {
		err = s.db.close()
		s.db = nil
	}
	err = errors.Join(err, s.lock.Close()) // which gives the lock up
	s.lock = nil
	return err
}
