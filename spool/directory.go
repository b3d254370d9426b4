package spool

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"strings"
)

// prepareDir creates the directory, or narrows one that has other permissions and
// nothing but a spool in it. One with other files is somebody else's too.
func prepareDir(dir string) error {
	if err := os.MkdirAll(dir, dirMode); err != nil {
		return err
	}
	info, err := os.Stat(dir)
	if err != nil {
		return err
	}
	if err := trusted(info, os.Geteuid()); err != nil {
		return err
	}
	if runtime.GOOS == "windows" || info.Mode().Perm()&0o077 == 0 {
		return nil
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if !strings.HasPrefix(e.Name(), fileName+".") && !strings.HasPrefix(e.Name(), fileName+"-") {
			return nil
		}
	}
	if err := os.Chmod(dir, dirMode); !errors.Is(err, os.ErrPermission) {
		return err
	}
	return nil // it belongs to root, who lets us write there
}

// openRegular opens a file that is one, and not a link to another or a pipe, and
// narrows its permissions to those of its owner.
func openRegular(path string, flag int) (*os.File, error) {
	// Before it is opened, because to open a pipe may wait for ever.
	if info, err := os.Lstat(path); err == nil && !info.Mode().IsRegular() {
		return nil, irregular(path)
	}
	file, err := os.OpenFile(path, flag, fileMode)
	if err != nil {
		return nil, err
	}
	if err := secure(path, file); err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return file, nil
}

func secure(path string, file *os.File) error {
	named, err := os.Lstat(path)
	if err != nil {
		return err
	}
	info, err := file.Stat()
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() || !os.SameFile(named, info) {
		return irregular(path)
	}
	if runtime.GOOS == "windows" || info.Mode().Perm()&0o077 == 0 {
		return nil
	}
	return file.Chmod(fileMode)
}

func irregular(path string) error {
	return fmt.Errorf("%s is a link, a directory or a device, and no file; remove it, or choose another directory", path)
}
