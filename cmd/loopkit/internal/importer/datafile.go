package importer

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/loopkitai/loopkit-go/cmd/loopkit/internal/lockfile"
)

// dataFile is the file that is imported, beside its reader: it is locked while its
// import runs, and looked at to tell whether it is the same as before.
type dataFile struct {
	*os.File
	info os.FileInfo
}

func openData(path string) (*dataFile, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("opening the file: %w", err)
	}
	if !info.Mode().IsRegular() { // opening a pipe may take for ever
		return nil, fmt.Errorf("%s is not a regular file; an import that may have to go on later needs one", path)
	}
	file, err := os.OpenFile(path, os.O_RDWR, 0) // NFS locks only what could be written
	if err != nil {
		file, err = os.Open(path)
	}
	if err != nil {
		return nil, fmt.Errorf("opening the file: %w", err)
	}
	if info, err = file.Stat(); err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return &dataFile{file, info}, nil
}

// claim makes this the only import of the file.
func (d *dataFile) claim() error {
	switch err := lockfile.Lock(d.File); {
	case errors.Is(err, lockfile.ErrLocked):
		return fmt.Errorf("%s: %w; wait until it has ended", d.Name(), ErrRunning)
	case err != nil:
		return fmt.Errorf("%s: its file system cannot lock it against a second import: %w; copy the file to another one", d.Name(), err)
	}
	return nil
}

// hash is that of n bytes before an end.
func (d *dataFile) hash(end, n int64) (string, error) {
	n = min(n, end)
	sum := sha256.New()
	read, err := io.Copy(sum, io.NewSectionReader(d, end-n, n))
	if err != nil {
		return "", fmt.Errorf("reading the file: %w", err)
	}
	if read < n {
		return "", fmt.Errorf("%s: %w: it became shorter during its import", d.Name(), ErrChanged)
	}
	return hex.EncodeToString(sum.Sum(nil)), nil
}
