package spool

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"iter"
	"slices"

	"go.etcd.io/bbolt"
)

// eraseBytes is how much is read and overwritten at once.
const eraseBytes = 256 << 10

// erase overwrites what is free in the file with zeros, so that what was purged is
// gone. It needs no space, unlike a rewrite, which a full disk would refuse.
//
// bbolt goes back to the state before the last if the last is damaged. So only
// pages that are free in both are overwritten, and an empty transaction comes
// before, so that neither state is from before the purge.
func (s *Spool) erase() error {
	before, _, err := s.freePages()
	if err != nil {
		return err
	}
	if err := s.db.update(func(*bbolt.Tx) error { return nil }); err != nil {
		return err
	}
	after, newest, err := s.freePages()
	if err != nil {
		return err
	}
	size := newest.pageSize
	for run := range runs(common(before, after)) {
		if err := s.zero(run[0]*size, (run[1]+1)*size, size); err != nil {
			return err
		}
	}
	info, err := s.db.file.Stat()
	if err != nil {
		return err
	}
	// A transaction that failed may have written behind the last page.
	if err := s.zero(newest.high*size, uint64(info.Size()), size); err != nil {
		return err
	}
	return s.db.db.Sync() // whatever the policy: a purge is rare, and must not be undone
}

// common returns what is in both of two ascending lists.
func common(a, b []uint64) []uint64 {
	return slices.DeleteFunc(slices.Clone(a), func(id uint64) bool {
		_, found := slices.BinarySearch(b, id)
		return !found
	})
}

// runs yields the first and the last of each run of neighbours.
func runs(ids []uint64) iter.Seq[[2]uint64] {
	return func(yield func([2]uint64) bool) {
		for first, i := 0, 1; i <= len(ids); i++ {
			if i < len(ids) && ids[i] == ids[i-1]+1 {
				continue
			}
			if !yield([2]uint64{ids[first], ids[i-1]}) {
				return
			}
			first = i
		}
	}
}

// freePages reads the list of free pages of the newest state.
func (s *Spool) freePages() ([]uint64, header, error) {
	info, err := s.db.file.Stat()
	if err != nil {
		return nil, header{}, err
	}
	newest, err := readHeader(s.db.file, info.Size())
	if err != nil {
		return nil, header{}, err
	}
	p := newPages(s.db.file, newest, info.Size())
	free, err := p.free()
	switch {
	case p.failed != nil:
		return nil, header{}, p.failed
	case err != nil:
		return nil, header{}, damagedBy("%w", err)
	}
	return free, newest, nil
}

// zero overwrites the pages of a part of the file that are not zero yet. It leaves
// holes in the file alone, because filling them may take more than the disk has.
func (s *Spool) zero(start, end, pageSize uint64) error {
	zeros, buf := make([]byte, pageSize), make([]byte, max(eraseBytes, pageSize))
	for start < end {
		read, err := s.db.file.ReadAt(buf[:min(end-start, uint64(len(buf)))], int64(start))
		if err != nil && !errors.Is(err, io.EOF) {
			return fmt.Errorf("reading what was purged: %w", err)
		}
		if read == 0 {
			return damagedBy("it was cut off at %d bytes", start)
		}
		for page := range slices.Chunk(buf[:read], int(pageSize)) {
			if !bytes.Equal(page, zeros[:len(page)]) {
				if _, err := s.db.file.WriteAt(zeros[:len(page)], int64(start)); err != nil {
					return fmt.Errorf("overwriting what was purged: %w", err)
				}
			}
			start += uint64(len(page))
		}
	}
	return nil
}
