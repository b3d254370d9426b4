package loopkit_test

import (
	"fmt"
	"net"
	"net/http"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	loopkit "github.com/loopkitai/loopkit-go"
	"github.com/loopkitai/loopkit-go/internal/faulty"
)

// net/http goes on connecting when the request that wanted the connection has
// ended, for up to RequestTimeout.
func TestCloseEndsTheConnectionsThatAreStillBeingMade(t *testing.T) {
	accepted := make(chan struct{}, 100)
	l := faulty.Listen(t, func() faulty.Fault {
		accepted <- struct{}{}
		return faulty.Fault{Kind: faulty.BlackHole}
	})
	serve(t, l, http.NotFoundHandler())
	goroutines := runtime.NumGoroutine()
	for _, scheme := range []string{"https", "http"} {
		t.Run(scheme, func(t *testing.T) {
			c := newTCPClient(t, fmt.Sprintf("%s://%s", scheme, l.Addr().(*net.TCPAddr)), func(o *loopkit.Options) {
				o.BatchSize, o.RequestTimeout = 1, time.Minute
			})
			trackN(t, c, 4)
			for range 4 { // MaxInFlight
				<-accepted
			}
			require.Error(t, c.Close(contextFor(t, 10*time.Millisecond)))
			assert.Zero(t, requireBalanced(t, c).Pending)
			requireGoroutines(t, goroutines+1) // that of t.Run
		})
	}
}
