package loopkit_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	loopkit "github.com/loopkitai/loopkit-go"
	"github.com/loopkitai/loopkit-go/loopkittest"
)

// TestNothingOnDiskIsLostOverRestarts lets one process after the other use a
// spool, on a disk and in a network that fail now and then, and kills most of
// them. At the end:
//
//   - What Flush or Close acknowledged has arrived, or its person was deleted or
//     opted out.
//   - Nothing accepted before a deletion arrived after it, and nothing accepted
//     after it arrived before it.
//   - Identifies arrived in the order of acceptance.
//   - The accounting was right at every look, and the disk is empty.
//
// The seed of a failure is in its message; LOOPKIT_RESTART_SEED=17 runs that one
// alone, and 0-9999 a range.
func TestNothingOnDiskIsLostOverRestarts(t *testing.T) {
	first, last := uint64(0), uint64(200/raceFactor-1)
	if seeds := os.Getenv("LOOPKIT_RESTART_SEED"); seeds != "" {
		n, err := fmt.Sscanf(seeds, "%d-%d", &first, &last)
		require.Positive(t, n, "LOOPKIT_RESTART_SEED: %v", err)
		if n == 1 {
			last = first
		}
	}
	for seed := first; seed <= last; seed++ {
		synctest.Test(t, func(t *testing.T) {
			r := &restartRun{T: t, seed: seed, rand: rand.New(rand.NewPCG(seed, 1)), server: loopkittest.NewTransport(t), disk: loopkittest.NewSpool(),
				sent: map[string]*sentMessage{}, deleted: map[string]int{}, left: map[string]int{}}
			r.run()
		})
		if t.Failed() {
			return
		}
	}
}

// restartRun is what the processes of one disk do.
type restartRun struct {
	*testing.T
	seed   uint64
	rand   *rand.Rand
	server *loopkittest.Server
	disk   *loopkittest.Spool

	clock   int // counts what was accepted
	sent    map[string]*sentMessage
	deleted map[string]int // user → when the deletion was accepted; one for each user
	left    map[string]int // user → when they opted out last
}

type sentMessage struct {
	user         string
	kind         loopkit.Kind
	at           int
	by           *process
	acknowledged bool
}

func (r *restartRun) run() {
	for range 2 + r.rand.IntN(4) {
		r.process()
	}
	r.disk.Heal()
	r.disk.Limit(0)
	r.server.Heal()
	last := r.start()
	time.Sleep(10 * time.Minute)
	require.NoError(r, last.Flush(r.Context()), r.name())
	time.Sleep(10 * time.Minute)
	stats := requireBalanced(r, last.Client)
	require.Zero(r, stats.Pending, "%s: %+v", r.name(), stats)
	require.NoError(r, last.Close(r.Context()), r.name())
	assert.Empty(r, r.disk.Batches(), r.name())
	r.verify()
}

func (r *restartRun) name() string { return fmt.Sprintf("LOOPKIT_RESTART_SEED=%d", r.seed) }

func (r *restartRun) chance(p float64) bool { return r.rand.Float64() < p }

func (r *restartRun) start() *process {
	return startProcess(r, r.server, r.disk, func(o *loopkit.Options) {
		o.QueueBytes, o.BatchBytes, o.MaxMessageBytes = 64<<10, 4<<10, 1<<10
		o.BatchSize = 1 + r.rand.IntN(20)
		o.FlushInterval = time.Duration(1+r.rand.IntN(2000)) * time.Millisecond
		o.DeletionQuarantine = 5 * time.Second
	})
}

// process is the life of one.
func (r *restartRun) process() {
	p := r.start() // on a disk that works: who cannot read a deletion cannot follow it
	r.misfortune()
	for range 20 + r.rand.IntN(200) {
		r.act(p)
		if r.chance(0.05) {
			r.misfortune()
		}
	}
	defer r.disk.Heal()
	if r.chance(0.7) {
		p.kill()
		_ = p.Close(context.Background()) // only ends its goroutines
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), time.Duration(r.rand.IntN(2000))*time.Millisecond)
	defer cancel()
	everything := r.clock
	err := p.Close(ctx)
	time.Sleep(2 * time.Second) // a process that exits lets go of the spool; here a slow call must end first
	stats := requireBalanced(r, p.Client)
	require.Equal(r, stats.Spooled, stats.Pending, "%s: after Close, what is pending is on disk", r.name())
	require.LessOrEqual(r, int(stats.Spooled), messagesIn(r.disk), r.name())
	if err == nil {
		r.acknowledge(p, everything)
	}
}

// misfortune changes what fails.
func (r *restartRun) misfortune() {
	r.server.Heal()
	r.disk.Heal()
	r.disk.Limit(0)
	if r.chance(0.5) {
		faults := []loopkittest.Fault{{Status: 503}, {Reset: true}, {Reset: true, Store: true}, {Status: 401}, {Hang: true}, {Status: 429, RetryAfter: "2"}}
		endpoints := []loopkittest.Endpoint{loopkittest.Any, loopkittest.Identifies, loopkittest.Tracks, loopkittest.UserDeletions}
		r.server.FailAll(endpoints[r.rand.IntN(len(endpoints))], faults[r.rand.IntN(len(faults))])
	}
	if r.chance(0.2) {
		calls := []loopkittest.SpoolCall{loopkittest.SpoolAppend, loopkittest.SpoolNext, loopkittest.SpoolRemove, loopkittest.SpoolPurge}
		r.disk.FailAll(calls[r.rand.IntN(len(calls))], loopkittest.SpoolFault{Err: errors.New("input/output error")})
	}
	if r.chance(0.2) {
		slow := make(chan struct{})
		time.AfterFunc(time.Duration(r.rand.IntN(2000))*time.Millisecond, func() { close(slow) })
		r.disk.Script(loopkittest.SpoolAppend, loopkittest.SpoolFault{Until: slow})
	}
	if r.chance(0.2) {
		r.disk.Limit(int64(r.rand.IntN(30 << 10)))
	}
}

func (r *restartRun) act(p *process) {
	user := fmt.Sprintf("user_%d", r.rand.IntN(8))
	switch n := r.rand.IntN(100); {
	case n < 50:
		r.send(p, loopkit.KindTrack, user)
	case n < 70:
		r.send(p, loopkit.KindIdentify, user)
	case n < 80:
		r.send(p, loopkit.KindGroup, user)
	case n < 81 && r.deleted[user] == 0:
		if _, err := p.DeleteUser(r.Context(), user); err == nil {
			r.clock++
			r.deleted[user] = r.clock
		}
	case n < 82:
		p.NewSession(loopkit.Identity{AnonymousID: "anon_" + user, UserID: user}).OptOut() // of what has not been sent
		r.left[user] = r.clock
	case n < 85:
		everything := r.clock
		ctx, cancel := context.WithTimeout(r.Context(), time.Duration(r.rand.IntN(3000))*time.Millisecond)
		defer cancel()
		if p.Flush(ctx) == nil {
			r.acknowledge(p, everything)
		}
	default:
		time.Sleep(time.Duration(r.rand.IntN(300)) * time.Millisecond)
	}
	stats := requireBalanced(r, p.Client)
	require.LessOrEqual(r, stats.QueueBytes, int64(64<<10+8<<10), "%s: one batch more than QueueBytes", r.name())
}

func (r *restartRun) send(p *process, kind loopkit.Kind, user string) {
	id := fmt.Sprintf("message_%d", r.clock+1)
	ctx, again := known("anon_"+user, user), loopkit.WithMessageID(id)
	var err error
	switch kind {
	case loopkit.KindTrack:
		err = p.Track(ctx, "page_view", nil, again)
	case loopkit.KindIdentify:
		err = p.Identify(ctx, user, nil, again)
	case loopkit.KindGroup:
		err = p.Group(ctx, "team_1", nil, again)
	}
	if err != nil {
		require.ErrorIs(r, err, loopkit.ErrQueueFull, r.name())
		return
	}
	r.clock++
	r.sent[id] = &sentMessage{user: user, kind: kind, at: r.clock, by: p}
}

func (r *restartRun) acknowledge(by *process, upTo int) {
	for _, m := range r.sent {
		m.acknowledged = m.acknowledged || m.by == by && m.at <= upTo
	}
}

func (r *restartRun) verify() {
	arrived := map[string]bool{}
	lastIdentify := 0
	firstDeletion, lastDeletion := map[string]int{}, map[string]int{}
	messages := r.server.Messages()
	for i, m := range messages {
		if m.Kind == loopkittest.KindDeleteUser {
			if firstDeletion[m.UserID] == 0 {
				firstDeletion[m.UserID] = i + 1
			}
			lastDeletion[m.UserID] = i + 1
		}
	}
	for i, m := range messages {
		sent := r.sent[m.MessageID]
		if sent == nil {
			continue // a deletion
		}
		deleted := r.deleted[sent.user]
		if sent.at < deleted && firstDeletion[sent.user] > 0 {
			assert.Less(r, i+1, firstDeletion[sent.user], "%s: %s of %s came back after its deletion", r.name(), m.MessageID, sent.user)
		}
		if deleted > 0 && sent.at > deleted {
			assert.Greater(r, i+1, lastDeletion[sent.user], "%s: %s of %s came before the deletion that it follows", r.name(), m.MessageID, sent.user)
		}
		if arrived[m.MessageID] {
			continue
		}
		arrived[m.MessageID] = true
		if sent.kind == loopkit.KindIdentify && deleted == 0 {
			assert.Greater(r, sent.at, lastIdentify, "%s: identifies keep their order", r.name())
			lastIdentify = sent.at
		}
	}
	for id, m := range r.sent {
		if m.acknowledged && m.at > r.left[m.user] && (r.deleted[m.user] == 0 || m.at > r.deleted[m.user]) {
			assert.True(r, arrived[id], "%s: %s (%v of %s) was acknowledged and is lost", r.name(), id, m.kind, m.user)
		}
	}
}
