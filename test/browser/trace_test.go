//go:build browser

package browser_test

import (
	"context"
	"encoding/json"
	"sync"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/tracing"
	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// traceEvent is one of Chromium's trace format.
type traceEvent struct {
	Name     string `json:"name"`
	Process  int    `json:"pid"`
	Thread   int    `json:"tid"`
	CPUTime  int64  `json:"tdur"` // in microseconds
	Metadata struct {
		Name string `json:"name"`
	} `json:"args"`
}

// longestTask returns the most processor time that the thread of a page took at
// once while something was done. It does not count what other programs took, as
// a PerformanceObserver would. The whole browser is watched.
func (b *browser) longestTask(during func()) time.Duration {
	b.t.Helper()
	var (
		mu     sync.Mutex
		events []traceEvent
	)
	complete := make(chan struct{})
	ctx, cancel := context.WithCancel(b.ctx)
	defer cancel()
	require.NoError(b.t, chromedp.Listen(ctx, func(event any) {
		switch e := event.(type) {
		case *tracing.EventDataCollected:
			mu.Lock()
			defer mu.Unlock()
			for _, value := range e.Value {
				var one traceEvent
				if assert.NoError(b.t, json.Unmarshal(value, &one)) {
					events = append(events, one)
				}
			}
		case *tracing.EventTracingComplete:
			assert.False(b.t, e.DataLossOccurred)
			close(complete)
		}
	}))
	_, err := chromedp.Call(b.ctx, tracing.Start, tracing.StartParams{TraceConfig: &tracing.TraceConfig{
		IncludedCategories: []string{"disabled-by-default-devtools.timeline"},
		ExcludedCategories: []string{"*"},
	}})
	require.NoError(b.t, err)
	during()
	_, err = chromedp.Call(b.ctx, tracing.End, cdp.Empty{})
	require.NoError(b.t, err)
	select {
	case <-complete:
	case <-time.After(patience):
		require.Fail(b.t, "the browser did not end its trace")
	}

	mu.Lock()
	defer mu.Unlock()
	type thread struct{ process, thread int }
	ofPages := make(map[thread]bool)
	for _, e := range events {
		if e.Name == "thread_name" && e.Metadata.Name == "CrRendererMain" {
			ofPages[thread{e.Process, e.Thread}] = true
		}
	}
	var longest time.Duration
	tasks := 0
	for _, e := range events {
		if e.Name == "RunTask" && ofPages[thread{e.Process, e.Thread}] {
			longest = max(longest, time.Duration(e.CPUTime)*time.Microsecond)
			tasks++
		}
	}
	require.Positive(b.t, tasks, "the tasks that were seen")
	return longest
}
