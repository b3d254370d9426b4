// Package journey sends the complete user journey of LoopKit's documentation.
package journey

import (
	"cmp"
	"context"
	"log/slog"
	"net/http"
	"time"

	"github.com/loopkitai/loopkit-go"
)

// Patience bounds a journey: a Flush by itself would wait out an outage.
const Patience = 15 * time.Second

// Via marks the journey's requests, which a development server sends on to nobody:
// its user_123 may be somebody elsewhere.
const Via = "1.1 loopkit-dev"

// marked is the default transport with the mark.
type marked struct{ http.RoundTripper }

func (m marked) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header.Set("Via", Via)
	return m.RoundTripper.RoundTrip(r)
}

// Send goes on the journey with a client of its own: somebody new visits, signs
// up as user_123 and joins team_456. The error is nil only if the server has
// taken all of it; the accounting is complete either way.
func Send(ctx context.Context, key, baseURL string) (loopkit.Stats, error) {
	ctx, cancel := context.WithTimeout(ctx, Patience)
	defer cancel()
	transport := http.DefaultTransport.(*http.Transport).Clone()
	defer transport.CloseIdleConnections()
	client, err := loopkit.New(key, &loopkit.Options{
		BaseURL:    baseURL,
		PII:        loopkit.PIIPolicy{Allow: []string{"email"}}, // the documentation's example sends it as it is
		HTTPClient: &http.Client{Transport: marked{transport}},
		Logger:     slog.New(slog.DiscardHandler), // whoever asked for the journey gets the error
	})
	if err != nil {
		return loopkit.Stats{}, err
	}
	travelled, closed := travel(ctx, client), client.Close(ctx)
	return client.Stats(), cmp.Or(travelled, closed) // the first error says more
}

// travel returns the first error. The calls go through one session, which is
// one person: Identify puts the user ID on everything after it. The flushes keep
// the steps of the story apart.
func travel(ctx context.Context, client *loopkit.Client) error {
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
