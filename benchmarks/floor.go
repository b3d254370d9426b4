package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"
)

// readyMade posts bodies that were made before the clock started: what is left
// is what any client must pay to HTTP. With copies it also copies each message
// into the body when it is tracked, which is the least that accepting costs.
type readyMade struct {
	copies  bool
	url     string
	client  *http.Client
	bodies  chan []byte
	senders sync.WaitGroup
	free    chan []byte
	ready   [][]byte

	mu     sync.Mutex
	body   []byte
	filled int

	failing sync.Mutex
	failed  error
}

const (
	readyBatch = 1000 // messages, as for the others
	readyOpen  = `{"tracks":[`
)

// readyMessage is what stands before the name of a message's event, and behind it.
var readyMessage = func() [2][]byte {
	text, err := json.Marshal(map[string]any{
		"messageId": "01996f0e-5a5c-7b62-a1b5-9d8f0c1e2a34", "name": "?", "anonymousId": "anon_6f49213a-7c1e-4c51-bdc7-91c2353e56f1",
		"timestamp": "2026-11-24T10:00:00.000Z", "system": map[string]any{"sdk": map[string]any{"name": "loopkit-go", "version": "0.1.0"}},
		"properties": someProperties(),
	})
	if err != nil {
		panic(err) // it is a constant
	}
	before, after, _ := bytes.Cut(text, []byte("?"))
	return [2][]byte{before, after}
}()

func (c *readyMade) start(url string, _ bool) error {
	const inFlight = 4 // as our default
	c.url = url + "/tracks"
	c.client = &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: inFlight}}
	c.bodies = make(chan []byte, inFlight)
	c.free = make(chan []byte, 2*inFlight+1) // one being filled, and those that wait or are posted
	for range cap(c.free) {
		c.free <- make([]byte, 0, 512<<10)
	}
	c.body = append(<-c.free, readyOpen...)
	for range inFlight {
		c.senders.Go(func() {
			for body := range c.bodies {
				c.post(body)
			}
		})
	}
	return nil
}

// prepare makes the bodies of the first n messages before the clock starts.
func (c *readyMade) prepare(events eventNames, n int) {
	if c.copies {
		return
	}
	for i := range n {
		c.append(events.name(i))
		if c.filled == readyBatch || i == n-1 {
			c.ready = append(c.ready, append([]byte(nil), append(c.body, "]}"...)...))
			c.body, c.filled = append(c.body[:0], readyOpen...), 0
		}
	}
}

func (c *readyMade) of(string) track { return c.track }

func (c *readyMade) track(event string, _ map[string]any) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.copies {
		if c.filled++; c.filled == readyBatch {
			c.flush()
		}
		return true
	}
	if c.append(event); c.filled == readyBatch {
		c.flush()
	}
	return true
}

// append copies the message into the body.
func (c *readyMade) append(event string) {
	if c.filled > 0 {
		c.body = append(c.body, ',')
	}
	c.body = append(append(append(c.body, readyMessage[0]...), event...), readyMessage[1]...)
	c.filled++
}

func (c *readyMade) flush() {
	switch {
	case c.filled == 0:
	case c.copies:
		c.bodies <- append(c.body, "]}"...)
		c.body, c.filled = append((<-c.free)[:0], readyOpen...), 0
	default:
		c.bodies <- c.ready[0]
		c.ready, c.filled = c.ready[1:], 0
	}
}

func (c *readyMade) post(body []byte) {
	answer, err := c.client.Post(c.url, "application/json", bytes.NewReader(body))
	if err == nil {
		_, err = io.Copy(io.Discard, answer.Body)
		_ = answer.Body.Close() // it was read
		if answer.StatusCode != http.StatusOK {
			err = fmt.Errorf("status %d", answer.StatusCode)
		}
	}
	if c.copies {
		c.free <- body
	}
	if err != nil {
		c.failing.Lock()
		defer c.failing.Unlock()
		c.failed = err
	}
}

func (c *readyMade) stop(time.Duration) error {
	c.mu.Lock()
	c.flush()
	c.mu.Unlock()
	close(c.bodies)
	c.senders.Wait()
	return c.failed
}

// idle does nothing: what is left is what the program does for each call.
type idle struct{}

func (idle) start(string, bool) error { return nil }
func (idle) of(string) track          { return func(string, map[string]any) bool { return false } }
func (idle) stop(time.Duration) error { return nil }
