//go:build !race

package loopkit_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	loopkit "github.com/loopkitai/loopkit-go"
)

// raceFactor is 1: nothing slows the program.
const raceFactor = 1

func TestCallsAllocateNothing(t *testing.T) {
	// Nothing is sent while the calls are counted: net/http allocates.
	c, err := loopkit.New(testKey, &loopkit.Options{
		BaseURL: newSink(t), BatchSize: 10_000, FlushInterval: -1, Logger: quietLogger()})
	require.NoError(t, err)
	ctx := loopkit.WithContextFields(known("anon_1", "user_1"), loopkit.Properties{"page": "/pricing"})
	onlyUser := loopkit.WithUser(t.Context(), "user_1")
	properties := loopkit.Properties{"a": "pricing", "b": 12, "c": true, "d": 1.5, "e": "hello world", "f": nil}
	for name, call := range map[string]func() error{
		"track":    func() error { return c.Track(ctx, "page_view", properties) },
		"identify": func() error { return c.Identify(ctx, "user_1", loopkit.Traits(properties)) },
		"group":    func() error { return c.Group(ctx, "team_1", loopkit.Traits(properties)) },
		"session":  func() error { return c.Session().Track(ctx, "page_view", properties) },
		"no anonymous ID": func() error {
			return c.Track(onlyUser, "invoice_paid", properties)
		},
	} {
		t.Run(name, func(t *testing.T) {
			for range 1000 { // fill the pools
				require.NoError(t, call())
			}
			require.NoError(t, c.Flush(t.Context()))
			var failed error
			allocs := testing.AllocsPerRun(1000, func() {
				if err := call(); err != nil {
					failed = err
				}
			})
			require.NoError(t, failed)
			assert.Zero(t, allocs)
		})
	}
	require.NoError(t, c.Close(t.Context()))
}
