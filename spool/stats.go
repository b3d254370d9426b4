package spool

import (
	"os"

	"github.com/loopkitai/loopkit-go"
)

// KindStats counts the batches of one kind.
type KindStats struct {
	Batches  int64
	Messages int64
	Bytes    int64 // as Options.MaxBytes counts them
}

// Stats tell what is in a [Spool].
type Stats struct {
	Kinds     map[loopkit.Kind]KindStats // without those that have no batches
	Bytes     int64                      // as Options.MaxBytes counts them
	FileBytes int64                      // the size of the file, with its free pages
	Damaged   int64                      // batches lost to damage since Open
	SetAside  int                        // damaged files in the directory, kept for inspection
}

// Stats returns what is in the spool. It reads nothing but names and sizes.
func (s *Spool) Stats() (Stats, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err != nil {
		return Stats{}, s.err
	}
	info, err := os.Stat(s.path)
	if err != nil {
		return Stats{}, err
	}
	aside, err := s.setAside("")
	if err != nil {
		return Stats{}, err
	}
	stats := Stats{
		Kinds: map[loopkit.Kind]KindStats{}, Bytes: s.counters.bytes(),
		FileBytes: info.Size(), Damaged: s.damaged, SetAside: len(aside),
	}
	for kind, k := range s.counters.kinds {
		if k != (KindStats{}) {
			stats.Kinds[loopkit.Kind(kind)] = k
		}
	}
	return stats, nil
}
