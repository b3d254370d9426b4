package loopkit

import (
	"bytes"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
)

func TestMessageIDsAreVersion7UUIDsInTheOrderOfTheirTimes(t *testing.T) {
	at := time.Date(2026, 12, 31, 23, 59, 59, 998_900_000, time.UTC)
	var before uuid.UUID
	for range 10_000 { // over the ends of milliseconds, a second and a year
		id := newMessageID(at)
		assert.Equal(t, uuid.Version(7), id.Version())
		assert.Equal(t, uuid.RFC4122, id.Variant())
		seconds, nanoseconds := id.Time().UnixTime()
		assert.Equal(t, at.Truncate(time.Millisecond), time.Unix(seconds, nanoseconds).UTC())
		assert.Negative(t, bytes.Compare(before[:8], id[:8]), "%s after %s", id, before)
		before, at = id, at.Add(300*time.Nanosecond)
	}
}

func TestMessageIDsOfOneMomentDiffer(t *testing.T) {
	at := time.Now()
	seen := map[uuid.UUID]bool{}
	for range 10_000 {
		seen[newMessageID(at)] = true
	}
	assert.Len(t, seen, 10_000)
}
