package rules

import (
	"hash/maphash"
	"time"

	"github.com/loopkitai/loopkit-go/internal/collector"
)

// The bounds of a history. What is over them is forgotten, the oldest first,
// and IDs that are longer than any SDK sends are not judged by what came before.
//
// With all of it in use, and the longest IDs, a history takes about 50 MB.
const (
	mostRemembered = 20_000 // of each sort
	longestID      = 100
	mostVisitors   = 8
	mostSources    = 1_000
)

// history is what the rules know of the messages so far.
type history struct {
	place func(number int64) string // of a message, in words
	seed  maphash.Seed

	people   *recent[string, *person] // by folded user ID
	devices  *recent[string, *device] // by anonymous ID
	unfolded *recent[string, *device] // those whose ID is not folded, by what it is then
	groups   *recent[string, *group]  // by folded group ID
	sessions *recent[string, *session]
	columns  *recent[columnKey, column]
	repeats  *recent[uint64, moment]   // by message ID, or by content
	queries  *recent[source, struct{}] // who sent the key in a query

	staleRequest *collector.Request // the last one with a stale message
	visitors     *recent[string, *device]

	// What is open until a later message settles it.
	unidentified *recent[string, *person]       // users with events and no identify
	unanswered   *recent[string, *device]       // a signup and no identify
	apart        *recent[string, *device]       // an identified user's, but never identified
	strays       *recent[string, *stray]        // identified, but without events
	early        *recent[earlyKey, *earlyGroup] // groups of people not identified
	lonely       *recent[string, *group]        // groups with one member
}

// moment is a message and when it came.
type moment struct {
	number int64
	time   time.Time
}

// person is a user as the messages name them. It holds no pointers, so that
// nothing forgotten stays reachable from one to the next.
type person struct {
	key      string // folded ID
	id       string // as it was spelled first
	spelling string // another one that was reported
	first    int64  // message

	identified int64 // first message that did
	reach      reach
	deleted    bool
	newIDs     int      // anonymous IDs in a row that nobody had used before
	apart      []string // anonymous IDs that are apart, or will be once this user is identified
	strayed    string   // key of strays
}

// reach is what the identifies of a user attach to them.
type reach uint8

const (
	reachUnknown reach = iota // no identify with an anonymous ID
	reachNothing              // the anonymous IDs have no events
	reachLater                // they have events, none from before the identify
	reachEarlier              // they have events from before it
)

func (p *person) alive() bool { return p != nil && !p.deleted }

// device is an anonymous ID.
type device struct {
	id       string
	derived  bool  // from a user ID
	first    int64 // message
	messages int64

	anonymous      int64     // events without a user
	firstAnonymous time.Time // the earliest
	lastAnonymous  moment    // the last to arrive
	signup         moment
	signupName     string

	user      *person  // the first that used it
	owner     *person  // the first that was identified under it
	claimed   moment   // when it was
	others    []uint64 // hashes of other users' folded IDs, as reported
	suspect   string   // key of strays
	ambiguous bool     // it may be several users
}

// holder is whose the anonymous ID is, or nil.
func (d *device) holder() *person {
	switch {
	case d == nil:
		return nil
	case d.owner.alive():
		return d.owner
	case d.user.alive():
		return d.user
	}
	return nil
}

type group struct {
	id       string
	spelling string
	first    int64
	member   *person // the only one so far
	device   *device // theirs
	members  int     // 0, 1, or 2 for more
}

type session struct {
	device   *device
	person   *person
	first    int64
	reported bool
}

// columnKey is a key of the values under a name; the key is empty for the name itself.
type columnKey struct {
	kind      collector.Kind
	name, key string
}

type column struct {
	types valueType
	first int64
}

type source struct {
	sdk      string
	endpoint collector.Endpoint
}

// stray is an identify whose anonymous ID has no events, while another's look
// like the user's.
type stray struct {
	number  int64
	person  *person
	device  *device
	visitor *device
	events  int64 // of the visitor until then
	last    int64 // of them
}

// earlyKey is a user's folded ID, or an anonymous ID.
type earlyKey struct{ user, device string }

// earlyGroup is a group of somebody who was not identified before.
type earlyGroup struct {
	moment
	who, group string // in words
}

func newHistory(most int, place func(int64) string) *history {
	return &history{
		place:        place,
		seed:         maphash.MakeSeed(),
		people:       newRecent[string, *person](most),
		devices:      newRecent[string, *device](most),
		unfolded:     newRecent[string, *device](most),
		groups:       newRecent[string, *group](most),
		sessions:     newRecent[string, *session](most),
		columns:      newRecent[columnKey, column](most),
		repeats:      newRecent[uint64, moment](most),
		queries:      newRecent[source, struct{}](min(most, mostSources)),
		visitors:     newRecent[string, *device](mostVisitors),
		unidentified: newRecent[string, *person](most),
		unanswered:   newRecent[string, *device](most),
		apart:        newRecent[string, *device](most),
		strays:       newRecent[string, *stray](most),
		early:        newRecent[earlyKey, *earlyGroup](most),
		lonely:       newRecent[string, *group](most),
	}
}
