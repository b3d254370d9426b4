package loopkit_test

import (
	"context"
	"fmt"
	"strings"

	"github.com/loopkitai/loopkit-go"
	"github.com/loopkitai/loopkit-go/internal/collector"
)

// show makes calls of a client with the options that change makes, and shows
// what arrived.
func show(change func(*loopkit.Options), calls func(*loopkit.Client)) {
	server := newExampleServer(collector.Options{Strict: true})
	defer server.Close()
	opts := server.options()
	change(opts)
	client, err := loopkit.New("lk_example", opts)
	if err != nil {
		fmt.Println(err)
		return
	}
	calls(client)
	if err := client.Close(context.Background()); err != nil {
		fmt.Println(err)
	}
	server.print()
}

// Somebody who agreed to be counted, and to no more.
func ExampleWithConsent() {
	show(func(*loopkit.Options) {}, func(client *loopkit.Client) {
		ctx := loopkit.WithIdentity(context.Background(), loopkit.Identity{AnonymousID: "anon_456", UserID: "user_123"})
		ctx = loopkit.WithConsent(ctx, loopkit.AnonymousOnly)
		_ = client.Track(ctx, "page_view", loopkit.Properties{"page": "/pricing"})
		_ = client.Identify(ctx, "user_123", loopkit.Traits{"plan": "trial"}) // is withheld
	})
	// Output: track page_view: user "", anonymous "anon_456", map[page:/pricing]
}

// Personal data is hashed with a key that the program keeps secret.
func ExamplePIIPolicy() {
	key := []byte("load this from your secrets") // 16 bytes or more
	show(func(o *loopkit.Options) {
		o.PII = loopkit.PIIPolicy{Mode: loopkit.PIIHash, Key: key}
	}, func(client *loopkit.Client) {
		ctx := loopkit.WithIdentity(context.Background(), loopkit.Identity{AnonymousID: "anon_456"})
		_ = client.Identify(ctx, "user_123", loopkit.Traits{"email": "john@acme.com", "plan": "trial"})
	})
	// Output: identify: user "user_123", anonymous "anon_456", map[email_hash:466a2e904f8b35b23a5a3d25b2b3942e65cd67fec9dc74eed4d2fbf0e835daf5 plan:trial]
}

func ExampleHashPII() {
	key := []byte("load this from your secrets")
	fmt.Println(loopkit.HashPII(key, "john@acme.com") == loopkit.HashPII(key, " John@ACME.com"))
	// Output: true
}

// BeforeSend has the last word about each message.
func ExampleOptions_beforeSend() {
	show(func(o *loopkit.Options) {
		o.BeforeSend = func(_ context.Context, m *loopkit.Message) *loopkit.Message {
			if strings.HasPrefix(m.Name, "debug_") {
				return nil // is withheld
			}
			m.Values["region"] = "eu"
			return m
		}
	}, func(client *loopkit.Client) {
		ctx := loopkit.WithIdentity(context.Background(), loopkit.Identity{AnonymousID: "anon_456"})
		_ = client.Track(ctx, "debug_timing", nil)
		_ = client.Track(ctx, "page_view", nil)
	})
	// Output: track page_view: user "", anonymous "anon_456", map[region:eu]
}
