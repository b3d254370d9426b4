package importer

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/loopkitai/loopkit-go"
	"github.com/loopkitai/loopkit-go/internal/collector"
)

func TestWhatIsLinkedGoesToOneWorkerAndTheRestIsShared(t *testing.T) {
	of := func(user, anonymous, group string) entry {
		kind := collector.KindTrack
		if group != "" {
			kind = collector.KindGroup
		}
		return entry{kind: kind, identity: loopkit.Identity{UserID: user, AnonymousID: anonymous}, groupID: group}
	}
	entries := []entry{
		of("", "a1", ""), of("", "a2", ""), of("x", "", ""), // three strangers, until
		of("u", "a1", ""), of("u", "a2", ""), // these are one, and
		of("x", "", "team"), of("u", "", "team"), // they meet
	}
	for i := range 40 {
		entries = append(entries, of(fmt.Sprint("user_", i), "", ""), of(fmt.Sprint("user_", i), fmt.Sprint("anon_", i), ""))
	}
	shares := deal(entries, 4)
	worker, n := map[*entry]int{}, 0
	for i, share := range shares {
		n += len(share)
		assert.InDelta(t, len(entries)/4, len(share), 3)
		line := -1
		for _, e := range share {
			worker[e] = i
			at := indexOf(entries, e)
			assert.Greater(t, at, line, "in their order")
			line = at
		}
	}
	assert.Equal(t, len(entries), n)
	for i := range 7 {
		assert.Equal(t, worker[&entries[0]], worker[&entries[i]])
	}
	for i := range 40 {
		assert.Equal(t, worker[&entries[7+2*i]], worker[&entries[8+2*i]])
	}
}

func indexOf(entries []entry, e *entry) int {
	for i := range entries {
		if &entries[i] == e {
			return i
		}
	}
	return -1
}
