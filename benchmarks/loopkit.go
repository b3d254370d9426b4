package main

import (
	"context"
	"log/slog"
	"time"

	loopkit "github.com/loopkitai/loopkit-go"
)

// queueBytes is the default of Options.QueueBytes.
const queueBytes = 32 << 20

type loopkitClient struct {
	client     *loopkit.Client
	inFlight   int // 0 for the default
	queueBytes int // 0 for the default
}

func (c *loopkitClient) start(url string, blocks bool) (err error) {
	overflow, queueSize := loopkit.RejectNewest, 0
	if c.queueBytes > 0 {
		queueSize = 1_000_000
	}
	if blocks {
		overflow = loopkit.Block
	}
	c.client, err = loopkit.New("lk_benchmark", &loopkit.Options{
		BaseURL: url, MaxInFlight: c.inFlight, QueueBytes: c.queueBytes, QueueSize: queueSize, Overflow: overflow,
		Logger: slog.New(slog.DiscardHandler),
	})
	return err
}

func (c *loopkitClient) of(person string) track {
	ctx := loopkit.WithIdentity(context.Background(), loopkit.Identity{AnonymousID: person})
	return func(event string, properties map[string]any) bool {
		return c.client.Track(ctx, event, properties) == nil
	}
}

func (c *loopkitClient) session() track {
	s := c.client.NewSession(loopkit.Identity{})
	return func(event string, properties map[string]any) bool {
		return s.Track(context.Background(), event, properties) == nil
	}
}

func (c *loopkitClient) flush() error { return c.client.Flush(context.Background()) }

func (c *loopkitClient) stop(within time.Duration) error {
	ctx, cancel := context.WithTimeout(context.Background(), within)
	defer cancel()
	return c.client.Close(ctx)
}
