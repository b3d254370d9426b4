package loopkittest_test

import "github.com/loopkitai/loopkit-go"

// broken is a spool of which a test replaces some methods.
type broken struct {
	loopkit.Spool
	append   func([]loopkit.SpoolBatch) error
	next     func(loopkit.Kind, uint64) (loopkit.SpoolBatch, error)
	remove   func([]uint64) error
	purge    func(uint64, func(uint64, loopkit.Kind, []byte) bool) (int, error)
	setState func([]byte) error
	state    func() ([]byte, error)
	status   func() (loopkit.SpoolStatus, error)
	close    func() error
}

func (b *broken) Append(batches []loopkit.SpoolBatch) error {
	if b.append != nil {
		return b.append(batches)
	}
	return b.Spool.Append(batches)
}

func (b *broken) Next(kind loopkit.Kind, after uint64) (loopkit.SpoolBatch, error) {
	if b.next != nil {
		return b.next(kind, after)
	}
	return b.Spool.Next(kind, after)
}

func (b *broken) Remove(ids []uint64) error {
	if b.remove != nil {
		return b.remove(ids)
	}
	return b.Spool.Remove(ids)
}

func (b *broken) Purge(before uint64, match func(uint64, loopkit.Kind, []byte) bool) (int, error) {
	if b.purge != nil {
		return b.purge(before, match)
	}
	return b.Spool.Purge(before, match)
}

func (b *broken) SetState(state []byte) error {
	if b.setState != nil {
		return b.setState(state)
	}
	return b.Spool.SetState(state)
}

func (b *broken) State() ([]byte, error) {
	if b.state != nil {
		return b.state()
	}
	return b.Spool.State()
}

func (b *broken) Status() (loopkit.SpoolStatus, error) {
	if b.status != nil {
		return b.status()
	}
	return b.Spool.Status()
}

func (b *broken) Close() error {
	if b.close != nil {
		return b.close()
	}
	return b.Spool.Close()
}
