// Package sse writes and reads streams of server-sent events.
package sse

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// Heartbeat is how often a stream that has nothing to say sends a Comment, so
// that proxies keep the connection and both ends notice when it is dead.
const Heartbeat = 15 * time.Second

// patience bounds one write to a client that does not read.
const patience = 10 * time.Second

// retry tells clients how many milliseconds to wait before they connect again.
const retry = 2000

// Stream is the answer to one request, as a stream of events. It is not safe
// for concurrent use, and is over when the request's handler returns.
type Stream struct {
	w          http.ResponseWriter
	controller *http.ResponseController
}

// Open begins the answer to a request. Nothing was written if it fails.
func Open(w http.ResponseWriter, r *http.Request) (*Stream, error) {
	s := &Stream{w: w, controller: http.NewResponseController(w)}
	if err := s.controller.SetWriteDeadline(time.Time{}); err != nil {
		return nil, fmt.Errorf("the answer to %s cannot be a stream: %w", r.URL.Path, err)
	}
	h := w.Header()
	h.Set("Content-Type", "text/event-stream; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Accel-Buffering", "no") // or nginx holds events back
	return s, s.write(fmt.Appendf(nil, "retry: %d\n\n", retry))
}

// Send sends an event. The ID and the name may be empty, and must be single
// lines. A client that does not take it within 10 seconds is an error, after
// which the stream is of no use.
func (s *Stream) Send(id, event string, data []byte) error {
	if !isLine(id) || !isLine(event) {
		return errNoLine
	}
	var text bytes.Buffer
	if id != "" {
		fmt.Fprintf(&text, "id: %s\n", id)
	}
	if event != "" {
		fmt.Fprintf(&text, "event: %s\n", event)
	}
	for line := range bytes.Lines(append(lineFeeds(data), '\n')) {
		text.WriteString("data: ")
		text.Write(line)
	}
	text.WriteByte('\n')
	return s.write(text.Bytes())
}

// lineFeeds returns a copy of data with one kind of line end.
func lineFeeds(data []byte) []byte {
	data = bytes.ReplaceAll(data, []byte("\r\n"), []byte("\n"))
	return bytes.ReplaceAll(data, []byte("\r"), []byte("\n"))
}

// Comment sends something that clients ignore.
func (s *Stream) Comment() error { return s.write([]byte(":\n\n")) }

func (s *Stream) write(text []byte) error {
	if err := s.controller.SetWriteDeadline(time.Now().Add(patience)); err != nil {
		return err
	}
	if _, err := s.w.Write(text); err != nil {
		return err
	}
	if err := s.controller.Flush(); err != nil {
		return err
	}
	return s.controller.SetWriteDeadline(time.Time{}) // the connection may serve another request
}

// Mark tells the client the ID to resume after, without an event.
func (s *Stream) Mark(id string) error {
	if !isLine(id) {
		return errNoLine
	}
	return s.write([]byte("id: " + id + "\n\n"))
}

var errNoLine = errors.New("the ID and the name of an event must be single lines")

func isLine(text string) bool { return !strings.ContainsAny(text, "\r\n\x00") }
