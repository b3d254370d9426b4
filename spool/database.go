package spool

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"runtime/debug"
	"strings"
	"syscall"
	"time"

	"go.etcd.io/bbolt"
	bberrors "go.etcd.io/bbolt/errors"
)

// damage is an error in the content of the file, as opposed to one of the
// system. It makes the spool rebuild the file.
type damage struct{ err error }

func (d *damage) Error() string { return "the file is damaged: " + d.err.Error() }
func (d *damage) Unwrap() error { return d.err }

func damagedBy(format string, args ...any) error {
	return &damage{fmt.Errorf(format, args...)}
}

func isDamage(err error) bool {
	var d *damage
	return errors.As(err, &d)
}

// guard makes damage of what bbolt panics about and of faults in the mapped
// file, such as those of a file that has been shortened since.
func guard(op func() error) (err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if p := recover(); p != nil {
			err = damagedBy("%v", p)
		}
	}()
	return op()
}

// database is a bbolt file whose calls return errors for damage.
type database struct {
	db    *bbolt.DB
	file  *os.File // the one that db has open
	stuck bool     // a panic left db locked, so that its Close would wait for ever
}

// openDatabase opens a file that has been checked, or with os.O_EXCL creates one.
// Only a database with sync set syncs by itself.
func openDatabase(path string, exclusive int, sync bool) (*database, error) {
	d := &database{}
	err := guard(func() (err error) {
		d.db, err = bbolt.Open(path, fileMode, &bbolt.Options{
			Timeout:      time.Nanosecond, // the spool has a lock of its own; one here is somebody who looks inside
			FreelistType: bbolt.FreelistMapType,
			NoSync:       !sync,
			NoStatistics: true,
			OpenFile: func(name string, flag int, _ os.FileMode) (f *os.File, err error) {
				if exclusive == 0 {
					flag &^= os.O_CREATE // it may be gone since it was checked
				}
				d.file, err = openRegular(name, flag|exclusive)
				return d.file, err
			},
		})
		return err
	})
	switch {
	case errors.Is(err, bberrors.ErrTimeout):
		return nil, ErrLocked
	case errors.Is(err, bberrors.ErrInvalid), errors.Is(err, bberrors.ErrChecksum), errors.Is(err, bberrors.ErrVersionMismatch):
		return nil, damagedBy("%w", err)
	case isDamage(err):
		return nil, errors.Join(err, d.file.Close())
	case err != nil:
		return nil, err
	}
	return d, nil
}

func (d *database) view(fn func(*bbolt.Tx) error) error {
	return d.transact(false, fn, (*bbolt.Tx).Rollback)
}

func (d *database) update(fn func(*bbolt.Tx) error) error {
	return d.transact(true, fn, (*bbolt.Tx).Commit)
}

func (d *database) transact(writable bool, fn, end func(*bbolt.Tx) error) error {
	var tx *bbolt.Tx
	err := guard(func() (err error) {
		if tx, err = d.db.Begin(writable); err != nil {
			return err
		}
		if err = fn(tx); err != nil {
			return err
		}
		return end(tx)
	})
	if err == nil {
		return nil
	}
	if tx == nil { // Begin failed, or panicked and kept its locks
		d.stuck = d.stuck || isDamage(err)
		return err
	}
	if isDamage(guard(tx.Rollback)) {
		d.stuck = true
	}
	if errors.Is(err, bberrors.ErrIncompatibleValue) { // a bucket where there are none, or the other way round
		return damagedBy("%w", err)
	}
	return err
}

// close leaves the mapping behind if bbolt cannot close it any more.
func (d *database) close() error {
	if d.stuck {
		return d.file.Close()
	}
	return guard(d.db.Close)
}

// failedSync tells the errors of bbolt that come from a sync from those that
// come before anything was promised. Some of them are text only.
func failedSync(err error) bool {
	var path *fs.PathError
	if errors.As(err, &path) {
		return path.Op == "sync"
	}
	var errno syscall.Errno // of fdatasync
	return errors.As(err, &errno) || err != nil && strings.Contains(err.Error(), "file sync error")
}
