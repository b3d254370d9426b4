package importer

import (
	"context"
	"errors"
	"io"
	"time"

	"github.com/loopkitai/loopkit-go/cmd/loopkit/internal/records"
)

// window is a run of records that is sent and written down as one.
type window struct {
	entries []entry
	refused []Rejection // records that cannot be sent
	torn    *Rejection  // the last one of the file, that may be only half of itself
	end     records.Position
	read    int64 // bytes of the file up to there
}

// errTornRow is for what may be "user_12" of "user_123".
var errTornRow = errors.New("nothing ends the last row, so it may be half of itself: add a line end to the file, and go on with --resume")

// windower reads windows ahead of the one that is being sent.
type windower struct {
	reader  *records.Reader
	records int              // in a window, at most
	hash    string           // of the file
	began   time.Time        // the time of records that state none
	end     records.Position // of the window before
}

func (w *windower) read(ctx context.Context, windows chan<- *window) error {
	for {
		next, err := w.next()
		select {
		case windows <- next: // what precedes an error can be sent
		case <-ctx.Done():
			return ctx.Err()
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// next returns io.EOF with the last window, which may be empty.
func (w *windower) next() (*window, error) {
	out := &window{end: w.end, entries: make([]entry, 0, w.records)}
	defer func() { w.end = out.end }()
	for size := 0; size < windowBytes && len(out.entries)+len(out.refused) < w.records; {
		r, err := w.reader.Next()
		if err != nil {
			return out, err
		}
		size += len(r.Raw)
		e, wrong := newEntry(&r, w.hash, w.began)
		if wrong == nil && r.Torn && w.reader.Format() == records.CSV {
			wrong = errTornRow
		}
		if wrong != nil && r.Torn {
			out.torn = &Rejection{Line: r.Line, Reason: wrong.Error(), Record: recordOf(&r)}
			out.read = w.reader.BytesRead()
			return out, io.EOF
		}
		if wrong != nil {
			out.refused = append(out.refused, Rejection{Line: r.Line, Reason: wrong.Error(), Record: recordOf(&r)})
		} else {
			out.entries = append(out.entries, e)
		}
		out.end = records.Position{Offset: r.End, Lines: r.Lines}
		out.read = w.reader.BytesRead()
	}
	return out, nil
}
