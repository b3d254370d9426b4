package faulty_test

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/loopkitai/loopkit-go/internal/faulty"
)

// echo serves whatever comes on l: it answers each request with its body.
func echo(t *testing.T, l net.Listener) {
	var serving sync.WaitGroup
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return
		}
		_, _ = w.Write(body) // the fault is what the test looks at
	})}
	serving.Go(func() { _ = server.Serve(l) }) // it ends with the listener
	t.Cleanup(func() {
		require.NoError(t, server.Close())
		serving.Wait()
	})
}

const body = "0123456789"

var post = fmt.Sprintf("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: %d\r\n\r\n%s", len(body), body)

// exchange sends the request over a connection of its own and returns all that
// comes back.
func exchange(t *testing.T, l *faulty.Listener, request string) (string, error) {
	t.Helper()
	c, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		return "", err // a reset may come as soon as that
	}
	defer func() { _ = c.Close() }() // nothing is lost with it
	if _, err := io.WriteString(c, request); err != nil {
		return "", err
	}
	if err := c.(*net.TCPConn).CloseWrite(); err != nil {
		return "", err
	}
	answer, err := io.ReadAll(c)
	return string(answer), err
}

func isReset(err error) bool {
	return errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE) || errors.Is(err, syscall.ENOTCONN)
}

func TestEachConnectionGetsTheNextFaultAndThenHealthyOnes(t *testing.T) {
	l := faulty.Listen(t, faulty.Script(faulty.Fault{Kind: faulty.Refuse}, faulty.Fault{}, faulty.Fault{Kind: faulty.Refuse}))
	echo(t, l)
	for i, refused := range []bool{true, false, true, false, false} {
		answer, err := exchange(t, l, post)
		assert.Equal(t, refused, isReset(err), "connection %d: %v", i, err)
		assert.Equal(t, !refused, strings.HasSuffix(answer, body), "connection %d: %q", i, answer)
	}
}

func TestARequestIsResetAsTheByteAfterTheLastOneComes(t *testing.T) {
	for _, n := range []int{0, 1, len(post) - len(body), len(post) - 1} {
		l := faulty.Listen(t, faulty.Script(faulty.Fault{Kind: faulty.ResetRequest, Bytes: n}))
		c := accept(t, l)
		_, err := io.WriteString(c.client, post)
		require.NoError(t, err)
		read, err := io.ReadAll(c.server)
		require.ErrorIs(t, err, net.ErrClosed)
		assert.Equal(t, post[:n], string(read))
		_, err = c.client.Read(make([]byte, 1))
		assert.True(t, isReset(err), "%d: %v", n, err)
	}
	l := faulty.Listen(t, faulty.Script(faulty.Fault{Kind: faulty.ResetRequest, Bytes: len(post)}))
	echo(t, l)
	answer, err := exchange(t, l, post)
	require.NoError(t, err)
	assert.Contains(t, answer, body, "a request of exactly so many bytes passes")
}

func TestAResponseEndsAfterExactlySoManyBytes(t *testing.T) {
	const response = "HTTP/1.1 200 OK\r\n\r\nresponse"
	for _, n := range []int{0, 1, 12, len(response) - 1} {
		for kind, clean := range map[faulty.Kind]bool{faulty.ResetResponse: false, faulty.Truncate: true, faulty.HalfClose: true} {
			l := faulty.Listen(t, faulty.Script(faulty.Fault{Kind: kind, Bytes: n}))
			c := accept(t, l)
			written, err := io.WriteString(c.server, response[:n])
			require.NoError(t, err)
			require.Equal(t, n, written)
			require.Equal(t, response[:n], c.receive(t, n), "what comes before the fault arrives")
			_, err = io.WriteString(c.server, response[n:])
			rest, end := io.ReadAll(c.client)
			assert.Empty(t, rest)
			assert.Equal(t, !clean, isReset(end), "kind %d after %d: %v", kind, n, end)
			if kind != faulty.HalfClose {
				require.ErrorIs(t, err, net.ErrClosed)
				continue
			}
			require.NoError(t, err)
			_, err = io.WriteString(c.client, "more")
			require.NoError(t, err)
			more := make([]byte, 4)
			_, err = io.ReadFull(c.server, more)
			require.NoError(t, err)
			assert.Equal(t, "more", string(more), "a half-closed connection is still read")
		}
	}
}

func TestATrickledResponseArrivesWhole(t *testing.T) {
	l := faulty.Listen(t, faulty.Script(faulty.Fault{Kind: faulty.Trickle, Bytes: 7, Pause: time.Microsecond}))
	echo(t, l)
	answer, err := exchange(t, l, post)
	require.NoError(t, err)
	assert.True(t, strings.HasSuffix(answer, body))

	slow := faulty.Listen(t, faulty.Script(faulty.Fault{Kind: faulty.Trickle, Bytes: 3, Pause: time.Hour}))
	c := accept(t, slow)
	var writing sync.WaitGroup
	writing.Go(func() {
		n, err := io.WriteString(c.server, body)
		assert.Equal(t, 3, n)
		assert.ErrorIs(t, err, net.ErrClosed)
	})
	assert.Equal(t, body[:3], c.receive(t, 3), "the pause follows the first bytes")
	require.NoError(t, slow.Close())
	writing.Wait()
}

func TestARawAnswerTakesThePlaceOfTheServersAfterTheWholeRequest(t *testing.T) {
	l := faulty.Listen(t, faulty.Script(faulty.Fault{Kind: faulty.Raw, Answer: "garbage"}))
	echo(t, l)
	c := dialed(t, l)
	_, err := io.WriteString(c, post[:len(post)-1])
	require.NoError(t, err)
	requireNothing(t, c)
	_, err = io.WriteString(c, post[len(post)-1:])
	require.NoError(t, err)
	answer, err := io.ReadAll(c)
	require.NoError(t, err)
	assert.Equal(t, "garbage", string(answer))
}

func TestAnEarlyAnswerComesBeforeTheBodyWhichIsNeverRead(t *testing.T) {
	const early = "HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n"
	l := faulty.Listen(t, faulty.Script(faulty.Fault{Kind: faulty.Early, Answer: early}))
	echo(t, l)
	c := dialed(t, l)
	_, err := io.WriteString(c, "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 16777216\r\n\r\n")
	require.NoError(t, err)
	answer, err := http.ReadResponse(bufio.NewReader(c), nil)
	require.NoError(t, err)
	assert.Equal(t, 413, answer.StatusCode)
	require.NoError(t, answer.Body.Close())

	require.NoError(t, c.SetWriteDeadline(time.Now().Add(20*time.Millisecond)))
	_, err = c.Write(bytes.Repeat([]byte("x"), 16<<20))
	var timeout net.Error
	require.ErrorAs(t, err, &timeout)
	assert.True(t, timeout.Timeout(), "the connection is open and full: %v", err)
}

func TestABlackHoleEndsWithItsPauseOrTheListener(t *testing.T) {
	for _, pause := range []time.Duration{0, time.Millisecond} {
		l := faulty.Listen(t, faulty.Script(faulty.Fault{Kind: faulty.BlackHole, Pause: pause}))
		echo(t, l)
		c, err := net.Dial("tcp", l.Addr().String())
		if err != nil { // the pause may be over as soon as that
			assert.True(t, pause > 0 && isReset(err), "%v", err)
			continue
		}
		if pause == 0 {
			requireNothing(t, c)
			require.NoError(t, l.Close())
		}
		_, err = c.Read(make([]byte, 1))
		assert.True(t, isReset(err), "%v", err)
		require.NoError(t, c.Close())
	}
}

func TestCloseEndsEveryConnectionAndGoroutine(t *testing.T) {
	before := runtime.NumGoroutine()
	l := faulty.Listen(t, faulty.Script(
		faulty.Fault{Kind: faulty.BlackHole},
		faulty.Fault{Kind: faulty.Raw, Answer: "never"},
		faulty.Fault{Kind: faulty.Early, Answer: "early"},
		faulty.Fault{Kind: faulty.Trickle, Bytes: 1, Pause: time.Hour},
		faulty.Fault{}))
	served := make(chan net.Conn)
	var accepting sync.WaitGroup
	accepting.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			served <- c
		}
	})
	var clients []net.Conn
	for range 5 {
		c, err := net.Dial("tcp", l.Addr().String())
		require.NoError(t, err)
		clients = append(clients, c)
	}
	for range 2 {
		<-served
	}
	require.NoError(t, l.Close())
	for i, c := range clients {
		_, err := c.Read(make([]byte, 1))
		assert.True(t, isReset(err), "connection %d: %v", i, err)
		require.NoError(t, c.Close())
	}
	accepting.Wait()
	for start := time.Now(); runtime.NumGoroutine() > before; runtime.Gosched() {
		require.Less(t, time.Since(start), 5*time.Second, "goroutines are left")
	}
	_, err := net.Dial("tcp", l.Addr().String())
	require.ErrorIs(t, err, syscall.ECONNREFUSED)
}

// pipe is both ends of a connection through a listener.
type pipe struct{ client, server net.Conn }

// accept connects to l, in place of a server.
func accept(t *testing.T, l *faulty.Listener) pipe {
	t.Helper()
	client := dialed(t, l)
	server, err := l.Accept()
	require.NoError(t, err)
	t.Cleanup(func() { _ = server.Close() }) // most faults have done so
	return pipe{client, server}
}

// dialed connects to l.
func dialed(t *testing.T, l *faulty.Listener) net.Conn {
	t.Helper()
	c, err := net.Dial("tcp", l.Addr().String())
	require.NoError(t, err)
	t.Cleanup(func() { _ = c.Close() }) // the test may have done so
	return c
}

func (p pipe) receive(t *testing.T, n int) string {
	t.Helper()
	b := make([]byte, n)
	_, err := io.ReadFull(p.client, b)
	require.NoError(t, err)
	return string(b)
}

// requireNothing gives an answer that should not come a little time to do so.
func requireNothing(t *testing.T, c net.Conn) {
	t.Helper()
	require.NoError(t, c.SetReadDeadline(time.Now().Add(5*time.Millisecond)))
	n, err := c.Read(make([]byte, 1))
	var timeout net.Error
	require.ErrorAs(t, err, &timeout)
	assert.True(t, timeout.Timeout(), "%v", err)
	assert.Zero(t, n)
	require.NoError(t, c.SetReadDeadline(time.Time{}))
}

func TestAConnectionThatComesAsTheListenerClosesIsReset(t *testing.T) {
	inner, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	var l *faulty.Listener
	l = faulty.Wrap(inner, func() faulty.Fault { // after the connection has been accepted
		require.NoError(t, l.Close())
		return faulty.Fault{}
	})
	c := dialed(t, l)
	_, err = l.Accept()
	require.ErrorIs(t, err, net.ErrClosed)
	_, err = c.Read(make([]byte, 1))
	assert.True(t, isReset(err), "%v", err)
}
