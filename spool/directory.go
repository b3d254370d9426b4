package spool

import (
	"errors"
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
	if err != nil || runtime.GOOS == "windows" || info.Mode().Perm()&0o077 == 0 {
		return err
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
	return nil // it belongs to somebody else, who lets us write there
}
