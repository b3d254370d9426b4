package importer

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"slices"

	"github.com/loopkitai/loopkit-go/cmd/loopkit/internal/records"
)

// job is the import of one file.
type job struct {
	*Importer
	path    string
	state   checkpoint
	resumed bool
	reader  *records.Reader
	rejects *rejects // nil in a dry run, and before begin

	size     int64 // of the file
	read     int64 // of it
	torn     int64 // rejected records that the checkpoint does not count
	redacted int64 // by the clients before this file
}

func (im *Importer) open(path string) (*job, error) {
	j := &job{Importer: im, path: path, redacted: im.senders.totals().redacted}
	if err := j.recall(); err != nil {
		return nil, err
	}
	opts := im.opts.Records
	opts.From = j.state.position()
	var err error
	j.reader, err = records.Open(path, opts)
	return j, err
}

// recall decides where to begin.
func (j *job) recall() error {
	hash, size, err := head(j.path, headBytes)
	if err != nil {
		return err
	}
	j.size = size
	j.state = checkpoint{Version: checkpointVersion, SHA256: hash, Size: size, BaseURL: j.opts.BaseURL}
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
	same, err := before.isOf(j.path)
	if err != nil {
		return err
	}
	if same {
		j.state.SHA256, j.state.Size = before.SHA256, before.Size // message IDs are made of it
	}
	switch untouched := before.ByteOffset == 0 && before.RejectedBytes == 0; {
	case j.opts.Restart:
		return nil
	case untouched && !before.Done: // nothing was acknowledged: to begin and to go on are the same
		return nil
	case !same:
		return fmt.Errorf("%s: %w: its beginning differs, or it is shorter; --restart sends the whole file, under other message IDs", j.path, ErrChanged)
	case !j.opts.Resume && before.Done:
		return fmt.Errorf("%s: %w: %d records sent, %d set aside; --resume sends what was added to it since, --restart all of it again under the same message IDs",
			j.path, ErrFinished, before.Sent, before.Failed)
	case !j.opts.Resume:
		return fmt.Errorf("%s: %w, up to line %d; --resume goes on there, --restart sends all of it again under the same message IDs", j.path, ErrUnfinished, before.Line)
	case before.BaseURL != j.opts.BaseURL:
		return fmt.Errorf("%s: %w: the import began to %s and cannot go on to %s; --restart sends the whole file there", j.path, ErrCheckpoint, before.BaseURL, j.opts.BaseURL)
	}
	j.state, j.resumed = *before, true
	j.state.Done = false
	return nil
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
	return j.state.save(j.path + progressSuffix)
}

func (j *job) run(ctx context.Context) error {
	reading, stop := context.WithCancel(ctx)
	windows := make(chan *window)
	failed := make(chan error, 1)
	w := &windower{reader: j.reader, records: j.opts.window, hash: j.state.SHA256, end: j.state.position()}
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
		return j.stopped(nil, fmt.Errorf("reading the file: %w", err))
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
	rejected, err := j.senders.send(ctx, w, j.state.Sent > 0, j.report)
	if err != nil {
		return j.stopped(w, err)
	}
	rejected = append(rejected, w.refused...)
	if err := j.setAside(rejected); err != nil {
		return err
	}
	j.state.ByteOffset, j.state.Line = w.end.Offset, w.end.Lines
	j.state.Sent += int64(len(w.entries) + len(w.refused) - len(rejected))
	j.state.Failed += int64(len(rejected))
	j.read = w.read
	if err := j.save(); err != nil {
		return err
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
		j.opts.Report(Progress{Path: j.path, Read: j.read, Size: j.size, Sent: j.state.Sent + sent, Rejected: j.state.Failed, Waiting: waiting})
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
	return err
}
