package importer

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"github.com/loopkitai/loopkit-go/cmd/loopkit/internal/records"
)

// checkpoint says how far the import of a file is. It is true at any moment: what
// is before ByteOffset was acknowledged or set aside.
type checkpoint struct {
	Version       int       `json:"version"`
	SHA256        string    `json:"sha256"`     // of the first headBytes, or of the first Size if that is less
	Size          int64     `json:"size"`       // of the file when its import was begun
	TailSHA256    string    `json:"tailSha256"` // of tailBytes before TailEnd, or of all before it
	TailEnd       int64     `json:"tailEnd"`    // ByteOffset; of a compressed file, its size
	ByteOffset    int64     `json:"byteOffset"`
	Line          int64     `json:"line"` // line ends before ByteOffset
	Sent          int64     `json:"sent"`
	Failed        int64     `json:"failed"`
	RejectedBytes int64     `json:"rejectedBytes"` // of the file of rejected records
	BaseURL       string    `json:"baseUrl"`
	Reading       string    `json:"reading"` // a hash of how the file is read
	Began         time.Time `json:"began"`   // the time of records that state none
	Done          bool      `json:"done"`
}

const (
	checkpointVersion = 1
	headBytes         = 64 << 10
	tailBytes         = 4 << 10
	progressSuffix    = ".loopkit-progress"
	draftSuffix       = ".new"
	rejectedSuffix    = ".rejected.ndjson"
)

// These are wrapped by the errors that say what stands in an import's way.
var (
	ErrRunning    = errors.New(`another import of this file is running, or "loopkit dev --data" that writes it`)
	ErrTwice      = errors.New("one file is named twice")
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
	damaged := min(c.Size, c.TailEnd, c.ByteOffset, c.Line, c.Sent, c.Failed, c.RejectedBytes) < 0 || c.Began.IsZero() || decoder.More()
	for _, hash := range []string{c.SHA256, c.TailSHA256, c.Reading} {
		sum, err := hex.DecodeString(hash)
		damaged = damaged || err != nil || len(sum) != sha256.Size
	}
	switch {
	case c.Version != checkpointVersion:
		return nil, fmt.Errorf("%w: %s is of another version of this program", ErrCheckpoint, path)
	case damaged:
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
	draft := path + draftSuffix
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

// isOf reports whether the file is the checkpoint's, or that with more at its end.
func (c *checkpoint) isOf(file *dataFile) (bool, error) {
	if size := file.info.Size(); size < c.Size || size < c.TailEnd {
		return false, nil
	}
	head := min(c.Size, headBytes)
	headHash, err := file.hash(head, head)
	if err != nil {
		return false, err
	}
	tailHash, err := file.hash(c.TailEnd, tailBytes)
	return headHash == c.SHA256 && tailHash == c.TailSHA256, err
}

// readingOf is a hash of what decides how a file is read.
func readingOf(opts records.Options) (string, error) {
	if len(opts.Map) == 0 {
		opts.Map = nil
	}
	text, err := json.Marshal(struct {
		Format records.Format
		Map    map[string]string
		Infer  bool
	}{cmp.Or(opts.Format, records.Auto), opts.Map, opts.Infer})
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:]), nil
}
