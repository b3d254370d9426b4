package loopkit_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/loopkitai/loopkit-go"
	"github.com/loopkitai/loopkit-go/loopkittest"
)

// ownContext is a context of the program's whose methods do what they like.
type ownContext struct {
	context.Context
	use func(method string)
}

func (c ownContext) Value(key any) any           { c.use("Value"); return c.Context.Value(key) }
func (c ownContext) Err() error                  { c.use("Err"); return c.Context.Err() }
func (c ownContext) Done() <-chan struct{}       { c.use("Done"); return c.Context.Done() }
func (c ownContext) Deadline() (time.Time, bool) { c.use("Deadline"); return c.Context.Deadline() }

// waiting are the calls that wait with a context. A blocked Track is one of them.
var waiting = map[string]func(context.Context, *loopkit.Client) error{
	"Track": func(ctx context.Context, c *loopkit.Client) error { return c.Track(ctx, "e", nil) },
	"Flush": func(ctx context.Context, c *loopkit.Client) error { return c.Flush(ctx) },
	"Wait": func(ctx context.Context, c *loopkit.Client) error {
		d, err := c.DeleteUser(ctx, "user_2")
		if err != nil {
			return err
		}
		return d.Wait(ctx)
	},
	"Close": func(ctx context.Context, c *loopkit.Client) error { return c.Close(ctx) },
}

func full(t *testing.T) *loopkit.Client {
	s := loopkittest.NewTransport(t)
	s.FailAll(loopkittest.Any, loopkittest.Fault{Hang: true})
	c := newClient(t, s, func(o *loopkit.Options) { o.QueueSize, o.Overflow = 10, loopkit.Block })
	trackN(t, c, 9)
	return c
}

// requireReturns fails the test if the function hangs. Real time: whoever waits
// for a mutex stops the clock of synctest.
func requireReturns(t *testing.T, f func()) {
	t.Helper()
	returned := make(chan struct{})
	go func() { defer close(returned); f() }()
	select {
	case <-returned:
	case <-time.After(2 * time.Second * raceFactor):
		t.Fatal("it hangs")
	}
}

func TestTheMethodsOfAContextMayUseTheClient(t *testing.T) {
	for name, call := range waiting {
		t.Run(name, func(t *testing.T) {
			c := full(t)
			ctx := ownContext{loopkit.WithUser(contextFor(t, 20*time.Millisecond), "user_1"), func(string) { c.Stats() }}
			requireReturns(t, func() { assert.ErrorIs(t, call(ctx, c), context.DeadlineExceeded) })
			requireBalanced(t, c)
		})
	}
}

func TestAContextThatPanicsLeavesTheClientWhole(t *testing.T) {
	for name, call := range waiting {
		for _, broken := range []string{"Value", "Err", "Done", "Deadline"} {
			t.Run(broken+" in "+name, func(t *testing.T) {
				c := full(t)
				panics := 0
				ctx := ownContext{loopkit.WithUser(contextFor(t, 20*time.Millisecond), "user_1"), func(method string) {
					if method == broken && panics == 0 {
						panics++
						panic(broken)
					}
				}}
				requireReturns(t, func() {
					func() {
						defer func() { _ = recover() }() // the program's own, on its own goroutine
						_ = call(ctx, c)
					}()
					requireBalanced(t, c)
					require.Error(t, c.Flush(contextFor(t, 0)))
					require.Error(t, c.Close(contextFor(t, 0)))
				})
			})
		}
	}
}
