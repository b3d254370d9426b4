package loopkit

// makePurges removes from the spool whom the queue has forgotten.
func (s *spooler) makePurges() {
	q := s.queue
	for {
		q.mu.Lock()
		if len(s.purges) == 0 {
			q.mu.Unlock()
			return
		}
		p := s.purges[0]
		q.mu.Unlock()

		gone, err := s.makePurge(p)

		q.mu.Lock()
		if err != nil { // what is gone nevertheless will be missing at the end of the backlog
			s.failed(err)
			q.mu.Unlock()
			return
		}
		s.failing = false
		for kind := range gone {
			q.dropUnread(Kind(kind), &gone[kind], p.reason, purgeCauses[p.reason])
		}
		s.purges = s.purges[1:]
		if p.erasure != nil {
			p.erasure.purging = false
		}
		q.poke()
		q.mu.Unlock()
	}
}

// unread are messages of one kind that leave the spool without having been in
// memory.
type unread struct {
	messages [][]byte // as many as a hook may be shown
	bytes    int
	accepted int // by this client
	restored int // by an earlier one
}

func (u *unread) add(message []byte, restored bool, most int) {
	if restored {
		u.restored++
	} else {
		u.accepted++
	}
	if u.bytes+len(message) <= most {
		u.bytes += len(message)
		u.messages = append(u.messages, append([]byte(nil), message...))
	}
}

func (s *spooler) makePurge(p diskPurge) (gone [laneDelete]unread, err error) {
	q := s.queue
	err = s.call("Purge", func() error {
		_, err := s.spool.Purge(p.before, func(id uint64, kind Kind, message []byte) bool {
			if kind > KindTrack || !q.keysIn(message).matches(p.target) {
				return false
			}
			if s.onlyThere(kind, id) { // else it is in memory, and accounted for
				gone[kind].add(message, id <= s.restored, q.shownUnread())
			}
			return true
		})
		return err
	})
	return gone, err
}

// shownUnread bounds the bytes of messages that a hook is shown: a purge may
// find more than fits into memory.
func (q *queue) shownUnread() int {
	if q.settings.Hooks.Dropped == nil {
		return 0
	}
	return q.settings.QueueBytes / 8
}

// dropUnread accounts for messages that left the spool unread.
func (q *queue) dropUnread(kind Kind, u *unread, reason Reason, why error) {
	n := u.accepted + u.restored
	if n == 0 {
		return
	}
	lane := &q.lanes[kind]
	lane.backlog.messages -= u.accepted
	q.counts.accepted += int64(u.restored)
	q.counts.restored += int64(u.restored)
	q.counts.pending -= int64(u.accepted)
	q.spooler.saved[lane.place()] -= u.accepted
	q.lost(kind, n, reason, why)
	if q.settings.Hooks.Dropped == nil {
		return
	}
	if len(u.messages) < n {
		q.reporter.lost.Add(1)
	}
	if len(u.messages) == 0 {
		return
	}
	b := q.batchFrom(SpoolBatch{Kind: kind, Messages: u.messages})
	q.showDrop(kind, b, reason, why)
	q.release(b.block)
}
