package loopkittest

import (
	"net/http"
	"slices"
	"sync"
	"time"
)

// Fault is one way for a request to fail. The parts may be combined; they take
// effect in the order Store, Reset or reading the body, Delay, then the answer.
// The zero value changes nothing.
type Fault struct {
	// Status answers with this status, 200 to 999, instead of processing the
	// request. Zero leaves the answer as it would be, and then RetryAfter, Body
	// and Header have no effect.
	Status int
	// RetryAfter is sent as the Retry-After header, verbatim.
	RetryAfter string
	// Body is the response's body. Empty means {"success":false,"message":"scripted fault"}.
	Body string
	// Header holds more response headers.
	Header http.Header

	// Early answers before the request's body was read. Over TCP the connection
	// is closed afterwards.
	Early bool
	// Delay is how long to wait, ending with the request's context. Without
	// Store, a request that the client gives up meanwhile is not processed.
	Delay time.Duration
	// Hang never answers: the request ends when the client gives it up, or over
	// TCP when the server closes. With Early, a server over TCP cannot see that
	// the client is gone.
	Hang bool
	// Reset breaks the connection after ResetAfter bytes of the request's body
	// were read, or all of it if it is shorter. In the process, RoundTrip returns
	// an error that wraps syscall.ECONNRESET.
	Reset      bool
	ResetAfter int64
	// Store processes the request first and then fails: the answer is lost, the messages are not.
	Store bool

	// If, when set, applies the fault only to requests for which it returns true.
	// It gets the body, decompressed, so that Early and ResetAfter have no effect,
	// and must not call the Server's methods.
	If func(body []byte) bool
}

// Script makes requests to an endpoint fail: each takes the first fault left of
// the script that applies to it (see Fault.If). When none is left, the server
// answers normally. A second call appends. Scripts for the request's own
// endpoint come before those for Any, and those before FailAll.
func (s *Server) Script(endpoint Endpoint, script ...Fault) {
	s.t.Helper()
	s.check(endpoint, script)
	s.faults.mu.Lock()
	defer s.faults.mu.Unlock()
	for _, f := range script {
		s.faults.scripted = append(s.faults.scripted, placed{endpoint, f})
	}
}

// FailAll makes every request to an endpoint fail until Heal. Of several faults
// that apply the one set last is used, whether for the endpoint or for Any.
func (s *Server) FailAll(endpoint Endpoint, f Fault) {
	s.t.Helper()
	s.check(endpoint, []Fault{f})
	s.faults.mu.Lock()
	defer s.faults.mu.Unlock()
	s.faults.standing = slices.Insert(s.faults.standing, 0, placed{endpoint, f})
}

// Heal removes every fault, scripted ones included. Requests that already meet
// one are not affected.
func (s *Server) Heal() {
	s.faults.mu.Lock()
	defer s.faults.mu.Unlock()
	s.faults.scripted, s.faults.standing = nil, nil
}

// check fails the test where a fault could never work as written.
func (s *Server) check(endpoint Endpoint, script []Fault) {
	s.t.Helper()
	known := []Endpoint{Identifies, Groups, Tracks, UserDeletions, GroupDeletions, SDKVersions, Any}
	if !slices.Contains(known, endpoint) {
		s.t.Fatalf("loopkittest: no endpoint %q; there are %q", endpoint, known)
	}
	for _, f := range script {
		if f.Status != 0 && (f.Status < 200 || f.Status > 999) {
			s.t.Fatalf("loopkittest: a fault cannot answer with status %d", f.Status)
		}
	}
}

// placed is a fault and where it applies.
type placed struct {
	endpoint Endpoint
	Fault
}

func (p placed) at(e Endpoint) bool { return p.endpoint == e || p.endpoint == Any }

// faults are those that wait for a request.
type faults struct {
	mu       sync.Mutex
	scripted []placed // in order
	standing []placed // newest first
}

// conditional says whether a request's body is needed to choose its fault.
func (fs *faults) conditional(e Endpoint) bool {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	needsBody := func(p placed) bool { return p.at(e) && p.If != nil }
	return slices.ContainsFunc(fs.scripted, needsBody) || slices.ContainsFunc(fs.standing, needsBody)
}

// take returns the fault for a request and consumes it if it was scripted.
// A nil body, one that was not read, meets no condition.
func (fs *faults) take(e Endpoint, body []byte) (Fault, bool) {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	applies := func(p placed) bool {
		return p.at(e) && (p.If == nil || body != nil && p.If(body))
	}
	own := func(p placed) bool { return p.endpoint != Any && applies(p) }
	i := slices.IndexFunc(fs.scripted, own)
	if i < 0 {
		i = slices.IndexFunc(fs.scripted, applies)
	}
	if i >= 0 {
		f := fs.scripted[i].Fault
		fs.scripted = slices.Delete(fs.scripted, i, i+1)
		return f, true
	}
	if i := slices.IndexFunc(fs.standing, applies); i >= 0 {
		return fs.standing[i].Fault, true
	}
	return Fault{}, false
}
