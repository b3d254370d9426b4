package main

import (
	"time"

	"github.com/posthog/posthog-go"
)

type posthogClient struct{ client posthog.Client }

type silent struct{}

func (silent) Logf(string, ...any)   {}
func (silent) Errorf(string, ...any) {}

func (c *posthogClient) start(url string, _ bool) (err error) {
	c.client, err = posthog.NewWithConfig("key", posthog.Config{Endpoint: url, BatchSize: 1000, Logger: silent{}})
	return err
}

func (c *posthogClient) of(person string) track {
	return func(event string, properties map[string]any) bool {
		return c.client.Enqueue(posthog.Capture{DistinctId: person, Event: event, Properties: properties}) == nil
	}
}

func (c *posthogClient) stop(within time.Duration) error { return closeWithin(within, c.client.Close) }
