package spool

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// slot is one of the files that processes share a directory by.
type slot struct {
	name   string    // of its files, without their suffix
	waits  bool      // something is in it, perhaps
	opened time.Time // by the last process that had it; zero if none had
}

// slotName numbers the slots from 1.
func slotName(number int) string {
	if number == 1 {
		return fileName
	}
	return fmt.Sprintf("%s-%d", fileName, number)
}

// openSlots opens a slot that no process has. Those with leftovers come first, and
// among them the one that was not opened for the longest time, so that repeated
// runs reach each of them, whatever they make of it.
//
// No lock is held while it looks, so what it sees may have changed when it has one:
// then the order is another, and nothing else.
func openSlots(dir string, o Options) (*Spool, error) {
	if o.Processes == 1 {
		return openSlot(dir, fileName, o)
	}
	slots, now := survey(dir, o.Processes)
	var locked, failed error
	for _, candidate := range slots {
		s, err := openSlot(dir, candidate.name, o)
		switch {
		case err == nil:
			// Where a file system refuses this, the order among leftovers is another.
			_ = os.Chtimes(s.lock.Name(), now, now)
			return s, nil
		case errors.Is(err, ErrLocked):
			locked = ErrLocked
		case failed == nil: // another slot may be whole; the first error stands for all
			failed = err
		}
	}
	return nil, errors.Join(failed, locked)
}

// survey returns the slots in the order in which to try them, and the time at which
// the next one counts as opened: it is behind all others, whatever the clock does.
func survey(dir string, number int) ([]slot, time.Time) {
	slots, now := make([]slot, number), time.Now()
	for i := range slots {
		s := slot{name: slotName(i + 1)}
		if info, err := os.Lstat(filepath.Join(dir, s.name+lockSuffix)); err == nil {
			s.opened = info.ModTime()
			s.waits = hasLeftovers(filepath.Join(dir, s.name+suffix))
		}
		if !s.opened.Before(now) {
			now = s.opened.Add(time.Millisecond)
		}
		slots[i] = s
	}
	slices.SortStableFunc(slots, func(a, b slot) int {
		switch {
		case a.waits && b.waits:
			return a.opened.Compare(b.opened)
		case a.waits:
			return -1
		case b.waits:
			return 1
		}
		return 0
	})
	return slots, now
}

// hasLeftovers reads the counters of a file, without a lock. What it cannot read may
// hold something, and to open it will tell.
func hasLeftovers(path string) bool {
	file, err := openRegular(path, os.O_RDONLY)
	if errors.Is(err, os.ErrNotExist) {
		_, err = os.Lstat(path + nextSuffix)
		return err == nil
	}
	if err != nil {
		return true
	}
	counted, err := readCounters(file)
	if err = errors.Join(err, file.Close()); err != nil {
		return true
	}
	return counted.kinds != [len(kindBuckets)]KindStats{} || counted.purged
}
