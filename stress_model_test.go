package loopkit_test

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Texts that make a stressServer refuse a message.
const (
	poisonText = "poison" // 400
	crashText  = "crash!" // 500
)

// stressServer is a RoundTripper that fails in all the ways that networks and
// servers do, and remembers in which order it executed what.
type stressServer struct {
	halts, knowsGzip, knowsEnvelopes bool
	faultRate                        float64
	bodyLimit                        int // 0: none
	faulty                           atomic.Bool
	late                             sync.WaitGroup // executions after the attempt's end

	mu         sync.Mutex
	rand       *rand.Rand
	executed   []string // IDs of messages and marks of deletions
	violations []string
}

func newStressServer(r *rand.Rand, seed uint64) *stressServer {
	s := &stressServer{
		halts:          r.IntN(3) == 0,
		faultRate:      pick(r, 0, 0.1, 0.4, 0.8),
		knowsGzip:      r.IntN(2) == 0,
		knowsEnvelopes: r.IntN(4) != 0,
		bodyLimit:      pick(r, 0, 0, 3000),
		rand:           rand.New(rand.NewPCG(seed, 99)),
	}
	s.faulty.Store(true)
	return s
}

func pick[T any](r *rand.Rand, choices ...T) T { return choices[r.IntN(len(choices))] }

func (s *stressServer) intN(n int) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.rand.IntN(n)
}

func (s *stressServer) upTo(d time.Duration) time.Duration { return time.Duration(s.intN(int(d))) }

// violated notes what must not be.
func (s *stressServer) violated(format string, args ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.violations) < 12 {
		s.violations = append(s.violations, fmt.Sprintf(format, args...))
	}
}

// executions returns how many there have been; what follows comes later.
func (s *stressServer) executions() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.executed
}

const (
	faultLate      = iota // the connection breaks, and the request is executed later
	faultHang             // no answer, and the request is executed after it was given up
	faultEarly            // an answer before the body is read, which is read nevertheless
	faultReset            // the connection breaks, and the request is not executed
	faultBusy             // an answer with Retry-After
	faultOutage           // an answer without
	faultHalt             // an answer that halts the endpoint, if the server has those
	faultPanic            // the RoundTripper misbehaves
	faultLost             // the request is executed, and the answer lost
	faultSlow             // the answer takes long
	faultTwoBodies        // the body is read twice
	faultCount
)

func (s *stressServer) fault() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.faulty.Load() && s.rand.Float64() < s.faultRate {
		return s.rand.IntN(faultCount)
	}
	return faultCount
}

// stressRequest is one request to a stressServer.
type stressRequest struct {
	*http.Request
	server *stressServer
	body   []byte
}

var errStressConnection = errors.New("the connection broke")

func (s *stressServer) RoundTrip(r *http.Request) (*http.Response, error) {
	req := &stressRequest{Request: r, server: s}
	latency := s.upTo(30 * time.Millisecond)
	switch s.fault() {
	case faultLate:
		req.read()
		s.later(func() { time.Sleep(s.upTo(55 * time.Second)); req.execute() })
		if err := req.sleep(latency); err != nil {
			return nil, err
		}
		return nil, errStressConnection
	case faultHang:
		req.read()
		s.later(func() { <-r.Context().Done(); time.Sleep(s.upTo(55 * time.Second)); req.execute() })
		<-r.Context().Done()
		return nil, r.Context().Err()
	case faultEarly:
		s.later(func() { time.Sleep(s.upTo(2 * time.Second)); req.readAfterAnswer() })
		return req.answer([]int{429, 421, 425}[s.intN(3)], nil), nil
	case faultReset:
		req.close()
		return nil, errStressConnection
	case faultBusy:
		req.close()
		return req.answer([]int{429, 503}[s.intN(2)], http.Header{"Retry-After": {strconv.Itoa(s.intN(30))}}), nil
	case faultOutage:
		req.close()
		return req.answer([]int{500, 502, 503, 504, 408}[s.intN(5)], nil), nil
	case faultHalt:
		if s.halts {
			req.close()
			_ = req.sleep(latency)
			return req.answer([]int{401, 403, 404, 301}[s.intN(4)], nil), nil
		}
	case faultPanic:
		if s.intN(2) == 0 {
			panic("round trip")
		}
		runtime.Goexit()
	case faultLost:
		req.read()
		req.execute()
		return nil, errStressConnection
	case faultSlow:
		latency = s.upTo(9 * time.Second)
	case faultTwoBodies:
		if r.GetBody != nil {
			if second, err := r.GetBody(); err == nil {
				_, _ = io.Copy(io.Discard, second)
				_ = second.Close()
			}
		}
	}
	if err := req.sleep(latency / 2); err != nil {
		req.close()
		return nil, err
	}
	req.read()
	status := req.execute()
	if err := req.sleep(latency / 2); err != nil {
		return nil, err
	}
	return req.answer(status, nil), nil
}

func (s *stressServer) later(f func()) { s.late.Go(f) }

// sleep returns the error of the request's context if that ends before.
func (r *stressRequest) sleep(d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-r.Context().Done():
		return r.Context().Err()
	}
}

func (r *stressRequest) close() {
	if r.Body != nil {
		_ = r.Body.Close()
	}
}

func (r *stressRequest) read() {
	if r.Body == nil {
		return
	}
	defer r.close()
	var err error
	if r.body, err = io.ReadAll(r.Body); err != nil {
		r.server.violated("a body cannot be read: %v", err)
	}
	if int64(len(r.body)) != r.ContentLength {
		r.server.violated("Content-Length %d, but a body of %d bytes", r.ContentLength, len(r.body))
	}
}

// readAfterAnswer finds an error, or all of the bytes that were to be sent.
func (r *stressRequest) readAfterAnswer() {
	if r.Body == nil {
		return
	}
	defer r.close()
	if body, err := io.ReadAll(r.Body); err == nil && !r.compressed() {
		r.server.parse(body)
	}
}

func (r *stressRequest) compressed() bool { return r.Header.Get("Content-Encoding") == "gzip" }

func (r *stressRequest) answer(status int, header http.Header) *http.Response {
	if header == nil {
		header = http.Header{}
	}
	header.Set("Content-Type", "application/json")
	return &http.Response{
		StatusCode: status, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: header, Body: io.NopCloser(strings.NewReader(`{"success":true}`)), Request: r.Request,
	}
}

// execute does what was asked for and returns the answer's status.
func (r *stressRequest) execute() int {
	s, faulty := r.server, r.server.faulty.Load()
	if mark := r.URL.Query().Get("mark"); mark != "" {
		s.done(mark)
		return 200
	}
	body := r.body
	if r.compressed() {
		if faulty && !s.knowsGzip {
			return 415
		}
		unzipped, err := gzip.NewReader(bytes.NewReader(body))
		if err == nil {
			body, err = io.ReadAll(unzipped)
		}
		if err != nil {
			s.violated("a compressed body cannot be read: %v", err)
		}
	}
	ids, envelope := s.parse(body)
	switch {
	case !faulty:
	case envelope && !s.knowsEnvelopes, bytes.Contains(body, []byte(poisonText)):
		return 400
	case s.bodyLimit > 0 && len(body) > s.bodyLimit:
		return 413
	case bytes.Contains(body, []byte(crashText)):
		return 500
	}
	s.done(ids...)
	return 200
}

func (s *stressServer) done(what ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.executed = append(s.executed, what...)
}

// parse returns the IDs of a body's messages.
func (s *stressServer) parse(body []byte) (ids []string, envelope bool) {
	type message struct{ MessageID string }
	var in struct {
		message
		Identifies, Groups, Tracks []message
	}
	if err := json.Unmarshal(body, &in); err != nil {
		s.violated("a body is not JSON: %v: %.80q", err, body)
		return nil, false
	}
	for _, list := range [][]message{in.Identifies, in.Groups, in.Tracks} {
		for _, m := range list {
			ids, envelope = append(ids, m.MessageID), true
		}
	}
	if !envelope {
		ids = []string{in.MessageID}
	}
	return ids, envelope
}
