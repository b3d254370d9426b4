package loopkit_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"

	loopkit "github.com/loopkitai/loopkit-go"
	"github.com/loopkitai/loopkit-go/loopkittest"
)

// TestClientsThatMetOneOutageDoNotReturnAsAHerd has a hundred programs that
// begin at the same moment and meet the same outage.
func TestClientsThatMetOneOutageDoNotReturnAsAHerd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const programs, messages = 100, 20
		s := loopkittest.NewTransport(t)
		s.FailAll(loopkittest.Any, loopkittest.Fault{Status: 503})
		var clients []*loopkit.Client
		for range programs {
			c := newClient(t, s, func(o *loopkit.Options) { o.BatchSize = 1 })
			trackN(t, c, messages)
			clients = append(clients, c)
		}
		start := time.Now()
		time.Sleep(10 * time.Minute)
		probes := len(s.Requests())
		for second, n := range perSecond(s.Requests(), start) {
			if second >= 60 { // RetryMax is 30 s, so about four a second
				assert.Less(t, n, programs/5, "requests in second %d of the outage", second)
			}
		}
		assert.Greater(t, probes/programs, 15)
		assert.Less(t, probes/programs, 45, "one at a time, 30 s apart, and half of it either way")

		s.Heal()
		healed := time.Now()
		time.Sleep(time.Minute)
		for _, c := range clients {
			assert.Equal(t, int64(messages), requireBalanced(t, c).Delivered)
		}
		recovery := s.Requests()[probes:]
		assert.Len(t, recovery, programs*messages)
		for second, n := range perSecond(recovery, healed) {
			assert.Less(t, n, programs*messages/5, "requests in second %d of the recovery", second)
		}
	})
}

func perSecond(requests []loopkittest.Request, since time.Time) map[int]int {
	count := map[int]int{}
	for _, r := range requests {
		count[int(r.Time.Sub(since).Seconds())]++
	}
	return count
}
