package loopkit

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestDefaults(t *testing.T) {
	t.Setenv("LOOPKIT_BASE_URL", "")
	for name, opts := range map[string]*Options{"nil": nil, "zero": {}} {
		t.Run(name, func(t *testing.T) {
			s, err := resolve("lk_test", opts)
			require.NoError(t, err)
			assert.Equal(t, Options{
				BaseURL:            "https://api.loopkit.ai/v1",
				Dialect:            DialectAuto,
				Compression:        NoCompression,
				BatchSize:          1000,
				BatchBytes:         500 << 10,
				FlushInterval:      5 * time.Second,
				QueueSize:          100_000,
				QueueBytes:         32 << 20,
				Overflow:           RejectNewest,
				MaxMessageBytes:    32 << 10,
				MaxInFlight:        4,
				RequestTimeout:     10 * time.Second,
				MaxAge:             time.Hour,
				RetryMin:           time.Second,
				RetryMax:           30 * time.Second,
				CloseTimeout:       10 * time.Second,
				SpoolInterval:      100 * time.Millisecond,
				DeletionQuarantine: time.Minute,
			}, s.Options)
		})
	}
}
