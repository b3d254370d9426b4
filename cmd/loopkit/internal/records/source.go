package records

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
)

// source is the text of a file, decompressed.
type source struct {
	io.Reader
	file     *os.File // nil if it is not this package's
	seekable bool
	read     int64 // bytes of the file
}

func (s *source) close() error {
	if s.file == nil {
		return nil
	}
	return s.file.Close()
}

// counted counts what is read of the file itself.
type counted struct {
	io.Reader
	n *int64
}

func (c counted) Read(p []byte) (int, error) {
	n, err := c.Reader.Read(p)
	*c.n += int64(n)
	return n, err
}

func open(name string, file *os.File, opts Options) (*Reader, error) {
	s := &source{file: file}
	s.Reader = counted{file, &s.read}
	if !strings.EqualFold(filepath.Ext(name), ".gz") {
		s.seekable = name != "-"
		return read(s, name, opts)
	}
	plain, err := gzip.NewReader(s.Reader)
	if err != nil {
		return nil, fmt.Errorf("its name ends in .gz, but it is not compressed so: %w", err)
	}
	s.Reader = plain
	return read(s, strings.TrimSuffix(name, filepath.Ext(name)), opts)
}

// byteOrderMark is that of UTF-8, which some programs put at the beginning.
const byteOrderMark = "\xef\xbb\xbf"

// read reads the head of a text, and then goes to where it is told.
func read(s *source, name string, opts Options) (*Reader, error) {
	text := &lines{r: bufio.NewReaderSize(s.Reader, 64<<10)}
	head, err := text.r.Peek(len(byteOrderMark))
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	switch {
	case string(head) == byteOrderMark:
		text.skip(len(byteOrderMark))
	case bytes.HasPrefix(head, []byte("\xff\xfe")), bytes.HasPrefix(head, []byte("\xfe\xff")):
		return nil, errors.New("it is UTF-16; save it as UTF-8")
	}
	format, err := formatOf(name, text.r, opts.Format)
	if err != nil {
		return nil, err
	}
	r := &Reader{source: s, format: format, next: (&objects{lines: text}).next}
	if format == CSV {
		table, err := newTable(text, opts)
		if err != nil {
			return nil, err
		}
		r.next = table.next
	}
	if opts.From != (Position{}) {
		return r, text.move(s, opts.From)
	}
	return r, nil
}

func formatOf(name string, text *bufio.Reader, asked Format) (Format, error) {
	switch asked {
	case NDJSON, CSV:
		return asked, nil
	case Auto, "":
	default:
		return "", fmt.Errorf("the format %q is unknown; it must be %s, %s or %s", asked, Auto, NDJSON, CSV)
	}
	switch strings.ToLower(filepath.Ext(name)) {
	case ".csv":
		return CSV, nil
	case ".ndjson", ".jsonl", ".json":
		return NDJSON, nil
	}
	for n := 1; ; n++ {
		head, err := text.Peek(n)
		switch {
		case errors.Is(err, io.EOF), errors.Is(err, bufio.ErrBufferFull):
			return NDJSON, nil // blank, as far as one can see
		case err != nil:
			return "", err
		}
		switch head[n-1] {
		case ' ', '\t', '\r', '\n':
		case '{', '[':
			return NDJSON, nil
		default:
			return CSV, nil
		}
	}
}
