package records

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"unicode"
)

// fields of a message that a column may hold, beside traits.* and properties.*.
var fields = []string{typeMember, "messageId", "userId", "anonymousId", "groupId", "groupType", "name", "timestamp"}

// table reads messages from CSV.
type table struct {
	*rows
	columns []column
	infer   bool
}

// column says what a cell is of: members of the message, or of an object in it.
type column struct {
	object string // "traits" or "properties"; empty for the message itself
	member string // empty if the column is left out
}

func newTable(l *lines, opts Options) (*table, error) {
	t := &table{rows: newRows(l), infer: opts.Infer}
	head, err := t.rows.next()
	switch {
	case errors.Is(err, io.EOF):
		if len(opts.Map) == 0 {
			return t, nil // an empty file has no messages
		}
		return nil, errors.New("the file is empty, so it has no columns to map")
	case err != nil:
		return nil, err
	case head.err != nil:
		return nil, fmt.Errorf("line %d, which must name the columns: %w", head.first, head.err)
	}
	return t, t.name(head.cells, opts.Map)
}

func (t *table) name(heads []string, mapped map[string]string) error {
	mapped = maps.Clone(mapped)
	taken := make(map[string]string) // field to column
	for _, head := range heads {
		head = strings.TrimSpace(head)
		field, ok := mapped[head]
		delete(mapped, head)
		if !ok {
			field = head
		}
		if ok && field == "" {
			t.columns = append(t.columns, column{})
			continue
		}
		c, known := columnFor(field)
		switch {
		case !known && strings.ContainsAny(head, ";\t"):
			return fmt.Errorf("the column %.40q is no field; columns must be separated by commas", head)
		case !known && ok:
			return fmt.Errorf("the column %q is mapped to %q, which is no field; %s", head, field, fieldsText())
		case !known:
			return fmt.Errorf("the column %.40q is no field; %s. Map it with --map %[3]s=FIELD, or leave it out with --map %[3]s=", head, fieldsText(), shellWord(head))
		case taken[field] != "":
			return fmt.Errorf("the columns %q and %q are both %s", taken[field], head, field)
		}
		taken[field] = head
		t.columns = append(t.columns, c)
	}
	if left := slices.Sorted(maps.Keys(mapped)); len(left) > 0 {
		return fmt.Errorf("there is no column %q to map; the file has %.200s", left[0], strings.Join(heads, ", "))
	}
	if taken[typeMember] == "" {
		return errors.New(`no column is "type", which says for each row: identify, group or track`)
	}
	return nil
}

// shellWord is a column as a POSIX shell takes it, if it is short enough to be a name.
func shellWord(head string) string {
	switch {
	case len(head) > 40:
		return "COLUMN"
	case strings.ContainsFunc(head, func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsDigit(r) && !strings.ContainsRune("_-.", r)
	}):
		return "'" + strings.ReplaceAll(head, "'", `'\''`) + "'"
	}
	return head
}

func columnFor(field string) (column, bool) {
	if object, member, dotted := strings.Cut(field, "."); dotted {
		return column{object, member}, member != "" && (object == "traits" || object == "properties")
	}
	return column{member: field}, slices.Contains(fields, field)
}

func fieldsText() string {
	return "fields are " + strings.Join(fields, ", ") + ", traits.* and properties.*"
}

func (t *table) next() (Record, error) {
	row, err := t.rows.next()
	if err != nil {
		return Record{}, err
	}
	r := Record{Line: row.first, End: t.Offset, Lines: t.Lines, Raw: bytes.Clone(row.raw), Torn: row.torn, Err: row.err}
	if r.Err == nil && len(row.cells) != len(t.columns) {
		r.Err = fmt.Errorf("it has %d cells, but there are %d columns", len(row.cells), len(t.columns))
	}
	if r.Err != nil {
		return r, nil
	}
	text, err := t.object(row.cells)
	if err != nil {
		return Record{}, err
	}
	r.Message, r.Err = Decode(text)
	return r, nil
}

// object writes a row as a line of NDJSON.
func (t *table) object(cells []string) ([]byte, error) {
	var own, traits, properties []byte
	for i, c := range t.columns {
		if cells[i] == "" || c.member == "" {
			continue
		}
		into, infer := &own, t.infer
		switch c.object {
		case "traits":
			into = &traits
		case "properties":
			into = &properties
		default:
			infer = false
		}
		name, err := json.Marshal(c.member)
		if err != nil {
			return nil, err
		}
		value, err := json.Marshal(cells[i])
		if err != nil {
			return nil, err
		}
		if infer && isLiteral(cells[i]) {
			value = []byte(cells[i])
		}
		*into = append(append(append(append(*into, ','), name...), ':'), value...)
	}
	for _, o := range []struct {
		name    string
		members []byte
	}{{"traits", traits}, {"properties", properties}} {
		if o.members != nil {
			own = append(append(append(own, `,"`+o.name+`":{`...), o.members[1:]...), '}')
		}
	}
	if own == nil {
		return []byte("{}"), nil
	}
	own[0] = '{'
	return append(own, '}'), nil
}

// isLiteral says that a cell can be a boolean, null or a number without losing
// anything: a version of 1.10, a code of 007 and an ID of twenty digits stay text.
func isLiteral(cell string) bool {
	switch cell {
	case "true", "false", "null":
		return true
	}
	number, err := strconv.ParseFloat(cell, 64)
	return err == nil && json.Valid([]byte(cell)) && strconv.FormatFloat(number, 'f', -1, 64) == cell
}
