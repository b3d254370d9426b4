package spool

import (
	"errors"
	"fmt"
	"path/filepath"
)

// slotName names the files of a slot, without their suffix; the first is 1.
func slotName(slot int) string {
	if slot == 1 {
		return fileName
	}
	return fmt.Sprintf("%s-%d", fileName, slot)
}

// openSlots opens the first file of the directory that is free, and takes over
// what is in the others that are.
//
// Only the process with the adopting lock takes over, one file at a time. Without
// it, a file that seems taken may be free in a moment; so there is one more then.
func openSlots(dir string, o Options) (*Spool, error) {
	adopting, err := takeLock(filepath.Join(dir, fileName+".adopt.lock"))
	if err != nil && !errors.Is(err, ErrLocked) {
		return nil, err
	}
	slots := o.Processes
	if adopting == nil && slots > 1 {
		slots++
	}
	s, err := openFirst(dir, slots, o)
	if adopting == nil {
		return s, err
	}
	if err == nil {
		if err = s.adoptAll(); err != nil {
			err = errors.Join(err, s.release())
		}
	}
	if err = errors.Join(err, adopting.Close()); err != nil {
		return nil, err
	}
	return s, nil
}

func openFirst(dir string, slots int, o Options) (*Spool, error) {
	for slot := 1; slot <= slots; slot++ {
		s, err := openSlot(dir, slotName(slot), o)
		if !errors.Is(err, ErrLocked) {
			return s, err
		}
	}
	return nil, ErrLocked
}
