package loopkit

import (
	"errors"
	"io"
	"sync"
)

// body is the body of one attempt: ready-made bytes in up to three parts. It
// holds the memory of its batch until net/http closes it, which may be after
// the answer, and from another goroutine than the one that reads.
type body struct {
	release func()

	mu     sync.Mutex
	parts  [3][]byte
	begun  bool // it was read
	closed bool
}

// openBodies are those of one attempt.
type openBodies struct {
	mu  sync.Mutex
	all []*body
}

func (o *openBodies) add(b *body) *body {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.all = append(o.all, b)
	return b
}

func (o *openBodies) close() {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, b := range o.all {
		_ = b.Close() // it cannot fail
	}
}

// settle closes what net/http forgets: of an attempt without an answer all
// bodies, else those that nobody began to read. HTTP/2 asks for another body when
// the server goes away, and may then find no connection to send it on.
func (o *openBodies) settle(answered bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, b := range o.all {
		if !answered || !b.wasBegun() {
			_ = b.Close() // it cannot fail
		}
	}
}

func (b *body) wasBegun() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.begun
}

func (b *body) size() int64 {
	var n int64
	for _, part := range b.parts {
		n += int64(len(part))
	}
	return n
}

func (b *body) Read(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return 0, errors.New("loopkit: read of a closed request body")
	}
	b.begun = true
	n := 0
	for i := range b.parts {
		k := copy(p[n:], b.parts[i])
		b.parts[i] = b.parts[i][k:]
		n += k
	}
	if n == 0 && len(p) > 0 {
		return 0, io.EOF
	}
	return n, nil
}

func (b *body) Close() error {
	b.mu.Lock()
	first := !b.closed
	b.closed = true
	b.parts = [3][]byte{}
	b.mu.Unlock()
	if first {
		b.release()
	}
	return nil
}

// openBody returns a body over a batch's memory, which it holds until closed. A
// RoundTripper may ask for one after its batch has been settled, and its memory
// may be another batch's by then: it gets a closed one.
func (q *queue) openBody(b *block, parts [3][]byte) *body {
	q.mu.Lock()
	defer q.mu.Unlock()
	if b.holders == 0 {
		return &body{closed: true}
	}
	b.holders++
	return &body{parts: parts, release: func() {
		q.mu.Lock()
		defer q.mu.Unlock()
		q.release(b)
	}}
}
