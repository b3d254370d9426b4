// Package timeline tells the story of one person: which messages arrived under
// which anonymous ID, where an identify joined them, and where none did.
package timeline

import (
	"cmp"
	"maps"
	"slices"

	"github.com/loopkitai/loopkit-go/cmd/loopkit/internal/store"
	"github.com/loopkitai/loopkit-go/internal/collector"
)

// Mark says what a message did to the person.
type Mark string

// The marks.
const (
	Event    Mark = "event"
	Join     Mark = "join"   // an identify that attached an anonymous ID
	Update   Mark = "update" // an identify that attached nothing
	Group    Mark = "group"
	Conflict Mark = "conflict" // an identify of an anonymous ID that another user has
	Deletion Mark = "deletion"
)

// Timeline is the story of one person, in the order of arrival, which is the
// order that merging goes by.
type Timeline struct {
	Lanes     []Lane // the user's first, if there is a user
	Columns   int    // that the lanes need side by side
	Rows      []Row
	Conflicts []Clash
	Loose     []Loose
}

// Lane is what arrived under one anonymous ID until an identify joined it to
// the user, or the user's own. Lanes that are not open at the same time may
// share a column.
type Lane struct {
	AnonymousID string // empty for the user's lane
	Column      int
	Messages    int
}

// Row is one message.
type Row struct {
	Entry  *store.Entry
	Mark   Mark
	Lane   int    // that it is on
	Opens  bool   // it is the first of its lane
	Joined Joined // if the mark is Join
	Clash  Clash  // if the mark is Conflict
	Erased int    // messages that the deletion took, if the mark is Deletion
	Cells  []Cell // one for each column
}

// Joined is what an identify attached to the user.
type Joined struct {
	AnonymousID string
	Lane        int
	Events      int // those with a message ID count once each
	Groups      int
}

// Clash is an identify of an anonymous ID that an earlier user keeps.
type Clash struct {
	AnonymousID     string
	Owner, Claimant string // user IDs
	Seq             int64
}

// Loose is a pair of IDs that came in one message, but in no identify, which
// alone would have joined them.
type Loose struct {
	UserID, AnonymousID string
	Messages            int
	Last                int64 // Seq of the last of them
}

// Cell is what to draw of the lanes in one column of a row.
type Cell struct {
	Lane         int // the one that is open here; -1 if none is
	Above, Below bool
}

// Of returns the story of the person, who must be one that the entries'
// messages merge into.
func Of(entries []*store.Entry, p collector.Person) *Timeline {
	t := newTeller(p)
	for _, e := range entries {
		if e.Message != nil {
			t.apply(e, *e.Message)
		}
	}
	if p.UserID == "" && len(p.AnonymousIDs) > 0 {
		t.told = t.pending[p.AnonymousIDs[0]]
	}
	return t.timeline()
}

// telling is a row whose lane has no number yet.
type telling struct {
	Row
	anonymousID string // of its lane; empty for the user's
}

// teller repeats what collector.Merge does, for one person.
type teller struct {
	person    collector.Person
	owners    map[string]string    // anonymous ID → user ID
	pending   map[string][]telling // of anonymous IDs that nobody owns
	told      []telling
	conflicts []Clash
	loose     map[Loose]*Loose // by its IDs
}

func newTeller(p collector.Person) *teller {
	return &teller{
		person:  p,
		owners:  make(map[string]string),
		pending: make(map[string][]telling),
		loose:   make(map[Loose]*Loose),
	}
}

func (t *teller) apply(e *store.Entry, m collector.Message) {
	switch m.Kind {
	case collector.KindDeleteUser:
		t.delete(e, m.UserID)
		return
	case collector.KindDeleteGroup:
		return
	}
	switch {
	case m.Kind == collector.KindIdentify:
		t.identify(e, m)
	case m.UserID != "":
		t.noteLoose(e, m)
		t.tell(m.UserID, telling{Row: Row{Entry: e, Mark: markOf(m)}})
	case t.owners[m.AnonymousID] != "":
		t.tell(t.owners[m.AnonymousID], telling{Row: Row{Entry: e, Mark: markOf(m)}})
	case m.AnonymousID != "":
		row := telling{Row{Entry: e, Mark: markOf(m)}, m.AnonymousID}
		t.pending[m.AnonymousID] = append(t.pending[m.AnonymousID], row)
	}
}

func markOf(m collector.Message) Mark {
	if m.Kind == collector.KindGroup {
		return Group
	}
	return Event
}

// tell adds a row if it is about the person.
func (t *teller) tell(userID string, row telling) {
	if userID != "" && userID == t.person.UserID {
		t.told = append(t.told, row)
	}
}

func (t *teller) identify(e *store.Entry, m collector.Message) {
	row := telling{Row: Row{Entry: e, Mark: Update}}
	owner := t.owners[m.AnonymousID]
	switch {
	case m.AnonymousID == "" || owner == m.UserID:
	case owner != "":
		row.Mark = Conflict
		row.Clash = Clash{AnonymousID: m.AnonymousID, Owner: owner, Claimant: m.UserID, Seq: e.Seq}
		if t.person.UserID == owner || t.person.UserID == m.UserID {
			t.conflicts = append(t.conflicts, row.Clash)
		}
		t.tell(owner, row)
	default:
		row.Mark = Join
		row.Joined = t.join(m.UserID, m.AnonymousID)
	}
	t.tell(m.UserID, row)
}

func (t *teller) join(userID, anonymousID string) Joined {
	stranger := t.pending[anonymousID]
	delete(t.pending, anonymousID)
	t.owners[anonymousID] = userID
	joined := Joined{AnonymousID: anonymousID}
	counted := make(map[string]bool)
	for _, row := range stranger {
		t.tell(userID, row)
		id := row.Entry.Message.MessageID
		switch {
		case row.Mark == Group:
			joined.Groups++
		case !counted[id]:
			joined.Events++
			counted[id] = id != ""
		}
	}
	return joined
}

func (t *teller) delete(e *store.Entry, userID string) {
	for anonymousID, owner := range t.owners {
		if owner == userID {
			delete(t.owners, anonymousID)
		}
	}
	maps.DeleteFunc(t.loose, func(pair Loose, _ *Loose) bool { return pair.UserID == userID })
	t.settle(userID)
	if userID != t.person.UserID {
		return
	}
	erased := 0
	t.told = slices.DeleteFunc(t.told, func(row telling) bool {
		if row.Mark != Deletion && row.Clash.Owner != userID {
			erased++
		}
		return row.Mark != Deletion
	})
	t.tell(userID, telling{Row: Row{Entry: e, Mark: Deletion, Erased: erased}})
}

// settle ends the clashes with a user who is being deleted. What others claimed
// of theirs stays as an identify that attached nothing.
func (t *teller) settle(userID string) {
	t.conflicts = slices.DeleteFunc(t.conflicts, func(c Clash) bool { return c.Owner == userID || c.Claimant == userID })
	if userID == t.person.UserID {
		return
	}
	t.told = slices.DeleteFunc(t.told, func(row telling) bool { return row.Clash.Claimant == userID })
	for i, row := range t.told {
		if row.Clash.Owner == userID {
			t.told[i].Mark, t.told[i].Clash = Update, Clash{}
		}
	}
}

func (t *teller) noteLoose(e *store.Entry, m collector.Message) {
	if m.AnonymousID == "" {
		return
	}
	ids := Loose{UserID: m.UserID, AnonymousID: m.AnonymousID}
	pair := t.loose[ids]
	if pair == nil {
		pair = &Loose{UserID: m.UserID, AnonymousID: m.AnonymousID}
		t.loose[ids] = pair
	}
	pair.Messages++
	pair.Last = e.Seq
}

// stillLoose returns the pairs that the function picks of those that no
// identify has joined since.
func (t *teller) stillLoose(pick func(Loose) bool) []Loose {
	var out []Loose
	for ids, pair := range t.loose {
		if t.owners[ids.AnonymousID] == "" && pick(ids) {
			out = append(out, *pair)
		}
	}
	slices.SortFunc(out, func(a, b Loose) int { return cmp.Compare(a.Last, b.Last) })
	return out
}

// concerns reports whether a pair of IDs has to do with the person.
func (t *teller) concerns(ids Loose) bool {
	if t.person.UserID != "" {
		return ids.UserID == t.person.UserID
	}
	return slices.Contains(t.person.AnonymousIDs, ids.AnonymousID)
}
