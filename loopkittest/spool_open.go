package loopkittest

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"slices"

	"github.com/loopkitai/loopkit-go"
)

// mostState is what the contract allows a client to keep beside the batches.
const mostState = 1024

// openSpool is a Spool in the hands of one client.
type openSpool struct {
	disk     *Spool
	crashed  chan struct{}
	unusable error     // why each call fails; guarded by disk.mu, as what follows
	closed   bool      // by the client
	busy     SpoolCall // the call under way
	damaged  int64     // batches that could not be read back

	// touched is written without a lock, so that the race detector reports two
	// goroutines that call without waiting for each other.
	touched int
}

// do runs one call. Its effect holds disk.mu.
func (o *openSpool) do(call SpoolCall, effect func() error) error {
	return o.run(call, func() error {
		o.disk.mu.Lock()
		defer o.disk.mu.Unlock()
		if o.unusable != nil { // it crashed while it waited
			return o.unusable
		}
		return effect()
	})
}

// run is do for an effect that takes the lock itself.
func (o *openSpool) run(call SpoolCall, effect func() error) error {
	o.touched++
	fault, err := o.begin(call)
	if err != nil {
		return err
	}
	defer o.end(call)
	if fault.Store {
		if err := effect(); err != nil {
			return err
		}
		return fault.strike(o.crashed)
	}
	if err := fault.strike(o.crashed); err != nil {
		return err
	}
	return effect()
}

func (o *openSpool) begin(call SpoolCall) (SpoolFault, error) {
	o.disk.mu.Lock()
	defer o.disk.mu.Unlock()
	o.disk.calls[call]++
	switch {
	case o.unusable != nil:
		return SpoolFault{}, o.unusable
	case o.closed:
		o.disk.violated("%s after Close", call)
		return SpoolFault{}, fmt.Errorf("loopkittest: spool: %w", os.ErrClosed)
	case o.busy != "":
		o.disk.violated("%s while %s is under way", call, o.busy)
	default:
		o.busy = call
	}
	return o.disk.faults.take(call), nil
}

func (o *openSpool) end(call SpoolCall) {
	o.disk.mu.Lock()
	defer o.disk.mu.Unlock()
	if o.busy == call {
		o.busy = ""
	}
}

func (o *openSpool) Append(batches []loopkit.SpoolBatch) error {
	return o.do(SpoolAppend, func() error {
		s := o.disk
		if err := s.check(batches); err != nil {
			return err
		}
		deletions := len(batches) > 0 && isDeletion(batches[0].Kind)
		if more := bytesOf(batches); !deletions && s.limit > 0 && s.bytes()+more > s.limit {
			return fmt.Errorf("%w: %d bytes of %d are in use, and %d more do not fit",
				loopkit.ErrSpoolFull, s.bytes(), s.limit, more)
		}
		for _, b := range batches {
			s.batches = append(s.batches, cloneBatch(b))
			s.lastID = b.ID
		}
		return nil
	})
}

// check notes what is wrong with the batches of an Append. It refuses those that
// would put the spool out of order. The caller holds mu.
func (s *Spool) check(batches []loopkit.SpoolBatch) error {
	last, deletions := s.lastID, 0
	for _, b := range batches {
		if b.ID <= last {
			s.violated("Append of ID %d after ID %d", b.ID, last)
			return fmt.Errorf("loopkittest: spool: ID %d is not above %d", b.ID, last)
		}
		last = b.ID
		if isDeletion(b.Kind) {
			deletions++
		}
		if b.Kind > loopkit.KindDeleteGroup {
			s.violated("Append of batch %d, which is of %s", b.ID, b.Kind)
		}
		if b.Accepted.IsZero() {
			s.violated("Append of batch %d without the time of acceptance", b.ID)
		}
		if len(b.Messages) == 0 {
			s.violated("Append of batch %d without messages", b.ID)
		}
		for i, m := range b.Messages {
			if !json.Valid(m) {
				s.violated("Append of batch %d, of which message %d is not JSON", b.ID, i)
			}
		}
	}
	if deletions > 0 && deletions < len(batches) {
		s.violated("Append of deletions together with other kinds")
	}
	return nil
}

func (o *openSpool) Next(kind loopkit.Kind, after uint64) (loopkit.SpoolBatch, error) {
	found := loopkit.SpoolBatch{}
	err := o.do(SpoolNext, func() error {
		for _, b := range o.disk.above(after) {
			if b.Kind == kind && !o.lost(b.ID) {
				found = cloneBatch(b)
				return nil
			}
		}
		return io.EOF
	})
	if err != nil {
		return loopkit.SpoolBatch{}, err
	}
	return found, nil
}

// lost says whether a batch is damaged, and removes and counts it then. The caller
// holds mu.
func (o *openSpool) lost(id uint64) bool {
	if !o.disk.damaged[id] {
		return false
	}
	delete(o.disk.damaged, id)
	o.disk.remove(id)
	o.damaged++
	return true
}

// above returns the batches with an ID above after. The caller
// holds mu.
func (s *Spool) above(after uint64) []loopkit.SpoolBatch {
	i, found := slices.BinarySearchFunc(s.batches, after, func(b loopkit.SpoolBatch, id uint64) int { return cmp.Compare(b.ID, id) })
	if found {
		i++
	}
	return s.batches[i:]
}

// remove makes a new list, because the old one may be in use. The caller holds mu.
func (s *Spool) remove(ids ...uint64) {
	gone := map[uint64]bool{}
	for _, id := range ids {
		gone[id] = true
	}
	var left []loopkit.SpoolBatch
	for _, b := range s.batches {
		if !gone[b.ID] {
			left = append(left, b)
		}
	}
	s.batches = left
}

func (o *openSpool) Remove(ids []uint64) error {
	return o.do(SpoolRemove, func() error {
		o.disk.remove(ids...)
		return nil
	})
}

func (o *openSpool) Purge(before uint64, match func(uint64, loopkit.Kind, []byte) bool) (int, error) {
	purged := 0
	err := o.run(SpoolPurge, func() error {
		candidates, err := o.below(before)
		if err != nil {
			return err
		}
		// match is called without the lock, because it is the client's code.
		left := map[uint64][][]byte{}
		for _, b := range candidates {
			left[b.ID] = slices.DeleteFunc(b.Messages, func(m []byte) bool { return matchOnce(match, b, m) })
		}
		purged, err = o.keep(left)
		return err
	})
	return purged, err
}

// matchOnce lends match a copy of a message and spoils it afterwards, so that a
// match that keeps it is noticed.
func matchOnce(match func(uint64, loopkit.Kind, []byte) bool, b loopkit.SpoolBatch, message []byte) bool {
	lent := slices.Clone(message)
	defer func() {
		for i := range lent {
			lent[i] = '!'
		}
	}()
	return match(b.ID, b.Kind, lent)
}

// below returns copies of the batches with an ID below before.
func (o *openSpool) below(before uint64) ([]loopkit.SpoolBatch, error) {
	o.disk.mu.Lock()
	defer o.disk.mu.Unlock()
	if o.unusable != nil {
		return nil, o.unusable
	}
	var out []loopkit.SpoolBatch
	for _, b := range cloneBatches(o.disk.batches) {
		if b.ID < before && !o.lost(b.ID) {
			out = append(out, b)
		}
	}
	return out, nil
}

// keep leaves batches only the messages that are named, and counts the others.
func (o *openSpool) keep(left map[uint64][][]byte) (int, error) {
	o.disk.mu.Lock()
	defer o.disk.mu.Unlock()
	if o.unusable != nil {
		return 0, o.unusable
	}
	purged := 0
	o.disk.batches = slices.DeleteFunc(o.disk.batches, func(b loopkit.SpoolBatch) bool {
		messages, touched := left[b.ID]
		if touched {
			purged += len(b.Messages) - len(messages)
		}
		return touched && len(messages) == 0
	})
	for i, b := range o.disk.batches {
		if messages, touched := left[b.ID]; touched {
			o.disk.batches[i].Messages = messages
		}
	}
	return purged, nil
}

func (o *openSpool) SetState(state []byte) error {
	return o.do(SpoolSetState, func() error {
		if len(state) > mostState {
			o.disk.violated("SetState of %d bytes", len(state))
		}
		o.disk.state = slices.Clone(state)
		return nil
	})
}

func (o *openSpool) State() ([]byte, error) {
	var state []byte
	err := o.do(SpoolState, func() error {
		state = slices.Clone(o.disk.state)
		return nil
	})
	return state, err
}

func (o *openSpool) Status() (loopkit.SpoolStatus, error) {
	var status loopkit.SpoolStatus
	err := o.do(SpoolStatus, func() error {
		status = loopkit.SpoolStatus{LastID: o.disk.lastID, Bytes: o.disk.bytes(), Damaged: o.damaged}
		return nil
	})
	return status, err
}

func (o *openSpool) Close() error {
	return o.do(SpoolClose, func() error {
		o.closed = true
		o.disk.open = nil
		return nil
	})
}
