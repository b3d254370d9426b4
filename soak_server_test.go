package loopkit_test

import (
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	loopkit "github.com/loopkitai/loopkit-go"
	"github.com/loopkitai/loopkit-go/internal/faulty"
)

const (
	soakTimeout    = (40 + 20*raceFactor) * time.Millisecond // RequestTimeout of all clients
	soakQuarantine = soakTimeout * 5 / 2                     // DeletionQuarantine: the server executes nothing that is older
	soakPace       = (3 + raceFactor) * time.Millisecond     // of the long-lived client's callers
	soakLeastLimit = 2 << 10                                 // of bodies, when the server has a limit
)

// soakServer is a server that fails as the weather is, and compares what arrives
// with what was sent.
type soakServer struct {
	notes       *stressServer
	ledger      *soakLedger
	listener    *faulty.Listener
	transport   *http.Transport // of linked clients
	begun       time.Time
	weather     atomic.Pointer[soakWeather]
	requests    atomic.Int64
	connections atomic.Int64

	mu          sync.Mutex // makes the order of executions exact
	faults      map[string]int64
	attempts    map[int64]*soakAttempt // under way
	lastAttempt int64
	lost        int64 // messages in executed requests whose answer was not received
	again       int64 // messages of linked clients that arrived again
	repeated    int64 // those of others
}

// soakAttempt is a request of a linked client.
type soakAttempt struct {
	number   int64
	client   *soakClient
	executed int64 // messages
}

// soakWeather says what share of requests and of connections fails, and how.
type soakWeather struct {
	requests, connections float64
	outage                bool // nothing is taken
	limit                 int  // of bodies; 0 for none
}

func newSoakServer(t *testing.T, notes *stressServer, ledger *soakLedger) *soakServer {
	s := &soakServer{
		notes: notes, ledger: ledger, begun: time.Now(),
		transport: &http.Transport{MaxIdleConnsPerHost: 16},
		faults:    map[string]int64{},
		attempts:  map[int64]*soakAttempt{},
	}
	s.weather.Store(&soakWeather{})
	s.listener = faulty.Listen(t, s.connectionFault)
	server := &http.Server{Handler: s, ErrorLog: log.New(io.Discard, "", 0)}
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(s.listener) }()
	t.Cleanup(func() {
		assert.NoError(t, server.Close())
		assert.ErrorIs(t, <-ended, http.ErrServerClosed)
	})
	return s
}

// changeWeather lets it be fine, stormy and dead in turns, and fine in the end.
func (s *soakServer) changeWeather(ctx context.Context, duration time.Duration) {
	defer s.weather.Store(&soakWeather{})
	for i := 0; ctx.Err() == nil; i++ {
		w, lasts := &soakWeather{}, 20*time.Millisecond+rand.N(min(duration/8, 300*time.Millisecond))
		switch i % 4 {
		case 0, 2:
			lasts *= 2 // half of it goes by until the clients have noticed
		case 1:
			w.requests, w.connections = 0.1+0.4*rand.Float64(), 0.3*rand.Float64()
			w.limit = []int{0, soakLeastLimit, 4 * soakLeastLimit}[rand.IntN(3)]
		case 3:
			w.requests, w.connections, w.outage = 1, rand.Float64(), true
			if duration > 20*time.Second && rand.IntN(5) == 0 {
				lasts = 3 * time.Second / 2 // longer than MaxAge
			}
		}
		s.weather.Store(w)
		timer := time.NewTimer(lasts)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
		}
	}
}

func (s *soakServer) failed(how string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults[how]++
}

var soakConnections = map[string]func() faulty.Fault{
	"refuse connection": func() faulty.Fault { return faulty.Fault{Kind: faulty.Refuse} },
	"reset request":     func() faulty.Fault { return faulty.Fault{Kind: faulty.ResetRequest, Bytes: rand.IntN(20_000)} },
	"reset response":    func() faulty.Fault { return faulty.Fault{Kind: faulty.ResetResponse, Bytes: rand.IntN(600)} },
	"truncate response": func() faulty.Fault { return faulty.Fault{Kind: faulty.Truncate, Bytes: rand.IntN(600)} },
	"half-close":        func() faulty.Fault { return faulty.Fault{Kind: faulty.HalfClose, Bytes: rand.IntN(600)} },
	"trickle":           func() faulty.Fault { return faulty.Fault{Kind: faulty.Trickle, Bytes: 20, Pause: time.Millisecond} },
	"garbage":           func() faulty.Fault { return faulty.Fault{Kind: faulty.Raw, Answer: "220 mail.example.com ESMTP\r\n"} },
	"early 503": func() faulty.Fault {
		return faulty.Fault{Kind: faulty.Early, Answer: "HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n", Pause: soakTimeout}
	},
	"black hole": func() faulty.Fault { return faulty.Fault{Kind: faulty.BlackHole, Pause: 2 * soakTimeout} },
}

// connectionFault is how the next connection fails.
func (s *soakServer) connectionFault() faulty.Fault {
	s.connections.Add(1)
	if rand.Float64() >= s.weather.Load().connections {
		return faulty.Fault{}
	}
	for how, fault := range soakConnections { // in random order
		s.failed(how)
		return fault()
	}
	return faulty.Fault{}
}

func (s *soakServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.requests.Add(1)
	weather := s.weather.Load()
	bad := rand.Float64() < weather.requests
	if bad && rand.IntN(8) == 0 {
		s.answer(w, "early", []int{408, 429, 503}[rand.IntN(3)])
		return
	}
	ids, size, ok := s.read(r)
	if !ok {
		s.failed("half a request")
		panic(http.ErrAbortHandler)
	}
	if bad {
		s.misbehave(w, r, ids, weather)
		return
	}
	status := s.refusal(r, ids, size, weather)
	if status == 0 {
		status = s.execute(r, ids)
	}
	s.answer(w, "", status)
}

// misbehave executes the request or not, and gives no good answer.
func (s *soakServer) misbehave(w http.ResponseWriter, r *http.Request, ids []soakID, weather *soakWeather) {
	switch how := rand.IntN(10); {
	case how < 2:
		s.failed("lost answer")
		if s.refusal(r, ids, 0, &soakWeather{}) == 0 {
			s.execute(r, ids)
		}
		panic(http.ErrAbortHandler)
	case how < 4:
		s.failed("hang")
		timer := time.NewTimer(rand.N(soakQuarantine))
		defer timer.Stop()
		<-timer.C // and not the end of r.Context(): a server may go on without a client
		if s.refusal(r, ids, 0, &soakWeather{}) == 0 {
			s.execute(r, ids)
		}
		panic(http.ErrAbortHandler)
	case how < 5:
		s.failed("abort")
		panic(http.ErrAbortHandler)
	case how < 7:
		w.Header().Set("Retry-After", "0")
		if rand.IntN(200) == 0 && time.Since(s.begun) > 5*time.Second { // a short run has no time for that
			w.Header().Set("Retry-After", "1")
		}
		s.answer(w, "", []int{429, 503}[rand.IntN(2)])
	case how < 8 && !weather.outage: // for hours it would look like a message that the server fails on
		s.answer(w, "", 500)
	default:
		s.answer(w, "", []int{408, 502, 503, 504}[rand.IntN(4)])
	}
}

func (s *soakServer) answer(w http.ResponseWriter, how string, status int) {
	if status != 200 {
		s.failed(strings.TrimSpace(how + " " + strconv.Itoa(status)))
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, `{"success":true}`) // the client may be gone
}

// refusal is the status for a request that is never taken; 0 for others.
func (s *soakServer) refusal(r *http.Request, ids []soakID, size int, weather *soakWeather) int {
	if r.Method == http.MethodDelete && ids[0].n%20 == 0 {
		return 404
	}
	for _, id := range ids {
		if id.link == linkPoison {
			return 400
		}
	}
	if weather.limit > 0 && size > weather.limit {
		return 413
	}
	return 0
}

// read returns what the request is about, once it is checked.
func (s *soakServer) read(r *http.Request) (ids []soakID, size int, ok bool) {
	if r.Method == http.MethodDelete {
		n, _ := numberOf(r.URL.Path)
		return []soakID{{n: n, kind: loopkit.KindDeleteUser}}, 0, true
	}
	var body io.Reader = r.Body
	if r.Header.Get("Content-Encoding") == "gzip" {
		unzipped, err := gzip.NewReader(body)
		if err != nil {
			return nil, 0, false
		}
		body = unzipped
	}
	text, err := io.ReadAll(body)
	if err != nil {
		return nil, 0, false
	}
	var in struct {
		soakMessage
		Identifies, Groups, Tracks []soakMessage
	}
	if err := json.Unmarshal(text, &in); err != nil {
		s.notes.violated("a body is not JSON: %v: %.80q", err, text)
		return nil, 0, false
	}
	kinds := map[string]loopkit.Kind{"/identifies": loopkit.KindIdentify, "/groups": loopkit.KindGroup, "/tracks": loopkit.KindTrack}
	kind, known := kinds[r.URL.Path]
	messages := [][]soakMessage{in.Identifies, in.Groups, in.Tracks}[kind]
	if in.MessageID != "" {
		messages = append(messages, in.soakMessage)
	}
	if !known || len(messages) == 0 {
		s.notes.violated("%s got nothing that it knows: %.200q", r.URL.Path, text)
		return nil, 0, false
	}
	for i := range messages {
		id, err := messages[i].identify(kind)
		if err != nil || !s.ledger.knows(id.n) {
			s.notes.violated("what arrived was never sent: %v: %+v", err, messages[i])
			return nil, 0, false
		}
		ids = append(ids, id)
	}
	return ids, len(text), true
}

// execute does what was asked for and returns the answer's status. It executes
// no request of a linked client that is older than the quarantine: without such
// a bound, nothing could be promised to the deleted.
func (s *soakServer) execute(r *http.Request, ids []soakID) int {
	number, begun := int64(0), int64(0)
	header := r.Header.Get("Attempt")
	linked := header != ""
	if linked {
		if _, err := fmt.Sscan(header, &number, &begun); err != nil {
			s.notes.violated("the header is %q: %v", header, err)
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if linked && time.Since(s.begun)-time.Duration(begun) >= soakQuarantine {
		s.faults["too old"]++
		return 503
	}
	for _, id := range ids {
		s.arrived(id, linked)
	}
	if a := s.attempts[number]; a != nil {
		a.executed += int64(len(ids))
	} else if linked { // it was given up
		s.lost += int64(len(ids))
	}
	return 200
}

// arrived holds a message to the order that it has to keep.
func (s *soakServer) arrived(id soakID, linked bool) {
	first := s.ledger.arrived(id.n)
	switch {
	case !first && linked:
		s.again++
	case !first:
		s.repeated++
	}
	switch {
	case id.link == linkIdentify:
		s.ledger.due(id.other)
	case id.link == linkBefore && s.ledger.bits(id.other)&soakArrived != 0:
		s.notes.violated("%v was accepted before a deletion and arrived after it", id)
	case id.link == linkAfter:
		s.ledger.mark(id.other, soakFollowed)
	case id.kind == loopkit.KindDeleteUser && s.ledger.bits(id.n)&soakFollowed != 0:
		s.notes.violated("deletion %d was executed after what had to follow it", id.n)
	}
}

// link numbers the requests of a client, so that the server knows how old they
// are, and what the client got an answer to.
func (s *soakServer) link(c *soakClient) http.RoundTripper {
	return transportFunc(func(r *http.Request) (*http.Response, error) {
		s.mu.Lock()
		s.lastAttempt++
		a := &soakAttempt{number: s.lastAttempt, client: c}
		s.attempts[a.number] = a
		s.mu.Unlock()
		r = r.Clone(r.Context())
		r.Header.Set("Attempt", fmt.Sprint(a.number, int64(time.Since(s.begun))))
		answer, err := s.transport.RoundTrip(r)
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.attempts, a.number)
		if err == nil && answer.StatusCode == 200 {
			c.confirmed.Add(a.executed)
		} else {
			s.lost += a.executed
		}
		return answer, err
	})
}

func (s *soakServer) verify() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.again > s.lost {
		s.notes.violated("%d messages arrived again, but only %d were in requests without an answer", s.again, s.lost)
	}
}

func (s *soakServer) report() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return fmt.Sprintf("server: %d connections, %d requests; %d messages arrived again, %d had lost an answer, %d more of unlinked clients\nfaults: %v",
		s.connections.Load(), s.requests.Load(), s.again, s.lost, s.repeated, s.faults)
}
