package main

import (
	"os"
	"runtime"
	"runtime/pprof"
	"slices"
	"strconv"
	"strings"
	"time"
)

// residence is the memory that this process has and had at most, in bytes; 0
// where the system does not tell.
type residence struct{ now, most int64 }

func memory() (r residence, err error) {
	if runtime.GOOS != "linux" {
		return r, nil
	}
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return r, err
	}
	for _, line := range []struct {
		name string
		to   *int64
	}{{"VmRSS:", &r.now}, {"VmHWM:", &r.most}} {
		_, rest, _ := strings.Cut(string(status), line.name)
		kib, _, _ := strings.Cut(strings.TrimSpace(rest), " ")
		n, err := strconv.ParseInt(kib, 10, 64)
		if err != nil {
			return r, err
		}
		*line.to = n << 10
	}
	return r, nil
}

// profileTo profiles this process until it calls what is returned.
func profileTo(path string) (stop func(), err error) {
	f, err := os.Create(path)
	if err != nil {
		return nil, err
	}
	if err := pprof.StartCPUProfile(f); err != nil {
		return nil, err
	}
	return func() {
		pprof.StopCPUProfile()
		_ = f.Close() // a profile that is cut says so itself
	}, nil
}

// warmHeap makes the process one that has been at work: the runtime has memory
// that the system has given before. On a virtual machine the first use of a page
// can take longer than twenty calls of any client.
func warmHeap(bytes int) {
	const chunk = 4 << 20
	var all [][]byte
	for range bytes / chunk {
		memory := make([]byte, chunk)
		for at := 0; at < chunk; at += os.Getpagesize() {
			memory[at] = 1
		}
		all = append(all, memory)
	}
	runtime.KeepAlive(all)
	runtime.GC()
	runtime.GC()
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
type callTimes struct{ Mean, Median, P99, Max time.Duration }

func summarise(took []time.Duration) callTimes {
	slices.Sort(took)
	var all time.Duration
	for _, t := range took {
		all += t
	}
	return callTimes{all / time.Duration(max(1, len(took))), quantile(took, 0.5), quantile(took, 0.99), quantile(took, 1)}
}
