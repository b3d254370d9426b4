package loopkit_test

import (
	"errors"
	"reflect"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	loopkit "github.com/loopkitai/loopkit-go"
	"github.com/loopkitai/loopkit-go/loopkittest"
)

// FuzzOptionsWorkOrAreNamed gives New any options. It refuses them by name, or
// the client keeps its promises with them.
func FuzzOptionsWorkOrAreNamed(f *testing.F) {
	f.Add("lk_1", "https://api.loopkit.ai/v1", int64(1), 0, 0, 0, 0, 0, 0, int64(0), int64(0), int64(0), uint8(0), uint8(0), uint8(0))
	f.Add("lk_1", "http://[::1]:80/", int64(-1), 1, 1<<10, 1, 1<<16, 256, 64, int64(1e6), int64(1e9), int64(-1), uint8(2), uint8(1), uint8(1))
	f.Add("a b", "ftp://x", int64(1<<62), -1, 1<<30, -5, 3, 7, 65, int64(5), int64(-2), int64(1<<50), uint8(9), uint8(8), uint8(7))
	f.Add("lk_1", "https://user:pass@host/v1?q#f", int64(1), 10, 1<<10, 5, 64<<10, 1<<10, 1, int64(1e6), int64(1e12), int64(1e6), uint8(1), uint8(2), uint8(1))
	f.Fuzz(func(t *testing.T, key, base string, duration int64,
		batchSize, batchBytes, queueSize, queueBytes, messageBytes, inFlight int,
		retryMin, maxAge, quarantine int64, dialect, overflow, compression uint8,
	) {
		s := loopkittest.NewTransport(t)
		opts := &loopkit.Options{
			BaseURL: base, HTTPClient: s.HTTPClient(), Logger: quietLogger(),
			FlushInterval: time.Duration(duration), RequestTimeout: time.Duration(duration), CloseTimeout: time.Duration(duration),
			BatchSize: batchSize, BatchBytes: batchBytes, QueueSize: queueSize, QueueBytes: queueBytes,
			MaxMessageBytes: messageBytes, MaxInFlight: inFlight,
			RetryMin: time.Duration(retryMin), MaxAge: time.Duration(maxAge), DeletionQuarantine: time.Duration(quarantine),
			Dialect: loopkit.Dialect(dialect), Overflow: loopkit.Overflow(overflow), Compression: loopkit.Compression(compression),
		}
		given := *opts
		c, err := loopkit.New(key, opts)
		assert.True(t, sameOptions(given, *opts), "New changes no options")
		if err != nil {
			assert.Nil(t, c)
			for name, wrong := range argumentErrors(t, err) {
				assert.NotEmpty(t, wrong.Reason)
				_, isOption := reflect.TypeFor[loopkit.Options]().FieldByName(name)
				assert.True(t, isOption || name == "apiKey", "%q is no option", name)
			}
			return
		}
		err = c.Track(visitor("anon_1"), "e", nil)
		require.True(t, err == nil || errors.Is(err, loopkit.ErrTooLarge), "%v", err)
		closeErr := c.Close(contextFor(t, 5*time.Second))
		stats := requireBalanced(t, c)
		assert.Zero(t, stats.Pending)
		assert.Zero(t, stats.QueueBytes)
		if given.RequestTimeout == 0 || given.RequestTimeout >= time.Second { // else the request may not have had the time
			require.NoError(t, closeErr)
			assert.Equal(t, stats.Accepted, stats.Delivered)
			assert.Len(t, s.Messages(), int(stats.Delivered))
		}
	})
}

func sameOptions(a, b loopkit.Options) bool {
	// What holds functions cannot be compared, and is not set here.
	a.HTTPClient, b.HTTPClient, a.Logger, b.Logger = nil, nil, nil, nil
	return reflect.DeepEqual(a, b)
}
