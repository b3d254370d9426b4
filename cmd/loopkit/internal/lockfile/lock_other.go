//go:build !windows && (!unix || aix || (solaris && !illumos))

package lockfile

import (
	"errors"
	"os"
)

// Lock fails where no lock belongs to an open file.
func Lock(*os.File) error { return errors.ErrUnsupported }
