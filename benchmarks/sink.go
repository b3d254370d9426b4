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
	"sync/atomic"
	"time"
)

// sink is the server that all contestants send to. It runs in a process of its
// own, so that what it costs is nobody's. It counts messages by the number in the
// name of each and believes no client's word.
type sink struct {
	mode    atomic.Pointer[sinkMode]
	buffers sync.Pool // of *bytes.Buffer

	mu     sync.Mutex
	report sinkReport
	seen   []uint64 // a bit for each number
}

// sinkMode says how the server behaves from now on.
type sinkMode struct {
	Status int           // answered instead of 200, and nothing is counted
	Delay  time.Duration // before the answer, as of a server that is far away
	Hang   bool          // no answer until the client gives up
}

type sinkReport struct {
	Requests, Connections, Messages, Duplicates int64
	Bytes                                       int64
}

// Arrived is how many different messages did.
func (r sinkReport) Arrived() int64 { return r.Messages - r.Duplicates }

// runSink serves until its standard input ends, which is when the parent is gone.
func runSink() error {
	s := &sink{}
	s.mode.Store(&sinkMode{})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /_mode", s.setMode)
	mux.HandleFunc("GET /_report", s.takeReport)
	mux.HandleFunc("GET /_progress", s.tellProgress)
	mux.HandleFunc("/", s.receive)
	server := &http.Server{Handler: mux, ConnState: func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			s.mu.Lock()
			s.report.Connections++
			s.mu.Unlock()
		}
	}}
	fmt.Println(l.Addr())
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin) // whatever ends it
		os.Exit(0)
	}()
	return server.Serve(l)
}

func (s *sink) setMode(w http.ResponseWriter, r *http.Request) {
	m := &sinkMode{}
	if err := json.NewDecoder(r.Body).Decode(m); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	s.mode.Store(m)
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
	m := s.mode.Load()
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
		<-r.Context().Done()
		return
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
		if i < 0 || i+nameBytes > len(body) {
			return
		}
		n := 0
		for _, digit := range body[i+len(namePrefix) : i+nameBytes] {
			n = n*10 + int(digit-'0')
		}
		body = body[i+nameBytes:]
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
