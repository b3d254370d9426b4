package records

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
)

// rows splits CSV into rows (RFC 4180). Unlike encoding/csv alone, it bounds a
// row, so that a quote that nothing closes does not swallow the file: the line
// that opens it is bad, and the next line is a row.
type rows struct {
	*lines
	text  bytes.Reader // of the row
	cells *csv.Reader  // of text
	held  []byte       // of a row of several lines
}

type row struct {
	first int64 // of its lines
	raw   []byte
	cells []string // valid until the next call
	torn  bool
	err   error // why it is not a row
}

func newRows(l *lines) *rows {
	r := &rows{lines: l}
	r.cells = csv.NewReader(&r.text)
	r.cells.FieldsPerRecord = -1
	r.cells.ReuseRecord = true
	return r
}

// next returns the next row that is not blank.
func (r *rows) next() (row, error) {
	for {
		raw, l, first, err := r.take()
		if err != nil {
			return row{}, err
		}
		out := row{first: first, raw: withoutEnd(raw), torn: !l.ended}
		switch {
		case l.tooLong:
			out.raw, out.err = nil, fmt.Errorf("the row is longer than %d bytes", MaxBytes)
			return out, nil
		case len(out.raw) == 0:
			continue
		}
		r.text.Reset(raw)
		out.cells, out.err = r.cells.Read()
		var wrong *csv.ParseError
		if errors.As(out.err, &wrong) {
			out.err = fmt.Errorf("it is not CSV: column %d: %w", wrong.Column, wrong.Err)
		}
		if _, err := io.Copy(io.Discard, &r.text); err != nil { // in memory
			return row{}, err
		}
		return out, nil
	}
}

// withoutEnd removes the one line end.
func withoutEnd(text []byte) []byte {
	return bytes.TrimSuffix(bytes.TrimSuffix(text, []byte("\n")), []byte("\r"))
}

// take returns the text of a row with its last line, and the number of its first.
func (r *rows) take() (text []byte, last line, first int64, err error) {
	last, err = r.lines.next()
	first = r.Lines
	if !last.ended {
		first++
	}
	if err != nil || last.tooLong {
		return nil, last, first, err
	}
	state := unquoted.after(last.text)
	if state != quoted {
		return last.text, last, first, nil
	}
	opened, opener := r.Position, line{ended: last.ended}
	r.held = append(r.held[:0], last.text...)
	opening := len(r.held)
	var more []line
	for state == quoted {
		next, err := r.lines.next()
		if err != nil && !errors.Is(err, io.EOF) {
			return nil, last, first, err
		}
		if err == nil {
			next.text = bytes.Clone(next.text)
			more = append(more, next)
		}
		if err != nil || next.tooLong || len(r.held)+len(next.text) > MaxBytes { // nothing closes this quote
			r.unread(opened, more)
			return r.held[:opening], opener, first, nil
		}
		last = next
		r.held = append(r.held, next.text...)
		state = state.after(next.text)
	}
	return r.held, last, first, nil
}

// quoting is where in a row a text ends.
type quoting uint8

const (
	unquoted quoting = iota
	quoted           // inside quotes
)

// after follows the quotes of a line, which begins a row if q is unquoted. What is
// not CSV ends its row with its line, as in encoding/csv.
func (q quoting) after(text []byte) quoting {
	if q == unquoted && bytes.IndexByte(text, '"') < 0 {
		return unquoted
	}
	for cell := true; cell; {
		if q == unquoted {
			if len(text) == 0 || text[0] != '"' {
				end := bytes.IndexAny(text, ",\"")
				if end < 0 || text[end] == '"' {
					return unquoted
				}
				text = text[end+1:]
				continue
			}
			text, q = text[1:], quoted
		}
		end := bytes.IndexByte(text, '"')
		if end < 0 {
			return quoted
		}
		text = text[end+1:]
		switch {
		case bytes.HasPrefix(text, []byte(`"`)):
			text = text[1:]
		case bytes.HasPrefix(text, []byte(",")):
			text, q = text[1:], unquoted
		default:
			cell = false
		}
	}
	return unquoted
}
