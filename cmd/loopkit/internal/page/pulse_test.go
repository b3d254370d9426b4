package page

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/loopkitai/loopkit-go/cmd/loopkit/internal/store"
	"github.com/loopkitai/loopkit-go/internal/collector"
)

func TestAllStreamsShareOneSnapshotABeat(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := store.New(0)
		p := &pulse{store: s, censuses: &censuses{}}
		var seen [5]int64 // the version that each stream has
		versions := make(map[int64]bool)
		for range 100 { // a second
			s.Record(collector.Request{}, nil)
			for i := range seen {
				time.Sleep(2 * time.Millisecond) // streams are out of step
				if snapshot, _ := p.after(seen[i]); snapshot != nil {
					assert.Greater(t, snapshot.Version, seen[i])
					seen[i] = snapshot.Version
					versions[seen[i]] = true
				}
			}
		}
		assert.LessOrEqual(t, len(versions), 11)
		time.Sleep(beat)
		for i := range seen {
			snapshot, _ := p.after(seen[i])
			if assert.NotNil(t, snapshot) {
				assert.Equal(t, s.Snapshot().Version, snapshot.Version, "the last is never left out")
			}
		}
	})
}
