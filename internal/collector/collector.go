// Package collector is a LoopKit server for tests, examples and development:
// it takes messages over HTTP, remembers them, and merges them into people and groups.
//
// It knows every form of request that LoopKit's documentation page or the
// vendor's SDKs attest, and answers as they describe. Where they are silent
// (deletion, limits, how a conflict is settled) the behaviour is this package's own.
package collector

import (
	"net/http"
	"slices"
	"sync"
	"time"
)

// Options configure a Collector. The zero value accepts everything that any source attests.
type Options struct {
	// Strict refuses what the documentation page and the vendor's SDKs do not
	// attest together with Bearer authentication: other authentication with 401,
	// compressed bodies with 415, everything else with 400.
	// Deletions, which no source describes, are left to NoDeletion.
	Strict bool

	// Keys are the API keys to accept. Empty accepts any key but the empty one.
	Keys []string

	// NoDeletion answers deletions with 404, as a server that has no such endpoint.
	NoDeletion bool

	// Now tells the time of arrival. Nil means time.Now.
	Now func() time.Time

	// Wrap, if set, puts a handler around the processing of requests. What that
	// handler answers by itself is recorded in Requests, but stores no messages.
	Wrap func(process http.Handler) http.Handler

	// OnRequest, if set, is called after a request was answered, or given up
	// without an answer. Calls never overlap. It may call the Collector's methods.
	OnRequest func(Request)

	// Record, if set, takes what arrives in place of the Collector, which then
	// remembers nothing and marks no duplicates. It is called once for each
	// request, before the first byte of the answer leaves or when the request was
	// given up, with the messages that were accepted. Calls may overlap.
	Record func(Request, []Message)
}

// Collector is an http.Handler that remembers what it receives. It keeps
// everything until Reset, unless Options.Record does. Its methods may be called at any time from any goroutine.
type Collector struct {
	opts      Options
	process   http.Handler
	reporting sync.Mutex // held during OnRequest

	mu       sync.Mutex
	requests []*Request
	messages []Message
	ids      map[string]bool // message IDs seen
}

// New returns an empty Collector.
func New(opts Options) *Collector {
	if opts.Now == nil {
		opts.Now = time.Now
	}
	opts.Keys = slices.Clone(opts.Keys)
	c := &Collector{opts: opts, ids: make(map[string]bool)}
	c.process = http.HandlerFunc(c.serve)
	if opts.Wrap != nil {
		c.process = opts.Wrap(c.process)
	}
	return c
}

// Requests returns the requests since the last Reset in order of arrival,
// refused ones and those still being served included. Their headers are shared: do not modify them.
func (c *Collector) Requests() []Request {
	c.mu.Lock()
	defer c.mu.Unlock()
	out := make([]Request, len(c.requests))
	for i, r := range c.requests {
		out[i] = *r
	}
	return out
}

// Messages returns the stored messages since the last Reset in order of arrival,
// deletions included. Their maps are shared: do not modify them.
func (c *Collector) Messages() []Message {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.messages)
}

// Person returns the person with the given user ID, or else the one that owns
// the given anonymous ID. A deleted person is found by user ID only.
func (c *Collector) Person(id string) (Person, bool) {
	return Merge(c.Messages()).Person(id)
}

// People returns everybody, deleted people included, in order of their first message.
func (c *Collector) People() []Person {
	return Merge(c.Messages()).People()
}

// Group returns the group with the given ID, also when it was deleted.
func (c *Collector) Group(id string) (Group, bool) {
	return Merge(c.Messages()).Group(id)
}

// Groups returns all groups, deleted ones included, in order of their first message.
func (c *Collector) Groups() []Group {
	return Merge(c.Messages()).Groups()
}

// Reset forgets everything that arrived, requests that are still being served included.
func (c *Collector) Reset() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.requests, c.messages = nil, nil
	clear(c.ids)
}

// store appends the messages of one request, unless Reset came between.
func (c *Collector) store(ex *exchange, messages []Message) {
	if c.opts.Record != nil {
		ex.accepted = messages
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	i := ex.entry.Index
	if i >= len(c.requests) || c.requests[i] != ex.entry {
		return
	}
	for _, m := range messages {
		m.Request = i
		m.Duplicate = m.MessageID != "" && c.ids[m.MessageID]
		if m.MessageID != "" {
			c.ids[m.MessageID] = true
		}
		c.messages = append(c.messages, m)
	}
}
