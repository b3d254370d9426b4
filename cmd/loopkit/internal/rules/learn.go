package rules

import (
	"hash/maphash"
	"slices"
	"time"

	"github.com/loopkitai/loopkit-go/internal/collector"
)

// learn takes a message into the history.
func (h *history) learn(s *sighting) {
	h.learnContent(s)
	h.learnColumns(s)
	m := s.message
	switch m.Kind {
	case collector.KindDeleteUser:
		h.forgetPerson(s.person)
		return
	case collector.KindDeleteGroup:
		h.groups.remove(s.groupKey)
		h.lonely.remove(s.groupKey)
		return
	}
	p, d := h.learnPerson(s), h.learnDevice(s)
	h.learnSession(s, p, d)
	if p != nil && d != nil {
		h.learnUse(s, p, d)
	}
	switch {
	case m.Kind == collector.KindIdentify && p != nil:
		h.learnIdentify(s, p, d)
	case m.Kind == collector.KindGroup && s.groupKey != "":
		h.learnGroup(s, p, d)
	case m.Kind == collector.KindTrack && p != nil && d != nil:
		h.learnKnownEvent(p, d)
	case m.Kind == collector.KindTrack && m.UserID == "" && d != nil:
		h.learnAnonymousEvent(s, d)
	}
}

func (h *history) learnContent(s *sighting) {
	if s.content != 0 {
		h.repeats.put(s.content, moment{s.number, s.arrived})
	}
	if s.request != nil && s.request.Auth == "query" {
		h.queries.put(sourceOf(s), struct{}{})
	}
	if s.request != nil && isStale(s) {
		h.staleRequest = s.request
	}
}

// learnRepeat keeps the time of the newest copy, as retries come at growing intervals.
func (h *history) learnRepeat(s *sighting) {
	if first := h.repeats.use(s.content); first != nil {
		first.time = s.arrived
	}
}

func (h *history) learnPerson(s *sighting) *person {
	if s.userKey == "" {
		return nil
	}
	p := s.person
	if p == nil {
		p = &person{key: s.userKey, id: s.message.UserID, first: s.number}
		h.people.put(p.key, p)
		return p
	}
	h.people.use(p.key)
	if s.message.UserID != p.id {
		p.spelling = s.message.UserID
	}
	return p
}

func (h *history) learnDevice(s *sighting) *device {
	if s.anonymousID == "" {
		return nil
	}
	d := s.device
	if d == nil {
		d = &device{id: s.anonymousID, derived: isDerived(s.anonymousID), first: s.number, messages: 1}
		h.devices.put(d.id, d)
		if key := fold(d.id); key != d.id {
			h.unfolded.put(key, d)
		}
		return d
	}
	h.devices.use(d.id)
	d.messages++
	return d
}

// learnSession keeps whose the session is. One that changes hands, as at a
// logout, begins anew.
func (h *history) learnSession(s *sighting, p *person, d *device) {
	id := s.message.SessionID
	if !remembered(id) || d == nil {
		return
	}
	t := s.session
	switch {
	case t == nil:
		t = &session{device: d, first: s.number}
		h.sessions.put(id, t)
	case t.device != d && !d.derived:
		*t = session{device: d, first: s.number, reported: t.reported || s.drifts}
	}
	h.sessions.use(id)
	if p != nil {
		t.person = p
	}
}

// learnUse keeps that a user's message came under an anonymous ID.
func (h *history) learnUse(s *sighting, p *person, d *device) {
	if holder := d.holder(); holder != nil && holder != p {
		h.blame(d, p.key)
	}
	if !d.user.alive() {
		d.user = p
	}
	p.newIDs++
	if s.device != nil || d.derived {
		p.newIDs = 0
	}
	h.answer(d)
	h.separate(d)
}

// mostOthers is how many users an anonymous ID is reported to be shared with.
const mostOthers = 8

func (h *history) blame(d *device, userKey string) {
	if !h.isBlamed(d, userKey) {
		d.others = append(d.others, maphash.String(h.seed, userKey))
	}
}

// isBlamed reports whether the sharing was reported before, or often enough.
func (h *history) isBlamed(d *device, userKey string) bool {
	return len(d.others) == mostOthers || len(d.others) > 0 && slices.Contains(d.others, maphash.String(h.seed, userKey))
}

// answer settles what was asked about an anonymous ID that nobody had claimed.
func (h *history) answer(d *device) {
	h.unanswered.remove(d.id)
	h.visitors.remove(d.id)
	if d.suspect != "" {
		h.strays.remove(d.suspect)
		d.suspect = ""
	}
}

// mostApart bounds what is kept for one user.
const mostApart = 16

// separate keeps an anonymous ID whose events no identify attaches to its user.
func (h *history) separate(d *device) {
	p := d.user
	if d.derived || d.anonymous == 0 || d.owner.alive() || !p.alive() || h.devices.forgot { // an identify may be forgotten
		return
	}
	if !slices.Contains(p.apart, d.id) {
		if len(p.apart) == mostApart {
			return
		}
		p.apart = append(p.apart, d.id)
	}
	if p.identified != 0 {
		h.apart.put(d.id, d)
	}
}

func (h *history) learnIdentify(s *sighting, p *person, d *device) {
	first := p.identified == 0
	if first {
		p.identified = s.number
		h.unidentified.remove(p.key)
		for _, id := range p.apart {
			if other, ok := h.devices.get(id); ok {
				h.separate(other)
			}
		}
	}
	h.early.remove(earlyKey{user: p.key})
	if d == nil {
		return
	}
	h.early.remove(earlyKey{device: d.id})
	if d.owner.alive() {
		return
	}
	d.owner, d.claimed = p, moment{s.number, s.message.Timestamp}
	p.reach = max(p.reach, d.reach())
	h.answer(d)
	h.apart.remove(d.id)
	unused := s.device == nil
	if d.derived { // a job may tell new traits of somebody known
		unused = first
	}
	if !unused || s.drifts {
		return
	}
	if v := h.onlyVisitor(s.message.Timestamp); v != nil {
		h.suspect(v, &stray{s.number, p, d, v, v.anonymous, v.lastAnonymous.number})
	}
}

// reach is what the identify that just claimed the anonymous ID attaches.
func (d *device) reach() reach {
	switch {
	case d.derived, d.messages == 1:
		return reachNothing
	case d.anonymous > 0 && !d.claimed.time.Before(d.firstAnonymous), d.anonymous > 0 && d.claimed.time.IsZero():
		return reachEarlier
	}
	return reachLater
}

func (h *history) learnKnownEvent(p *person, d *device) {
	switch {
	case d.derived:
	case d.owner == p:
		p.reach = max(p.reach, reachLater)
	case p.identified == 0 && !d.owner.alive() && !h.people.forgot: // else an identify may be forgotten
		h.unidentified.put(p.key, p)
	}
}

// suspect keeps that a visitor may be the user who was identified. If it may be
// two users, it is no more likely one than the other.
func (h *history) suspect(v *device, t *stray) {
	if v.ambiguous {
		return
	}
	if before, ok := h.strays.get(v.suspect); ok {
		if before.person != t.person {
			h.strays.remove(v.suspect)
			v.ambiguous = true
		}
		return
	}
	h.strays.put(t.device.id, t)
	v.suspect, t.person.strayed = t.device.id, t.device.id
}

// sameVisit is how long before an identify the events came that may be the user's.
const sameVisit = 5 * time.Minute

// onlyVisitor returns the anonymous ID that had events shortly before t, if
// there is no more than one that nobody was identified under.
func (h *history) onlyVisitor(t time.Time) *device {
	var only *device
	for d := range h.visitors.all() {
		ago := t.Sub(d.lastAnonymous.time)
		if t.IsZero() || ago < 0 || ago > sameVisit {
			continue
		}
		if only != nil {
			return nil
		}
		only = d
	}
	return only
}

func (h *history) learnAnonymousEvent(s *sighting, d *device) {
	t := s.message.Timestamp
	if d.anonymous++; d.anonymous == 1 || t.Before(d.firstAnonymous) {
		d.firstAnonymous = t
	}
	d.lastAnonymous = moment{s.number, t}
	h.strays.remove(d.id)
	h.separate(d)
	if d.owner.alive() && !d.derived {
		d.owner.reach = max(d.owner.reach, d.reach())
	}
	if d.holder() != nil {
		return
	}
	if !d.derived {
		h.visitors.put(d.id, d)
		h.visitors.use(d.id)
	}
	if d.signup.number == 0 && isSignup(s.message.Name) {
		d.signup, d.signupName = moment{s.number, t}, s.message.Name
		h.unanswered.put(d.id, d)
	}
}

func (h *history) learnGroup(s *sighting, p *person, d *device) {
	g := s.group
	if g == nil {
		g = &group{id: s.message.GroupID, first: s.number}
		h.groups.put(s.groupKey, g)
		h.lonely.put(s.groupKey, g)
	}
	h.groups.use(s.groupKey)
	if s.message.GroupID != g.id {
		g.spelling = s.message.GroupID
	}
	if g.join(p, d); g.members > 1 {
		h.lonely.remove(s.groupKey)
	}
	switch {
	case p != nil && p.identified == 0 && !h.people.forgot:
		h.keepEarly(s, earlyKey{user: p.key}, shown(p.id))
	case s.message.UserID == "" && d != nil && !d.owner.alive() && !h.devices.forgot:
		h.keepEarly(s, earlyKey{device: d.id}, shown(d.id))
	}
}

func (h *history) keepEarly(s *sighting, key earlyKey, who string) {
	if _, kept := h.early.get(key); !kept {
		h.early.put(key, &earlyGroup{moment{s.number, s.message.Timestamp}, who, shown(s.message.GroupID)})
	}
}

// join counts the members up to two.
func (g *group) join(p *person, d *device) {
	if p == nil {
		p = d.holder()
	}
	switch {
	case g.members > 1 || p == nil && d == nil:
	case g.members == 0:
		g.member, g.device, g.members = p, d, 1
	case p != nil && (p == g.member || g.member == nil && g.device.holder() == p), d != nil && d == g.device && (p == nil || g.member == nil):
		g.member = p
	default:
		g.members = 2
	}
}

func (h *history) forgetPerson(p *person) {
	if p == nil {
		return
	}
	p.deleted = true
	h.people.remove(p.key)
	h.unidentified.remove(p.key)
	h.early.remove(earlyKey{user: p.key})
	h.strays.remove(p.strayed)
	for _, id := range p.apart {
		h.apart.remove(id)
	}
}
