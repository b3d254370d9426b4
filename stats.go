package loopkit

// Reason says why a message that had been accepted was dropped.
type Reason string

// The reasons for which an accepted message may be dropped.
const (
	ReasonQueueFull   Reason = "queue_full"  // evicted under DropOldest
	ReasonExpired     Reason = "expired"     // older than Options.MaxAge
	ReasonRejected    Reason = "rejected"    // refused by the server, for good
	ReasonTooLarge    Reason = "too_large"   // refused with 413 although sent alone
	ReasonConsent     Reason = "consent"     // its session opted out before it was sent
	ReasonDeleted     Reason = "deleted"     // it names a person or group under deletion
	ReasonUnsupported Reason = "unsupported" // a deletion that the server does not know
	ReasonClosed      Reason = "closed"      // left at Close and not in a spool; one that was in flight may have arrived
	ReasonDamaged     Reason = "damaged"     // in the spool alone, which could not read it back
)

// Stats is one consistent snapshot of a client's accounting. Every accepted
// message is counted in exactly one of Delivered, Pending and Dropped:
//
//	Accepted = Delivered + Pending + the sum of Dropped
type Stats struct {
	Accepted  int64            // messages that a call took, deletions included
	Delivered int64            // answered with success by LoopKit
	Pending   int64            // in the queue or the spool, held behind a deletion, or in flight
	Dropped   map[Reason]int64 // lost after acceptance; reasons without a loss are absent

	Refused  int64 // never accepted: the call returned an error
	Withheld int64 // never accepted: consent, BeforeSend or the session's opt-out said no; the call returned nil
	Redacted int64 // personal or secret values of accepted messages that were hashed or left out; see PIIPolicy

	Panics      int64 // user code (hooks, loggers, Consent, BeforeSend, MarshalJSON) that panicked or called Goexit
	NoticesLost int64 // calls of hooks, OnError and the Logger left out because they were too slow

	Restored     int64 // those of Accepted that an earlier client left in Options.Spool; counted when they are read back
	Spooled      int64 // those of Pending that are in the spool, and would survive this process
	SpoolBytes   int64 // what the batches in the spool take, also those that are not read back yet
	SpoolDamaged int64 // batches that the spool could not read back

	QueueBytes int64 // memory held for messages now, in bytes
	Requests   int64 // HTTP requests started
	Retries    int64 // those of them whose messages an earlier one carried

	// Failing names the endpoints that did not take the newest request
	// ("identifies", "groups", "tracks", "deletions"), with the reason: an
	// outage, or a server that asks for fewer requests. They are retried with
	// backoff.
	Failing map[string]error
	// Halted names the endpoints that refuse everything, with the reason, such
	// as a wrong API key. Their messages stay in the queue; the client tries
	// again every 30 seconds to 5 minutes.
	Halted map[string]error
}
