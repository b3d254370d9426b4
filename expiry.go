package loopkit

import "time"

// expiresAt notes when the oldest message of a sealed batch expires.
func (q *queue) expiresAt(b *batch) {
	if at := b.acceptedAt(0).Add(q.settings.MaxAge); q.nextExpiry.IsZero() || at.Before(q.nextExpiry) {
		q.nextExpiry = at
	}
}

// expiryPause keeps a long queue from being looked through for every message.
const expiryPause = time.Second

// expire drops what is too old, and returns when to look again.
func (q *queue) expire(now time.Time) time.Time {
	if q.settings.MaxAge < 0 || q.counts.pending == 0 {
		q.nextExpiry = time.Time{}
		return q.nextExpiry
	}
	if now.Before(q.nextExpiry) {
		return q.nextExpiry
	}
	q.nextExpiry = time.Time{}
	before := now.Add(-q.settings.MaxAge)
	q.thinQueued(ReasonExpired, errExpired, func(b *batch, i int) bool { return !b.acceptedAt(i).After(before) })
	q.eachBatch(q.expiresAt)
	if soon := now.Add(expiryPause); !q.nextExpiry.IsZero() && q.nextExpiry.Before(soon) {
		q.nextExpiry = soon
	}
	return q.nextExpiry
}
