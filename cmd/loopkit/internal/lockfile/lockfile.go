// Package lockfile keeps two programs from writing to one file.
package lockfile

import "errors"

// ErrLocked says that the file is open and locked elsewhere, in this program or
// in another.
var ErrLocked = errors.New("the file is locked by another program")
