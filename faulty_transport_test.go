package loopkit_test

import (
	"errors"
	"io"
	"net/http"
	"runtime"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	loopkit "github.com/loopkitai/loopkit-go"
	"github.com/loopkitai/loopkit-go/loopkittest"
)

// deafTransport does not end with the request's context.
type deafTransport struct{ release chan struct{} }

func (d deafTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Body != nil {
		defer func() { _ = r.Body.Close() }()
	}
	<-d.release
	return nil, errors.New("released")
}

type transportFunc func(*http.Request) (*http.Response, error)

func (f transportFunc) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func TestARoundTripperThatMisbehavesCostsARetryAndNoMessage(t *testing.T) {
	for name, misbehave := range map[string]func(){
		"panic":     func() { panic("round trip") },
		"panic nil": func() { panic(nil) }, //nolint:govet // that is the case
		"Goexit":    runtime.Goexit,
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := loopkittest.NewTransport(t)
				first := true
				c := newClient(t, s, func(o *loopkit.Options) {
					next := o.HTTPClient.Transport
					o.HTTPClient.Transport = transportFunc(func(r *http.Request) (*http.Response, error) {
						if first {
							first = false
							_, _ = io.CopyN(io.Discard, r.Body, 10)
							misbehave()
						}
						return next.RoundTrip(r)
					})
				})
				trackN(t, c, 3)
				require.NoError(t, c.Close(t.Context()))
				stats := requireBalanced(t, c)
				assert.Equal(t, int64(3), stats.Delivered)
				assert.Equal(t, int64(1), stats.Panics)
				assert.Zero(t, stats.QueueBytes)
			})
		})
	}
}
