package loopkittest

import (
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/loopkitai/loopkit-go"
)

// ErrSpoolLocked is what every call of a spool returns that was opened while
// another client had it.
var ErrSpoolLocked = errors.New("loopkittest: another client has the spool open")

// ErrSpoolCrashed is what every call of a spool returns after [Spool.Crash].
var ErrSpoolCrashed = errors.New("loopkittest: the client that opened this spool has crashed")

// Spool keeps in memory what a client with Options.Spool would keep on disk, and
// outlives the client:
//
//	disk := loopkittest.NewSpool()
//	first, err := loopkit.New("lk_test", &loopkit.Options{Spool: disk.Open()})
//	// …
//	disk.Crash() // as kill -9 would; or first.Close
//	second, err := loopkit.New("lk_test", &loopkit.Options{Spool: disk.Open()})
//
// It fails on command as [Server] does, and notes what a client does that the
// contract of [loopkit.Spool] forbids. Its methods may be called from any
// goroutine.
type Spool struct {
	mu         sync.Mutex
	batches    []loopkit.SpoolBatch // by ascending ID
	state      []byte
	lastID     uint64
	damaged    map[uint64]bool // not yet noticed
	limit      int64           // in bytes of messages; 0 is none
	open       *openSpool
	calls      map[SpoolCall]int
	violations []string
	faults     spoolFaults
}

// NewSpool returns an empty spool.
func NewSpool() *Spool {
	return &Spool{damaged: map[uint64]bool{}, calls: map[SpoolCall]int{}}
}

// Open gives the spool to one client, until it closes it or crashes. While
// another has it, what is returned fails each call with [ErrSpoolLocked].
func (s *Spool) Open() loopkit.Spool {
	s.mu.Lock()
	defer s.mu.Unlock()
	o := &openSpool{disk: s, crashed: make(chan struct{})}
	if s.open != nil {
		o.unusable = ErrSpoolLocked
		return o
	}
	s.open = o
	return o
}

// Crash takes the spool from the client that has it, as kill -9 would: what is
// in the spool stays, each call of that client fails with [ErrSpoolCrashed] and
// changes nothing, one that is blocked too. The client itself lives on, and may
// go on sending what it has in memory; cut its network to stop that.
func (s *Spool) Crash() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.open == nil {
		return
	}
	s.open.unusable = ErrSpoolCrashed
	close(s.open.crashed)
	s.open = nil
}

// Limit bounds what the messages in the spool may take, in bytes, deletions
// exempt: an Append that would exceed it returns an error that wraps
// [loopkit.ErrSpoolFull]. Zero, as at first, is no bound.
func (s *Spool) Limit(bytes int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.limit = bytes
}

// Damage makes batches unreadable. A client that comes upon one is not given it,
// and finds it counted in SpoolStatus.Damaged.
func (s *Spool) Damage(ids ...uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, id := range ids {
		s.damaged[id] = true
	}
}

// Batches returns a copy of what is in the spool, by ascending ID.
func (s *Spool) Batches() []loopkit.SpoolBatch {
	s.mu.Lock()
	defer s.mu.Unlock()
	return cloneBatches(s.batches)
}

// State returns a copy of what the client gave SetState last.
func (s *Spool) State() []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.state)
}

// Calls returns how often clients have called a method, calls under way included.
func (s *Spool) Calls(call SpoolCall) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.calls[call]
}

// Violations tells where clients broke the contract of [loopkit.Spool]: two calls
// at once, a call after Close, an ID that is not above all before it, deletions
// appended together with other kinds, a batch without messages or time, a message
// that is no JSON, a state of more than 1 KiB. Under the race detector, calls
// from two goroutines that do not wait for each other are a data race as well.
func (s *Spool) Violations() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.violations)
}

// violated notes a violation. The caller holds mu.
func (s *Spool) violated(format string, args ...any) {
	s.violations = append(s.violations, fmt.Sprintf(format, args...))
}

// bytes counts messages, of deletions too. The caller holds mu.
func (s *Spool) bytes() int64 { return bytesOf(s.batches) }

func bytesOf(batches []loopkit.SpoolBatch) int64 {
	var n int64
	for _, b := range batches {
		for _, m := range b.Messages {
			n += int64(len(m))
		}
	}
	return n
}

func cloneBatches(batches []loopkit.SpoolBatch) []loopkit.SpoolBatch {
	out := slices.Clone(batches)
	for i := range out {
		out[i] = cloneBatch(out[i])
	}
	return out
}

func cloneBatch(b loopkit.SpoolBatch) loopkit.SpoolBatch {
	b.Messages = slices.Clone(b.Messages)
	for i, m := range b.Messages {
		b.Messages[i] = slices.Clone(m)
	}
	return b
}

func isDeletion(k loopkit.Kind) bool {
	return k == loopkit.KindDeleteUser || k == loopkit.KindDeleteGroup
}
