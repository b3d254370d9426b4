package spool

import (
	"errors"
	"fmt"
	"os"
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
	file, err := os.Open(s.path)
	if err != nil {
		return err
	}
	c, err := check(file)
	if err == nil || isDamage(err) {
		err = s.salvage(c)
	}
	if err := errors.Join(err, file.Close()); err != nil {
		return err
	}
	aside := s.path + damagedMark + time.Now().UTC().Format("20060102T150405.000000000")
	if err := errors.Join(os.Rename(s.path, aside), os.Rename(s.path+nextSuffix, s.path), syncDir(s.dir)); err != nil {
		return err
	}
	return s.prune(keptDamaged)
}

// salvage writes what can be read to the file with nextSuffix.
func (s *Spool) salvage(c checked) error {
	base := counters{}
	if c.counted != nil {
		base = *c.counted
	}
	var largest uint64
	lost := int64(0)
	written, err := s.write(counters{}, c.state, func(yield func(record) error) error {
		for kind := range kindBuckets {
			kind := loopkit.Kind(kind)
			err := c.records(kind, func(id uint64) { largest = max(largest, id) }, yield, func() { lost++ })
			if err != nil {
				return err
			}
		}
		return nil
	}, func(w *counters) {
		// An ID must never be used twice. If the largest is unknown, the clock
		// gives one that is larger: no spool takes a million batches a second.
		w.lastID = max(w.lastID, largest, base.lastID)
		if c.counted == nil || c.torn {
			w.lastID = max(w.lastID, clockID())
		}
		w.scrub = base.scrub
	})
	if err != nil {
		return err
	}
	if c.counted != nil {
		lost = max(0, base.batches()-written.batches())
	} else {
		lost = max(1, lost)
	}
	s.damaged += lost
	return os.Rename(s.path+newSuffix, s.path+nextSuffix)
}

// records yields the intact records of a kind.
func (c *checked) records(kind loopkit.Kind, seen func(uint64), yield func(record) error, lost func()) error {
	t, ok := c.trees[kindBuckets[kind]]
	if !ok {
		lost()
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
		seen(r.id)
		r.messages = len(batch.Messages)
		return yield(r)
	}
	// check has claimed these pages; a walk claims them again.
	fresh := newPages(c.pages.file, c.pages.header)
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
	return errors.Join(err, end())
}

// prune deletes all damaged files but the newest n.
func (s *Spool) prune(n int) error {
	names, err := s.setAside()
	if err != nil {
		return err
	}
	slices.Sort(names)
	var failed []error
	for _, name := range names[:max(0, len(names)-n)] {
		failed = append(failed, os.Remove(name))
	}
	return errors.Join(failed...)
}

// setAside lists the damaged files.
func (s *Spool) setAside() ([]string, error) {
	entries, err := os.ReadDir(s.dir)
	if err != nil {
		return nil, fmt.Errorf("spool: listing the directory: %w", err)
	}
	var names []string
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), s.name+damagedMark) {
			names = append(names, s.file(e.Name()))
		}
	}
	return names, nil
}

// clockID is larger than any ID that was counted up from an earlier one.
func clockID() uint64 { return uint64(time.Now().UnixMicro()) }
