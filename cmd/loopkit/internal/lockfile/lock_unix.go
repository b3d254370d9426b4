//go:build unix && !aix && (!solaris || illumos)

package lockfile

import (
	"errors"
	"os"
	"syscall"
)

// Lock holds until the file is closed, or the process ends in any way.
func Lock(file *os.File) error {
	for {
		err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		switch {
		case errors.Is(err, syscall.EWOULDBLOCK):
			return ErrLocked
		case !errors.Is(err, syscall.EINTR):
			return err
		}
	}
}
