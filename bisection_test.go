package loopkit_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math/bits"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	loopkit "github.com/loopkitai/loopkit-go"
	"github.com/loopkitai/loopkit-go/loopkittest"
)

// TestAPoisonMessageCostsTwoRequestsAHalvingAndNoBytesAreSentTwice looks for one
// message at each place of a batch.
func TestAPoisonMessageCostsTwoRequestsAHalvingAndNoBytesAreSentTwice(t *testing.T) {
	for _, status := range []int{400, 422, 413} {
		for _, n := range []int{1, 3, 100} {
			for _, at := range []int{0, n / 3, n - 1} {
				t.Run(fmt.Sprintf("%d, message %d of %d", status, at, n), func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) {
						s := loopkittest.NewTransport(t)
						s.FailAll(loopkittest.Tracks, loopkittest.Fault{Status: status,
							If: func(body []byte) bool { return bytes.Contains(body, []byte("poison")) }})
						sent := map[string]int{}
						c := newClient(t, s, func(o *loopkit.Options) {
							o.Dialect, o.MaxInFlight = loopkit.DialectEnvelopes, 1
							o.HTTPClient.Transport = keepBodies(o.HTTPClient.Transport, sent)
						})
						for i := range n {
							name := "page_view"
							if i == at {
								name = "poison"
							}
							require.NoError(t, c.Track(visitor("anon_1"), name, nil))
						}
						require.Error(t, c.Flush(contextFor(t, time.Minute)))
						stats := requireBalanced(t, c)
						assert.Equal(t, int64(1), sumDropped(stats))
						assert.Equal(t, int64(n-1), stats.Delivered)
						halvings := bits.Len(uint(n - 1)) // log2, rounded up
						assert.LessOrEqual(t, stats.Requests, int64(1+2*halvings))
						for body, times := range sent {
							assert.Equal(t, 1, times, "what was refused is not sent again: %.200s", body)
						}
					})
				})
			}
		}
	}
}

// keepBodies counts how often each body is sent.
func keepBodies(next http.RoundTripper, sent map[string]int) http.RoundTripper {
	return transportFunc(func(r *http.Request) (*http.Response, error) {
		body, err := io.ReadAll(r.Body)
		_ = r.Body.Close() // of the client's own: it cannot fail
		if err != nil {
			return nil, err
		}
		sent[string(body)]++
		r = r.Clone(context.WithoutCancel(r.Context()))
		r.Body = io.NopCloser(bytes.NewReader(body))
		return next.RoundTrip(r)
	})
}
