package spool

import (
	"errors"
	"fmt"
	"math"
	"time"
)

// SyncPolicy says when the disk is asked to keep what was written. The
// documentation of the package has the promise of each.
type SyncPolicy uint8

const (
	// SyncAlways syncs before a call returns.
	SyncAlways SyncPolicy = iota
	// SyncInterval syncs every Options.SyncEvery if there is something to sync,
	// and in Close. A power cut between two syncs can cost more than what was
	// written since the first; only [SyncAlways] rules that out.
	SyncInterval
	// SyncNever leaves it to the operating system, also in Close.
	SyncNever
)

// Options configure a [Spool]. The zero value of every field means its default.
type Options struct {
	// Sync is the policy. Default: [SyncAlways].
	Sync SyncPolicy
	// SyncEvery is the time between syncs under [SyncInterval]: 10 ms to 1 h,
	// default 1 s.
	SyncEvery time.Duration
	// MaxBytes bounds what the batches take: 64 KiB to 64 GiB (512 MiB on 32-bit
	// systems), default 256 MiB. Beyond it Append returns [loopkit.ErrSpoolFull],
	// except for deletions. The file can be larger by the space of removed batches
	// and some overhead. A spool that is larger when it is opened still drains.
	MaxBytes int64
	// Processes is how many processes may use the directory at once: 1 to 64,
	// default 1. Each has a file of its own, and [Open] returns [ErrLocked] when
	// all are taken. A process takes over the file of one that has ended; see
	// [Open]. With a smaller number than before, what is left in the files above
	// it stays there. A deletion does not reach what is in the files of others.
	Processes int
}

const (
	leastBytes   = 64 << 10
	mostBytes    = min(64<<30, math.MaxInt/4) // bbolt maps the whole file
	mostSlots    = 64
	leastSync    = 10 * time.Millisecond
	mostSync     = time.Hour
	defaultBytes = 256 << 20
)

// resolve fills in the defaults; its error names every wrong option.
func (o *Options) resolve() error {
	if o.SyncEvery == 0 {
		o.SyncEvery = time.Second
	}
	if o.MaxBytes == 0 {
		o.MaxBytes = defaultBytes
	}
	if o.Processes == 0 {
		o.Processes = 1
	}
	var wrong []error
	if o.Sync > SyncNever {
		wrong = append(wrong, wrongOption("Sync", "is %d; it must be one of the package's constants", o.Sync))
	}
	if o.SyncEvery < leastSync || o.SyncEvery > mostSync {
		wrong = append(wrong, wrongOption("SyncEvery", "is %v; it must be %v to %v", o.SyncEvery, leastSync, mostSync))
	}
	if o.MaxBytes < leastBytes || o.MaxBytes > mostBytes {
		wrong = append(wrong, wrongOption("MaxBytes", "is %d; it must be %d to %d", o.MaxBytes, int64(leastBytes), int64(mostBytes)))
	}
	if o.Processes < 1 || o.Processes > mostSlots {
		wrong = append(wrong, wrongOption("Processes", "is %d; it must be 1 to %d", o.Processes, mostSlots))
	}
	return errors.Join(wrong...)
}

func wrongOption(name, format string, args ...any) error {
	return fmt.Errorf("spool.Options: "+name+" "+format, args...)
}
