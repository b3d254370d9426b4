package loopkittest_test

import (
	"bytes"
	"io"
	"slices"
	"time"

	"github.com/loopkitai/loopkit-go"
)

func everyKindOf(spool loopkit.Spool, do func(loopkit.SpoolBatch)) {
	for kind := loopkit.KindIdentify; kind <= loopkit.KindDeleteGroup; kind++ {
		for after := uint64(0); ; {
			b, err := spool.Next(kind, after)
			if err != nil {
				break
			}
			after = b.ID
			do(b)
		}
	}
}

// defects break one rule each.
var defects = []struct {
	name string
	rule string // that must notice
	make func(b *broken, d *disks, dir string)
}{
	{"loses the last of several batches", "Next goes through one kind in the order of the IDs, up to io.EOF", func(b *broken, _ *disks, _ string) {
		b.append = func(batches []loopkit.SpoolBatch) error {
			if len(batches) > 1 {
				batches = batches[:len(batches)-1]
			}
			return b.Spool.Append(batches)
		}
	}},
	{"returns the newest first", "Next goes through one kind in the order of the IDs, up to io.EOF", func(b *broken, _ *disks, _ string) {
		b.next = func(kind loopkit.Kind, after uint64) (loopkit.SpoolBatch, error) {
			found, err := b.Spool.Next(kind, after)
			for err == nil {
				var later loopkit.SpoolBatch
				if later, err = b.Spool.Next(kind, found.ID); err == nil {
					found = later
				}
			}
			if found.ID == 0 {
				return found, io.EOF
			}
			return found, nil
		}
	}},
	{"ignores the kind", "Next goes through one kind in the order of the IDs, up to io.EOF", func(b *broken, _ *disks, _ string) {
		b.next = func(_ loopkit.Kind, after uint64) (loopkit.SpoolBatch, error) {
			var all []loopkit.SpoolBatch
			everyKindOf(b.Spool, func(found loopkit.SpoolBatch) { all = append(all, found) })
			slices.SortFunc(all, func(x, y loopkit.SpoolBatch) int { return int(x.ID) - int(y.ID) })
			for _, found := range all {
				if found.ID > after {
					return found, nil
				}
			}
			return loopkit.SpoolBatch{}, io.EOF
		}
	}},
	{"takes after for the ID of a batch", "Next returns the first batch above after, which need not be in the spool", func(b *broken, _ *disks, _ string) {
		b.next = func(kind loopkit.Kind, after uint64) (loopkit.SpoolBatch, error) {
			known := after == 0
			everyKindOf(b.Spool, func(found loopkit.SpoolBatch) { known = known || found.ID == after })
			if !known {
				return loopkit.SpoolBatch{}, io.EOF
			}
			return b.Spool.Next(kind, after)
		}
	}},
	{"removes what it returns", "Next removes nothing", func(b *broken, _ *disks, _ string) {
		b.next = func(kind loopkit.Kind, after uint64) (loopkit.SpoolBatch, error) {
			found, err := b.Spool.Next(kind, after)
			if err == nil {
				err = b.Spool.Remove([]uint64{found.ID})
			}
			return found, err
		}
	}},
	{"keeps IDs in 32 bits", "IDs may have gaps and use all 64 bits", func(b *broken, _ *disks, _ string) {
		b.append = func(batches []loopkit.SpoolBatch) error {
			for _, given := range batches {
				given.ID &= 1<<32 - 1
				if err := b.Spool.Append([]loopkit.SpoolBatch{given}); err != nil {
					return nil
				}
			}
			return nil
		}
	}},
	{"keeps a part of a failed Append", "an Append that fails keeps none of its batches", func(b *broken, _ *disks, _ string) {
		b.append = func(batches []loopkit.SpoolBatch) error {
			for _, given := range batches {
				if err := b.Spool.Append([]loopkit.SpoolBatch{given}); err != nil {
					return err
				}
			}
			return nil
		}
	}},
	{"trims messages", "messages are kept byte for byte", func(b *broken, _ *disks, _ string) {
		b.next = func(kind loopkit.Kind, after uint64) (loopkit.SpoolBatch, error) {
			found, err := b.Spool.Next(kind, after)
			for i, m := range found.Messages {
				found.Messages[i] = bytes.TrimSpace(m)
			}
			return found, err
		}
	}},
	{"cuts messages at 64 KiB", "a batch may hold one byte or a mebibyte, one message or a thousand", func(b *broken, _ *disks, _ string) {
		b.next = func(kind loopkit.Kind, after uint64) (loopkit.SpoolBatch, error) {
			found, err := b.Spool.Next(kind, after)
			for i, m := range found.Messages {
				found.Messages[i] = m[:min(len(m), 1<<16)]
			}
			return found, err
		}
	}},
	{"keeps seconds", "the time of acceptance is kept to the millisecond", func(b *broken, _ *disks, _ string) {
		b.next = func(kind loopkit.Kind, after uint64) (loopkit.SpoolBatch, error) {
			found, err := b.Spool.Next(kind, after)
			found.Accepted = found.Accepted.Truncate(time.Second)
			return found, err
		}
	}},
	{"keeps the memory of the caller", "what is given to Append may be changed afterwards", func(b *broken, _ *disks, _ string) {
		given := map[uint64]loopkit.SpoolBatch{}
		b.append = func(batches []loopkit.SpoolBatch) error {
			for _, batch := range batches {
				given[batch.ID] = batch
			}
			return b.Spool.Append(batches)
		}
		b.next = func(kind loopkit.Kind, after uint64) (loopkit.SpoolBatch, error) {
			found, err := b.Spool.Next(kind, after)
			if kept, ok := given[found.ID]; ok && err == nil {
				found.Messages = slices.Clone(kept.Messages)
			}
			return found, err
		}
	}},
	{"lends its own memory", "what Next returns may be changed", func(b *broken, _ *disks, _ string) {
		lent := map[uint64]loopkit.SpoolBatch{}
		b.next = func(kind loopkit.Kind, after uint64) (loopkit.SpoolBatch, error) {
			found, err := b.Spool.Next(kind, after)
			if err != nil {
				return found, err
			}
			if _, ok := lent[found.ID]; !ok {
				lent[found.ID] = found
			}
			return lent[found.ID], nil
		}
	}},
	{"forgets everything at Close", "Close keeps everything", func(b *broken, _ *disks, _ string) {
		b.close = func() error {
			var ids []uint64
			everyKindOf(b.Spool, func(found loopkit.SpoolBatch) { ids = append(ids, found.ID) })
			if err := b.Spool.Remove(ids); err != nil {
				return err
			}
			return b.Spool.Close()
		}
	}},
	{"takes batches after Close", "an Append after Close is refused", func(b *broken, _ *disks, _ string) {
		closed := false
		b.close = func() error { closed = true; return b.Spool.Close() }
		b.append = func(batches []loopkit.SpoolBatch) error {
			if closed {
				return nil
			}
			return b.Spool.Append(batches)
		}
	}},
	{"hides what is removed until Close", "Remove forgets batches for good", func(b *broken, _ *disks, _ string) {
		hidden := map[uint64]bool{}
		b.remove = func(ids []uint64) error {
			for _, id := range ids {
				hidden[id] = true
			}
			return nil
		}
		b.next = func(kind loopkit.Kind, after uint64) (loopkit.SpoolBatch, error) {
			found, err := b.Spool.Next(kind, after)
			for err == nil && hidden[found.ID] {
				found, err = b.Spool.Next(kind, found.ID)
			}
			return found, err
		}
	}},
	{"does not know what is not there", "Remove of IDs that are not there is no error", func(b *broken, _ *disks, _ string) {
		b.remove = func(ids []uint64) error {
			present := map[uint64]bool{}
			everyKindOf(b.Spool, func(found loopkit.SpoolBatch) { present[found.ID] = true })
			for _, id := range ids {
				if !present[id] {
					return io.ErrUnexpectedEOF
				}
			}
			return b.Spool.Remove(ids)
		}
	}},
	{"takes LastID from what is left", "LastID never goes back", func(b *broken, _ *disks, _ string) {
		b.status = func() (loopkit.SpoolStatus, error) {
			status, err := b.Spool.Status()
			status.LastID = 0
			everyKindOf(b.Spool, func(found loopkit.SpoolBatch) { status.LastID = max(status.LastID, found.ID) })
			return status, err
		}
	}},
	{"purges whole batches", "Purge leaves the ID, kind, time and order of what is left", func(b *broken, _ *disks, _ string) {
		b.purge = func(before uint64, match func(uint64, loopkit.Kind, []byte) bool) (int, error) {
			hit := map[uint64]bool{}
			n, err := b.Spool.Purge(before, func(id uint64, kind loopkit.Kind, m []byte) bool {
				hit[id] = match(id, kind, m) || hit[id]
				return false
			})
			for id := range hit {
				if hit[id] && err == nil {
					err = b.Spool.Remove([]uint64{id})
				}
			}
			return n, err
		}
	}},
	{"counts batches, not messages", "Purge removes the messages that match, and says how many", func(b *broken, _ *disks, _ string) {
		b.purge = func(before uint64, match func(uint64, loopkit.Kind, []byte) bool) (int, error) {
			batches := map[uint64]bool{}
			_, err := b.Spool.Purge(before, func(id uint64, kind loopkit.Kind, m []byte) bool {
				matches := match(id, kind, m)
				batches[id] = batches[id] || matches
				return matches
			})
			n := 0
			for _, hit := range batches {
				if hit {
					n++
				}
			}
			return n, err
		}
	}},
	{"purges the batch before too", "Purge touches no batch with an ID of before or above", func(b *broken, _ *disks, _ string) {
		b.purge = func(before uint64, match func(uint64, loopkit.Kind, []byte) bool) (int, error) {
			return b.Spool.Purge(before+1, match)
		}
	}},
	{"asks twice", "Purge asks once for each message, with its ID and kind", func(b *broken, _ *disks, _ string) {
		b.purge = func(before uint64, match func(uint64, loopkit.Kind, []byte) bool) (int, error) {
			return b.Spool.Purge(before, func(id uint64, kind loopkit.Kind, m []byte) bool {
				first := match(id, kind, m)
				return match(id, kind, m) && first
			})
		}
	}},
	{"hides what is purged until Close", "a purge survives reopening", func(b *broken, _ *disks, _ string) {
		type key struct {
			id uint64
			m  string
		}
		hidden := map[key]bool{}
		b.purge = func(before uint64, match func(uint64, loopkit.Kind, []byte) bool) (int, error) {
			n := 0
			_, err := b.Spool.Purge(before, func(id uint64, kind loopkit.Kind, m []byte) bool {
				if !hidden[key{id, string(m)}] && match(id, kind, m) {
					hidden[key{id, string(m)}] = true
					n++
				}
				return false
			})
			return n, err
		}
		b.next = func(kind loopkit.Kind, after uint64) (loopkit.SpoolBatch, error) {
			for {
				found, err := b.Spool.Next(kind, after)
				if err != nil {
					return found, err
				}
				found.Messages = slices.DeleteFunc(found.Messages, func(m []byte) bool { return hidden[key{found.ID, string(m)}] })
				if len(found.Messages) > 0 {
					return found, nil
				}
				after = found.ID
			}
		}
	}},
	{"appends to the state", "the state is empty at first, then what it was set to last", func(b *broken, _ *disks, _ string) {
		b.setState = func(state []byte) error {
			before, err := b.Spool.State()
			if err != nil {
				return err
			}
			return b.Spool.SetState(append(before, state...))
		}
	}},
	{"forgets the state at Close", "the state survives reopening", func(b *broken, _ *disks, _ string) {
		b.close = func() error {
			if err := b.Spool.SetState(nil); err != nil {
				return err
			}
			return b.Spool.Close()
		}
	}},
	{"counts what it ever kept", "Bytes grows and shrinks with what is in the spool", func(b *broken, _ *disks, _ string) {
		most := int64(0)
		b.status = func() (loopkit.SpoolStatus, error) {
			status, err := b.Spool.Status()
			most = max(most, status.Bytes)
			status.Bytes = most
			return status, err
		}
	}},
	{"lets two clients in", "a second client is refused at once", func(b *broken, d *disks, dir string) {
		if _, err := b.Spool.Status(); err != nil {
			d.disk(dir).Crash()
			b.Spool = d.disk(dir).Open()
		}
	}},
}
