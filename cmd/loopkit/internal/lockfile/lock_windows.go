package lockfile

import (
	"errors"
	"math"
	"os"

	"golang.org/x/sys/windows"
)

// Lock holds until the file is closed, or the process ends in any way. It is on a
// byte far behind the end, because others could not read what is locked.
func Lock(file *os.File) error {
	const exclusiveAtOnce = windows.LOCKFILE_EXCLUSIVE_LOCK | windows.LOCKFILE_FAIL_IMMEDIATELY
	place := &windows.Overlapped{OffsetHigh: math.MaxInt32}
	err := windows.LockFileEx(windows.Handle(file.Fd()), exclusiveAtOnce, 0, 1, 0, place)
	if errors.Is(err, windows.ERROR_LOCK_VIOLATION) {
		return ErrLocked
	}
	return err
}
