package spool

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/windows"
)

// takeLock locks a file until it is closed, or the process ends.
func takeLock(path string) (*os.File, error) {
	file, err := openRegular(path, os.O_CREATE|os.O_RDWR)
	if err != nil {
		return nil, fmt.Errorf("spool: %w", err)
	}
	const exclusiveAtOnce = windows.LOCKFILE_EXCLUSIVE_LOCK | windows.LOCKFILE_FAIL_IMMEDIATELY
	err = windows.LockFileEx(windows.Handle(file.Fd()), exclusiveAtOnce, 0, 1, 0, &windows.Overlapped{})
	if errors.Is(err, windows.ERROR_LOCK_VIOLATION) {
		return nil, errors.Join(ErrLocked, file.Close())
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("spool: locking %s: %w", path, err), file.Close())
	}
	return file, nil
}
