package loopkit_test

import (
	"context"
	"net"
	"net/http"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"

	loopkit "github.com/loopkitai/loopkit-go"
)

func TestAMinuteWithoutConnectionsCostsBoundedMemoryAndNoCallAnyTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const queueBytes, perSecond = 4 << 20, 500
		var dials int
		c := newTCPClient(t, "http://loopkit.test/v1", func(o *loopkit.Options) {
			o.QueueBytes, o.RetryMin, o.RetryMax = queueBytes, 0, 0
			o.HTTPClient = &http.Client{Transport: &http.Transport{DialContext: func(context.Context, string, string) (net.Conn, error) {
				dials++
				return nil, &net.OpError{Op: "dial", Net: "tcp", Err: syscall.ECONNREFUSED}
			}}}
		})
		heap := func() int64 {
			runtime.GC()
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			return int64(m.HeapAlloc)
		}
		before, goroutines := heap(), runtime.NumGoroutine()
		text := loopkit.Properties{"text": strings.Repeat("x", 1000)}
		for range 60 {
			start := time.Now()
			for range perSecond {
				_ = c.Track(visitor("anon_1"), "page_view", text) // nearly all are refused
			}
			assert.Zero(t, time.Since(start), "no call waits")
			time.Sleep(time.Second)
			synctest.Wait()
			assert.LessOrEqual(t, runtime.NumGoroutine(), goroutines+2, "an attempt, or the reporter")
			assert.LessOrEqual(t, c.Stats().QueueBytes, int64(queueBytes))
		}
		stats := requireBalanced(t, c)
		assert.Equal(t, int64(60*perSecond), stats.Accepted+stats.Refused)
		assert.Equal(t, stats.Accepted, stats.Pending, "nothing is dropped")
		assert.Less(t, heap()-before, int64(queueBytes+(2<<20)))
		assert.LessOrEqual(t, dials, 12, "the backoff of one endpoint: 1, 2, 4 ... 30 seconds, and half of it either way")
		assert.GreaterOrEqual(t, dials, 5)
	})
}
