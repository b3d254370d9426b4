package loopkit

import (
	"errors"
	"time"
)

// A Spool keeps messages where they survive the process, for [Options.Spool].
// The package github.com/loopkitai/loopkit-go/spool has one that keeps them in
// a file; loopkittest has one in memory and, for those who write their own, the
// conformance suite loopkittest.TestSpool.
//
// The client appends a batch before it sends it, and removes it when all of its
// messages have been delivered or dropped. What a client that ended, or was
// killed, left behind is sent by the next client with the same spool.
//
// A client calls its spool from one goroutine at a time, so an implementation
// needs no lock for it. New calls Status, State, SetState and Next, and Close if
// one of them fails; everything else is called in the background, never while a
// caller waits. A call should
// end soon, for Close waits for it. A spool must serve one client at a time, and
// one in all processes.
//
// What an error or a panic of a spool costs is durability, never a message: the
// client reports it to Options.OnError and goes on in memory, as without a
// spool, for as long as the calls fail.
type Spool interface {
	// Append keeps batches behind all others, all of them or, with an error,
	// none. Their IDs are larger than Status().LastID, and ascending. When it
	// returns nil they must survive what the spool promises to survive. It must
	// not keep or change the batches' memory, which is the client's.
	//
	// It returns an error that wraps [ErrSpoolFull] if a bound of the spool is
	// reached. Deletions, which the client appends apart from other kinds, are
	// exempt from such bounds.
	Append(batches []SpoolBatch) error

	// Next returns the batch of this kind with the smallest ID above after, or
	// io.EOF if there is none. It must not remove it. The client may keep and
	// change what is returned. A batch that cannot be read back whole must be
	// left out and counted in Status().Damaged; it must never be returned in
	// part or changed.
	Next(kind Kind, after uint64) (SpoolBatch, error)

	// Remove forgets batches. IDs that are not there are no error: they may
	// have been removed or purged before. With an error, some may be left; the
	// client tries again.
	Remove(ids []uint64) error

	// Purge removes the messages for which match returns true from the batches
	// with an ID below before, and returns how many that were. A batch without
	// messages is removed; what is left of others keeps its ID, its kind, its
	// time and its order. It must call match once for each message, in any order
	// of batches, and match must not keep the message. With an error nothing
	// is purged, or only a part; the client tries again, and sends no deletion
	// before it has succeeded.
	Purge(before uint64, match func(id uint64, kind Kind, message []byte) bool) (int, error)

	// SetState keeps at most 1 KiB in place of what it was given before, and
	// State returns it; nil if there is none. It must survive what batches do.
	SetState(state []byte) error
	State() ([]byte, error)

	// Status tells how the spool is.
	Status() (SpoolStatus, error)

	// Close releases the spool and keeps what is in it. The client calls it
	// last, at the end of Close.
	Close() error
}

// SpoolBatch is what a [Spool] keeps under one ID: messages of one kind in the
// order of their acceptance.
type SpoolBatch struct {
	ID       uint64
	Kind     Kind
	Accepted time.Time // when the oldest of them was; a spool keeps at least its milliseconds
	Messages [][]byte  // the JSON of each; one at least
}

// SpoolStatus tells how a [Spool] is.
type SpoolStatus struct {
	// LastID is the largest ID that was ever appended, also if it has been
	// removed since. While the spool is open it must not become smaller; after
	// damage, a later opening may know only the largest one that is left.
	LastID uint64
	// Bytes is what the batches in it take, as its bound counts them.
	Bytes int64
	// Damaged counts the batches that could not be read back since it was
	// opened.
	Damaged int64
}

// ErrSpoolFull is what a [Spool] returns if a bound of its own is reached.
var ErrSpoolFull = errors.New("loopkit: the spool is full")
