package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"sync"
	"time"
)

// sink is the server that all contestants send to. It runs in a process of its
// own, so that what it costs is nobody's. It counts messages by the number in the
// name of each and believes no client's word.
type sink struct {
	server  *http.Server
	buffers sync.Pool // of *bytes.Buffer

	mu       sync.Mutex
	listener net.Listener // of the server; closed while connections are refused
	mode     sinkMode
	changed  chan struct{} // closed when the mode changes
	report   sinkReport
	seen     []uint64 // a bit for each number
}

// sinkMode says how the server behaves from now on.
type sinkMode struct {
	Status int           // answered instead of 200, and nothing is counted
	Delay  time.Duration // before the answer, as of a server that is far away
	Hang   bool          // no answer before the next mode
	Refuse bool          // nobody listens
}

type sinkReport struct {
	Requests, Connections, Messages, Duplicates int64
	Malformed                                   int64 // names without a number
	Bytes                                       int64
}

// Arrived is how many different messages did.
func (r sinkReport) Arrived() int64 { return r.Messages - r.Duplicates }

// runSink serves until its standard input ends, which is when the parent is gone.
// It prints two addresses: of the control, and of the server that is measured.
func runSink() error {
	s := &sink{changed: make(chan struct{})}
	control, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	if s.listener, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
		return err
	}
	s.server = &http.Server{Handler: http.HandlerFunc(s.receive), ConnState: func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			s.mu.Lock()
			s.report.Connections++
			s.mu.Unlock()
		}
	}}
	fmt.Println(control.Addr(), s.listener.Addr())
	go func() { _ = s.server.Serve(s.listener) }() // it ends when nobody is to listen
	go exitWithParent()
	mux := http.NewServeMux()
	mux.HandleFunc("POST /mode", s.setMode)
	mux.HandleFunc("GET /report", s.takeReport)
	mux.HandleFunc("GET /progress", s.tellProgress)
	return http.Serve(control, mux)
}

// exitWithParent ends this process when the one that started it is gone.
func exitWithParent() {
	_, _ = io.Copy(io.Discard, os.Stdin) // whatever ends it
	os.Exit(0)
}

func (s *sink) setMode(w http.ResponseWriter, r *http.Request) {
	var m sinkMode
	err := json.NewDecoder(r.Body).Decode(&m)
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case err != nil:
	case m.Refuse && !s.mode.Refuse:
		err = s.listener.Close()
	case !m.Refuse && s.mode.Refuse:
		if s.listener, err = net.Listen("tcp", s.listener.Addr().String()); err == nil {
			go func() { _ = s.server.Serve(s.listener) }()
		}
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	s.mode = m
	close(s.changed)
	s.changed = make(chan struct{})
}

// now returns the mode, and what is closed when it changes.
func (s *sink) now() (sinkMode, <-chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.mode, s.changed
}

func (s *sink) tellProgress(w http.ResponseWriter, _ *http.Request) {
	s.mu.Lock()
	r := s.report
	s.mu.Unlock()
	_ = json.NewEncoder(w).Encode(r) // the client sees that it is cut
}

// takeReport returns what was counted since the last time.
func (s *sink) takeReport(w http.ResponseWriter, _ *http.Request) {
	s.mu.Lock()
	r := s.report
	s.report, s.seen = sinkReport{}, nil
	s.mu.Unlock()
	_ = json.NewEncoder(w).Encode(r) // the parent sees that it is cut
}

func (s *sink) receive(w http.ResponseWriter, r *http.Request) {
	m, changed := s.now()
	body, _ := s.buffers.Get().(*bytes.Buffer)
	if body == nil {
		body = &bytes.Buffer{}
	}
	defer s.buffers.Put(body)
	body.Reset()
	if _, err := body.ReadFrom(r.Body); err != nil {
		return // the client is gone
	}
	switch {
	case m.Hang:
		select {
		case <-changed:
		case <-r.Context().Done():
			return
		}
	case m.Delay > 0:
		select {
		case <-time.After(m.Delay):
		case <-r.Context().Done():
			return
		}
	}
	w.Header().Set("Content-Type", "application/json")
	if m.Status != 0 {
		w.WriteHeader(m.Status)
		s.count(nil)
		return
	}
	s.count(body.Bytes())
	_, _ = io.WriteString(w, `{"success":true}`) // the client may be gone
}

func (s *sink) count(body []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.report.Requests++
	s.report.Bytes += int64(len(body))
	for {
		i := bytes.Index(body, []byte(namePrefix))
		if i < 0 {
			return
		}
		body = body[i+len(namePrefix):]
		n, ok := numberOf(body)
		if !ok {
			s.report.Malformed++
			continue
		}
		for n/64 >= len(s.seen) {
			s.seen = append(s.seen, make([]uint64, max(1024, len(s.seen)))...)
		}
		s.report.Messages++
		if bit := uint64(1) << (n % 64); s.seen[n/64]&bit != 0 {
			s.report.Duplicates++
		} else {
			s.seen[n/64] |= bit
		}
	}
}

// numberOf reads the digits of a name, behind which its quote must stand.
func numberOf(text []byte) (n int, ok bool) {
	if len(text) <= nameDigits || text[nameDigits] != '"' {
		return 0, false
	}
	for _, digit := range text[:nameDigits] {
		if digit < '0' || digit > '9' {
			return 0, false
		}
		n = n*10 + int(digit-'0')
	}
	return n, true
}
