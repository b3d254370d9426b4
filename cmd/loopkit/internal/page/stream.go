package page

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"github.com/loopkitai/loopkit-go/cmd/loopkit/internal/sse"
	"github.com/loopkitai/loopkit-go/cmd/loopkit/internal/store"
)

// beat is the shortest time between two batches.
const beat = 100 * time.Millisecond

// stream tells a page what arrives: event "batch" for the Live page, event
// "counts" for the others (?rows=0). A page that was connected to an earlier
// run of the server is told so by event "reset" first.
func (p *Page) stream(w http.ResponseWriter, r *http.Request) {
	values := r.URL.Query()
	q := parseQuery(values)
	q.Before = 0
	selected, err := q.selection()
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	at := parseCursor(r.Header.Get("Last-Event-ID"))
	if at.instance == "" {
		at = parseCursor(values.Get("after"))
	}
	out, err := sse.Open(w, r)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	if at.instance != "" && at.instance != p.opts.Store.Instance() {
		if sendJSON(out, "", "reset", map[string]string{"instance": p.opts.Store.Instance()}) != nil {
			return
		}
	}
	s := p.opts.Store.Snapshot()
	t, after := p.resume(selected, s, at)
	send := func(s *store.Snapshot) error {
		id := cursor{p.opts.Store.Instance(), s.Last}.String()
		if values.Get("rows") == "0" {
			c := p.censuses.of(s)
			return sendJSON(out, id, "counts", batch{Last: s.Last, Total: len(s.Entries), Counts: c.counts, Version: s.Version})
		}
		b := p.batch(q, t, s, after)
		after = s.Last
		return sendJSON(out, id, "batch", b)
	}
	for err := send(s); err == nil; {
		s, err = p.next(r.Context(), out, s.Version)
		if err == nil {
			err = send(s)
		}
	}
}

// next waits for a version other than the given one, but no shorter than a beat.
func (p *Page) next(ctx context.Context, out *sse.Stream, version int64) (*store.Snapshot, error) {
	heartbeat := time.NewTicker(sse.Heartbeat)
	defer heartbeat.Stop()
	early := time.NewTimer(beat)
	defer early.Stop()
	select {
	case <-early.C:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	for {
		select {
		case <-p.opts.Store.Changed(version):
			return p.opts.Store.Snapshot(), nil
		case <-heartbeat.C:
			if err := out.Comment(); err != nil {
				return nil, err
			}
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

func sendJSON(out *sse.Stream, id, event string, data any) error {
	text, err := json.Marshal(data)
	if err != nil {
		return err
	}
	return out.Send(id, event, text)
}
