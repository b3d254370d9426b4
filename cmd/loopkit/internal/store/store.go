// Package store keeps what the development server received, up to a bound.
package store

import (
	"context"
	"slices"
	"sync"

	"github.com/loopkitai/loopkit-go/cmd/loopkit/internal/rules"
	"github.com/loopkitai/loopkit-go/internal/collector"
)

// DefaultMax is how many entries a Store keeps unless told otherwise.
const DefaultMax = 10_000

// Entry is one message, or one request that brought none that was accepted.
// Entries are shared and never change.
type Entry struct {
	Seq      int64              // 1, 2, … in order of arrival, never used twice
	Request  *collector.Request // shared by the entries of one request; its Index is the request's number
	Message  *collector.Message // nil if the request brought none that was accepted
	Findings []rules.Finding
}

// Store is a bounded log of entries, the oldest of which it forgets. It is safe
// for concurrent use.
type Store struct {
	max int

	mu       sync.Mutex
	entries  []*Entry // oldest first, no more than max
	last     int64    // Seq of the newest entry ever
	requests int      // ever
	received int64    // entries since Reset
	checker  *rules.Checker
	ids      map[string]int // how many entries have this message ID
	changed  chan struct{}  // closed at the next change
	version  int64          // counts changes
	snapshot *Snapshot      // of this version, or nil
}

// New returns an empty Store of up to max entries, or DefaultMax if that is 0.
func New(max int) *Store {
	if max <= 0 {
		max = DefaultMax
	}
	return &Store{max: max, checker: rules.NewChecker(), ids: make(map[string]int), changed: make(chan struct{})}
}

// Record adds a request and the messages that were accepted from it. It has the
// form of collector.Options.Record.
func (s *Store) Record(r collector.Request, messages []collector.Message) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests++
	r.Index = s.requests
	if len(messages) == 0 {
		s.add(&Entry{Request: &r})
	}
	for _, m := range messages {
		m.Request = r.Index
		m.Duplicate = m.MessageID != "" && s.ids[m.MessageID] > 0
		e := &Entry{Request: &r, Message: &m}
		e.Findings = s.checker.Observe(rules.Input{Number: s.last + 1, Message: m, Request: &r})
		s.add(e)
	}
	s.notify()
}

func (s *Store) add(e *Entry) {
	s.last++
	e.Seq = s.last
	s.received++
	if len(s.entries) == s.max {
		s.forget(s.entries[0])
		s.entries = s.entries[1:]
	}
	s.entries = append(s.entries, e)
	if e.Message != nil && e.Message.MessageID != "" {
		s.ids[e.Message.MessageID]++
	}
}

func (s *Store) forget(e *Entry) {
	if e.Message == nil || e.Message.MessageID == "" {
		return
	}
	if s.ids[e.Message.MessageID]--; s.ids[e.Message.MessageID] == 0 {
		delete(s.ids, e.Message.MessageID)
	}
}

func (s *Store) notify() {
	s.version++
	s.snapshot = nil
	close(s.changed)
	s.changed = make(chan struct{})
}

// Reset forgets everything but the numbering.
func (s *Store) Reset() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.entries, s.received = nil, 0
	s.checker = rules.NewChecker()
	clear(s.ids)
	s.notify()
}

// Changed returns a channel that is closed when the store has a version other
// than the given one.
func (s *Store) Changed(version int64) <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.version != version {
		now := make(chan struct{})
		close(now)
		return now
	}
	return s.changed
}

// Wait returns a snapshot of a version other than the given one, or the context's error.
func (s *Store) Wait(ctx context.Context, version int64) (*Snapshot, error) {
	select {
	case <-s.Changed(version):
		return s.Snapshot(), nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// Snapshot returns the store as it is now. Snapshots of one version are the same.
func (s *Store) Snapshot() *Snapshot {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.snapshot == nil {
		s.snapshot = &Snapshot{
			Version:     s.version,
			Entries:     slices.Clone(s.entries),
			Forgotten:   s.received - int64(len(s.entries)),
			conclusions: s.checker.Conclude(),
		}
	}
	return s.snapshot
}
