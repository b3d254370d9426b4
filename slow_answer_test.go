package loopkit_test

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	loopkit "github.com/loopkitai/loopkit-go"
)

// typist writes text a byte a second, for an hour if need be.
func typist(text string) func(net.Conn) {
	return func(c net.Conn) {
		for i := range 3600 {
			b := byte(' ')
			if i < len(text) {
				b = text[i]
			}
			if _, err := c.Write([]byte{b}); err != nil {
				return // the client has had enough
			}
			time.Sleep(time.Second)
		}
	}
}

// afterTheRequest reads a request whole, writes the beginning of the answer at
// once, and leaves the rest to another.
func afterTheRequest(begin string, rest func(net.Conn)) func(net.Conn) {
	return func(c net.Conn) {
		request, err := http.ReadRequest(bufio.NewReader(c))
		if err != nil {
			return
		}
		if _, err := io.Copy(io.Discard, request.Body); err != nil {
			return
		}
		if _, err := io.WriteString(c, begin); err != nil {
			return
		}
		rest(c)
	}
}

// A deadline of each read would let a server that says a little now and then
// hold a request for ever.
func TestAServerThatIsSlowMeetsTheDeadlineOfTheWholeAttempt(t *testing.T) {
	const ten = 10 * time.Second // RequestTimeout
	for name, row := range map[string]struct {
		serve     func(net.Conn)
		delivered bool
		halted    bool
		says      string
	}{
		"a byte of the body of 200 a second":  {serve: afterTheRequest("HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n", typist("{}")), delivered: true},
		"a byte of the body of 401 a second":  {serve: afterTheRequest("HTTP/1.1 401 Unauthorized\r\nContent-Length: 9999\r\n\r\n", typist("{}")), halted: true, says: "401"},
		"a byte of the body of 503 a second":  {serve: afterTheRequest("HTTP/1.1 503 Busy\r\nContent-Length: 9999\r\n\r\n", typist("{}")), says: "503"},
		"early hints, a byte a second":        {serve: afterTheRequest("", typist("HTTP/1.1 103 Early Hints\r\n\r\n")), says: "no answer within 10s"},
		"a byte of the request read a second": {serve: reader, says: "no answer within 10s"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := newMemoryNetwork()
				var serving sync.WaitGroup
				var began time.Time
				serving.Go(func() {
					conn, err := l.Accept()
					if !assert.NoError(t, err) {
						return
					}
					began = time.Now()
					row.serve(conn)
					assert.NoError(t, conn.Close())
				})
				c := newTCPClient(t, "http://loopkit.test/v1", func(o *loopkit.Options) {
					o.HTTPClient = &http.Client{Transport: &http.Transport{DialContext: l.dial}}
					o.RetryMin, o.RetryMax = time.Hour, time.Hour
				})
				trackN(t, c, 5)
				time.Sleep(5 * time.Second) // FlushInterval
				synctest.Wait()
				time.Sleep(ten - time.Nanosecond)
				stats := requireBalanced(t, c)
				assert.Equal(t, int64(5), stats.Pending, "the attempt is under way")
				assert.Empty(t, stats.Failing)
				assert.Empty(t, stats.Halted)

				time.Sleep(time.Nanosecond)
				synctest.Wait()
				assert.Equal(t, ten, time.Since(began))
				stats = requireBalanced(t, c)
				assert.Equal(t, row.delivered, stats.Delivered == 5, "the status line decides")
				assert.Equal(t, row.halted, stats.Halted["tracks"] != nil)
				assert.Equal(t, !row.delivered && !row.halted, stats.Failing["tracks"] != nil)
				if row.says != "" {
					assert.ErrorContains(t, c.Flush(contextFor(t, 0)), row.says)
				}
				assert.Equal(t, int64(1), requireBalanced(t, c).Requests)
				_ = c.Close(contextFor(t, 0)) // what is left is lost
				serving.Wait()
				require.NoError(t, l.Close())
			})
		})
	}
}

// reader reads a byte a second.
func reader(c net.Conn) {
	for {
		if _, err := c.Read(make([]byte, 1)); err != nil {
			return // the client has had enough
		}
		time.Sleep(time.Second)
	}
}
