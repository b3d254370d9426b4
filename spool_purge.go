package loopkit

// diskPurges are purges that the spool makes in one go: looking at every message
// takes as long for one person as for thousands.
type diskPurges struct {
	before uint64 // none looks further
	of     map[subject]diskPurge
}

func together(purges []diskPurge) diskPurges {
	all := diskPurges{of: map[subject]diskPurge{}}
	for _, p := range purges {
		all.before = max(all.before, p.before)
		for _, s := range p.target.subjects() {
			if s.hash != 0 && p.before > all.of[s].before {
				all.of[s] = p
			}
		}
	}
	return all
}

// reason tells whether a message goes, and why.
func (d *diskPurges) reason(id uint64, k keys) (Reason, bool) {
	for _, s := range k.subjects() {
		if p, ok := d.of[s]; ok && id < p.before {
			return p.reason, true
		}
	}
	return "", false
}

// makePurges removes from the spool whom the queue has forgotten.
func (s *spooler) makePurges() {
	q := s.queue
	for {
		q.mu.Lock()
		purges := s.purges
		q.mu.Unlock()
		if len(purges) == 0 {
			return
		}
		gone, err := s.makePurge(together(purges))
		q.mu.Lock()
		s.readable(err) // nothing is read before
		if err != nil { // what is gone nevertheless will be missing at the end of the backlog
			q.poke()
			q.mu.Unlock()
			return
		}
		for of, u := range gone {
			q.dropUnread(of.kind, u, of.reason, purgeCauses[of.reason])
		}
		s.purges = s.purges[len(purges):]
		for _, p := range purges {
			if p.erasure != nil {
				p.erasure.purging = false
			}
		}
		q.poke()
		q.mu.Unlock()
	}
}

// goneFor says which messages a purge took, and why.
type goneFor struct {
	kind   Kind
	reason Reason
}

func (s *spooler) makePurge(purges diskPurges) (gone map[goneFor]*unread, err error) {
	q := s.queue
	gone = map[goneFor]*unread{}
	err = s.call("Purge", func() error {
		_, err := s.spool.Purge(purges.before, func(id uint64, kind Kind, message []byte) bool {
			if kind.isDeletion() {
				return false
			}
			reason, goes := purges.reason(id, q.keysIn(message))
			if goes && s.onlyThere(kind, id) { // else it is in memory, and accounted for
				of := goneFor{kind, reason}
				if gone[of] == nil {
					gone[of] = &unread{}
				}
				gone[of].add(message, id <= s.restored, q.shownUnread())
			}
			return goes
		})
		return err
	})
	return gone, err
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
