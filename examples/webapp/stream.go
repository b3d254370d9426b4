package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/loopkitai/loopkit-go"
	"github.com/loopkitai/loopkit-go/internal/collector"
)

const (
	maxStreams   = 32
	streamTick   = 200 * time.Millisecond // how often a stream looks for news
	streamBeat   = 15 * time.Second       // finds out that a silent browser is gone
	writeTimeout = 10 * time.Second       // how long one write may take
)

// receivedView is what was received, for programs.
type receivedView struct {
	People   []collector.Person  `json:"people"`
	Groups   []collector.Group   `json:"groups"`
	Messages []collector.Message `json:"messages"`
	Stats    loopkit.Stats       `json:"stats"`
}

func (a *app) received(w http.ResponseWriter, _ *http.Request) {
	view := receivedView{
		People:   []collector.Person{},
		Groups:   []collector.Group{},
		Messages: []collector.Message{},
		Stats:    a.client.Stats(),
	}
	view.Stats.Failing, view.Stats.Halted = nil, nil // errors have no JSON of their own
	if local := a.place.local; local != nil {
		view.People, view.Groups = local.People(), local.Groups()
		view.Messages = append(view.Messages, local.Messages()...)
	}
	text, err := json.MarshalIndent(view, "", "  ")
	if err != nil {
		slog.Error("what was received has no JSON", "error", err)
		http.Error(w, "This could not be written as JSON.", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(append(text, '\n'))
}

// news changes when the panel does.
type news struct {
	answered int64
	counts   counts
}

func (a *app) news() news {
	n := news{counts: countsOf(a.client.Stats())}
	if a.place.local != nil {
		n.answered = a.place.local.answered.Load()
	}
	return n
}

// stream sends the panel whenever it changes, as server-sent events, until the
// browser goes or the server ends.
func (a *app) stream(w http.ResponseWriter, r *http.Request) {
	select {
	case a.streams <- struct{}{}:
		defer func() { <-a.streams }()
	default:
		w.Header().Set("Retry-After", "5")
		http.Error(w, "Too many pages are open.", http.StatusServiceUnavailable)
		return
	}
	out := &eventWriter{w: w, control: http.NewResponseController(w)}
	if err := out.begin(); err != nil {
		slog.Error("this server cannot stream", "error", err)
		return
	}
	you := a.visitor(r)
	tick := time.NewTicker(streamTick)
	defer tick.Stop()
	shown, sent := news{answered: -1}, time.Now()
	for {
		now := a.news() // before the panel, which may know more
		var err error
		switch {
		case now != shown:
			shown, sent = now, time.Now()
			err = a.sendPanel(out, you)
		case time.Since(sent) > streamBeat:
			sent = time.Now()
			err = out.write(": still here\n\n")
		}
		if err != nil {
			return // the browser is gone
		}
		select {
		case <-r.Context().Done():
			return
		case <-a.ending:
			return
		case <-tick.C:
		}
	}
}

func (a *app) sendPanel(out *eventWriter, you visitor) error {
	var html bytes.Buffer
	if err := a.pages.panel.Execute(&html, a.panel(you)); err != nil {
		slog.Error("the panel could not be rendered", "error", err)
		return err
	}
	data, err := json.Marshal(html.String()) // one line, whatever is in it
	if err != nil {
		return err
	}
	return out.write(fmt.Sprintf("event: panel\ndata: %s\n\n", data))
}

// eventWriter writes server-sent events past the timeouts of the server, which
// are made for answers that end.
type eventWriter struct {
	w       http.ResponseWriter
	control *http.ResponseController
}

func (e *eventWriter) begin() error {
	if err := e.control.SetReadDeadline(time.Time{}); err != nil {
		return err
	}
	e.w.Header().Set("Content-Type", "text/event-stream")
	e.w.Header().Set("X-Accel-Buffering", "no") // for proxies that would wait for the end
	return e.write("retry: 2000\n\n")
}

func (e *eventWriter) write(text string) error {
	if err := e.control.SetWriteDeadline(time.Now().Add(writeTimeout)); err != nil {
		return err
	}
	if _, err := e.w.Write([]byte(text)); err != nil {
		return err
	}
	return e.control.Flush()
}
