package loopkit

import (
	"slices"
	"time"
)

// stored is what the spool has of a batch, and of those that it was split into
// or gathered in since. It leaves the spool when the last of them is settled.
type stored struct {
	ids   []uint64
	kind  Kind
	state storedState
	parts []*batch // not settled
}

type storedState uint8

const (
	storedWaiting storedState = iota // to be appended
	storedWriting
	storedKept
)

// kept reports whether the messages would survive the process. A batch without
// a place in the spool is in memory only.
func (d *stored) kept() bool { return d != nil && d.state == storedKept }

// waits reports whether a request has to wait for the spool.
func (d *stored) waits() bool { return d != nil && d.state != storedKept }

// share lets one more batch have messages of it.
func (d *stored) share(part *batch) *stored {
	if d != nil {
		d.parts = append(d.parts, part)
	}
	return d
}

// swap gives a part the turn of the one that it replaces.
func (d *stored) swap(old, part *batch) {
	if d != nil {
		i, j := slices.Index(d.parts, old), slices.Index(d.parts, part)
		d.parts[i], d.parts[j] = part, old
	}
}

// unstore lets go of what the spool has of a batch that is settled or replaced.
func (q *queue) unstore(b *batch) {
	d := b.disk
	if d == nil {
		return
	}
	b.disk = nil
	if i := slices.Index(d.parts, b); i >= 0 {
		d.parts = slices.Delete(d.parts, i, i+1)
	}
	if len(d.parts) > 0 {
		return
	}
	switch d.state {
	case storedWaiting:
		q.spooler.takeBack(d)
	case storedKept:
		q.spooler.remove(d)
	case storedWriting: // removed as soon as it is there
	}
}

// move takes a batch from one place to another.
func (q *queue) move(from, to place, b *batch) {
	b.place = to
	if b.disk.kept() {
		q.spooler.saved[from] -= b.len()
		q.spooler.saved[to] += b.len()
		return
	}
	q.watermark.move(from, to, b.epoch, b.len())
}

// keep notes that the spool has appended d: a flush need not wait for it.
func (q *queue) keep(d *stored) {
	d.state = storedKept
	if len(d.parts) == 0 {
		q.spooler.remove(d)
		return
	}
	for _, b := range d.parts {
		q.watermark.add(b.place, b.epoch, -b.len())
		q.spooler.saved[b.place] += b.len()
	}
}

// lose notes that the spool has not taken d: it goes on in memory.
func (s *spooler) lose(d *stored) {
	delete(s.apart, d.ids[0])
	for _, b := range d.parts {
		b.disk = nil
	}
	d.parts = nil
}

// sealForSpool seals what has waited for SpoolInterval, whatever its endpoint
// does, and returns when to look again.
func (q *queue) sealForSpool(now time.Time) (next time.Time) {
	q.eachLine(func(lane *lane, line *line) {
		if line.open == nil {
			return
		}
		switch due := line.open.base.Add(q.settings.SpoolInterval); {
		case !due.After(now):
			q.seal(lane, line)
		case next.IsZero() || due.Before(next):
			next = due
		}
	})
	return next
}
