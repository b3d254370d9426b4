package loopkit

import (
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

// openSpool takes over what an earlier client left. The spool is used from here
// on, unless it fails. Deletions are in memory before the first call can be
// accepted, for it may be about the same person.
func (c *Client) openSpool() {
	if c.settings.Spool == nil {
		return
	}
	s := newSpooler(c.queue, c.settings.Spool)
	if err := c.restore(s); err != nil {
		s.failed(err)
	}
}

func (c *Client) restore(s *spooler) error {
	q := c.queue
	err := s.call("Status", func() (err error) {
		s.status, err = s.spool.Status()
		return err
	})
	if err != nil {
		return err
	}
	q.lastRank, s.restored = s.status.LastID, s.status.LastID
	left := false
	for i := range q.lanes[:laneDelete] {
		lane := &q.lanes[i]
		switch _, err := s.next(lane.kind(), 0); {
		case err == nil:
			left = true
			lane.backlog = backlog{open: true, last: s.restored}
		case !errors.Is(err, io.EOF):
			return err
		}
	}
	deletions, err := s.readDeletions()
	if err != nil {
		return err
	}
	if err := s.readState(left || len(deletions) > 0); err != nil {
		return err
	}
	q.spooler = s
	for _, d := range deletions {
		if err := c.restoreDeletion(d); err != nil {
			q.reporter.failed(causeSpool, "loopkit: a deletion stays in the spool", err)
		}
	}
	return nil
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
	slices.SortFunc(all, func(a, b SpoolBatch) int {
		if a.ID < b.ID {
			return -1
		}
		return 1
	})
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
	if err := c.locate(e, call, field, id); err != nil {
		return err
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	e.batch = q.batchFrom(from)
	e.fence, e.quarantine = q.nextAttempt, q.erasures.lastUnanswered
	e.unanswered = e.quarantine // it may have been its own request
	q.counts.accepted++
	q.counts.restored++
	q.counts.pending++
	q.spooler.saved[placeDelete]++
	q.spooler.purge(diskPurge{before: from.ID, target: e.target, reason: ReasonDeleted, erasure: e})
	q.erasures.add(e)
	return nil
}

// readState learns when the earlier client's last unanswered request ended. If
// it left something behind and did not say, it was killed, and a request of its
// may be executed still.
func (s *spooler) readState(left bool) error {
	q := s.queue
	now := q.settings.now()
	var text []byte
	err := s.call("State", func() (err error) {
		text, err = s.spool.State()
		return err
	})
	switch {
	case err != nil:
		return err
	case len(text) == 0 && left:
		q.erasures.lastUnanswered = now
		return nil
	case len(text) == 0:
		return nil
	}
	var state spoolState
	if json.Unmarshal(text, &state) != nil {
		state.Unanswered = now
	}
	if !state.Unanswered.IsZero() {
		q.erasures.lastUnanswered = sinceThen(now, state.Unanswered)
	}
	// This client may be killed, and must not be taken for the earlier one then.
	return s.call("SetState", func() error { return s.spool.SetState(nil) })
}

// keepState tells the next client what it must know of this one.
func (s *spooler) keepState() error {
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
		return nil
	}
	text, err := json.Marshal(spoolState{Unanswered: unanswered.Round(0)})
	if err != nil {
		return err
	}
	return s.call("SetState", func() error { return s.spool.SetState(text) })
}
