package page

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"github.com/loopkitai/loopkit-go/cmd/loopkit/internal/sse"
	"github.com/loopkitai/loopkit-go/cmd/loopkit/internal/store"
)

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

// next waits for a version other than the given one, but no shorter than the
// pulse's pauses.
func (p *Page) next(ctx context.Context, out *sse.Stream, version int64) (*store.Snapshot, error) {
	heartbeat := time.NewTicker(sse.Heartbeat)
	defer heartbeat.Stop()
	rest := time.NewTimer(beat)
	defer rest.Stop()
	for {
		select {
		case <-rest.C:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
		if err := p.changed(ctx, out, heartbeat, version); err != nil {
			return nil, err
		}
		s, wait := p.pulse.after(version)
		if s != nil {
			return s, nil
		}
		rest.Reset(wait)
	}
}

// changed waits until the store has a version other than the given one.
func (p *Page) changed(ctx context.Context, out *sse.Stream, heartbeat *time.Ticker, version int64) error {
	for {
		select {
		case <-p.opts.Store.Changed(version):
			return nil
		case <-heartbeat.C:
			if err := out.Comment(); err != nil {
				return err
			}
		case <-ctx.Done():
			return ctx.Err()
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
