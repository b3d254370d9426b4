// Package records reads and writes messages in files: NDJSON, where a line is a
// message as it is sent and its "type", and CSV.
package records

import (
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/loopkitai/loopkit-go/internal/collector"
)

// MaxBytes bounds a record: a line of NDJSON, a row of CSV. A longer one is
// passed over without being held, as a Record with an error.
const MaxBytes = 1 << 20

// Format is how messages are written in a file.
type Format string

// The formats. Auto goes by the file's name, and then by its first byte.
const (
	Auto   Format = "auto"
	NDJSON Format = "ndjson"
	CSV    Format = "csv"
)

// Options say how to read a file. The zero value suits most.
type Options struct {
	Format Format            // empty is Auto
	Map    map[string]string // CSV: column name to field; an empty field leaves the column out
	Infer  bool              // CSV: cells of traits and properties that look like numbers, booleans or null are those
	From   Position          // where to begin; the zero value is the beginning
}

// Position is a place between two records.
type Position struct {
	Offset int64 // bytes before it, behind decompression
	Lines  int64 // line ends before it
}

// Record is a line of NDJSON or a row of CSV that is not blank.
type Record struct {
	Line    int64 // the first of its lines; the first of a file is 1
	End     int64 // byte offset behind it, behind decompression
	Lines   int64 // line ends before End
	Raw     []byte
	Message collector.Message
	Err     error // why it is no message; Message has what could be read
	Torn    bool  // nothing ends its last line, as if the file were still being written
}

// ErrNoAnonymousID is the error of a track without anonymousId.
var ErrNoAnonymousID = errors.New("a track needs anonymousId")

// Reader reads one file. It belongs to one goroutine.
type Reader struct {
	source *source
	format Format
	next   func() (Record, error)
}

// Open opens a file, or standard input if name is "-". Names that end in .gz are
// decompressed.
func Open(name string, opts Options) (*Reader, error) {
	file := os.Stdin
	if name != "-" {
		var err error
		if file, err = os.Open(name); err != nil {
			return nil, fmt.Errorf("opening the file: %w", err)
		}
	}
	r, err := open(name, file, opts)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("%s: %w", name, err), file.Close())
	}
	return r, nil
}

// NewReader reads messages from r, which it does not close.
func NewReader(r io.Reader, opts Options) (*Reader, error) {
	return read(&source{Reader: r}, "", opts)
}

// Next returns the next record, and io.EOF behind the last. Another error ends
// the reading: the file cannot be read any further.
func (r *Reader) Next() (Record, error) { return r.next() }

// Format is NDJSON or CSV.
func (r *Reader) Format() Format { return r.format }

// Compressed reports whether positions are not those of the file on disk.
func (r *Reader) Compressed() bool { return !r.source.seekable }

// BytesRead is how much was read of the file as it is on disk, some of it ahead.
func (r *Reader) BytesRead() int64 { return r.source.read }

// Close closes the file.
func (r *Reader) Close() error { return r.source.close() }
