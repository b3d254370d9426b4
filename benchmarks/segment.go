package main

import (
	"errors"
	"io"
	"log"
	"time"

	analytics "gopkg.in/segmentio/analytics-go.v3"
)

type segmentClient struct{ client analytics.Client }

func (c *segmentClient) start(url string, _ bool) (err error) {
	c.client, err = analytics.NewWithConfig("key", analytics.Config{
		Endpoint: url, BatchSize: 1000, Logger: analytics.StdLogger(log.New(io.Discard, "", 0)),
	})
	return err
}

func (c *segmentClient) of(person string) track {
	return func(event string, properties map[string]any) bool {
		return c.client.Enqueue(analytics.Track{AnonymousId: person, Event: event, Properties: properties}) == nil
	}
}

func (c *segmentClient) stop(within time.Duration) error { return closeWithin(within, c.client.Close) }

// closeWithin calls a Close that has no context.
func closeWithin(within time.Duration, closes func() error) error {
	done := make(chan error, 1)
	go func() { done <- closes() }()
	select {
	case err := <-done:
		return err
	case <-time.After(within):
		return errors.New("the client did not close in time")
	}
}
