package loopkit

import (
	"time"
	"unsafe"
)

// StepWallClock gives a new client a clock, and returns a function that steps
// what is on the wall, as administrators, time servers and suspended machines
// do. The monotonic clock goes on.
func StepWallClock(c *Client) (step func(time.Duration)) {
	step = func(by time.Duration) {
		clock := func() time.Time { return Reading(time.Now(), by) }
		c.queue.mu.Lock()
		defer c.queue.mu.Unlock()
		c.settings.now = clock
		c.queue.reporter.mu.Lock()
		defer c.queue.reporter.mu.Unlock()
		c.queue.reporter.now = clock
	}
	step(0)
	return step
}

var start = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC) // of every testing/synctest bubble

// Reading is t as package time represents it outside of bubbles, with both
// clocks, of which one is off by a step. No exported function moves that alone.
func Reading(t time.Time, by time.Duration) time.Time {
	wall := t.Add(by).Unix() - time.Date(1885, 1, 1, 0, 0, 0, 0, time.UTC).Unix()
	*(*struct {
		wall uint64 // a mark that there is a monotonic clock, 33 bits of seconds, 30 of nanoseconds
		ext  int64  // the monotonic clock
	})(unsafe.Pointer(&t)) = struct {
		wall uint64
		ext  int64
	}{1<<63 | uint64(wall)<<30 | uint64(t.Nanosecond()), int64(t.Sub(start))}
	return t
}
