// Package importer sends the messages of files to LoopKit. It can be stopped at
// any moment, by kill -9 too, and goes on later: no message is left out, and those
// that are sent twice have the same message IDs as before.
//
// It reads a window of records, sends it, waits until all of it is acknowledged,
// and then writes down how far it is. Within a window, what concerns one person or
// group goes through one client, which sends each kind of message in the order of
// the file, a group after the identifies before it, and kinds side by side.
package importer

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"golang.org/x/time/rate"

	"github.com/loopkitai/loopkit-go"
	"github.com/loopkitai/loopkit-go/cmd/loopkit/internal/records"
)

// Options configure an Importer.
type Options struct {
	Records records.Options // of all files; From is the importer's own

	// NewClient makes the clients, of which each sends the records of some people.
	// It adds to the options where to send and how. It is not called by two
	// goroutines at once.
	NewClient   func(*loopkit.Options) (*loopkit.Client, error)
	BaseURL     string        // where to, for the checkpoint: an import does not go on elsewhere
	Concurrency int           // how many clients; default 4
	Rate        rate.Limit    // records a second; 0 is no limit
	Patience    time.Duration // how long to go on while nothing is delivered; default 1 minute

	Resume  bool // go on where the last import stopped
	Restart bool // begin anew, whatever an import before has left
	DryRun  bool // write no files; NewClient has to see to it that nothing is sent

	Report func(Progress)  // told of progress, several times a second
	Refuse func(Rejection) // told of each record that is set aside

	window int // records in a window; default windowRecords
}

const (
	defaultConcurrency = 4
	defaultPatience    = time.Minute
)

// Progress of one file.
type Progress struct {
	Path     string
	Read     int64 // bytes of the file whose records are sent or set aside
	Size     int64 // of the file
	Sent     int64 // in all, with what earlier imports of the file sent
	Rejected int64
	Waiting  error // why nothing is delivered for now; nil if all is well
}

// Result is what became of one file.
type Result struct {
	Path         string `json:"file"`
	Sent         int64  `json:"sent"`     // in all, with what earlier imports of the file sent
	Rejected     int64  `json:"rejected"` // the same
	Redacted     int64  `json:"redacted"` // values that this import left out because their keys name secrets
	RejectedPath string `json:"rejectedFile,omitempty"`
	Resumed      bool   `json:"resumed"` // it went on from an earlier import
}

// StoppedError is the end of an import that can go on later.
type StoppedError struct {
	Path        string
	First, Last int64 // lines whose records may have arrived without being acknowledged; 0 if there are none
	Err         error
}

func (e *StoppedError) Error() string {
	text := fmt.Sprintf("%s: %v", e.Path, e.Err)
	if e.First > 0 {
		text += fmt.Sprintf(" (some of lines %d to %d may have arrived; they are sent again, under the same message IDs)", e.First, e.Last)
	}
	return text
}

func (e *StoppedError) Unwrap() error { return e.Err }

// FileError is why an import stops that cannot read its file, or write beside it.
type FileError struct{ Err error }

func (e *FileError) Error() string { return e.Err.Error() }

// Unwrap returns Err.
func (e *FileError) Unwrap() error { return e.Err }

// ErrInterrupted is why an import stopped whose context ended.
var ErrInterrupted = errors.New("interrupted")

// Importer imports files, one after the other. It belongs to one goroutine.
type Importer struct {
	opts    Options
	limiter *rate.Limiter
	senders *senders
}

// New makes the clients. The Importer has to be closed.
func New(opts Options) (*Importer, error) {
	if opts.Concurrency == 0 {
		opts.Concurrency = defaultConcurrency
	}
	if opts.Patience == 0 {
		opts.Patience = defaultPatience
	}
	if opts.window == 0 {
		opts.window = windowRecords
	}
	im := &Importer{}
	if opts.Rate > 0 {
		opts.window = int(max(1, min(rate.Limit(opts.window), opts.Rate))) // a second's records at most wait for their turn
		im.limiter = rate.NewLimiter(opts.Rate, opts.window)
	}
	im.opts = opts
	var err error
	im.senders, err = newSenders(&opts)
	return im, err
}

// Close gives up what is not delivered; an import that returned without an
// error left nothing.
func (im *Importer) Close() { im.senders.close() }

// A window bounds what is in memory, and what is sent again after a kill.
const (
	windowRecords = 4000
	windowBytes   = 2 << 20
)

// Check finds out what stands in the way of an import of files, before the first
// record of the first of them is sent.
func (im *Importer) Check(paths ...string) error {
	var checked []*job
	for _, path := range paths {
		job, err := im.check(path)
		if err != nil {
			return err
		}
		for _, before := range checked {
			if os.SameFile(before.file.info, job.file.info) {
				return fmt.Errorf("%w: %s and %s", ErrTwice, before.path, path)
			}
		}
		checked = append(checked, job)
	}
	return nil
}

func (im *Importer) check(path string) (*job, error) {
	job, err := im.open(path)
	if err != nil {
		return nil, err
	}
	if !im.opts.DryRun {
		err = job.checkWritable()
	}
	return job, errors.Join(err, job.close())
}

// Import sends one file. When ctx ends, it finishes the window that is under way.
// It returns a *StoppedError if the import can go on later.
func (im *Importer) Import(ctx context.Context, path string) (Result, error) {
	job, err := im.open(path)
	if err != nil {
		return Result{Path: path}, err
	}
	err = job.begin()
	if err == nil {
		err = job.run(ctx)
	}
	err = errors.Join(err, job.close())
	return job.result(), err
}
