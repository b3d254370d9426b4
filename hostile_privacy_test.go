package loopkit_test

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/loopkitai/loopkit-go"
	"github.com/loopkitai/loopkit-go/loopkittest"
)

// privacyCallbacks are the functions of the program that run during a call, on
// its goroutine.
var privacyCallbacks = map[string]func(o *loopkit.Options, call func()){
	"Consent": func(o *loopkit.Options, call func()) {
		o.Consent = func(context.Context, *loopkit.Message) loopkit.Consent { call(); return loopkit.Full }
	},
	"BeforeSend": func(o *loopkit.Options, call func()) {
		o.BeforeSend = func(_ context.Context, m *loopkit.Message) *loopkit.Message { call(); return m }
	},
}

func TestConsentAndBeforeSendThatBreakDownWithholdTheMessage(t *testing.T) {
	for how, breakDown := range breakdowns {
		for where, install := range privacyCallbacks {
			t.Run(how+" in "+where, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					s := loopkittest.NewTransport(t)
					broken := true
					c := newClient(t, s, func(o *loopkit.Options) {
						install(o, func() {
							if broken {
								breakDown()
							}
						})
					})
					ctx := visitor("anon_1")
					for _, call := range []func() error{
						func() error { return c.Identify(ctx, "user_1", nil) },
						func() error { return c.Group(ctx, "team_1", nil) },
						func() error { return c.Track(ctx, "e", nil) },
						func() error { return c.Session().Identify(t.Context(), "user_2", nil) },
					} {
						returned := false
						var wg sync.WaitGroup
						wg.Go(func() { assert.NoError(t, call()); returned = true })
						wg.Wait()
						assert.Equal(t, how != "Goexit", returned, "that ends the program's own goroutine")
					}
					assert.Empty(t, c.Session().Identity().UserID, "what is withheld does not stick")
					broken = false
					trackN(t, c, 1)
					require.NoError(t, c.Close(t.Context()))
					stats := requireBalanced(t, c)
					assert.Equal(t, int64(1), stats.Accepted)
					assert.Equal(t, int64(4), stats.Panics)
					if how != "Goexit" {
						assert.Equal(t, int64(4), stats.Withheld)
					}
					assert.Len(t, s.Messages(), 1)
				})
			})
		}
	}
}

func TestConsentAndBeforeSendMayUseTheClient(t *testing.T) {
	ctx := known("anon_1", "user_1")
	for name, use := range map[string]struct {
		call    func(*testing.T, *loopkit.Client)
		arrives int // besides the outer message
		closed  bool
	}{
		"Track":    {arrives: 1, call: func(t *testing.T, c *loopkit.Client) { assert.NoError(t, c.Track(ctx, "inner", nil)) }},
		"Identify": {arrives: 1, call: func(t *testing.T, c *loopkit.Client) { assert.NoError(t, c.Session().Identify(ctx, "user_1", nil)) }},
		"Reset":    {call: func(_ *testing.T, c *loopkit.Client) { c.Session().Reset() }},
		"Flush":    {call: func(t *testing.T, c *loopkit.Client) { assert.NoError(t, c.Flush(ctx)) }},
		"Stats":    {call: func(t *testing.T, c *loopkit.Client) { requireBalanced(t, c) }},
		"DeleteUser": {arrives: 1, call: func(t *testing.T, c *loopkit.Client) {
			assert.NoError(t, deleteUser(t, c, "user_2").Wait(ctx))
		}},
		"Close": {closed: true, call: func(t *testing.T, c *loopkit.Client) { assert.NoError(t, c.Close(ctx)) }},
	} {
		for where, install := range privacyCallbacks {
			t.Run(name+" in "+where, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					s := loopkittest.NewTransport(t)
					var c *loopkit.Client
					inside := false
					c = newClient(t, s, func(o *loopkit.Options) {
						install(o, func() {
							if !inside { // the calls that it makes come by here, too
								inside = true
								use.call(t, c)
							}
						})
					})
					err := c.Track(ctx, "outer", nil)
					if use.closed {
						require.ErrorIs(t, err, loopkit.ErrClosed)
						return
					}
					require.NoError(t, err)
					require.NoError(t, c.Close(ctx))
					requireBalanced(t, c)
					assert.Len(t, s.Messages(), 1+use.arrives)
				})
			})
		}
	}
}
