package loopkit_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	loopkit "github.com/loopkitai/loopkit-go"
	"github.com/loopkitai/loopkit-go/loopkittest"
)

var update = flag.Bool("update", false, "write testdata/statuses.golden")

// TestEveryStatusEndsAsTheTableSays answers every status that there can be to a
// client, and writes down what became of the messages.
func TestEveryStatusEndsAsTheTableSays(t *testing.T) {
	const path = "testdata/statuses.golden"
	columns := []struct {
		title string
		story func(*testing.T, int) string
	}{
		{"three events, answered so once", threeEvents},
		{"one event, always answered so", oneEvent},
		{"a deletion, always answered so", oneDeletion},
		{"may have been executed", mayHaveBeenExecuted},
	}
	var table strings.Builder
	line := func(statuses string, cells []string) {
		text := fmt.Sprintf("%-9s", statuses)
		for _, cell := range cells {
			text += fmt.Sprintf("  %-30s", cell)
		}
		table.WriteString(strings.TrimRight(text, " ") + "\n")
	}
	var titles []string
	for _, c := range columns {
		titles = append(titles, c.title)
	}
	line("status", titles)
	var before []string
	from := 100
	for status := 100; status <= 1000; status++ {
		var cells []string
		if status < 1000 {
			for _, c := range columns {
				synctest.Test(t, func(t *testing.T) { cells = append(cells, c.story(t, status)) })
			}
		}
		if status > 100 && !slices.Equal(before, cells) {
			line(strings.TrimSuffix(fmt.Sprintf("%d-%d", from, status-1), fmt.Sprintf("-%d", from)), before)
			from = status
		}
		before = cells
	}
	if *update {
		require.NoError(t, os.WriteFile(path, []byte(table.String()), 0o644))
	}
	golden, err := os.ReadFile(path)
	require.NoError(t, err)
	assert.Equal(t, string(golden), table.String(), "if that is meant, run go test -run %s -update .", t.Name())
}

// answering is a client whose first requests get a status.
func answering(t *testing.T, status int, most int64) (c *loopkit.Client, requests *atomic.Int64) {
	requests = &atomic.Int64{}
	s := loopkittest.NewTransport(t)
	c = newClient(t, s, func(o *loopkit.Options) {
		next := o.HTTPClient.Transport
		o.HTTPClient.Transport = transportFunc(func(r *http.Request) (*http.Response, error) {
			if requests.Add(1) > most {
				return next.RoundTrip(r)
			}
			if r.Body != nil {
				_, _ = io.Copy(io.Discard, r.Body)
				_ = r.Body.Close()
			}
			return &http.Response{StatusCode: status, Body: http.NoBody, Header: http.Header{}, Request: r}, nil
		})
	})
	return c, requests
}

const everyRequest = 1 << 30

// became says what the accounting knows of the messages.
func became(t *testing.T, c *loopkit.Client) string {
	stats := requireBalanced(t, c)
	switch {
	case len(stats.Halted) > 0:
		return fmt.Sprintf("halted, %d pending", stats.Pending)
	case stats.Pending > 0:
		return fmt.Sprintf("retried, %d pending", stats.Pending)
	case stats.Delivered == stats.Accepted:
		return "delivered"
	}
	for reason := range stats.Dropped {
		return "dropped: " + string(reason)
	}
	return "nothing"
}

func threeEvents(t *testing.T, status int) string {
	c, requests := answering(t, status, 1)
	trackN(t, c, 3)
	_ = c.Flush(contextFor(t, 10*time.Second)) // what it says is in the accounting too
	return fmt.Sprintf("%s, requests: %d", became(t, c), requests.Load())
}

func oneEvent(t *testing.T, status int) string {
	c, _ := answering(t, status, everyRequest)
	trackN(t, c, 1)
	_ = c.Flush(contextFor(t, 10*time.Second))
	return became(t, c)
}

func oneDeletion(t *testing.T, status int) string {
	c, _ := answering(t, status, everyRequest)
	d := deleteUser(t, c, "user_1")
	err := d.Wait(contextFor(t, 10*time.Second))
	switch outcome := became(t, c); {
	case errors.Is(err, context.DeadlineExceeded), err == nil && outcome == "delivered":
		return outcome
	case errors.Is(err, loopkit.ErrDeletionUnsupported) && outcome == "dropped: unsupported",
		err != nil && outcome == "dropped: rejected":
		return outcome
	default:
		return fmt.Sprintf("%s, but Wait says %v", outcome, err)
	}
}

// mayHaveBeenExecuted tells by the quarantine of a deletion that follows.
func mayHaveBeenExecuted(t *testing.T, status int) string {
	c, _ := answering(t, status, 1)
	trackN(t, c, 1)
	_ = c.Flush(contextFor(t, 10*time.Second))
	start := time.Now()
	require.NoError(t, deleteUser(t, c, "user_1").Wait(t.Context()))
	if time.Since(start) > 30*time.Second {
		return "yes"
	}
	return "no"
}

func TestA421IsRetriedOnANewConnection(t *testing.T) {
	var addresses []string // of the client, one for each request
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		addresses = append(addresses, r.RemoteAddr)
		if len(addresses) == 2 {
			w.WriteHeader(http.StatusMisdirectedRequest)
		}
	}))
	defer server.Close()
	c, err := loopkit.New(testKey, &loopkit.Options{BaseURL: server.URL, RetryMin: time.Millisecond, Logger: quietLogger()})
	require.NoError(t, err)
	for range 3 {
		trackN(t, c, 1)
		require.NoError(t, c.Flush(t.Context()))
	}
	require.NoError(t, c.Close(t.Context()))
	require.Len(t, addresses, 4)
	assert.Equal(t, addresses[0], addresses[1])
	assert.NotEqual(t, addresses[1], addresses[2])
	assert.Equal(t, addresses[2], addresses[3])
}
