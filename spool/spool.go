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
	counters counters
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
// If Options.Processes is above 1, or has ever been, Open takes over up to
// 4 MiB of what ended processes left in their files; more is taken over by later
// runs. What one process kept stays in its order, but comes behind what is here
// already: there is no order among processes. A crash in between makes a batch be
// sent twice, and never lost. While one process takes over, one more than
// Options.Processes may be let in.
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
		return nil, fmt.Errorf("spool: preparing the directory: %w", err)
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
	if s.lock, err = takeLock(filepath.Join(dir, name+".lock")); err != nil {
		return nil, err
	}
	if err := s.load(); err != nil {
		return nil, errors.Join(err, s.release())
	}
	return s, nil
}

func (s *Spool) file(name string) string { return filepath.Join(s.dir, name) }

// do runs an operation that leaves no trace if it fails. If it finds damage, the
// file is rebuilt, and it runs again.
func (s *Spool) do(op func() error) error {
	if s.err != nil {
		return s.err
	}
	if err := s.present(); err != nil {
		return s.fail(err)
	}
	err := op()
	if isDamage(err) {
		err = s.restore(err)
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

// restore replaces a damaged file that is open.
func (s *Spool) restore(cause error) error {
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

// present fails if the file is not there any more: what is written to it would be
// gone with the process.
func (s *Spool) present() error {
	now, err := os.Stat(s.path)
	if err != nil {
		return err
	}
	opened, err := s.db.file.Stat()
	if err != nil {
		return err
	}
	if !os.SameFile(now, opened) {
		return errors.New("its file was replaced by another")
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
		if err == nil {
			s.counters, s.unsynced = changed, true
		}
		return err
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
	return s.next(kind, after)
}

func (s *Spool) next(kind loopkit.Kind, after uint64) (batch loopkit.SpoolBatch, err error) {
	if !known(kind) {
		return batch, fmt.Errorf("spool: %v is no kind of message", kind)
	}
	err = s.do(func() error {
		r, err := s.db.next(kind, after)
		if err != nil {
			return err
		}
		if r.data == nil {
			if after == 0 && s.counters.kinds[kind].Batches != 0 {
				return damagedBy("%d batches are missing", s.counters.kinds[kind].Batches)
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
