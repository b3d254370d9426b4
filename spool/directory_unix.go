//go:build !windows

package spool

import (
	"errors"
	"os"
	"syscall"
)

// syncDir makes new names in a directory survive a power cut.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	err = d.Sync()
	if errors.Is(err, syscall.EINVAL) || errors.Is(err, errors.ErrUnsupported) { // not on this file system
		err = nil
	}
	return errors.Join(err, d.Close())
}
