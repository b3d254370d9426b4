//go:build !windows

package spool

import (
	"errors"
	"fmt"
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

// trusted fails for a directory of somebody who could replace the files in it.
func trusted(dir os.FileInfo, user int) error {
	stat, ok := dir.Sys().(*syscall.Stat_t)
	if !ok || int(stat.Uid) == user || stat.Uid == 0 || user == 0 { // a container's root writes to what it is given
		return nil
	}
	return fmt.Errorf("it belongs to another user, with the ID %d, who could read and change what is kept; choose a directory of your own", stat.Uid)
}
