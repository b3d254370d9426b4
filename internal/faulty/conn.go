package faulty

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"sync"
	"time"
)

// conn is one accepted connection. It does not embed *net.TCPConn, whose other
// methods would let a server write past the fault.
type conn struct {
	net.Conn
	listener *Listener
	fault    Fault

	reading sync.Mutex
	read    int // bytes of the request, for ResetRequest

	writing sync.Mutex
	written int  // bytes of the response, for the faults that count them
	ended   bool // by HalfClose: what is still written goes nowhere
}

func (c *conn) tcp() *net.TCPConn { return c.Conn.(*net.TCPConn) }

// Read reads the request, up to its fault.
func (c *conn) Read(p []byte) (int, error) {
	if c.fault.Kind != ResetRequest || len(p) == 0 {
		return c.Conn.Read(p)
	}
	c.reading.Lock()
	defer c.reading.Unlock()
	left := c.fault.Bytes - c.read
	if left <= 0 {
		if _, err := c.Conn.Read(p[:1]); err != nil {
			return 0, err
		}
		c.reset()
		return 0, net.ErrClosed
	}
	n, err := c.Conn.Read(p[:min(left, len(p))])
	c.read += n
	return n, err
}

// Write writes the response, up to its fault.
func (c *conn) Write(p []byte) (int, error) {
	switch c.fault.Kind {
	case ResetResponse, Truncate, HalfClose:
	case Trickle:
		return c.trickle(p)
	default:
		return c.Conn.Write(p)
	}
	c.writing.Lock()
	defer c.writing.Unlock()
	if c.ended {
		return len(p), nil
	}
	n, err := c.Conn.Write(p[:min(c.fault.Bytes-c.written, len(p))])
	c.written += n
	if err != nil || n == len(p) {
		return n, err
	}
	switch c.fault.Kind {
	case ResetResponse:
		c.reset()
	case Truncate:
		if err := c.Close(); err != nil {
			return n, err
		}
	case HalfClose:
		c.ended = true
		return len(p), c.tcp().CloseWrite()
	}
	return n, net.ErrClosed
}

func (c *conn) trickle(p []byte) (int, error) {
	c.writing.Lock()
	defer c.writing.Unlock()
	pause := time.NewTimer(c.fault.Pause)
	defer pause.Stop()
	for n := 0; n < len(p); {
		k, err := c.Conn.Write(p[n:min(n+max(1, c.fault.Bytes), len(p))])
		n += k
		if err != nil {
			return n, err
		}
		pause.Reset(c.fault.Pause)
		select {
		case <-pause.C:
		case <-c.listener.closed:
			return n, net.ErrClosed
		}
	}
	return len(p), nil
}

// CloseWrite ends the response. An http.Server uses it before it closes a
// connection whose request it did not read whole.
func (c *conn) CloseWrite() error { return c.tcp().CloseWrite() }

// Close closes the connection.
func (c *conn) Close() error {
	c.listener.forget(c)
	return c.Conn.Close()
}

// reset closes the connection with RST, unless it is closed.
func (c *conn) reset() {
	_ = c.tcp().SetLinger(0) // an error means that it is closed
	_ = c.Close()
}

// closeAfter ends a connection that nobody reads.
func (c *conn) closeAfter(pause time.Duration) {
	if pause > 0 {
		time.AfterFunc(pause, c.reset)
	}
}

// answer is the whole life of a connection that is not served.
func (c *conn) answer() {
	defer c.listener.answerer.Done()
	r := bufio.NewReader(c.Conn)
	request, err := http.ReadRequest(r)
	if err == nil && c.fault.Kind == Raw {
		_, err = io.Copy(io.Discard, request.Body)
	}
	if err == nil {
		_, err = io.WriteString(c.Conn, c.fault.Answer)
	}
	if err == nil && c.fault.Kind == Early {
		c.closeAfter(c.fault.Pause)
		return
	}
	_ = c.Close() // the client is gone, or has all it gets
}
