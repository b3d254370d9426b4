package importer

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"

	"github.com/loopkitai/loopkit-go/cmd/loopkit/internal/records"
)

// checkpoint says how far the import of a file is. It is true at any moment: what
// is before ByteOffset was acknowledged or set aside.
type checkpoint struct {
	Version       int    `json:"version"`
	SHA256        string `json:"sha256"` // of the first headBytes, or of the first Size if that is less
	Size          int64  `json:"size"`
	ByteOffset    int64  `json:"byteOffset"`
	Line          int64  `json:"line"` // line ends before ByteOffset
	Sent          int64  `json:"sent"`
	Failed        int64  `json:"failed"`
	RejectedBytes int64  `json:"rejectedBytes"` // of the file of rejected records
	BaseURL       string `json:"baseUrl"`
	Done          bool   `json:"done"`
}

const (
	checkpointVersion = 1
	headBytes         = 64 << 10
	progressSuffix    = ".loopkit-progress"
	rejectedSuffix    = ".rejected.ndjson"
)

// These are wrapped by the errors that say what stands in an import's way.
var (
	ErrUnfinished = errors.New("an import of this file was begun before")
	ErrFinished   = errors.New("this file was imported before")
	ErrChanged    = errors.New("the file is not the one whose import was begun")
	ErrCheckpoint = errors.New("the checkpoint cannot be used")
)

func (c *checkpoint) position() records.Position {
	return records.Position{Offset: c.ByteOffset, Lines: c.Line}
}

// loadCheckpoint returns nil if there is none.
func loadCheckpoint(path string) (*checkpoint, error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading the checkpoint: %w", err)
	}
	c := &checkpoint{}
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(c); err != nil {
		return nil, fmt.Errorf("%w: %s is damaged: %w", ErrCheckpoint, path, err)
	}
	hash, err := hex.DecodeString(c.SHA256)
	switch {
	case c.Version != checkpointVersion:
		return nil, fmt.Errorf("%w: %s is of another version of this program", ErrCheckpoint, path)
	case err != nil || len(hash) != sha256.Size || min(c.Size, c.ByteOffset, c.Line, c.Sent, c.Failed, c.RejectedBytes) < 0 || decoder.More():
		return nil, fmt.Errorf("%w: %s is damaged", ErrCheckpoint, path)
	}
	return c, nil
}

// save replaces the checkpoint, so that there is a whole one at any moment.
func (c *checkpoint) save(path string) (err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("writing the checkpoint: %w", err)
		}
	}()
	text, err := json.Marshal(c)
	if err != nil {
		return err
	}
	draft := path + ".new"
	file, err := os.OpenFile(draft, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = file.Write(append(text, '\n'))
	if err := errors.Join(err, file.Sync(), file.Close()); err != nil {
		return err
	}
	if err := os.Rename(draft, path); err != nil {
		return err
	}
	return syncDirectory(filepath.Dir(path))
}

// syncDirectory makes the names in a directory survive a power failure.
func syncDirectory(path string) error {
	if runtime.GOOS == "windows" { // which cannot
		return nil
	}
	dir, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}

// head hashes the beginning of a file, at most the first n bytes.
func head(path string, n int64) (hash string, size int64, err error) {
	file, err := os.Open(path)
	if err != nil {
		return "", 0, fmt.Errorf("opening the file: %w", err)
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	info, err := file.Stat()
	if err != nil {
		return "", 0, err
	}
	if !info.Mode().IsRegular() {
		return "", 0, fmt.Errorf("%s is not a regular file; an import that may have to go on later needs one", path)
	}
	sum := sha256.New()
	if _, err := io.Copy(sum, io.LimitReader(file, min(n, headBytes))); err != nil {
		return "", 0, fmt.Errorf("reading the file: %w", err)
	}
	return hex.EncodeToString(sum.Sum(nil)), info.Size(), nil
}

// isOf reports whether the file is the checkpoint's, or that with more at its end.
func (c *checkpoint) isOf(path string) (bool, error) {
	hash, size, err := head(path, c.Size)
	return hash == c.SHA256 && size >= c.Size, err
}
