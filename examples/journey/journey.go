package main

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"time"

	"github.com/loopkitai/loopkit-go"
)

// patience bounds the whole journey: Flush by itself would wait out an outage.
const patience = 15 * time.Second

// travel sends the journey with a LoopKit client of its own, through an HTTP
// client if one is given, and returns the final accounting. The error is nil only if everything was delivered.
func travel(ctx context.Context, key, baseURL string, client *http.Client) (loopkit.Stats, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	c, err := loopkit.New(key, &loopkit.Options{
		BaseURL:    baseURL,
		HTTPClient: client,
		PII:        loopkit.PIIPolicy{Allow: []string{"email"}}, // the documentation's example sends it as it is
		Logger:     slog.New(slog.DiscardHandler),               // this program prints errors itself
	})
	if err != nil {
		return loopkit.Stats{}, err
	}
	err = cmp.Or(journey(ctx, c), c.Close(ctx)) // both run; the first error says more
	return c.Stats(), explained(err)
}

// journey is the complete user journey of the documentation, and returns the
// first error of its calls. They go through the client's Session, which is one
// person: it has one anonymous ID, and the user ID is on everything after
// Identify and on nothing before.
//
// Flush serves the story only, so that each request is seen on its own. Other
// programs leave the sending to the client and call Close at the end.
func journey(ctx context.Context, client *loopkit.Client) error {
	visitor := client.Session()
	return cmp.Or(
		// 1. Anonymous user activity.
		visitor.Track(ctx, "page_view", loopkit.Properties{"page": "/pricing"}),
		visitor.Track(ctx, "button_click", loopkit.Properties{"button": "start_trial"}),
		client.Flush(ctx),

		// 2. User signs up.
		visitor.Track(ctx, "user_signup", loopkit.Properties{"method": "email", "source": "pricing_page"}),
		client.Flush(ctx),
		visitor.Identify(ctx, "user_123", loopkit.Traits{
			"email":       "john@acme.com",
			"plan":        "trial",
			"signup_date": "2025-01-15",
			"source":      "pricing_page",
		}),
		client.Flush(ctx),

		// 3. User joins a team.
		visitor.Track(ctx, "team_invitation_accepted", loopkit.Properties{"team_id": "team_456", "role": "developer"}),
		client.Flush(ctx),
		visitor.Group(ctx, "team_456", loopkit.Traits{
			"name":     "Acme Corp",
			"plan":     "enterprise",
			"size":     25,
			"industry": "software",
		}),
		client.Flush(ctx),

		// 4. Ongoing activity. Close sends it.
		visitor.Track(ctx, "feature_used", loopkit.Properties{
			"feature":   "api_integration",
			"team_id":   "team_456",
			"user_role": "developer",
		}),
	)
}

// explained adds the server's own words. The client's errors leave them out,
// because they may quote what was sent; nothing in this journey is secret.
func explained(err error) error {
	var answer *loopkit.APIError
	if errors.As(err, &answer) && answer.Message != "" {
		return &explainedError{err, answer.Message}
	}
	return err
}

type explainedError struct {
	error
	words string
}

func (e *explainedError) Error() string { return e.error.Error() + "\n  the server says: " + e.words }

func (e *explainedError) Unwrap() error { return e.error }
