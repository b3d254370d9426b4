package command

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"
	"unicode/utf8"
)

// receipt is one line of what came of a deletion.
type receipt struct {
	Kind   string    `json:"kind"`
	ID     string    `json:"id"`
	Status string    `json:"status"`
	Code   int       `json:"httpStatus,omitempty"` // of an answer that confirmed nothing
	Time   time.Time `json:"time"`
	Detail string    `json:"detail,omitempty"`
}

// The statuses of receipts, beside notConfirmed and notDone.
const (
	deleted     = "deleted"
	unsupported = "unsupported"
	notTried    = "not tried"
)

// receipts prints them as they come, so that whatever ends the program leaves
// those of what was done.
type receipts struct {
	p       *program
	asJSON  bool
	width   int // of the column of IDs
	printed int
	deleted int
	total   int
}

// longestShown is how much of an ID is shown to a person.
const longestShown = 60

func (p *program) newReceipts(ids []string, asJSON bool) *receipts {
	r := &receipts{p: p, asJSON: asJSON, width: len("ID"), total: len(ids)}
	for _, id := range ids {
		r.width = max(r.width, utf8.RuneCountInString(printable(id, longestShown)))
	}
	return r
}

func (r *receipts) print(line receipt) error {
	if r.asJSON {
		if err := r.p.printJSON(line); err != nil {
			return err
		}
	} else if err := r.printText(line); err != nil {
		return err
	}
	r.printed++
	if line.Status == deleted {
		r.deleted++
	}
	return nil
}

func (r *receipts) printText(line receipt) error {
	const layout = "%s  %-11s  %-20s  %s"
	text := ""
	if r.printed == 0 {
		text = fmt.Sprintf(layout, pad("ID", r.width), "STATUS", "TIME", "DETAIL\n")
	}
	row := fmt.Sprintf(layout, pad(printable(line.ID, longestShown), r.width), line.Status, line.Time.Format(time.RFC3339), printable(line.Detail, 1000))
	return written(io.WriteString(r.p.out, text+strings.TrimRight(row, " ")+"\n"))
}

// unwritten ends a run whose receipts cannot be written: nothing more is deleted
// without one.
func (r *receipts) unwritten(line receipt, err error) error {
	if line.Time.IsZero() { // it was not tried
		return err
	}
	return failed(fmt.Errorf("%s %s: %s; the receipt could not be written, and nothing more was tried; %d of %d were deleted before: %w",
		line.Kind, printable(line.ID, longestShown), strings.TrimSuffix(line.Status+": "+line.Detail, ": "), r.deleted, r.total, err))
}

func statusOfReceipts(count map[string]int, total int) error {
	switch {
	case count[deleted] == total:
		return nil
	case count[deleted] > 0:
		return &exitError{statusPartial, fmt.Errorf("%d of %d were deleted, %d are left", count[deleted], total, total-count[deleted])}
	case count[unsupported] == total:
		return &exitError{statusUnsupported, errors.New("nothing was confirmed as deleted: the server does not support it; ask LoopKit to delete the data")}
	}
	return failed(errors.New("nothing was confirmed as deleted"))
}

// remaining is the file of the IDs to go on with. A nil one takes them, and does nothing.
type remaining struct {
	file *os.File
	ids  []string
}

// createRemaining finds out before the first deletion whether the file can be written.
func createRemaining(name string) (*remaining, error) {
	if name == "" {
		return nil, nil
	}
	file, err := os.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, usageErrorf("--remaining takes a file that does not exist yet: %w; nothing was deleted", err)
	}
	return &remaining{file: file}, nil
}

func (r *remaining) add(ids ...string) {
	if r != nil {
		r.ids = append(r.ids, ids...)
	}
}

// close writes the file, or removes it if nothing is left.
func (r *remaining) close(p *program) error {
	if r == nil {
		return nil
	}
	var text strings.Builder
	for _, id := range r.ids {
		if again, ok := idOfLine(id); !ok || again != id || strings.ContainsAny(id, "\r\n") {
			p.warn("the ID %s cannot stand in a line of a file, so it is not in %s", printable(id, longestShown), r.file.Name())
			continue
		}
		text.WriteString(id + "\n")
	}
	_, err := r.file.WriteString(text.String())
	err = errors.Join(err, r.file.Close())
	if err == nil && len(r.ids) == 0 {
		err = os.Remove(r.file.Name())
	}
	if err != nil {
		return failed(fmt.Errorf("--remaining: %w", err))
	}
	if len(r.ids) > 0 {
		p.tell("go on with --from-file %s, which has the IDs that are not confirmed as deleted", r.file.Name())
	}
	return nil
}
