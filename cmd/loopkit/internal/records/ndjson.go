package records

import (
	"bytes"
	"fmt"
)

// objects reads NDJSON.
type objects struct{ *lines }

func (o *objects) next() (Record, error) {
	for {
		l, err := o.lines.next()
		if err != nil {
			return Record{}, err
		}
		text := bytes.TrimSpace(l.text)
		if len(text) == 0 && !l.tooLong {
			continue
		}
		r := Record{Line: o.Lines, End: o.Offset, Lines: o.Lines, Torn: !l.ended}
		if r.Torn {
			r.Line++
		}
		if l.tooLong {
			r.Err = fmt.Errorf("the line is longer than %d bytes", MaxBytes)
			return r, nil
		}
		r.Raw = bytes.Clone(text)
		r.Message, r.Err = Decode(r.Raw)
		return r, nil
	}
}
