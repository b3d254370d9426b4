//go:build !race

package importer_test

import (
	"bufio"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime/metrics"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestMemoryDoesNotGrowWithTheFile(t *testing.T) {
	const records, most = 48_000, 32 << 20 // as messages they have more
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte(`{"success":true}`)) // a client that is gone needs no answer
	}))
	defer server.Close()
	path := filepath.Join(t.TempDir(), "events.ndjson")
	file, err := os.Create(path)
	require.NoError(t, err)
	lines := bufio.NewWriter(file)
	for i := range records {
		_, err := lines.WriteString(track(fmt.Sprintf("user_%d", i%1000), i) + "\n")
		require.NoError(t, err)
	}
	require.NoError(t, errors.Join(lines.Flush(), file.Close()))
	opts := sendingBy(server.URL, server.Client())
	peak := peakHeap(t, func() {
		began := time.Now()
		assert.EqualValues(t, records, mustImport(t, path, opts).Sent)
		t.Logf("%.0f records/s", records/time.Since(began).Seconds())
	})
	t.Logf("at most %d MiB", peak>>20)
	assert.Less(t, peak, uint64(most))
}

// peakHeap is the largest that the heap was during a call.
func peakHeap(t *testing.T, call func()) (peak uint64) {
	t.Helper()
	sample := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
	done := make(chan struct{})
	go func() {
		defer close(done)
		call()
	}()
	ticker := time.NewTicker(5 * time.Millisecond)
	defer ticker.Stop()
	for {
		metrics.Read(sample)
		peak = max(peak, sample[0].Value.Uint64())
		select {
		case <-done:
			return peak
		case <-ticker.C:
		}
	}
}
