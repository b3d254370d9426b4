package store

import (
	"bytes"

	"github.com/loopkitai/loopkit-go/internal/collector"
)

// What the parts of an entry take of the memory, measured and rounded up.
const (
	entrySize  = 1 << 10 // and its part of what is merged
	objectSize = 400
	arraySize  = 64
	valueSize  = 64
	headerSize = 64
)

// size is about what an entry adds to the store's memory: its JSON, what that was
// decoded into, and its share of the request.
func size(e *Entry) int64 {
	n := entrySize + requestSize(e.Request)/max(1, e.Request.Messages)
	if e.Message == nil {
		n = entrySize + requestSize(e.Request)
	} else {
		n += messageSize(e.Message)
	}
	for _, f := range e.Findings {
		n += len(f.Detail)
	}
	return int64(n)
}

func requestSize(r *collector.Request) int {
	n := len(r.Body) + len(r.Path) + len(r.Compression) + len(r.Refusal)
	for name, values := range r.Header {
		n += headerSize + len(name)
		for _, value := range values {
			n += headerSize + len(value)
		}
	}
	return n
}

// messageSize takes every comma for one that parts two values: a text that is full
// of them is counted for more than it takes.
func messageSize(m *collector.Message) int {
	if m.Raw == nil {
		return len(m.UserID) + len(m.GroupID)
	}
	return 2*len(m.Raw) +
		objectSize*bytes.Count(m.Raw, []byte("{")) +
		arraySize*bytes.Count(m.Raw, []byte("[")) +
		valueSize*bytes.Count(m.Raw, []byte(","))
}
