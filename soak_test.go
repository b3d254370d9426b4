package loopkit_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	loopkit "github.com/loopkitai/loopkit-go"
)

// TestALongRunKeepsThePromises is TestWhateverFailsThePromisesHold in real time
// and over real sockets, where what leaks shows. One client lives for the whole
// run, others for a few milliseconds; a server and its listener fail in between.
// It holds the clients to this:
//
//   - Every accepted message arrives or is told to the hook, which is told of
//     none twice, and Stats agree with both. Nothing else arrives.
//   - A message arrives as the person's and group's that it was sent for.
//   - A message arrives again only if the answer to an earlier request was lost.
//     Stats.Delivered are the messages of the requests that were answered.
//   - Flush and Deletion.Wait that return nil have delivered what they waited
//     for. A group never arrives before the last identify of its user.
//   - Nothing that was accepted before a deletion arrives after it was executed,
//     and nothing accepted afterwards before its last execution.
//   - Only what the server refuses for good is "rejected" or "too_large".
//   - In the end there are no more goroutines and there is no more memory in use
//     than in the beginning.
//
// It takes a second, or LOOPKIT_SOAK=10m.
func TestALongRunKeepsThePromises(t *testing.T) {
	duration := time.Second
	if text := os.Getenv("LOOPKIT_SOAK"); text != "" {
		var err error
		duration, err = time.ParseDuration(text)
		require.NoError(t, err, "LOOPKIT_SOAK")
	}
	r := newSoakRun(t)
	goroutines := runtime.NumGoroutine()
	r.shortLived(true) // what the first clients leave behind is not a leak
	r.shortLived(false)
	heap := r.rest(t, goroutines)

	long := r.live(t, duration)
	left := r.rest(t, goroutines)
	runtime.KeepAlive(long) // closed, but still with all that it remembers
	r.verify()
	for _, v := range r.notes.violations {
		t.Error(v)
	}
	t.Logf("%v\n%s", duration, r.report())
	t.Logf("heap %d KiB, then %d KiB and %d KiB of the test's own; goroutines %d, then %d",
		heap>>10, left>>10, r.ledger.size()>>10, goroutines, runtime.NumGoroutine())
	assert.LessOrEqual(t, left, heap+soakLeak)
}

// soakLeak is how much more memory may be in use after any number of messages: a
// client that was closed keeps its pools, an eighth of its queue, and the room
// that its lists once needed.
const soakLeak = 1 << 20

// soakRun is the whole program.
type soakRun struct {
	notes  *stressServer // of what must not be
	ledger *soakLedger
	server *soakServer

	mu      sync.Mutex
	clients int
	total   loopkit.Stats // of all clients that were closed
	offered int64
	told    int64 // messages that hooks were told of
}

func newSoakRun(t *testing.T) *soakRun {
	r := &soakRun{notes: &stressServer{}, ledger: &soakLedger{}}
	r.total.Dropped = map[loopkit.Reason]int64{}
	r.server = newSoakServer(t, r.notes, r.ledger)
	return r
}

// live lets a program run for some time, and then end in good weather. It
// returns the client that lived for as long.
func (r *soakRun) live(t *testing.T, duration time.Duration) *soakClient {
	ctx, cancel := context.WithTimeout(t.Context(), duration)
	defer cancel()
	long := r.newClient(true, r.longLivedOptions())
	var wg sync.WaitGroup
	wg.Go(func() { r.server.changeWeather(ctx, duration) })
	workers := make([]*soakWorker, 8)
	for i := range workers {
		workers[i] = newSoakWorker(long, i)
		wg.Go(func() { workers[i].work(soakPace, func() bool { return ctx.Err() == nil }) })
	}
	wg.Go(func() { toggleConsent(ctx, workers) })
	for i := range 2 {
		wg.Go(func() {
			for ctx.Err() == nil {
				r.shortLived(i == 0)
			}
		})
	}
	wg.Wait()
	long.close(contextFor(t, time.Minute))
	if s := long.client.Stats(); s.Dropped[loopkit.ReasonClosed] > 0 {
		r.notes.violated("Close gave up though all was well: %+v", s)
	}
	long.settle()
	return long
}

// toggleConsent lets the people of sessions opt out for a moment.
func toggleConsent(ctx context.Context, workers []*soakWorker) {
	tick := time.NewTicker(3 * time.Millisecond)
	defer tick.Stop()
	for ctx.Err() == nil {
		s := workers[rand.IntN(len(workers))].session
		s.OptOut()
		<-tick.C
		s.OptIn()
	}
}

// rest returns the memory in use once all of a program has ended.
func (r *soakRun) rest(t *testing.T, goroutines int) int64 {
	r.server.transport.CloseIdleConnections()
	requireGoroutines(t, goroutines)
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc) - r.ledger.size()
}

// closed adds up what became of a client's messages.
func (r *soakRun) closed(s loopkit.Stats, offered, told int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.clients++
	r.offered += offered
	r.told += told
	r.total.Accepted += s.Accepted
	r.total.Delivered += s.Delivered
	r.total.Refused += s.Refused
	r.total.Withheld += s.Withheld
	r.total.Panics += s.Panics
	r.total.NoticesLost += s.NoticesLost
	r.total.Requests += s.Requests
	r.total.Retries += s.Retries
	for reason, n := range s.Dropped {
		r.total.Dropped[reason] += n
	}
}

func (c *soakClient) close(ctx context.Context) {
	err := c.client.Close(ctx)
	if s := c.check(); err == nil && s.Pending > 0 {
		c.server.violated("Close returned nil, and left %+v", s)
	}
	c.checkUndelivered("Close", err)
}

// checkUndelivered knows all errors of Flush and Close.
func (c *soakClient) checkUndelivered(call string, err error) {
	var undelivered *loopkit.UndeliveredError
	if err != nil && !errors.Is(err, loopkit.ErrClosed) && !errors.As(err, &undelivered) {
		c.server.violated("%s returned %v", call, err)
	}
}

// settle waits until a closed client has told its hooks everything, and compares
// what it counted with what its callers and its hooks did, and the server.
func (c *soakClient) settle() {
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for begin := time.Now(); ; <-tick.C {
		problem := c.unsettled()
		if problem == "" {
			break
		}
		if time.Since(begin) > 10*time.Second {
			c.server.violated("after Close %s: %+v", problem, c.client.Stats())
			break
		}
	}
	s, told := c.client.Stats(), int64(0)
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, n := range c.told {
		told += n
	}
	c.run.closed(s, c.offered.Load(), told)
}

func (c *soakClient) unsettled() string {
	s := c.check()
	switch offered, taken, refused, confirmed := c.offered.Load(), c.taken.Load(), c.refused.Load(), c.confirmed.Load(); {
	case s.Pending != 0 || s.QueueBytes != 0:
		return "something is left"
	case offered != taken+refused || s.Accepted+s.Withheld != taken || s.Refused != refused:
		return fmt.Sprintf("of %d calls %d were taken and %d refused", offered, taken, refused)
	case c.linked && (confirmed < s.Delivered || confirmed > s.Delivered+s.Dropped[loopkit.ReasonClosed]):
		return fmt.Sprintf("%d messages were answered with success", confirmed)
	case len(s.Halted) > 0:
		return "an endpoint is halted"
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for reason, n := range s.Dropped {
		if told := c.told[reason]; told > n || told < n && s.NoticesLost == 0 {
			return fmt.Sprintf("the hook was told of %d messages that are %s", told, reason)
		}
	}
	return ""
}

// verify looks at what became of every message.
func (r *soakRun) verify() {
	var accepted, asked, arrived, missing, unsent, late int64
	for n := int64(1); n <= r.ledger.last.Load(); n++ {
		was := r.ledger.bits(n)
		came, told := was&soakArrived != 0, was&soakTold != 0
		if came {
			arrived++
		}
		switch {
		case was&soakAccepted != 0:
			accepted++
			if !came && !told {
				missing++
			}
		case was&soakAsked != 0:
			asked++
			if !came && !told {
				unsent++
			}
		case came || told:
			r.notes.violated("message %d was refused, and then arrived or was dropped", n)
		}
		if was&soakLate != 0 && !told {
			late++
		}
	}
	s := &r.total
	unnoticed := sumDropped(*s) - r.told // a loss that the hook had no time for
	switch {
	case accepted+asked != s.Accepted+s.Withheld:
		r.notes.violated("%d calls returned nil, but %d messages were accepted and %d withheld", accepted+asked, s.Accepted, s.Withheld)
	case missing+unsent > s.Withheld+unnoticed:
		r.notes.violated("%d messages are lost", missing+unsent-s.Withheld-unnoticed)
	case unsent < s.Withheld:
		r.notes.violated("%d messages arrived or were dropped, though they were withheld", s.Withheld-unsent)
	case late > unnoticed:
		r.notes.violated("%d messages arrived after what had to wait for them", late)
	case arrived < s.Delivered:
		r.notes.violated("%d messages are delivered, but %d arrived", s.Delivered, arrived)
	}
	r.server.verify()
}

func (r *soakRun) report() string {
	var b strings.Builder
	s := &r.total
	fmt.Fprintf(&b, "messages: %d offered, %d refused, %d withheld, %d accepted, %d delivered\n",
		r.offered, s.Refused, s.Withheld, s.Accepted, s.Delivered)
	fmt.Fprintf(&b, "dropped: %d of %v; hooks told of %d; %d notices lost, %d panics\n",
		sumDropped(*s), s.Dropped, r.told, s.NoticesLost, s.Panics)
	fmt.Fprintf(&b, "clients: %d; %d requests, %d retries\n", r.clients, s.Requests, s.Retries)
	b.WriteString(r.server.report())
	return b.String()
}

// soakLink is what a message has to do with another, or with the server.
type soakLink string

const (
	linkNone     soakLink = ""
	linkPoison   soakLink = "poison"   // the server refuses it
	linkIdentify soakLink = "identify" // a group after this identify of its user
	linkBefore   soakLink = "before"   // accepted before this deletion of its person or group
	linkAfter    soakLink = "after"    // accepted after it
)

// soakID says in a message's own ID what its other fields have to be.
type soakID struct {
	n                      int64
	kind                   loopkit.Kind
	user, anonymous, group string // anonymous is anyone if the client chooses it
	link                   soakLink
	other                  int64 // the message that it is linked to
}

const anyone = "?"

func (id soakID) String() string {
	return fmt.Sprintf("%d|%v|%s|%s|%s|%s|%d", id.n, id.kind, id.user, id.anonymous, id.group, id.link, id.other)
}

// soakMessage is a message as it arrives, or as a hook sees it.
type soakMessage struct{ MessageID, UserID, AnonymousID, GroupID string }

// identify returns the message's ID, and an error if another field is not what
// it says.
func (m *soakMessage) identify(kind loopkit.Kind) (soakID, error) {
	parts := strings.Split(m.MessageID, "|")
	if len(parts) != 7 {
		return soakID{}, errors.New("not an ID of this test")
	}
	n, err := strconv.ParseInt(parts[0], 10, 64)
	other, err2 := strconv.ParseInt(parts[6], 10, 64)
	id := soakID{n: n, kind: kind, user: m.UserID, anonymous: m.AnonymousID, group: m.GroupID, link: soakLink(parts[5]), other: other}
	if parts[3] == anyone && m.AnonymousID != "" {
		id.anonymous = anyone
	}
	if err = errors.Join(err, err2); err == nil && id.String() != m.MessageID {
		err = fmt.Errorf("it is %v", id)
	}
	return id, err
}

// numberOf returns the number at the end of a person or group to be deleted.
func numberOf(name string) (int64, error) {
	return strconv.ParseInt(name[strings.LastIndexByte(name, '_')+1:], 10, 64)
}

// What is known of a message; one byte holds all.
const (
	soakAccepted = 1 << iota // a call of the client returned nil
	soakAsked                // a call of a session did: it was accepted or withheld
	soakArrived              // the server executed it
	soakTold                 // the hook was told of its loss
	soakDue                  // something that comes after it was seen before it
	soakLate                 // it arrived nevertheless
	soakFollowed             // it is a deletion, and a message that must follow it arrived
)

// soakLedger keeps a byte for each message, in chunks.
type soakLedger struct {
	last   atomic.Int64 // the number of the newest message
	chunks [1 << 12]atomic.Pointer[soakChunk]
}

type soakChunk [1 << 14]atomic.Uint32

const soakChunkMessages = 4 << 14

// next returns the number of a new message.
func (l *soakLedger) next() int64 {
	n := l.last.Add(1)
	if chunk := &l.chunks[n/soakChunkMessages]; chunk.Load() == nil {
		chunk.CompareAndSwap(nil, &soakChunk{})
	}
	return n
}

// mark adds to what is known, and returns what was.
func (l *soakLedger) mark(n int64, bits uint32) uint32 {
	word, shift := &l.chunks[n/soakChunkMessages].Load()[n%soakChunkMessages/4], n%4*8
	return word.Or(bits<<shift) >> shift & 0xff
}

func (l *soakLedger) bits(n int64) uint32 { return l.mark(n, 0) }

// due notes that a message may not arrive from now on, unless it has before or
// is given up.
func (l *soakLedger) due(n int64) { l.mark(n, soakDue) }

// arrived notes that a message arrived, and reports whether it was the first time.
func (l *soakLedger) arrived(n int64) bool {
	before := l.mark(n, soakArrived)
	if before&(soakArrived|soakDue) == soakDue {
		l.mark(n, soakLate)
	}
	return before&soakArrived == 0
}

// knows reports whether there is a message of this number.
func (l *soakLedger) knows(n int64) bool { return n > 0 && n <= l.last.Load() }

// size is the memory that the ledger has taken.
func (l *soakLedger) size() int64 { return (l.last.Load()/soakChunkMessages + 1) * soakChunkMessages }
