package main

import (
	"time"

	"github.com/posthog/posthog-go"
)

type posthogClient struct{ client posthog.Client }

type silent struct{}

func (silent) Logf(string, ...any)   {}
func (silent) Errorf(string, ...any) {}

func (c *posthogClient) start(url string, _ int, _ bool) (err error) {
	c.client, err = posthog.NewWithConfig("key", posthog.Config{Endpoint: url, BatchSize: 1000, Logger: silent{}})
	return err
}

func (c *posthogClient) track(user string, number int) bool {
	return c.client.Enqueue(posthog.Capture{
		DistinctId: user, Event: "page_view", Properties: posthog.Properties{
			"page": "/pricing", "referrer": "https://example.com/", "width": 1280, "dark": true, "ratio": 1.5, "n": number,
		},
	}) == nil
}

func (c *posthogClient) stop(within time.Duration) error { return closeWithin(within, c.client.Close) }

func (c *posthogClient) settings() string { return "BatchSize 1000, else the defaults" }
