package spool

import (
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/loopkitai/loopkit-go"
)

// keptDamaged is how many damaged files are kept.
const keptDamaged = 3

const damagedMark = ".damaged-"

// rebuild moves all intact records of a damaged file that is not open to a new
// one, and sets the damaged one aside.
func (s *Spool) rebuild() error {
	file, err := openRegular(s.path, os.O_RDONLY)
	if err != nil {
		return err
	}
	c, err := examine(file)
	if err == nil || isDamage(err) {
		err = guard(func() error { return s.copyIntact(c) })
	}
	if err := errors.Join(err, file.Close()); err != nil {
		return err
	}
	aside := s.path + damagedMark + time.Now().UTC().Format("20060102T150405.000000000")
	if err := errors.Join(os.Rename(s.path, aside), os.Rename(s.path+nextSuffix, s.path), syncDir(s.dir)); err != nil {
		return err
	}
	return s.prune(s.name, keptDamaged)
}

// copyIntact writes what can be read to the file with nextSuffix. What the process
// knows is better than what the file says.
func (s *Spool) copyIntact(c checked) error {
	state, before := c.state, c.counted
	if s.loaded {
		state, before = s.state, &s.counters
	}
	lost := int64(0)
	written, err := s.write(state, func(yield func(record) error) error {
		for kind := range kindBuckets {
			if err := c.records(loopkit.Kind(kind), yield, func() { lost++ }); err != nil {
				return err
			}
		}
		return nil
	}, func(w *counters) {
		if before != nil {
			w.lastID, w.purged = max(w.lastID, before.lastID), before.purged
		}
	})
	if err != nil {
		return err
	}
	if before != nil {
		lost = max(0, before.batches()-written.batches())
	} else {
		lost = max(1, lost)
	}
	s.damaged += lost
	if err := os.Rename(s.path+newSuffix, s.path+nextSuffix); err != nil {
		return errors.Join(err, os.Remove(s.path+newSuffix))
	}
	return syncDir(s.dir) // or a power cut might leave neither
}

// records yields the intact records of a kind.
func (c *checked) records(kind loopkit.Kind, yield func(record) error, lost func()) error {
	t, ok := c.trees[kindBuckets[kind]]
	if !ok {
		return nil
	}
	var a assembly
	end := func() error {
		if a.next == 0 {
			return nil
		}
		r := record{kind: kind, id: a.id, data: a.data}
		a = assembly{}
		batch, err := decode(kind, r.id, r.data)
		if err != nil {
			lost()
			return nil
		}
		r.messages = len(batch.Messages)
		return yield(r)
	}
	// check has claimed these pages; a walk claims them again.
	fresh := newPages(c.pages.file, c.pages.header, math.MaxInt64)
	err := fresh.walk(t, func(flags uint32, key, value []byte) error {
		id, part, ok := splitKey(key)
		if !ok || flags != 0 {
			return nil
		}
		if a.next > 0 && id != a.id || part == 0 {
			if err := end(); err != nil {
				return err
			}
		}
		if !a.add(id, part, value) {
			lost()
			a = assembly{}
		}
		return nil
	}, func(error) { lost() })
	if fresh.failed != nil {
		return fresh.failed // it may be readable again, so the file must not be given up
	}
	return errors.Join(err, end())
}

// prune deletes all damaged files of a database but the newest n; an empty name
// stands for those of all slots.
func (s *Spool) prune(name string, n int) error {
	paths, err := s.setAside(name)
	if err != nil {
		return err
	}
	slices.Sort(paths)
	var failed []error
	for _, path := range paths[:max(0, len(paths)-n)] {
		if err := os.Remove(path); !errors.Is(err, os.ErrNotExist) { // another process may have been first
			failed = append(failed, err)
		}
	}
	return errors.Join(failed...)
}

// setAside lists damaged files.
func (s *Spool) setAside(name string) ([]string, error) {
	entries, err := os.ReadDir(s.dir)
	if err != nil {
		return nil, fmt.Errorf("spool: listing the directory: %w", err)
	}
	var paths []string
	for _, e := range entries {
		of, _, found := strings.Cut(e.Name(), damagedMark)
		if found && (of == name || name == "" && isSlot(of)) {
			paths = append(paths, filepath.Join(s.dir, e.Name()))
		}
	}
	return paths, nil
}

// isSlot reports whether a file is the database of a slot.
func isSlot(name string) bool {
	for number := 1; number <= mostSlots; number++ {
		if name == slotName(number)+suffix {
			return true
		}
	}
	return false
}
