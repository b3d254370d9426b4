package devserver

import (
	"net/http"
	"strconv"

	"github.com/loopkitai/loopkit-go/cmd/loopkit/internal/journey"
	"github.com/loopkitai/loopkit-go/cmd/loopkit/internal/records"
	"github.com/loopkitai/loopkit-go/cmd/loopkit/internal/store"
)

func (s *Server) api() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /api/summary", s.summary)
	mux.HandleFunc("GET /api/events", s.events)
	mux.HandleFunc("GET /api/stream", s.stream)
	mux.HandleFunc("GET /api/people", s.people)
	mux.HandleFunc("GET /api/people/{id}", s.person)
	mux.HandleFunc("GET /api/groups", s.groups)
	mux.HandleFunc("GET /api/groups/{id}", s.group)
	mux.HandleFunc("GET /api/warnings", s.warnings)
	mux.HandleFunc("GET /api/export", s.export)
	mux.HandleFunc("GET /api/chaos", s.showChaos)
	mux.HandleFunc("PUT /api/chaos", s.setChaos)
	mux.HandleFunc("POST /api/reset", s.reset)
	mux.HandleFunc("POST /api/demo", s.demo)
	return mux
}

// events answers with the newest of what the query asks for, oldest first.
func (s *Server) events(w http.ResponseWriter, r *http.Request) {
	q, err := parseQuery(r)
	if err != nil {
		fail(w, http.StatusBadRequest, "%v", err)
		return
	}
	snapshot := s.store.Snapshot()
	from := q.start(s.store.Instance(), snapshot)
	answer(w, http.StatusOK, map[string]any{
		"instance":  s.store.Instance(),
		"last":      snapshot.Last,
		"forgotten": snapshot.Forgotten,
		"events":    eventsOf(q.match(snapshot.Since(from))),
	})
}

func eventsOf(entries []*store.Entry) []store.Event {
	events := make([]store.Event, len(entries))
	for i, e := range entries {
		events[i] = store.NewEvent(e)
	}
	return events
}

// export answers with the messages in the form that "loopkit import" reads.
func (s *Server) export(w http.ResponseWriter, r *http.Request) {
	messages := s.store.Snapshot().Messages()
	w.Header().Set("Content-Type", "application/x-ndjson")
	w.Header().Set("Content-Disposition", `attachment; filename="loopkit.ndjson"`)
	for _, m := range messages {
		line, err := records.Encode(m)
		if err != nil {
			panic(http.ErrAbortHandler) // a file that ends too early must not look complete
		}
		if _, err := w.Write(line); err != nil {
			return
		}
	}
}

func (s *Server) showChaos(w http.ResponseWriter, _ *http.Request) {
	answer(w, http.StatusOK, s.trouble.get().texts())
}

func (s *Server) setChaos(w http.ResponseWriter, r *http.Request) {
	var texts chaosTexts
	err := command(w, r, &texts)
	var chaos Chaos
	if err == nil {
		chaos, err = texts.parse()
	}
	if err != nil {
		fail(w, http.StatusBadRequest, "%v", err)
		return
	}
	s.trouble.set(chaos)
	s.showChaos(w, r)
}

// reset forgets what was received. A journal is put aside, not emptied.
func (s *Server) reset(w http.ResponseWriter, r *http.Request) {
	if err := command(w, r, &struct{}{}); err != nil {
		fail(w, http.StatusBadRequest, "%v", err)
		return
	}
	done := verdict{Success: true}
	s.recording.Lock()
	defer s.recording.Unlock()
	if s.journal != nil {
		kept, err := s.journal.putAside()
		if err != nil {
			fail(w, http.StatusInternalServerError, "nothing was cleared, because the journal could not be put aside: %v", err)
			return
		}
		if kept != "" {
			done.Message = "the journal so far is in " + kept
			s.opts.Log("cleared; " + done.Message)
		}
	}
	s.store.Reset()
	answer(w, http.StatusOK, done)
}

// demo sends the documentation's user journey to this server.
func (s *Server) demo(w http.ResponseWriter, r *http.Request) {
	if err := command(w, r, &struct{}{}); err != nil {
		fail(w, http.StatusBadRequest, "%v", err)
		return
	}
	if !s.touring.TryLock() {
		fail(w, http.StatusConflict, "the demo is under way")
		return
	}
	defer s.touring.Unlock()
	stats, err := journey.Send(r.Context(), Key, s.BaseURL())
	if err != nil {
		fail(w, http.StatusBadGateway, "%d of %d messages of the journey were delivered: %v", stats.Delivered, stats.Accepted, err)
		return
	}
	answer(w, http.StatusOK, verdict{Success: true, Message: strconv.FormatInt(stats.Delivered, 10) + " messages were delivered"})
}
