package importer

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"slices"
	"time"

	"github.com/loopkitai/loopkit-go/cmd/loopkit/internal/records"
)

// job is the import of one file.
type job struct {
	*Importer
	path    string
	state   checkpoint
	resumed bool
	file    *dataFile
	reader  *records.Reader
	rejects *rejects // nil in a dry run, and before begin

	read     int64 // of it
	torn     int64 // rejected records that the checkpoint does not count
	redacted int64 // by the clients before this file
}

func (im *Importer) open(path string) (*job, error) {
	file, err := openData(path)
	if err != nil {
		return nil, err
	}
	j := &job{Importer: im, path: path, file: file, redacted: im.senders.totals().redacted}
	if err := j.start(); err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return j, nil
}

func (j *job) start() error {
	if !j.opts.DryRun {
		if err := j.file.claim(); err != nil {
			return err
		}
	}
	if err := j.recall(); err != nil {
		return err
	}
	opts := j.opts.Records
	opts.From = j.state.position()
	var err error
	j.reader, err = records.Open(j.path, opts)
	return err
}

// recall decides where to begin.
func (j *job) recall() error {
	size := j.file.info.Size()
	head := min(size, headBytes)
	hash, err := j.file.hash(head, head)
	if err != nil {
		return err
	}
	reading, err := readingOf(j.opts.Records)
	if err != nil {
		return err
	}
	none := sha256.Sum256(nil)
	j.state = checkpoint{
		Version: checkpointVersion, SHA256: hash, Size: size, TailSHA256: hex.EncodeToString(none[:]),
		BaseURL: j.opts.BaseURL, Reading: reading, Began: time.Now().UTC().Truncate(time.Millisecond),
	}
	if j.opts.DryRun {
		return nil
	}
	before, err := loadCheckpoint(j.path + progressSuffix)
	if j.opts.Restart && errors.Is(err, ErrCheckpoint) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("%w; --restart sends the whole file again", err)
	}
	if before == nil {
		return j.refuseOldRejects()
	}
	same, err := before.isOf(j.file)
	if err != nil {
		return err
	}
	if same { // messages are the same again
		j.state.SHA256, j.state.Size, j.state.Began = before.SHA256, before.Size, before.Began
	}
	switch untouched := before.ByteOffset == 0 && before.RejectedBytes == 0; {
	case j.opts.Restart:
		return nil
	case untouched && !before.Done: // nothing was acknowledged: to begin and to go on are the same
		return nil
	case !same:
		return fmt.Errorf("%s: %w: what was read of it differs, or it is shorter; --restart sends the whole file, under other message IDs", j.path, ErrChanged)
	case !j.opts.Resume && before.Done:
		return fmt.Errorf("%s: %w: %d records sent, %d set aside; --resume sends what was added to it since, --restart all of it again under the same message IDs",
			j.path, ErrFinished, before.Sent, before.Failed)
	case !j.opts.Resume:
		return fmt.Errorf("%s: %w, up to line %d; --resume goes on there, --restart sends all of it again under the same message IDs", j.path, ErrUnfinished, before.Line)
	case before.BaseURL != j.opts.BaseURL:
		return fmt.Errorf("%s: %w: the import began to %s and cannot go on to %s; --restart sends the whole file there", j.path, ErrCheckpoint, before.BaseURL, j.opts.BaseURL)
	case before.Reading != j.state.Reading:
		return fmt.Errorf("%s: %w: the import began with another --format, --map or --infer; go on with the same, or --restart sends the whole file again", j.path, ErrCheckpoint)
	}
	j.state, j.resumed = *before, true
	j.state.Done = false
	if _, err := os.Stat(j.path + rejectedSuffix); before.Done && errors.Is(err, os.ErrNotExist) { // somebody has seen to them
		j.state.RejectedBytes, j.state.Failed = 0, 0
	}
	return nil
}

// checkWritable finds out whether the files of an import can be written.
func (j *job) checkWritable() error {
	draft, err := os.OpenFile(j.path+progressSuffix+draftSuffix, os.O_CREATE|os.O_WRONLY, 0o600)
	if err == nil {
		err = errors.Join(draft.Close(), os.Remove(draft.Name()))
	}
	if err != nil {
		return notWritable(err)
	}
	rejects, err := os.OpenFile(j.path+rejectedSuffix, os.O_WRONLY, 0)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return notWritable(err)
	}
	return rejects.Close()
}

func notWritable(err error) error {
	return fmt.Errorf("an import writes its checkpoint and what it sets aside beside the file, and cannot: %w; copy the file, or link to it with ln -s, in a directory of yours", err)
}

// refuseOldRejects keeps what an import before has set aside.
func (j *job) refuseOldRejects() error {
	info, err := os.Stat(j.path + rejectedSuffix)
	if j.opts.Restart || errors.Is(err, os.ErrNotExist) || err == nil && info.Size() == 0 {
		return nil
	}
	if err != nil {
		return err
	}
	return fmt.Errorf("%w: %s%s holds what an import before has set aside; move it away, or replace it with --restart", ErrUnfinished, j.path, rejectedSuffix)
}

// begin makes sure that a kill from now on leaves a checkpoint.
func (j *job) begin() error {
	if j.opts.DryRun {
		return nil
	}
	var err error
	if j.rejects, err = openRejects(j.path+rejectedSuffix, j.state.RejectedBytes); err != nil {
		return err
	}
	return j.save()
}

func (j *job) run(ctx context.Context) error {
	reading, stop := context.WithCancel(ctx)
	windows := make(chan *window)
	failed := make(chan error, 1)
	w := &windower{reader: j.reader, records: j.opts.window, hash: j.state.SHA256, began: j.state.Began, end: j.state.position()}
	go func() {
		defer close(windows)
		failed <- w.read(reading, windows)
	}()
	defer func() {
		stop()
		for range windows { // until the goroutine has ended
		}
	}()
	for w := range windows {
		if err := j.take(ctx, w); err != nil {
			return err
		}
	}
	switch err := <-failed; {
	case errors.Is(err, context.Canceled):
		return j.stopped(nil, ErrInterrupted)
	case err != nil:
		return j.stopped(nil, &FileError{fmt.Errorf("the file cannot be read beyond line %d: %w", j.state.Line, err)})
	}
	j.state.Done = true
	return j.save()
}

// take sends a window and then writes down that it was.
func (j *job) take(ctx context.Context, w *window) error {
	if j.limiter != nil && len(w.entries) > 0 {
		if err := j.limiter.WaitN(ctx, len(w.entries)); err != nil {
			return j.stopped(nil, ErrInterrupted)
		}
	}
	if ctx.Err() != nil {
		return j.stopped(nil, ErrInterrupted)
	}
	j.report(0, nil)
	rejected, err := j.senders.send(ctx, w, j.report)
	if err != nil {
		return j.stopped(w, err)
	}
	rejected = append(rejected, w.refused...)
	if err := j.setAside(rejected); err != nil {
		return j.stopped(w, &FileError{err})
	}
	j.state.ByteOffset, j.state.Line = w.end.Offset, w.end.Lines
	j.state.Sent += int64(len(w.entries) + len(w.refused) - len(rejected))
	j.state.Failed += int64(len(rejected))
	j.read = w.read
	if err := j.save(); err != nil {
		return j.stopped(w, &FileError{err})
	}
	j.report(0, nil)
	if w.torn != nil { // it is not passed: who writes the file may complete it
		j.torn++
		return j.setAside([]Rejection{*w.torn})
	}
	return nil
}

func (j *job) save() error {
	if j.opts.DryRun {
		return nil
	}
	j.state.TailEnd = j.state.ByteOffset
	if j.reader.Compressed() {
		j.state.TailEnd = j.file.info.Size()
	}
	var err error
	if j.state.TailSHA256, err = j.file.hash(j.state.TailEnd, tailBytes); err != nil {
		return err
	}
	return j.state.save(j.path + progressSuffix)
}

// setAside tells of rejected records, and keeps them.
func (j *job) setAside(rejected []Rejection) error {
	if len(rejected) == 0 {
		return nil
	}
	slices.SortFunc(rejected, func(a, b Rejection) int { return cmp.Compare(a.Line, b.Line) })
	if j.opts.Refuse != nil {
		for _, r := range rejected {
			j.opts.Refuse(r)
		}
	}
	if j.rejects == nil {
		return nil
	}
	size, err := j.rejects.append(rejected)
	if j.torn == 0 {
		j.state.RejectedBytes = size
	}
	return err
}

func (j *job) stopped(w *window, err error) error {
	stop := &StoppedError{Path: j.path, Err: err}
	if w != nil && len(w.entries) > 0 {
		stop.First, stop.Last = w.entries[0].line, w.entries[len(w.entries)-1].line
	}
	return stop
}

// report tells how far the import is; sent is what of the window under way is delivered.
func (j *job) report(sent int64, waiting error) {
	if j.opts.Report != nil {
		j.opts.Report(Progress{Path: j.path, Read: j.read, Size: j.file.info.Size(), Sent: j.state.Sent + sent, Rejected: j.state.Failed, Waiting: waiting})
	}
}

func (j *job) result() Result {
	r := Result{Path: j.path, Sent: j.state.Sent, Rejected: j.state.Failed + j.torn, Resumed: j.resumed}
	r.Redacted = j.senders.totals().redacted - j.redacted
	if r.Rejected > 0 && !j.opts.DryRun {
		r.RejectedPath = j.path + rejectedSuffix
	}
	return r
}

func (j *job) close() error {
	err := j.reader.Close()
	if j.rejects != nil {
		err = errors.Join(err, j.rejects.close())
	}
	return errors.Join(err, j.file.Close()) // which unlocks it, last
}
