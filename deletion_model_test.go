package loopkit_test

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	loopkit "github.com/loopkitai/loopkit-go"
	"github.com/loopkitai/loopkit-go/loopkittest"
)

// The network and the server of a deletionRun. A request lives for 8 s at most,
// and the client gives it up after one.
const (
	lostRequests  = 0.05
	lostAnswers   = 0.05 // of requests that were executed
	busyAnswers   = 0.05 // 503
	stalls        = 0.10 // executed when the client has given it up
	shortestStall = time.Second
	longestStall  = 8 * time.Second
	commonTrip    = 100 * time.Millisecond
)

const (
	deletionLost = iota
	deletionStalled
	deletionBusy
	deletionAnswerLost
	deletionHealthy
)

// deletionServer is a RoundTripper that stands for the network and the server.
// What happens is noted in ticks of one clock, which counts the calls as well.
type deletionServer struct {
	lossless bool          // every request is executed and answered in time
	most     time.Duration // that the way there and back takes
	refusals float64       // how many deletions are answered 503, and late, beyond busyAnswers
	clock    *atomic.Int64
	late     sync.WaitGroup // executions after the attempt's end

	mu       sync.Mutex
	rand     *rand.Rand
	requests []*deletionRequest
}

// deletionRequest is one request. Its numbers are ticks, 0 if it never happened.
type deletionRequest struct {
	ids                   []string // of its messages, or of the deletion
	sent, executed, ended int64
	executedAt            time.Time
	acknowledged          bool // the client got the answer that it was executed
}

var idInBody = regexp.MustCompile(`"messageId":"([^"]+)"`)

func (s *deletionServer) RoundTrip(r *http.Request) (*http.Response, error) {
	q := s.read(r)
	defer s.note(func(tick int64) { q.ended = tick })
	fault, trip, stall := s.draw(r.Method)
	if fault == deletionStalled {
		s.late.Go(func() { time.Sleep(stall); s.execute(q) })
	}
	if fault == deletionLost || fault == deletionStalled {
		<-r.Context().Done()
		return nil, r.Context().Err()
	}
	time.Sleep(trip / 2)
	if fault == deletionBusy {
		return deletionAnswer(r, http.StatusServiceUnavailable), nil
	}
	s.execute(q)
	if fault == deletionAnswerLost {
		<-r.Context().Done()
		return nil, r.Context().Err()
	}
	time.Sleep(trip / 2)
	s.note(func(int64) { q.acknowledged = true })
	return deletionAnswer(r, http.StatusOK), nil
}

// read notes a request.
func (s *deletionServer) read(r *http.Request) *deletionRequest {
	q := &deletionRequest{}
	if r.Body == nil {
		q.ids = []string{r.URL.Query().Get("id")}
	} else {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			panic(err) // a body in memory can be read
		}
		_ = r.Body.Close() // it cannot fail
		for _, id := range idInBody.FindAllSubmatch(body, -1) {
			q.ids = append(q.ids, string(id[1]))
		}
	}
	s.note(func(tick int64) {
		q.sent = tick
		s.requests = append(s.requests, q)
	})
	return q
}

// draw decides what becomes of a request.
func (s *deletionServer) draw(method string) (fault int, trip, stall time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	fault = deletionHealthy
	if dice := s.rand.Float64(); !s.lossless {
		for i, probability := range []float64{lostRequests, stalls, busyAnswers, lostAnswers} {
			if dice -= probability; dice < 0 {
				fault = i
				break
			}
		}
	}
	trip = time.Duration(s.rand.Int64N(int64(s.most)))
	stall = shortestStall + time.Duration(s.rand.Int64N(int64(longestStall-shortestStall)))
	if method == http.MethodDelete {
		trip = min(trip, commonTrip) // it has nothing to carry
		if s.rand.Float64() < s.refusals {
			fault, trip = deletionBusy, shortestStall
		}
	}
	return fault, trip, stall
}

func (s *deletionServer) execute(q *deletionRequest) {
	s.note(func(tick int64) { q.executed, q.executedAt = tick, time.Now() })
}

func (s *deletionServer) note(what func(tick int64)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	what(s.clock.Add(1))
}

func deletionAnswer(r *http.Request, status int) *http.Response {
	return &http.Response{
		StatusCode: status, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: http.Header{"Content-Type": {"application/json"}}, Body: io.NopCloser(strings.NewReader(`{}`)), Request: r,
	}
}

// deletionRun is a population that uses a program, some of whom are deleted.
type deletionRun struct {
	server *deletionServer
	client *loopkit.Client
	clock  atomic.Int64
	pace   time.Duration // most of a pause between two calls

	people, waits sync.WaitGroup

	deleting sync.Mutex
	marked   string // the deletion that is being accepted

	mu         sync.Mutex
	messages   map[string]*deletionMessage
	deletions  []*personDeletion
	violations []string
}

// deletionMessage is a message that was accepted between two ticks.
type deletionMessage struct {
	id, user, group string
	begun, accepted int64
	acceptedAt      time.Time
}

// personDeletion is a deletion that was accepted between two ticks, and whose
// Wait ended.
type personDeletion struct {
	id, user, group        string // of user and group, one
	begun, accepted, ended int64
}

func (d *personDeletion) names(m *deletionMessage) bool {
	return d.user != "" && d.user == m.user || d.group != "" && d.group == m.group
}

const (
	deletedUsers = 10 // in a run
	otherUsers   = 10
)

func newDeletionRun(t *testing.T, seed uint64, change ...func(*loopkit.Options)) *deletionRun {
	d := rand.New(rand.NewPCG(seed, 1))
	r := &deletionRun{
		messages: map[string]*deletionMessage{},
		pace:     pick(d, 10*time.Millisecond, 100*time.Millisecond, time.Second, 4*time.Second),
	}
	r.server = &deletionServer{most: commonTrip, clock: &r.clock, rand: rand.New(rand.NewPCG(seed, 2))}
	r.client = newClient(t, loopkittest.NewTransport(t), func(o *loopkit.Options) {
		o.HTTPClient = &http.Client{Transport: r.server}
		o.BatchSize, o.MaxInFlight = 5, 4
		o.FlushInterval = 200 * time.Millisecond
		o.RequestTimeout = shortestStall
		o.RetryMin, o.RetryMax = 100*time.Millisecond, 2*time.Second
		o.DeletionQuarantine = longestStall + shortestStall
		o.DeletionEndpoint = func(kind loopkit.Kind, id string) (string, string) {
			return http.MethodDelete, "/" + kind.String() + "/" + id + "?id=" + r.marked
		}
		for _, c := range change {
			c(o)
		}
	})
	return r
}

// run lets everybody live, each by a seed of their own, and closes. It returns
// what verify does, once everything late has happened.
func (r *deletionRun) run(seed uint64) map[string]bool {
	for i := range deletedUsers + otherUsers {
		r.people.Go(func() { r.live(rand.New(rand.NewPCG(seed, uint64(100+i))), fmt.Sprint("user_", i), i < deletedUsers) })
	}
	for team := range 2 {
		r.people.Go(func() {
			d := rand.New(rand.NewPCG(seed, uint64(200+team)))
			for range 2 + d.IntN(20) {
				if r.pause(d); d.IntN(6) == 0 {
					r.delete(&personDeletion{group: fmt.Sprint("team_", team)})
				}
			}
			r.delete(&personDeletion{group: fmt.Sprint("team_", team)})
		})
	}
	r.people.Wait()
	ctx, cancel := context.WithTimeout(context.Background(), time.Hour)
	defer cancel()
	if err := r.client.Close(ctx); err != nil {
		r.violated("Close: %v", err)
	}
	r.waits.Wait()
	r.server.late.Wait()
	return r.verify()
}

// live is one person. Some are deleted, some of them twice in a row, and some
// sign up again afterwards.
func (r *deletionRun) live(d *rand.Rand, user string, deleted bool) {
	r.pause(d)
	r.identify(user, "anon_"+user)
	calls := 2 + d.IntN(10)
	if !deleted {
		calls *= 3 // they are there when the others are deleted
	}
	for range calls {
		r.act(d, user, "anon_"+user)
	}
	if !deleted {
		return
	}
	time.Sleep(time.Duration(d.Int64N(int64(time.Second)))) // their last messages are queued, under way, lost or late
	for range pick(d, 1, 1, 1, 2) {
		r.delete(&personDeletion{user: user})
	}
	if d.IntN(2) == 0 {
		return
	}
	if d.IntN(2) == 0 {
		r.pause(d)
	}
	again := "anon_again_" + user
	r.identify(user, again)
	for range d.IntN(6) {
		r.act(d, user, again)
	}
}

func (r *deletionRun) pause(d *rand.Rand) { time.Sleep(time.Duration(d.Int64N(int64(r.pace)))) }

func (r *deletionRun) act(d *rand.Rand, user, anonymousID string) {
	r.pause(d)
	switch d.IntN(5) {
	case 0:
		r.identify(user, anonymousID)
	case 1:
		team := fmt.Sprint("team_", d.IntN(4))
		r.call(&deletionMessage{user: user, group: team}, func(id loopkit.CallOption) error {
			return r.client.Group(known(anonymousID, user), team, nil, id)
		})
	default:
		for range 1 + d.IntN(3) {
			r.call(&deletionMessage{user: user}, func(id loopkit.CallOption) error {
				return r.client.Track(known(anonymousID, user), "page_view", nil, id)
			})
		}
	}
}

func (r *deletionRun) identify(user, anonymousID string) {
	r.call(&deletionMessage{user: user}, func(id loopkit.CallOption) error {
		return r.client.Identify(visitor(anonymousID), user, nil, id)
	})
}

func (r *deletionRun) call(m *deletionMessage, send func(id loopkit.CallOption) error) {
	m.begun = r.clock.Add(1)
	m.id = fmt.Sprintf("%s_%d", m.user, m.begun)
	if err := send(loopkit.WithMessageID(m.id)); err != nil {
		r.violated("%s: %v", m.id, err)
	}
	m.accepted, m.acceptedAt = r.clock.Add(1), time.Now()
	r.mu.Lock()
	defer r.mu.Unlock()
	r.messages[m.id] = m
}

// delete is accepted at one moment, and its Wait ends at another.
func (r *deletionRun) delete(d *personDeletion) {
	r.deleting.Lock()
	defer r.deleting.Unlock()
	d.begun = r.clock.Add(1)
	d.id = fmt.Sprintf("deletion_%d_of_%s%s", d.begun, d.user, d.group)
	r.marked = d.id
	call, id := r.client.DeleteUser, d.user
	if d.group != "" {
		call, id = r.client.DeleteGroup, d.group
	}
	deletion, err := call(context.Background(), id)
	if err != nil {
		r.violated("%s: %v", d.id, err)
	}
	d.accepted = r.clock.Add(1)
	r.waits.Go(func() {
		if err := deletion.Wait(context.Background()); err != nil {
			r.violated("%s ended with %v", d.id, err)
		}
		d.ended = r.clock.Add(1)
	})
	r.mu.Lock()
	defer r.mu.Unlock()
	r.deletions = append(r.deletions, d)
}

func (r *deletionRun) violated(format string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.violations = append(r.violations, fmt.Sprintf(format, args...))
}
