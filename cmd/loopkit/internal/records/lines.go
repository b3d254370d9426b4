package records

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"slices"
)

// lines splits a text, and knows where it is.
type lines struct {
	Position // behind the line that next returned
	r        *bufio.Reader
	back     []line // read before, to be returned again
	held     []byte // the line, if it is not in r's buffer
}

// line is valid until the next call of next.
type line struct {
	text    []byte // with its line end
	size    int64  // of the whole line
	ended   bool   // it has one, as all but the last of a file do
	tooLong bool   // text is only the beginning
}

func (l *lines) skip(n int) {
	skipped, _ := l.r.Discard(n) // what was peeked can be discarded
	l.Offset += int64(skipped)
}

// next returns io.EOF at the end.
func (l *lines) next() (line, error) {
	if len(l.back) > 0 {
		again := l.back[0]
		l.back = l.back[1:]
		l.pass(again)
		return again, nil
	}
	text, err := l.r.ReadSlice('\n')
	size, tooLong := int64(len(text)), false
	if errors.Is(err, bufio.ErrBufferFull) {
		l.held = append(l.held[:0], text...)
		for errors.Is(err, bufio.ErrBufferFull) {
			text, err = l.r.ReadSlice('\n')
			size += int64(len(text))
			if size > MaxBytes {
				tooLong = true
			} else {
				l.held = append(l.held, text...)
			}
		}
		if text = l.held; cap(l.held) > MaxBytes/4 {
			l.held = nil // one long line need not cost memory to the end
		}
	}
	if err != nil && !errors.Is(err, io.EOF) || size == 0 {
		return line{}, err
	}
	read := line{text: text, size: size, ended: err == nil, tooLong: tooLong}
	l.pass(read)
	return read, nil
}

func (l *lines) pass(read line) {
	l.Offset += read.size
	if read.ended {
		l.Lines++
	}
}

// unread gives back what was read behind p.
func (l *lines) unread(p Position, read []line) {
	l.back = append(slices.Clip(read), l.back...)
	l.Position = p
}

// move goes on to a later place: by seeking where the text is that of a file.
func (l *lines) move(s *source, to Position) error {
	if to.Offset < l.Offset {
		return fmt.Errorf("there is no record at byte %d", to.Offset)
	}
	if s.seekable {
		if _, err := s.file.Seek(to.Offset, io.SeekStart); err != nil {
			return err
		}
		s.read = to.Offset
		l.r.Reset(s.Reader)
	} else if _, err := io.CopyN(io.Discard, l.r, to.Offset-l.Offset); err != nil {
		return fmt.Errorf("the file ends before byte %d: %w", to.Offset, err)
	}
	l.Position = to
	return nil
}
