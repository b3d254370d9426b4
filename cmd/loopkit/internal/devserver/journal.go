package devserver

import (
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/loopkitai/loopkit-go/cmd/loopkit/internal/lockfile"
	"github.com/loopkitai/loopkit-go/cmd/loopkit/internal/records"
	"github.com/loopkitai/loopkit-go/cmd/loopkit/internal/store"
	"github.com/loopkitai/loopkit-go/internal/collector"
)

// journal appends the accepted messages to a file that the next server reads
// back. It never takes anything out of it: after a deletion, what was received
// before is still there. Its methods are not safe for concurrent use.
type journal struct {
	name string
	log  func(string)
	file *os.File // nil after an error
	size int64    // of what was written as a whole
}

// openJournal reads the file back into the store and opens it for more.
func openJournal(name string, into *store.Store, log func(string)) (*journal, error) {
	j := &journal{name: name, log: log}
	file, err := j.open()
	if err != nil {
		return nil, err
	}
	j.file = file
	if err := j.restore(into); err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return j, nil
}

// open never writes over what another program has written meanwhile, and refuses
// what another one has open as its journal.
func (j *journal) open() (*os.File, error) {
	file, err := os.OpenFile(j.name, os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return nil, fmt.Errorf("cannot open the journal: %w", err)
	}
	switch err = lockfile.Lock(file); {
	case errors.Is(err, lockfile.ErrLocked):
		return nil, errors.Join(&JournalInUseError{Name: j.name}, file.Close())
	case err != nil:
		j.log(fmt.Sprintf("%s cannot be locked (%v): start no second server with it", j.name, err))
	}
	if !j.names(file) { // another server has put it aside between the two
		return nil, errors.Join(&JournalInUseError{Name: j.name}, file.Close())
	}
	return file, nil
}

// names reports whether the journal's name is still that of an open file.
func (j *journal) names(file *os.File) bool {
	open, err := file.Stat()
	if err != nil {
		return false
	}
	named, err := os.Stat(j.name)
	return err == nil && os.SameFile(open, named)
}

// JournalInUseError says that another program has the journal.
type JournalInUseError struct{ Name string }

func (e *JournalInUseError) Error() string {
	return fmt.Sprintf(`%s is the journal of another "loopkit dev": stop that, or name another file`, e.Name)
}

func (j *journal) restore(into *store.Store) error {
	info, err := j.file.Stat()
	if err != nil {
		return fmt.Errorf("cannot read the journal: %w", err)
	}
	if !info.Mode().IsRegular() {
		return fmt.Errorf("the journal %s is no file", j.name)
	}
	reader, err := records.NewReader(j.file, records.Options{Format: records.NDJSON})
	if err != nil {
		return fmt.Errorf("cannot read the journal: %w", err)
	}
	back := &readBack{reader: reader}
	if info.Size() > 0 {
		into.Restore(collector.Request{
			Time:   info.ModTime(),
			Method: "READ", // shown where the method of a request is
			Path:   filepath.Base(j.name),
			Status: 200,
			Auth:   "none",
			Bytes:  info.Size(),
		}, back.messages())
	}
	if back.err != nil {
		return fmt.Errorf("cannot use %s as the journal: %w", j.name, back.err)
	}
	if back.skipped > 0 {
		j.log(fmt.Sprintf("%s: %d lines are no messages and were left out, the first is line %d: %v",
			j.name, back.skipped, back.firstSkipped.Line, back.firstSkipped.Err))
	}
	return j.mend(back)
}

// readBack passes over what is no message.
type readBack struct {
	reader       *records.Reader
	last         records.Record
	whole        int64 // where the last line ends that was not cut off
	skipped      int
	firstSkipped records.Record
	err          error
}

func (b *readBack) messages() iter.Seq[collector.Message] {
	return func(yield func(collector.Message) bool) {
		for good := false; ; {
			record, err := b.reader.Next()
			if err != nil {
				if !errors.Is(err, io.EOF) {
					b.err = err
				}
				return
			}
			b.last = record
			if !record.Torn {
				b.whole = record.End
			}
			switch {
			case record.Err == nil:
				good = true
				if !yield(record.Message) {
					return
				}
			case !good && !record.Torn:
				b.err = errors.New("its first line is no message; is it another program's file?")
				return
			case !record.Torn:
				if b.skipped++; b.skipped == 1 {
					b.firstSkipped = record
				}
			}
		}
	}
}

// mend makes the file end with a whole line, after a crash in the middle of one.
func (j *journal) mend(back *readBack) error {
	end, err := j.file.Seek(0, io.SeekEnd)
	if err != nil {
		return fmt.Errorf("cannot read the journal: %w", err)
	}
	j.size = end
	if !back.last.Torn {
		return nil
	}
	if back.last.Err == nil {
		_, err = j.file.Write([]byte("\n"))
		j.size++
	} else {
		if j.size = back.whole; j.size == 0 {
			return fmt.Errorf("cannot use %s as the journal: it is no file of lines; is it another program's?", j.name)
		}
		j.log(fmt.Sprintf("%s: the last line was cut off by a crash, and was taken away", j.name))
		err = j.cut()
	}
	if err != nil {
		return fmt.Errorf("cannot mend the end of the journal: %w", err)
	}
	return nil
}

// cut takes away what is behind the last whole line. It does so by name, because
// Windows lets no file be cut that is open to append.
func (j *journal) cut() error {
	if !j.names(j.file) {
		return errors.New("another file has its name now")
	}
	return os.Truncate(j.name, j.size)
}

// add writes messages at the end. After an error, which it logs, the journal
// stays as it was before and takes no more.
func (j *journal) add(messages []collector.Message) {
	if j.file == nil || len(messages) == 0 {
		return
	}
	var text []byte
	for _, m := range messages {
		line, err := records.Encode(m)
		if err == nil && len(line) > records.MaxBytes {
			err = fmt.Errorf("it has over %d bytes, and could not be read back", records.MaxBytes)
		}
		if err != nil {
			j.log(fmt.Sprintf("%s: a message could not be written: %v", j.name, err))
			continue
		}
		text = append(text, line...)
	}
	if _, err := j.file.Write(text); err != nil {
		err = errors.Join(err, j.cut(), j.close())
		j.log(fmt.Sprintf("%s: the journal ends here, what arrives from now on is in memory only: %v", j.name, err))
		return
	}
	j.size += int64(len(text))
}

// putAside gives the file another name, which it returns, and begins a new one.
// The name is empty if there was nothing in it.
func (j *journal) putAside() (kept string, err error) {
	if j.file == nil || j.size == 0 {
		return "", nil
	}
	if kept, err = freeName(j.name, time.Now()); err != nil {
		return "", err
	}
	if err = j.close(); err == nil {
		err = os.Rename(j.name, kept)
	}
	file, opened := j.open()
	if opened != nil {
		j.log(fmt.Sprintf("%s: the journal ends here, what arrives from now on is in memory only: %v", j.name, opened))
		return "", errors.Join(err, opened)
	}
	j.file = file
	if err != nil {
		return "", err
	}
	j.size = 0
	return kept, nil
}

// freeName returns "journal-20250115-103000.ndjson" for "journal.ndjson", or the
// like if that exists.
func freeName(name string, now time.Time) (string, error) {
	extension := filepath.Ext(name)
	base := strings.TrimSuffix(name, extension) + "-" + now.Format("20060102-150405")
	for n := 1; n < 1000; n++ {
		candidate := base + extension
		if n > 1 {
			candidate = fmt.Sprintf("%s-%d%s", base, n, extension)
		}
		if _, err := os.Lstat(candidate); errors.Is(err, os.ErrNotExist) {
			return candidate, nil
		} else if err != nil {
			return "", err
		}
	}
	return "", fmt.Errorf("there are too many files like %s%s", base, extension)
}

// close writes the file to the disk and closes it.
func (j *journal) close() error {
	if j.file == nil {
		return nil
	}
	err := errors.Join(j.file.Sync(), j.file.Close())
	j.file = nil
	return err
}
