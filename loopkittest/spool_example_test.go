package loopkittest_test

import (
	"fmt"
	"log/slog"
	"net/http"
	"testing"

	"github.com/loopkitai/loopkit-go"
	"github.com/loopkitai/loopkit-go/loopkittest"
)

// What is accepted during an outage is kept, and the next process sends it.
func ExampleSpool() {
	run("TestOutage", func(t testing.TB) {
		server, disk := loopkittest.NewServer(t), loopkittest.NewSpool()
		start := func() *loopkit.Client {
			client, err := loopkit.New("lk_test", &loopkit.Options{
				BaseURL: server.BaseURL(), Spool: disk.Open(), Logger: slog.New(slog.DiscardHandler),
			})
			if err != nil {
				t.Fatal(err)
			}
			return client
		}

		server.FailAll(loopkittest.Any, loopkittest.Fault{Status: http.StatusServiceUnavailable})
		first := start()
		ctx := loopkit.WithIdentity(t.Context(), loopkit.Identity{UserID: "user_123"})
		_ = first.Track(ctx, "user_signup", nil)
		fmt.Println("closed:", first.Close(t.Context()), "kept:", len(disk.Batches()))

		server.Heal()
		second := start()
		fmt.Println("closed:", second.Close(t.Context()), "kept:", len(disk.Batches()))
		loopkittest.RequireTracked(t, server, "user_123", "user_signup")
		fmt.Println("violations:", len(disk.Violations()))
	})
	// Output:
	// closed: <nil> kept: 1
	// closed: <nil> kept: 0
	// violations: 0
	// --- PASS: TestOutage
}
