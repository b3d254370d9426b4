//go:build browser

package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/loopkitai/loopkit-go"
)

// sendTraffic sends what the pictures show: the journey of the documentation,
// then the same user's telephone, visitors, and a program that makes mistakes.
func sendTraffic(ctx context.Context, url string) (err error) {
	if err := post(ctx, url+"/api/demo", `{}`); err != nil {
		return err
	}
	client, err := loopkit.New("lk_dev", &loopkit.Options{BaseURL: url + "/v1"})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, client.Close(ctx)) }()
	for _, step := range []func() error{
		func() error { return visit(ctx, client) },
		func() error { return comeByTelephone(ctx, client) },
		func() error { return makeMistakes(ctx, url) },
	} {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

func visit(ctx context.Context, client *loopkit.Client) error {
	visitor := client.NewSession(loopkit.Identity{AnonymousID: loopkit.NewAnonymousID()})
	return errors.Join(
		visitor.Track(ctx, "page_view", loopkit.Properties{"page": "/docs", "referrer": "search"}),
		visitor.Track(ctx, "search_performed", loopkit.Properties{"query_length": 14, "results": 3}),
		client.Flush(ctx),
	)
}

// comeByTelephone is user_123 on a second device.
func comeByTelephone(ctx context.Context, client *loopkit.Client) error {
	telephone := client.NewSession(loopkit.Identity{AnonymousID: loopkit.NewAnonymousID()})
	return errors.Join(
		telephone.Track(ctx, "app_open", loopkit.Properties{"platform": "ios", "version": "2.4.0"}),
		telephone.Track(ctx, "screen_view", loopkit.Properties{"screen": "home"}),
		client.Flush(ctx),
		telephone.Identify(ctx, "user_123", loopkit.Traits{"plan": "pro", "last_login": "2025-01-15T10:30:00Z"}),
		client.Flush(ctx),
		telephone.Track(ctx, "feature_used", loopkit.Properties{"feature": "push_notifications", "enabled": true}),
		client.Flush(ctx),
	)
}

func makeMistakes(ctx context.Context, url string) error {
	return errors.Join(
		post(ctx, url+"/v1/identifies", `{"userId":"user_456","traits":{"plan":"trial"}}`),
		post(ctx, url+"/v1/groups", `{"groupId":"group-1","userId":"user_456","traits":{}}`),
	)
}

func post(ctx context.Context, url, body string) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, url, strings.NewReader(body))
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Authorization", "Bearer lk_dev")
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("%s was answered with %s", url, answer.Status)
	}
	return nil
}
