package main

import (
	"context"
	"log/slog"
	"time"

	loopkit "github.com/loopkitai/loopkit-go"
)

type loopkitClient struct{ client *loopkit.Client }

func (c *loopkitClient) start(url string, inFlight int, blocks bool) (err error) {
	overflow := loopkit.RejectNewest
	if blocks {
		overflow = loopkit.Block
	}
	c.client, err = loopkit.New("lk_benchmark", &loopkit.Options{
		BaseURL: url, MaxInFlight: inFlight, Overflow: overflow,
		Logger: slog.New(slog.DiscardHandler),
	})
	return err
}

func (c *loopkitClient) track(user string, number int) bool {
	ctx := loopkit.WithIdentity(context.Background(), loopkit.Identity{AnonymousID: user})
	return c.client.Track(ctx, "page_view", loopkit.Properties{
		"page": "/pricing", "referrer": "https://example.com/", "width": 1280, "dark": true, "ratio": 1.5, "n": number,
	}) == nil
}

func (c *loopkitClient) stop(within time.Duration) error {
	ctx, cancel := context.WithTimeout(context.Background(), within)
	defer cancel()
	return c.client.Close(ctx)
}

func (c *loopkitClient) settings() string { return "the defaults; Overflow: Block but in outages" }
