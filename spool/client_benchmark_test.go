package spool_test

import (
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/loopkitai/loopkit-go"
	"github.com/loopkitai/loopkit-go/spool"
)

// server answers every request with a status, and keeps nothing.
type server int

func (s server) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Body != nil {
		if _, err := io.Copy(io.Discard, r.Body); err != nil {
			return nil, err
		}
		if err := r.Body.Close(); err != nil {
			return nil, err
		}
	}
	return &http.Response{
		StatusCode: int(s), Header: http.Header{"Content-Type": {"application/json"}}, Request: r,
		Body: io.NopCloser(strings.NewReader(`{"success":true}`)),
	}, nil
}

var policies = []struct {
	name string
	sync spool.SyncPolicy
}{{"always", spool.SyncAlways}, {"interval", spool.SyncInterval}, {"never", spool.SyncNever}}

func benchmarkClient(b *testing.B, s server, kept loopkit.Spool) *loopkit.Client {
	client, err := loopkit.New(testKey, &loopkit.Options{
		HTTPClient: &http.Client{Transport: s}, Logger: slog.New(slog.DiscardHandler), Spool: kept, Overflow: loopkit.Block,
	})
	require.NoError(b, err)
	return client
}

var usual = loopkit.Properties{"feature": "export", "duration_ms": 1500}

// BenchmarkDeliver tracks events as fast as they are taken, until all are delivered
// and gone from the disk.
func BenchmarkDeliver(b *testing.B) {
	deliver := func(b *testing.B, kept loopkit.Spool) {
		client := benchmarkClient(b, http.StatusOK, kept)
		ctx := known("user_123")
		b.ReportAllocs()
		for b.Loop() {
			if err := client.Track(ctx, "feature_used", usual); err != nil {
				b.Fatal(err)
			}
		}
		drainWithin(b, client, time.Minute)
		b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "messages/s")
		require.NoError(b, client.Close(b.Context()))
	}
	for _, p := range policies {
		b.Run(p.name, func(b *testing.B) { deliver(b, open(b, b.TempDir(), &spool.Options{Sync: p.sync})) })
	}
	b.Run("memory", func(b *testing.B) { deliver(b, nil) })
}

// BenchmarkKeep tracks one event at a time and waits until Flush has acknowledged
// it, while nothing can be sent.
func BenchmarkKeep(b *testing.B) {
	for _, p := range policies {
		b.Run(p.name, func(b *testing.B) {
			client := benchmarkClient(b, http.StatusServiceUnavailable, open(b, b.TempDir(), &spool.Options{Sync: p.sync}))
			ctx := known("user_123")
			for b.Loop() {
				if err := client.Track(ctx, "feature_used", usual); err != nil {
					b.Fatal(err)
				}
				if err := client.Flush(b.Context()); err != nil {
					b.Fatal(err)
				}
			}
			require.NoError(b, client.Close(b.Context()))
		})
	}
}
