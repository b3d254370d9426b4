package importer

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
)

// Rejection is a record that was set aside.
type Rejection struct {
	Line   int64           `json:"line"`
	Reason string          `json:"reason"`
	Record json.RawMessage `json:"record,omitempty"` // as NDJSON; a text if it is not JSON, nothing if it is too long
}

// rejects is the file of them. It is written before the checkpoint, which knows
// its length: what a kill left behind that is cut off, and comes again.
type rejects struct {
	file *os.File
	size int64
}

func openRejects(path string, size int64) (_ *rejects, err error) {
	flags := os.O_WRONLY
	if size == 0 {
		flags |= os.O_CREATE
	}
	file, err := os.OpenFile(path, flags, 0o600)
	if size > 0 && errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("%w: %s is gone; put it back, or begin anew with --restart", ErrCheckpoint, path)
	}
	if err != nil {
		return nil, fmt.Errorf("opening the file of rejected records: %w", err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, file.Close())
		}
	}()
	info, err := file.Stat()
	if err != nil {
		return nil, err
	}
	if info.Size() < size {
		return nil, fmt.Errorf("%w: %s is shorter than it was; put it back, or begin anew with --restart", ErrCheckpoint, path)
	}
	if err := file.Truncate(size); err != nil {
		return nil, err
	}
	if _, err := file.Seek(size, io.SeekStart); err != nil {
		return nil, err
	}
	return &rejects{file, size}, nil
}

// append returns the length of the file, once it is on the disk.
func (r *rejects) append(rejected []Rejection) (int64, error) {
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	for _, one := range rejected {
		if err := encoder.Encode(one); err != nil {
			return r.size, fmt.Errorf("setting a record aside: %w", err)
		}
	}
	n, err := r.file.Write(text.Bytes())
	r.size += int64(n)
	if err := errors.Join(err, r.file.Sync()); err != nil {
		return r.size, fmt.Errorf("setting records aside: %w", err)
	}
	return r.size, nil
}

// close leaves no file if it holds nothing.
func (r *rejects) close() error {
	err := r.file.Close()
	if r.size == 0 {
		err = errors.Join(err, os.Remove(r.file.Name()))
	}
	return err
}
