package page

import (
	"sync"
	"time"
	"weak"

	"github.com/loopkitai/loopkit-go/cmd/loopkit/internal/store"
)

const (
	// beat is the shortest time between two snapshots that streams show.
	beat = 100 * time.Millisecond
	// longestBeat is the longest, however much there is to count.
	longestBeat = time.Second
	// leisure is how many times as long as a census takes no other is taken.
	leisure = 10
)

// pulse gives all streams the same snapshots, and few of them while much arrives:
// each costs a census of everything that is kept.
type pulse struct {
	store    *store.Store
	censuses *censuses

	mu     sync.Mutex
	latest weak.Pointer[store.Snapshot] // not to hold what the store forgets
	due    time.Time                    // of the next
}

// after returns a snapshot that is newer than a version, or how long to wait for it.
func (p *pulse) after(version int64) (s *store.Snapshot, wait time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if s := p.latest.Value(); s != nil && s.Version > version {
		return s, 0
	}
	if wait := time.Until(p.due); wait > 0 {
		return nil, wait
	}
	s = p.store.Snapshot()
	began := time.Now()
	p.censuses.of(s)
	p.latest = weak.Make(s)
	p.due = began.Add(min(max(beat, leisure*time.Since(began)), longestBeat))
	return s, 0
}
