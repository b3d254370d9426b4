package sse

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"strconv"
	"strings"
	"time"
)

// maxEvent bounds the size of one event. A message may have 5 MB, and JSON may
// write each of its characters as six.
const maxEvent = 32 << 20

// ErrTooLong is a stream with an event that no server of this module sends.
var ErrTooLong = errors.New("an event of the stream is too long")

// Event is one event of a stream.
type Event struct {
	ID   string // the latest that the stream has given, to resume after it
	Name string // "message" if it has none
	Data []byte
}

// Reader reads a stream as the HTML standard says that browsers do.
type Reader struct {
	lines *bufio.Scanner
	max   int // of an event
	id    string
	retry time.Duration
}

// NewReader returns a Reader of r.
func NewReader(r io.Reader) *Reader { return newReader(r, maxEvent) }

func newReader(r io.Reader, max int) *Reader {
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, max)
	lines.Split((&lineSplitter{first: true}).split)
	return &Reader{lines: lines, max: max, retry: retry * time.Millisecond}
}

// Retry is how long to wait before connecting again, as the stream wishes.
func (r *Reader) Retry() time.Duration { return r.retry }

// LastEventID is the ID to resume after, also behind the newest event.
func (r *Reader) LastEventID() string { return r.id }

// Next waits for an event. The error at the end of the stream is io.EOF; an
// event that is cut off there is none.
func (r *Reader) Next() (Event, error) {
	var name string
	var data []byte
	for r.lines.Scan() {
		line := r.lines.Bytes()
		if len(line) == 0 {
			if data != nil {
				return Event{ID: r.id, Name: orMessage(name), Data: data[:len(data)-1]}, nil
			}
			name = ""
			continue
		}
		field, value, _ := bytes.Cut(line, []byte(":"))
		value = bytes.TrimPrefix(value, []byte(" "))
		switch string(field) {
		case "event":
			name = string(value)
		case "data":
			if len(data)+len(value) > r.max {
				return Event{}, ErrTooLong
			}
			data = append(append(data, value...), '\n')
		case "id":
			if !bytes.ContainsRune(value, 0) {
				r.id = string(value)
			}
		case "retry":
			r.setRetry(string(value))
		}
	}
	switch err := r.lines.Err(); {
	case errors.Is(err, bufio.ErrTooLong):
		return Event{}, ErrTooLong
	case err != nil:
		return Event{}, err
	}
	return Event{}, io.EOF
}

func orMessage(name string) string {
	if name == "" {
		return "message"
	}
	return name
}

func (r *Reader) setRetry(digits string) {
	if strings.Trim(digits, "0123456789") != "" {
		return
	}
	if milliseconds, err := strconv.ParseInt(digits, 10, 32); err == nil {
		r.retry = time.Duration(milliseconds) * time.Millisecond
	}
}

// lineSplitter finds lines that end with CR, LF or both, without waiting
// behind a CR for what follows.
type lineSplitter struct {
	first    bool // a byte order mark may come
	afterCR  bool
	searched int // bytes without a line end
}

func (s *lineSplitter) split(data []byte, _ bool) (advance int, line []byte, err error) {
	start := 0
	if s.afterCR && bytes.HasPrefix(data, []byte("\n")) {
		start = 1
	}
	from := max(start, s.searched)
	end := lineEnd(data[from:])
	if end < 0 {
		s.searched = len(data)
		return 0, nil, nil // at the end of the stream, an unfinished line does not count
	}
	end += from
	s.searched, s.afterCR = 0, data[end] == '\r'
	line = data[start:end:end] // not nil, which is no token
	if s.first {
		s.first = false
		line = bytes.TrimPrefix(line, []byte("\ufeff"))
	}
	return end + 1, line, nil
}

// lineEnd is bytes.IndexAny(data, "\r\n"), and much faster.
func lineEnd(data []byte) int {
	lf := bytes.IndexByte(data, '\n')
	if lf >= 0 {
		data = data[:lf]
	}
	if cr := bytes.IndexByte(data, '\r'); cr >= 0 {
		return cr
	}
	return lf
}
