package loopkit

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"
)

// spoolState is what one client tells the next through the spool. It is there
// if the client ended with Close and left something behind.
type spoolState struct {
	// Unanswered is when the last unanswered request ended: a deletion waits
	// DeletionQuarantine from then on. Zero if there was none.
	Unanswered time.Time `json:"unanswered"`
}

// openSpool takes over what an earlier client left, unless the spool fails.
// Deletions are in memory before the first call can be accepted, for it may be
// about the same person.
func (c *Client) openSpool() {
	if c.settings.Spool == nil {
		return
	}
	s := newSpooler(c.queue, c.settings.Spool)
	left, err := s.survey()
	if err != nil { // which has been reported
		_ = s.guard("Close", s.spool.Close)
		return
	}
	c.queue.takeOver(s, left)
	for _, d := range left.deletions {
		if err := c.restoreDeletion(d); err != nil {
			c.queue.reporter.failed(causeSpool, "loopkit: a deletion stays in the spool", err)
		}
	}
}

// leftOver is what an earlier client left.
type leftOver struct {
	lanes      [laneDelete]bool // that have a backlog
	deletions  []SpoolBatch
	unanswered time.Time // when its last unanswered request ended
}

func (s *spooler) survey() (left leftOver, err error) {
	err = s.call("Status", func() (err error) {
		s.status, err = s.spool.Status()
		return err
	})
	if err != nil {
		return left, err
	}
	anything := false
	for i := range left.lanes {
		switch _, err := s.next(Kind(i), 0); {
		case err == nil:
			left.lanes[i], anything = true, true
		case !errors.Is(err, io.EOF):
			return left, err
		}
	}
	if left.deletions, err = s.readDeletions(); err != nil {
		return left, err
	}
	left.unanswered, err = s.readState(anything || len(left.deletions) > 0)
	return left, err
}

// takeOver makes the spool the queue's.
func (q *queue) takeOver(s *spooler, left leftOver) {
	q.spooler = s
	q.lastRank, s.restored = s.status.LastID, s.status.LastID
	q.erasures.lastUnanswered = left.unanswered
	for i, has := range left.lanes {
		if has {
			q.lanes[i].backlog = backlog{open: true, last: s.restored}
		}
	}
}

// readDeletions returns all of both kinds, in order of acceptance.
func (s *spooler) readDeletions() (all []SpoolBatch, err error) {
	for _, kind := range []Kind{KindDeleteUser, KindDeleteGroup} {
		for after := uint64(0); ; {
			next, err := s.next(kind, after)
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				return nil, err
			}
			after = next.ID
			all = append(all, next)
		}
	}
	slices.SortFunc(all, func(a, b SpoolBatch) int { return cmp.Compare(a.ID, b.ID) })
	return all, nil
}

// restoreDeletion goes on with a deletion that an earlier client accepted.
func (c *Client) restoreDeletion(from SpoolBatch) error {
	q := c.queue
	var who named
	if len(from.Messages) != 1 || json.Unmarshal(from.Messages[0], &who) != nil {
		return fmt.Errorf("loopkit: the spool holds a deletion that is not one message with an ID")
	}
	e := &erasure{kind: from.Kind, deletion: newDeletion(q)}
	call, field, id := "DeleteUser", "userId", who.UserID
	if from.Kind == KindDeleteGroup {
		call, field, id = "DeleteGroup", "groupId", who.GroupID
	}
	e.target = q.deletionTarget(e.kind, id)
	purge := diskPurge{before: from.ID, target: e.target, reason: ReasonDeleted}
	err := c.locate(e, call, field, id)
	q.mu.Lock()
	defer q.mu.Unlock()
	if err != nil { // it cannot be sent, but what it is about must not be either
		q.spooler.purge(purge)
		return err
	}
	e.batch = q.batchFrom(from)
	e.fence, e.quarantine = q.nextAttempt, q.erasures.lastUnanswered
	e.unanswered = e.quarantine // it may have been its own request
	q.counts.accepted++
	q.counts.restored++
	q.counts.pending++
	q.spooler.saved[placeDelete]++
	purge.erasure = e
	q.spooler.purge(purge)
	q.erasures.add(e)
	return nil
}

// readState learns when the earlier client's last unanswered request ended. If
// it left something behind and did not say, it was killed, and a request of its
// may be executed still.
func (s *spooler) readState(left bool) (unanswered time.Time, err error) {
	now := s.queue.settings.now()
	var text []byte
	err = s.call("State", func() (err error) {
		text, err = s.spool.State()
		return err
	})
	switch {
	case err != nil:
		return time.Time{}, err
	case len(text) == 0 && left:
		return now, nil
	case len(text) == 0:
		return time.Time{}, nil
	}
	var state spoolState
	if json.Unmarshal(text, &state) != nil {
		state.Unanswered = now
	}
	if !state.Unanswered.IsZero() {
		unanswered = sinceThen(now, state.Unanswered)
	}
	// This client may be killed, and must not be taken for the earlier one then.
	return unanswered, s.call("SetState", func() error { return s.spool.SetState(nil) })
}

// keepState tells the next client what it must know of this one.
func (s *spooler) keepState() {
	q := s.queue
	q.mu.Lock()
	left := false
	for _, n := range s.saved {
		left = left || n > 0
	}
	for i := range q.lanes[:laneDelete] {
		left = left || q.lanes[i].backlog.open
	}
	unanswered := q.erasures.lastUnanswered
	recent := q.afterQuarantine(unanswered).After(q.settings.now())
	q.mu.Unlock()
	if !left && !recent {
		return
	}
	_ = s.call("SetState", func() error { // without it, the next client assumes the worst
		text, err := json.Marshal(spoolState{Unanswered: unanswered.Round(0)})
		if err != nil {
			return err
		}
		return s.spool.SetState(text)
	})
}
