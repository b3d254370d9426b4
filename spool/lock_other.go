//go:build !windows && (!unix || aix || (solaris && !illumos))

package spool

import (
	"errors"
	"fmt"
	"os"
)

// takeLock fails where no lock belongs to an open file: without one, a second
// process would destroy the spool of the first.
func takeLock(string) (*os.File, error) {
	return nil, fmt.Errorf("spool: %w on this system", errors.ErrUnsupported)
}
