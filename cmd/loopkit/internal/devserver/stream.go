package devserver

import (
	"encoding/json"
	"net/http"
	"time"

	"github.com/loopkitai/loopkit-go/cmd/loopkit/internal/sse"
	"github.com/loopkitai/loopkit-go/cmd/loopkit/internal/store"
)

// pace is the least time between two looks at the store. What arrives in
// between is sent together.
const pace = 25 * time.Millisecond

// follower is a client of a stream.
type follower struct {
	query
	to       *sse.Stream
	instance string
	seq      int64 // of the newest entry that the client has, or does not want
}

// stream sends what the query asks for, and then what arrives, until the client
// goes away or the server stops.
func (s *Server) stream(w http.ResponseWriter, r *http.Request) {
	q, err := parseQuery(r)
	if err != nil {
		fail(w, http.StatusBadRequest, "%v", err)
		return
	}
	snapshot := s.store.Snapshot() // before the client knows that it is connected
	to, err := sse.Open(w, r)
	if err != nil {
		return // the client is gone
	}
	f := &follower{query: q, to: to, instance: s.store.Instance()}
	if err := f.begin(snapshot); err != nil {
		return
	}
	heartbeat := time.NewTicker(sse.Heartbeat)
	defer heartbeat.Stop()
	for err == nil {
		select {
		case <-r.Context().Done():
			return
		case <-heartbeat.C:
			err = to.Mark(f.id())
		case <-s.store.Changed(snapshot.Version):
			if !pause(r, pace) {
				return
			}
			snapshot = s.store.Snapshot()
			err = f.advance(snapshot)
		}
	}
}

// begin sends what there is, and from where to go on after a break.
func (f *follower) begin(s *store.Snapshot) error {
	f.seq = f.start(f.instance, s)
	switch {
	case f.since.instance != "" && f.since.instance != f.instance:
		if err := f.tell("reset", nil); err != nil { // the server was started again
			return err
		}
		fallthrough
	case !f.since.given:
		f.seq = s.Last - int64(len(s.Entries)) // what is not there any more is not missed
	}
	if err := f.advance(s); err != nil {
		return err
	}
	return f.to.Mark(f.id())
}

// advance sends what the client does not have yet.
func (f *follower) advance(s *store.Snapshot) error {
	if f.seq < s.Cleared {
		f.seq = s.Cleared
		if err := f.tell("reset", nil); err != nil {
			return err
		}
	}
	if oldest := s.Cleared + s.Forgotten; f.seq < oldest {
		missed := oldest - f.seq
		f.seq = oldest
		if err := f.tell("gap", map[string]int64{"missed": missed}); err != nil {
			return err
		}
	}
	for _, e := range f.match(s.Since(f.seq)) {
		f.seq = e.Seq
		if err := f.tell("record", store.NewEvent(e)); err != nil {
			return err
		}
	}
	f.seq, f.latest = s.Last, all
	return nil
}

func (f *follower) tell(event string, value any) error {
	data, err := json.Marshal(value)
	if err != nil {
		return err
	}
	return f.to.Send(f.id(), event, data)
}

func (f *follower) id() string { return position{instance: f.instance, seq: f.seq}.String() }
