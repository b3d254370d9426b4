package main

import (
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"
)

// peakMemory is the most memory that this process had, in bytes; 0 where the
// system does not tell.
func peakMemory() (int64, error) {
	if runtime.GOOS != "linux" {
		return 0, nil
	}
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0, err
	}
	_, rest, _ := strings.Cut(string(status), "VmHWM:")
	kib, _, _ := strings.Cut(strings.TrimSpace(rest), " ")
	n, err := strconv.ParseInt(kib, 10, 64)
	return n << 10, err
}

// heapInUse is what is reachable, and what the runtime has not swept.
func heapInUse() int64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// quantile returns one of sorted values; q is 0.5 for the median.
func quantile[T any](sorted []T, q float64) (zero T) {
	if len(sorted) == 0 {
		return zero
	}
	return sorted[min(len(sorted)-1, int(q*float64(len(sorted))))]
}

// callTimes are how long calls took.
type callTimes struct{ Median, P99, Max time.Duration }

func summarise(took []time.Duration) callTimes {
	slices.Sort(took)
	return callTimes{quantile(took, 0.5), quantile(took, 0.99), quantile(took, 1)}
}
