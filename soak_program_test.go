package loopkit_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	loopkit "github.com/loopkitai/loopkit-go"
)

// soakClient is a client, and what its callers and its hooks know of it.
type soakClient struct {
	*stressRun // the client, its options, and what Stats have to keep to
	run        *soakRun
	linked     bool          // the server knows which requests are its
	mortal     bool          // callbacks close it
	ready      chan struct{} // closed by the end of newClient

	offered, taken, refused atomic.Int64
	confirmed               atomic.Int64 // messages in requests that were answered with success
	over                    atomic.Bool  // it takes nothing any more

	mu   sync.Mutex
	told map[loopkit.Reason]int64
}

func (r *soakRun) longLivedOptions() loopkit.Options {
	return loopkit.Options{
		QueueSize: 5000, QueueBytes: 2 << 20, BatchSize: 100, BatchBytes: 16 << 10, MaxMessageBytes: 4 << 10,
		Overflow: loopkit.DropOldest, FlushInterval: 5 * time.Millisecond, MaxAge: time.Second, Dialect: loopkit.DialectEnvelopes,
	}
}

func (r *soakRun) shortLivedOptions() loopkit.Options {
	d := rand.New(rand.NewPCG(rand.Uint64(), 0))
	o := loopkit.Options{
		QueueSize: pick(d, 20, 200, 1000), QueueBytes: 1 << 20, BatchSize: pick(d, 1, 10, 100),
		BatchBytes: 8 << 10, MaxMessageBytes: 4 << 10, MaxInFlight: pick(d, 1, 4),
		Overflow:      pick(d, loopkit.RejectNewest, loopkit.DropOldest, loopkit.Block),
		Compression:   pick(d, loopkit.NoCompression, loopkit.Gzip),
		Dialect:       pick(d, loopkit.DialectAuto, loopkit.DialectEnvelopes, loopkit.DialectObjects),
		FlushInterval: pick(d, -1, time.Millisecond, 10*time.Millisecond),
		IdentityStore: soakStore{},
	}
	if d.IntN(100) == 0 { // too little for all notices
		o.QueueBytes = 64 << 10
	}
	return o
}

// soakStore is an identity store that fails.
type soakStore struct{}

func (soakStore) LoadOrSave(id loopkit.StoredIdentity) (loopkit.StoredIdentity, error) {
	return id, soakStore{}.Save(id)
}

func (soakStore) Save(loopkit.StoredIdentity) error {
	switch rand.IntN(4) {
	case 0:
		panic("identity store")
	case 1:
		return errors.New("the disk is full")
	}
	return nil
}

func (r *soakRun) newClient(linked bool, o loopkit.Options) *soakClient {
	c := &soakClient{run: r, linked: linked, mortal: o.IdentityStore != nil, ready: make(chan struct{}), told: map[loopkit.Reason]int64{}}
	o.BaseURL, o.Logger = r.server.listener.URL(), quietLogger()
	o.RequestTimeout, o.DeletionQuarantine, o.CloseTimeout = soakTimeout, soakQuarantine, soakTimeout
	o.RetryMin, o.RetryMax = time.Millisecond, 20*time.Millisecond
	if linked {
		o.HTTPClient = &http.Client{Transport: r.server.link(c)}
	}
	o.Hooks.Dropped = func(ctx context.Context, d loopkit.Drop) {
		c.dropped(d)
		c.callBack(ctx)
	}
	o.OnError = func(ctx context.Context, _ error) {
		<-c.ready // New calls it too
		c.callBack(ctx)
	}
	client, err := loopkit.New(testKey, &o)
	if err != nil {
		panic(err)
	}
	c.stressRun = &stressRun{client: client, options: o, server: r.notes}
	close(c.ready)
	return c
}

// shortLived is the life of a client that is used while it is being closed.
func (r *soakRun) shortLived(linked bool) {
	c := r.newClient(linked, r.shortLivedOptions())
	var wg sync.WaitGroup
	for i := range 3 {
		wg.Go(func() {
			newSoakWorker(c, i).work(soakPace/4, func() bool { return !c.over.Load() })
		})
	}
	for range 2 {
		wg.Go(func() {
			<-time.After(rand.N(30 * time.Millisecond))
			ctx, cancel := context.WithTimeout(context.Background(), rand.N(60*time.Millisecond))
			defer cancel()
			c.close(ctx)
		})
	}
	wg.Wait()
	c.settle()
}

func (c *soakClient) dropped(d loopkit.Drop) {
	for _, text := range d.Messages {
		n, err := c.droppedNumber(d, text)
		if err != nil || !c.run.ledger.knows(n) {
			c.server.violated("the hook was told of what was never sent: %v: %.300q", err, text)
		} else if c.run.ledger.mark(n, soakTold)&soakTold != 0 {
			c.server.violated("the hook was told twice of %.300q", text)
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.told[d.Reason] += int64(len(d.Messages))
}

func (c *soakClient) droppedNumber(d loopkit.Drop, text []byte) (int64, error) {
	var m soakMessage
	if err := json.Unmarshal(text, &m); err != nil {
		return 0, err
	}
	if d.Kind == loopkit.KindDeleteUser || d.Kind == loopkit.KindDeleteGroup {
		return numberOf(m.UserID + m.GroupID)
	}
	id, err := m.identify(d.Kind)
	if d.Reason == loopkit.ReasonRejected && id.link != linkPoison || d.Reason == loopkit.ReasonTooLarge && len(text) < soakLeastLimit {
		c.server.violated("%v is harmless, and was dropped as %s: %v", id, d.Reason, d.Err)
	}
	return id.n, err
}

// callBack does what callbacks may do.
func (c *soakClient) callBack(ctx context.Context) {
	switch rand.IntN(12) {
	case 0:
		c.track(ctx, soakID{user: "user_of_hooks", anonymous: "anon_of_hooks"}, "")
	case 1:
		c.checkUndelivered("Flush in a callback", c.client.Flush(ctx))
	case 2:
		c.check()
	case 3:
		if c.mortal && rand.IntN(4) == 0 {
			c.close(ctx)
		}
	case 4:
		panic("hook")
	case 5:
		runtime.Goexit()
	}
}

// post makes a call whose message has this ID but for its number, and notes what
// became of it. It returns the number; 0 if the call was refused.
func (c *soakClient) post(taken uint32, id soakID, call func(id loopkit.CallOption) error) int64 {
	id.n = c.run.ledger.next()
	return c.noted(taken, id.n, call(loopkit.WithMessageID(id.String())))
}

func (c *soakClient) noted(taken uint32, n int64, err error) int64 {
	c.offered.Add(1)
	if !c.called(err) {
		c.refused.Add(1)
		if errors.Is(err, loopkit.ErrClosed) {
			c.over.Store(true)
		}
		return 0
	}
	c.run.ledger.mark(n, taken)
	c.taken.Add(1)
	return n
}

// in is ctx with the identity that the message is to have.
func (id soakID) in(ctx context.Context) context.Context {
	return loopkit.WithIdentity(ctx, loopkit.Identity{AnonymousID: strings.TrimPrefix(id.anonymous, anyone), UserID: id.user})
}

func (c *soakClient) identify(ctx context.Context, id soakID, text string) int64 {
	id.kind = loopkit.KindIdentify
	return c.post(soakAccepted, id, func(option loopkit.CallOption) error {
		return c.client.Identify(id.in(ctx), id.user, loopkit.Traits{"t": text}, option)
	})
}

func (c *soakClient) group(ctx context.Context, id soakID, text string) int64 {
	id.kind = loopkit.KindGroup
	return c.post(soakAccepted, id, func(option loopkit.CallOption) error {
		return c.client.Group(id.in(ctx), id.group, loopkit.Traits{"t": text}, option)
	})
}

func (c *soakClient) track(ctx context.Context, id soakID, text string) int64 {
	id.kind = loopkit.KindTrack
	return c.post(soakAccepted, id, func(option loopkit.CallOption) error {
		return c.client.Track(id.in(ctx), "page_view", loopkit.Properties{"t": text}, option)
	})
}

// soakWorker is a goroutine of the program. All names are its own, so that it
// knows the order of what it does to each.
type soakWorker struct {
	*soakClient
	rand       *rand.Rand
	name       string
	session    *loopkit.Session
	identified map[string]int64 // the newest identify of each user
	unflushed  []int64          // what the next Flush has to deliver
}

var soakText = strings.Repeat("x", 5<<10)

func newSoakWorker(c *soakClient, number int) *soakWorker {
	w := &soakWorker{soakClient: c, rand: rand.New(rand.NewPCG(rand.Uint64(), 0)), name: fmt.Sprint(number), identified: map[string]int64{}}
	w.session = c.client.NewSession(loopkit.Identity{})
	if number == 0 {
		w.session = c.client.Session()
	}
	return w
}

func (w *soakWorker) work(pace time.Duration, more func() bool) {
	tick := time.NewTicker(pace)
	defer tick.Stop()
	for more() {
		w.step()
		<-tick.C
	}
}

// step makes a few calls.
func (w *soakWorker) step() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Duration(w.rand.IntN(40))*time.Millisecond)
	defer cancel()
	switch call := w.rand.IntN(20); {
	case call < 8:
		for range 1 + w.rand.IntN(40) {
			w.unflushed = append(w.unflushed, w.track(ctx, w.person(), w.text()))
		}
	case call < 12:
		w.link(ctx)
	case call < 14 && w.linked:
		w.forget(ctx)
	case call < 17:
		w.inSession(ctx)
	case call < 18:
		w.wrong(ctx)
	default:
		w.flush(ctx)
	}
	w.check()
}

func (w *soakWorker) text() string {
	if w.rand.IntN(100) == 0 {
		return soakText[:3000] // alone more than the least limit of the server
	}
	return soakText[:w.rand.IntN(500)]
}

// person is somebody of this goroutine, known or not.
func (w *soakWorker) person() soakID {
	name := fmt.Sprintf("%s_%d", w.name, w.rand.IntN(20))
	id := soakID{user: "user_" + name, anonymous: pick(w.rand, "anon_"+name, anyone)}
	switch w.rand.IntN(300) {
	case 0:
		id.link = linkPoison
	case 1, 2, 3, 4, 5, 6, 7, 8, 9:
		id.user, id.anonymous = "", "visitor_"+name
	}
	return id
}

// link identifies a user and then names groups of theirs.
func (w *soakWorker) link(ctx context.Context) {
	id := w.person()
	if id.user == "" {
		return
	}
	if n := w.identify(ctx, id, w.text()); n != 0 {
		w.identified[id.user] = n
		w.unflushed = append(w.unflushed, n)
	}
	id.link, id.other = linkNone, 0
	if n := w.identified[id.user]; n != 0 {
		id.link, id.other = linkIdentify, n
	}
	for range w.rand.IntN(3) {
		id.group = fmt.Sprintf("group_%d", w.rand.IntN(20))
		w.unflushed = append(w.unflushed, w.group(ctx, id, w.text()))
	}
}

// forget deletes somebody, or a group, in the middle of what is said about them.
func (w *soakWorker) forget(ctx context.Context) {
	n := w.run.ledger.next()
	gone := soakID{user: fmt.Sprintf("gone_%d", n), anonymous: fmt.Sprintf("anon_gone_%d", n), link: linkBefore, other: n}
	remove, name := w.client.DeleteUser, gone.user
	if w.rand.IntN(3) == 0 {
		gone.group, gone.user = fmt.Sprintf("team_%d", n), "user_of_teams"
		remove, name = w.client.DeleteGroup, gone.group
	}
	w.mention(ctx, gone)
	if w.rand.IntN(2) == 0 { // then it is under way when the deletion comes, and else in the queue
		soon, cancel := context.WithTimeout(ctx, rand.N(3*time.Millisecond))
		w.flush(soon)
		cancel()
	}
	deletion, err := remove(ctx, name)
	if w.noted(soakAccepted, n, err) == 0 {
		return
	}
	gone.link = linkAfter
	w.mention(ctx, gone)
	if w.rand.IntN(4) == 0 && deletion.Wait(ctx) == nil && w.run.ledger.bits(n)&soakArrived == 0 {
		w.server.violated("deletion %d is confirmed, but was not executed", n)
	}
}

func (w *soakWorker) mention(ctx context.Context, id soakID) {
	for range w.rand.IntN(3) {
		if id.group != "" {
			w.group(ctx, id, w.text())
			continue
		}
		w.track(ctx, id, w.text())
		if w.identify(ctx, id, w.text()) != 0 && id.link == linkAfter { // then the anonymous ID is theirs too
			stranger := id
			stranger.user = ""
			w.track(ctx, stranger, w.text())
		}
	}
}

func (w *soakWorker) inSession(ctx context.Context) {
	s, who := w.session, w.session.Identity()
	id := soakID{user: who.UserID, anonymous: who.AnonymousID}
	switch w.rand.IntN(6) {
	case 0:
		s.Reset()
	case 1:
		pick(w.rand, s.OptOut, s.OptIn, s.OptIn)()
	case 2:
		id = soakID{kind: loopkit.KindIdentify, user: fmt.Sprintf("player_%s_%d", w.name, w.rand.IntN(5)), anonymous: anyone}
		w.post(soakAsked, id, func(option loopkit.CallOption) error { return s.Identify(ctx, id.user, nil, option) })
	case 3:
		id.kind, id.group = loopkit.KindGroup, "group_of_players"
		w.post(soakAsked, id, func(option loopkit.CallOption) error { return s.Group(ctx, id.group, nil, option) })
	default:
		id.kind = loopkit.KindTrack
		for range w.rand.IntN(10) {
			w.post(soakAsked, id, func(option loopkit.CallOption) error { return s.Track(ctx, "in_session", nil, option) })
		}
	}
}

// wrong makes calls that are refused.
func (w *soakWorker) wrong(ctx context.Context) {
	nobody, tooLarge := w.client.Track(ctx, "nobody", nil), w.client.Track(w.person().in(ctx), "large", loopkit.Properties{"t": soakText})
	w.offered.Add(2)
	w.refused.Add(2)
	if !errors.Is(nobody, loopkit.ErrNoIdentity) || !errors.Is(tooLarge, loopkit.ErrTooLarge) {
		w.server.violated("wrong calls returned %v and %v", nobody, tooLarge)
	}
}

func (w *soakWorker) flush(ctx context.Context) {
	err := w.client.Flush(ctx)
	if deadline, _ := ctx.Deadline(); time.Since(deadline) > 2*time.Second*raceFactor {
		w.server.violated("Flush returned %v after its context", time.Since(deadline))
	}
	w.checkUndelivered("Flush", err)
	for _, n := range w.unflushed {
		if err == nil && n != 0 {
			w.run.ledger.due(n)
		}
	}
	w.unflushed = w.unflushed[:0]
}
