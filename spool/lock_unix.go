//go:build unix && !aix && (!solaris || illumos)

package spool

import (
	"errors"
	"fmt"
	"os"
	"syscall"
)

// takeLock locks a file until it is closed, or the process ends. A child process
// does not inherit it.
func takeLock(path string) (*os.File, error) {
	file, err := openRegular(path, os.O_CREATE|os.O_RDWR)
	if err != nil {
		return nil, fmt.Errorf("spool: %w", err)
	}
	for {
		err = syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if !errors.Is(err, syscall.EINTR) {
			break
		}
	}
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return nil, errors.Join(ErrLocked, file.Close())
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("spool: locking %s: %w", path, err), file.Close())
	}
	return file, nil
}
