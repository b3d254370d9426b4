package store

import (
	"cmp"
	"slices"
	"sort"
	"sync"

	"github.com/loopkitai/loopkit-go/cmd/loopkit/internal/rules"
	"github.com/loopkitai/loopkit-go/internal/collector"
)

// Snapshot is an unchanging view of a Store. It is safe for concurrent use.
type Snapshot struct {
	Version   int64
	Entries   []*Entry // oldest first; do not modify
	Last      int64    // the newest number ever, of an entry or a Reset
	Cleared   int64    // the number of the last Reset
	Forgotten int64    // entries since then that the store had no room for

	conclusions []rules.Finding
	merging     sync.Mutex
	merged      *collector.Census
	people      []collector.Person
}

// Messages returns the messages of the entries, oldest first.
func (s *Snapshot) Messages() []collector.Message {
	out := make([]collector.Message, 0, len(s.Entries))
	for _, e := range s.Entries {
		if e.Message != nil {
			out = append(out, *e.Message)
		}
	}
	return out
}

// Entry returns the entry with a number, or nil if it is not kept.
func (s *Snapshot) Entry(seq int64) *Entry {
	i, ok := slices.BinarySearchFunc(s.Entries, seq, func(e *Entry, seq int64) int { return cmp.Compare(e.Seq, seq) })
	if !ok {
		return nil
	}
	return s.Entries[i]
}

// Since returns the entries after a number, oldest first.
func (s *Snapshot) Since(seq int64) []*Entry {
	i := sort.Search(len(s.Entries), func(i int) bool { return s.Entries[i].Seq > seq })
	return s.Entries[i:]
}

// Findings returns those of the entries, and then what holds of them all.
func (s *Snapshot) Findings() []rules.Finding {
	var out []rules.Finding
	for _, e := range s.Entries {
		out = append(out, e.Findings...)
	}
	return append(out, s.conclusions...)
}

// Person returns the person with the given user ID, or else the one that owns
// the given anonymous ID.
func (s *Snapshot) Person(id string) (collector.Person, bool) {
	defer s.lock()()
	return s.merged.Person(id)
}

// People returns everybody, deleted people included, in order of their first message.
func (s *Snapshot) People() []collector.Person {
	defer s.lock()()
	if s.people == nil {
		s.people = s.merged.People()
	}
	return s.people
}

// Group returns the group with the given ID.
func (s *Snapshot) Group(id string) (collector.Group, bool) {
	defer s.lock()()
	return s.merged.Group(id)
}

// Groups returns all groups in order of their first message.
func (s *Snapshot) Groups() []collector.Group {
	defer s.lock()()
	return s.merged.Groups()
}

func (s *Snapshot) lock() (unlock func()) {
	s.merging.Lock()
	if s.merged == nil {
		s.merged = collector.Merge(s.Messages())
	}
	return s.merging.Unlock
}
