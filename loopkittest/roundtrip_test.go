package loopkittest_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/loopkitai/loopkit-go/loopkittest"
)

func TestTheFakeClockRunsDuringADelay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := loopkittest.NewTransport(t)
		s.Script(loopkittest.Tracks, loopkittest.Fault{Delay: time.Hour})
		start := time.Now()
		assert.Equal(t, 200, status(t, s, "/tracks", track))
		assert.Equal(t, time.Hour, time.Since(start))
		assert.Equal(t, start, s.Requests()[0].Time)
	})
}

func TestTheFakeClockRunsDuringAHang(t *testing.T) {
	outside := loopkittest.NewTransport(t)
	synctest.Test(t, func(t *testing.T) {
		for _, s := range []*loopkittest.Server{loopkittest.NewTransport(t), outside} {
			s.FailAll(loopkittest.Any, loopkittest.Fault{Hang: true})
			start := time.Now()
			client := s.HTTPClient()
			client.Timeout = 10 * time.Second
			_, err := client.Do(request(t, t.Context(), s, http.MethodPost, "/tracks", strings.NewReader(track))) //nolint:bodyclose // there is no response
			require.ErrorIs(t, err, context.DeadlineExceeded)
			assert.Equal(t, 10*time.Second, time.Since(start))
		}
	})
}

func TestConcurrentRequestsInABubble(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := loopkittest.NewTransport(t)
		s.FailAll(loopkittest.Tracks, loopkittest.Fault{Delay: time.Second})
		start := time.Now()
		for range 10 {
			go func() { assert.Equal(t, 200, status(t, s, "/tracks", track)) }()
		}
		time.Sleep(2 * time.Second)
		synctest.Wait()
		assert.Len(t, s.Messages(), 10)
		assert.Equal(t, 2*time.Second, time.Since(start), "the delays pass side by side")
	})
}

// observedBody counts how often it is closed.
type observedBody struct {
	io.Reader
	closed int
}

func (b *observedBody) Close() error {
	b.closed++
	return nil
}

type brokenReader struct{ error }

func (r brokenReader) Read([]byte) (int, error) { return 0, r.error }

func TestTheBodyIsClosedExactlyOnce(t *testing.T) {
	broken := errors.New("broken")
	cancelled, cancel := context.WithCancelCause(t.Context())
	cancel(errors.New("why"))
	short := func(t *testing.T) context.Context {
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		t.Cleanup(cancel)
		return ctx
	}
	tests := map[string]struct {
		fault loopkittest.Fault
		body  io.Reader
		ctx   func(*testing.T) context.Context
		err   string
	}{
		"an answer":                 {},
		"a scripted answer":         {fault: loopkittest.Fault{Status: 503}},
		"an early answer":           {fault: loopkittest.Fault{Status: 503, Early: true}},
		"a lost answer":             {fault: loopkittest.Fault{Store: true, Reset: true}, err: "connection reset by peer"},
		"a reset":                   {fault: loopkittest.Fault{Reset: true, ResetAfter: 3}, err: "connection reset by peer"},
		"a hang":                    {fault: loopkittest.Fault{Hang: true}, ctx: short, err: "deadline exceeded"},
		"a body that fails":         {body: brokenReader{broken}, err: "broken"},
		"a body that fails a fault": {body: brokenReader{broken}, fault: loopkittest.Fault{Status: 503}, err: "broken"},
		"a cancelled request":       {ctx: func(*testing.T) context.Context { return cancelled }, err: "why"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			s := loopkittest.NewTransport(t)
			s.Script(loopkittest.Tracks, test.fault)
			if test.body == nil {
				test.body = strings.NewReader(track)
			}
			ctx := t.Context()
			if test.ctx != nil {
				ctx = test.ctx(t)
			}
			body := &observedBody{Reader: test.body}
			req := request(t, ctx, s, http.MethodPost, "/tracks", body)
			before := req.Clone(ctx)
			res, err := s.RoundTripper().RoundTrip(req)
			if test.err != "" {
				assert.ErrorContains(t, err, test.err)
				assert.Nil(t, res)
			} else {
				require.NoError(t, err)
				assert.Same(t, req, res.Request)
				require.NoError(t, res.Body.Close())
			}
			assert.Equal(t, 1, body.closed)
			assert.Equal(t, before.Header, req.Header, "the request is not modified")
			assert.Equal(t, before.URL, req.URL)
		})
	}
}
