// Package store keeps what the development server received, up to a bound.
package store

import (
	"context"
	"crypto/rand"
	"iter"
	"strings"
	"sync"

	"github.com/loopkitai/loopkit-go/cmd/loopkit/internal/rules"
	"github.com/loopkitai/loopkit-go/internal/collector"
)

// DefaultMax is how many entries a Store keeps unless told otherwise.
const DefaultMax = 10_000

// defaultMaxBytes bounds what the entries take of the memory, whatever their number.
const defaultMaxBytes = 128 << 20

// Entry is one message, or one request that brought none that was accepted.
// Entries are shared and never change.
type Entry struct {
	Seq      int64              // 1, 2, … in order of arrival, never used twice
	Request  *collector.Request // shared by the entries of one request; its Index is the request's number
	Message  *collector.Message // nil if the request brought none that was accepted
	Findings []rules.Finding
	Restored bool // read from a file: the Request says only from which

	bytes int64 // about what it takes of the memory
}

// Store is a bounded log of entries, the oldest of which it forgets. It is safe
// for concurrent use.
type Store struct {
	max      int
	maxBytes int64
	instance string

	mu       sync.Mutex
	entries  []*Entry // oldest first, no more than max; only appended to and cut, so that snapshots can share it
	cut      int      // entries that were, and that the memory behind entries still holds
	bytes    int64    // what the entries hold
	last     int64    // the newest number ever, of an entry or a Reset
	cleared  int64    // the number of the last Reset
	requests int      // ever
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
	return &Store{
		max:      max,
		maxBytes: defaultMaxBytes,
		instance: strings.ToLower(rand.Text()[:10]),
		checker:  rules.NewChecker(),
		ids:      make(map[string]int),
		changed:  make(chan struct{}),
	}
}

// Instance is a random ID of this store: another one numbers its entries anew.
func (s *Store) Instance() string { return s.instance }

// Record adds a request and the messages that were accepted from it. It has the
// form of collector.Options.Record.
func (s *Store) Record(r collector.Request, messages []collector.Message) {
	var reasons []rules.Finding
	if len(messages) == 0 {
		reasons = explain(&r)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests++
	r.Index = s.requests
	if len(messages) == 0 {
		for i := range reasons {
			reasons[i].Subject = s.last + 1
		}
		s.add(&Entry{Request: &r, Findings: reasons})
	}
	for _, m := range messages {
		s.receive(&Entry{Request: &r, Message: &m}, &r)
	}
	s.notify()
}

// Restore adds messages that an earlier Store kept, as if they had come in the
// given request. The rules know that they did not.
func (s *Store) Restore(r collector.Request, messages iter.Seq[collector.Message]) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests++
	r.Index = s.requests
	for m := range messages {
		r.Messages++
		s.receive(&Entry{Request: &r, Message: &m, Restored: true}, nil)
	}
	s.notify()
}

func (s *Store) receive(e *Entry, cause *collector.Request) {
	m := e.Message
	m.Request = e.Request.Index
	m.Duplicate = m.MessageID != "" && s.ids[m.MessageID] > 0
	e.Findings = s.checker.Observe(rules.Input{Number: s.last + 1, Message: *m, Request: cause})
	s.add(e)
}

func (s *Store) add(e *Entry) {
	s.last++
	e.Seq = s.last
	s.entries = append(s.entries, e)
	e.bytes = size(e)
	s.bytes += e.bytes
	if e.Message != nil && e.Message.MessageID != "" {
		s.ids[e.Message.MessageID]++
	}
	for len(s.entries) > s.max || s.bytes > s.maxBytes && len(s.entries) > 1 {
		s.forget(s.entries[0])
		s.entries = s.entries[1:]
		s.cut++
	}
	if room := len(s.entries) / 4; s.cut > room {
		s.entries, s.cut = append(make([]*Entry, 0, len(s.entries)+room+1), s.entries...), 0
	}
}

func (s *Store) forget(e *Entry) {
	s.bytes -= e.bytes
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

// Reset forgets everything but the numbering, in which it takes a number itself.
func (s *Store) Reset() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.last++ // or who has seen the newest entry could not tell that it was taken back
	s.entries, s.cut, s.bytes, s.cleared = nil, 0, 0, s.last
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
			Entries:     s.entries[:len(s.entries):len(s.entries)],
			Last:        s.last,
			Cleared:     s.cleared,
			Forgotten:   s.last - s.cleared - int64(len(s.entries)),
			conclusions: s.checker.Conclude(),
		}
	}
	return s.snapshot
}
