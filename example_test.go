package loopkit_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/loopkitai/loopkit-go"
	"github.com/loopkitai/loopkit-go/internal/collector"
)

// The examples send to a LoopKit-like server in this process. A test would use
// loopkittest.NewServer, which needs a *testing.T.
type exampleServer struct {
	*collector.Collector
	*httptest.Server
}

func newExampleServer(opts collector.Options) exampleServer {
	c := collector.New(opts)
	return exampleServer{c, httptest.NewServer(c)}
}

// options are those of a client that sends to the server.
func (s exampleServer) options() *loopkit.Options {
	return &loopkit.Options{BaseURL: s.URL + "/v1", Logger: slog.New(slog.DiscardHandler)}
}

// print shows what arrived: identifies, then groups, then tracks.
func (s exampleServer) print() {
	for _, kind := range []collector.Kind{collector.KindIdentify, collector.KindGroup, collector.KindTrack} {
		for _, m := range s.Messages() {
			if m.Kind != kind {
				continue
			}
			fmt.Print(kind)
			for _, part := range []string{m.Name, m.GroupType, m.GroupID} {
				if part != "" {
					fmt.Print(" ", part)
				}
			}
			fmt.Printf(": user %q, anonymous %q, %v\n", m.UserID, m.AnonymousID, m.Values)
		}
	}
}

// newExample returns a server and a client that sends to it.
func newExample() (exampleServer, *loopkit.Client) {
	server := newExampleServer(collector.Options{Strict: true})
	client, err := loopkit.New("lk_example", server.options())
	if err != nil {
		panic(err)
	}
	return server, client
}

// A visitor signs up and joins a team. In a web server the identity comes with
// the request's context.
func Example() {
	server, client := newExample()
	defer server.Close()

	ctx := loopkit.WithIdentity(context.Background(), loopkit.Identity{AnonymousID: "anon_456"})
	_ = client.Track(ctx, "page_view", loopkit.Properties{"page": "/pricing"})

	ctx = loopkit.WithUser(ctx, "user_123") // the calls that follow are the user's
	_ = client.Identify(ctx, "user_123", loopkit.Traits{"plan": "trial"})
	_ = client.Group(ctx, "team_456", loopkit.Traits{"name": "Acme Corp"})

	if err := client.Close(ctx); err != nil {
		fmt.Println(err)
	}
	server.print()
	// Output:
	// identify: user "user_123", anonymous "anon_456", map[plan:trial]
	// group organization team_456: user "user_123", anonymous "anon_456", map[name:Acme Corp]
	// track page_view: user "", anonymous "anon_456", map[page:/pricing]
}

// All wrong options are named at once.
func ExampleNew() {
	client, err := loopkit.New("lk_example", nil) // no network is needed
	fmt.Println(client, err)
	_ = client.Close(context.Background())

	_, err = loopkit.New("", &loopkit.Options{BatchSize: -1, CloseTimeout: 2 * time.Hour})
	fmt.Println(err)
	// Output:
	// loopkit.Client{api.loopkit.ai} <nil>
	// loopkit.New: apiKey is empty; pass the project's API key, or use a nil *Client to send nothing
	// loopkit.New: BatchSize is -1; it must be 1 to 10000
	// loopkit.New: CloseTimeout is 2h0m0s; it must be 1ms to 1h0m0s
}

func ExampleClient_Identify() {
	server, client := newExample()
	defer server.Close()

	ctx := loopkit.WithIdentity(context.Background(), loopkit.Identity{AnonymousID: "anon_456"})
	_ = client.Identify(ctx, "user_123", loopkit.Traits{
		"email":       "user@example.com",
		"plan":        "pro",
		"signup_date": "2025-01-15",
	})

	var wrong *loopkit.ArgumentError
	if err := client.Identify(ctx, "undefined", nil); errors.As(err, &wrong) {
		fmt.Println(wrong.Field, wrong.Reason)
	}

	_ = client.Close(ctx)
	server.print()
	// Output:
	// userId is a placeholder for a missing value; pass the real ID
	// identify: user "user_123", anonymous "anon_456", map[email:user@example.com plan:pro signup_date:2025-01-15]
}

func ExampleClient_Group() {
	server, client := newExample()
	defer server.Close()

	ctx := loopkit.WithIdentity(context.Background(), loopkit.Identity{AnonymousID: "anon_789", UserID: "user_123"})
	_ = client.Group(ctx, "team_456", loopkit.Traits{
		"name":     "Acme Corp Engineering",
		"plan":     "enterprise",
		"size":     25,
		"industry": "software",
	})

	_ = client.Close(ctx)
	server.print()
	// Output:
	// group organization team_456: user "user_123", anonymous "anon_789", map[industry:software name:Acme Corp Engineering plan:enterprise size:25]
}

func ExampleClient_Track() {
	server, client := newExample()
	defer server.Close()

	ctx := loopkit.WithIdentity(context.Background(), loopkit.Identity{AnonymousID: "anon_456"})
	_ = client.Track(ctx, "button_click", loopkit.Properties{"button": "start_trial"})

	// Without an identity nobody would know whose event it is.
	err := client.Track(context.Background(), "button_click", nil)
	fmt.Println(errors.Is(err, loopkit.ErrNoIdentity))

	_ = client.Close(ctx)
	server.print()
	// Output:
	// true
	// track button_click: user "", anonymous "anon_456", map[button:start_trial]
}

// A deletion has succeeded only when Wait returns nil.
func ExampleClient_DeleteUser() {
	server, client := newExample()
	defer server.Close()
	ctx := context.Background()
	defer client.Close(ctx)

	deletion, err := client.DeleteUser(ctx, "user_123")
	if err != nil {
		fmt.Println(err) // it was not accepted
		return
	}
	if err := deletion.Wait(ctx); err != nil {
		fmt.Println(err)
		return
	}
	person, _ := server.Person("user_123")
	fmt.Println("deleted:", person.Deleted)
	// Output: deleted: true
}

// A server without such an endpoint has deleted nothing, and Wait says so.
func ExampleClient_DeleteGroup() {
	server := newExampleServer(collector.Options{NoDeletion: true})
	defer server.Close()
	client, err := loopkit.New("lk_example", server.options())
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx := context.Background()
	defer client.Close(ctx)

	deletion, err := client.DeleteGroup(ctx, "team_456")
	if err != nil {
		fmt.Println(err)
		return
	}
	err = deletion.Wait(ctx)
	fmt.Println(errors.Is(err, loopkit.ErrDeletionUnsupported))
	// Output: true
}

// Flush waits for what was accepted before it. The error says how much was not
// delivered and why.
func ExampleClient_Flush() {
	server := newExampleServer(collector.Options{Keys: []string{"lk_another"}})
	defer server.Close()
	client, err := loopkit.New("lk_example", server.options())
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second) // an outage may last longer
	defer cancel()
	defer client.Close(ctx)

	_ = client.Track(ctx, "invoice_paid", nil, loopkit.As(loopkit.Identity{UserID: "user_123"}))
	err = client.Flush(ctx)
	fmt.Println(err)

	var answer *loopkit.APIError
	if errors.As(err, &answer) {
		fmt.Println(answer.StatusCode, answer.Message)
	}
	// Output:
	// loopkit: not delivered: 1 pending, 0 dropped: loopkit: tracks answered 401 Unauthorized: check the API key
	// 401 unknown API key
}

func ExampleClient_Close() {
	server, client := newExample()
	defer server.Close()

	_ = client.Track(context.Background(), "job_done", nil, loopkit.As(loopkit.Identity{UserID: "user_123"}))

	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	fmt.Println(client.Close(ctx))
	fmt.Println(client.Track(ctx, "too_late", nil, loopkit.As(loopkit.Identity{UserID: "user_123"})))
	// Output:
	// <nil>
	// loopkit: the client is closed
}

func ExampleClient_Stats() {
	server, client := newExample()
	defer server.Close()

	ctx := loopkit.WithIdentity(context.Background(), loopkit.Identity{UserID: "user_123"})
	for range 3 {
		_ = client.Track(ctx, "feature_used", nil)
	}
	_ = client.Track(ctx, "", nil) // refused

	stats := client.Stats()
	fmt.Println("accepted", stats.Accepted, "pending", stats.Pending, "refused", stats.Refused)
	_ = client.Close(ctx)
	stats = client.Stats()
	fmt.Println("accepted", stats.Accepted, "delivered", stats.Delivered, "requests", stats.Requests)
	// Output:
	// accepted 3 pending 3 refused 1
	// accepted 3 delivered 3 requests 1
}

// A nil client discards everything, so that a program can run without analytics.
// It never claims that something was deleted.
func ExampleClient_nil() {
	var client *loopkit.Client
	ctx := context.Background()

	fmt.Println(client.Track(ctx, "feature_used", nil))
	fmt.Println(client.Session().Identify(ctx, "user_123", nil))
	deletion, err := client.DeleteUser(ctx, "user_123")
	fmt.Println(err)
	fmt.Println(errors.Is(deletion.Wait(ctx), loopkit.ErrDisabled))
	fmt.Println(client.Close(ctx))
	// Output:
	// <nil>
	// <nil>
	// <nil>
	// true
	// <nil>
}

// A Session is sticky: its calls carry the user ID after Identify, and are a
// stranger's after Reset.
func ExampleSession() {
	server, client := newExample()
	defer server.Close()
	ctx := context.Background()

	session := client.NewSession(loopkit.Identity{AnonymousID: "anon_456"})
	_ = session.Track(ctx, "game_started", nil)
	_ = session.Identify(ctx, "user_123", loopkit.Traits{"platform": "desktop"})
	_ = session.Track(ctx, "level_done", loopkit.Properties{"level": 3})

	session.Reset() // logout
	fmt.Println(session.Identity().UserID == "", session.Identity().AnonymousID != "anon_456")

	_ = client.Close(ctx)
	server.print()
	// Output:
	// true true
	// identify: user "user_123", anonymous "anon_456", map[platform:desktop]
	// track game_started: user "", anonymous "anon_456", map[]
	// track level_done: user "user_123", anonymous "anon_456", map[level:3]
}

func ExampleWithIdentity() {
	ctx := loopkit.WithIdentity(context.Background(), loopkit.Identity{AnonymousID: "anon_456"})
	id, ok := loopkit.IdentityFrom(ctx)
	fmt.Println(id.AnonymousID, ok)
	// Output: anon_456 true
}

// WithUser never takes one user's anonymous ID to another.
func ExampleWithUser() {
	ctx := loopkit.WithIdentity(context.Background(), loopkit.Identity{AnonymousID: "anon_456"})

	ctx = loopkit.WithUser(ctx, "user_123")
	id, _ := loopkit.IdentityFrom(ctx)
	fmt.Printf("%q %q\n", id.UserID, id.AnonymousID)

	ctx = loopkit.WithUser(ctx, "user_789")
	id, _ = loopkit.IdentityFrom(ctx)
	fmt.Printf("%q %q\n", id.UserID, id.AnonymousID)
	// Output:
	// "user_123" "anon_456"
	// "user_789" ""
}

func ExampleWithContextFields() {
	server, client := newExample()
	defer server.Close()

	ctx := loopkit.WithUser(context.Background(), "user_123")
	ctx = loopkit.WithContextFields(ctx, loopkit.Properties{"page": "/pricing", "locale": "en"})
	_ = client.Track(ctx, "button_click", nil)

	_ = client.Close(ctx)
	fmt.Println(server.Messages()[0].System["context"])
	// Output: map[locale:en page:/pricing]
}

// A job outside of any request says whose event it is.
func ExampleAs() {
	server, client := newExample()
	defer server.Close()
	ctx := context.Background()

	_ = client.Track(ctx, "invoice_paid", loopkit.Properties{"amount": 12}, loopkit.As(loopkit.Identity{UserID: "user_123"}))

	_ = client.Close(ctx)
	server.print() // the anonymous ID is derived from the user ID
	// Output: track invoice_paid: user "user_123", anonymous "anon_af09cbaf-6356-5904-b0f1-c10d1e69fad6", map[amount:12]
}

// An import gives times and message IDs, so that running it again repeats the
// same messages.
func ExampleAt() {
	server, client := newExample()
	defer server.Close()

	ctx := loopkit.WithUser(context.Background(), "user_123")
	signedUp := time.Date(2025, time.January, 15, 10, 30, 0, 0, time.UTC)
	_ = client.Track(ctx, "user_signup", nil, loopkit.At(signedUp), loopkit.WithMessageID("import-0001"))

	_ = client.Close(ctx)
	m := server.Messages()[0]
	fmt.Println(m.MessageID, m.Timestamp)
	// Output: import-0001 2025-01-15 10:30:00 +0000 UTC
}

func ExampleGroupType() {
	server, client := newExample()
	defer server.Close()

	ctx := loopkit.WithIdentity(context.Background(), loopkit.Identity{AnonymousID: "anon_456"})
	_ = client.Group(ctx, "red-dragons", loopkit.Traits{"level": 7}, loopkit.GroupType("guild"))

	_ = client.Close(ctx)
	server.print()
	// Output: group guild red-dragons: user "", anonymous "anon_456", map[level:7]
}

func ExampleTraitsOf() {
	user := struct {
		Plan     string `json:"plan"`
		TeamSize int    `json:"team_size"`
		Password string `json:"-"`
	}{Plan: "enterprise", TeamSize: 25, Password: "hunter2"}

	traits, err := loopkit.TraitsOf(user)
	fmt.Println(traits, err)
	// Output: map[plan:enterprise team_size:25] <nil>
}

// All runs of a program on one machine are one person.
func ExampleFileIdentity() {
	dir, err := os.MkdirTemp("", "mytool")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	store := loopkit.FileIdentity(filepath.Join(dir, "identity")) // in a program: below os.UserConfigDir

	var ids []string
	for range 2 {
		client, err := loopkit.New("lk_example", &loopkit.Options{IdentityStore: store})
		if err != nil {
			fmt.Println(err)
			return
		}
		ids = append(ids, client.AnonymousID())
		_ = client.Close(context.Background())
	}
	fmt.Println(len(slices.Compact(ids)))
	// Output: 1
}

// A program can keep what was lost.
func ExampleHooks() {
	server := newExampleServer(collector.Options{NoDeletion: true})
	defer server.Close()

	opts := server.options()
	opts.Hooks.Dropped = func(_ context.Context, drop loopkit.Drop) {
		for _, message := range drop.Messages {
			fmt.Printf("%s %s: %s\n", drop.Kind, drop.Reason, message)
		}
	}
	client, err := loopkit.New("lk_example", opts)
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx := context.Background()
	_, _ = client.DeleteUser(ctx, "user_123")
	_ = client.Close(ctx) // waits for the hook
	// Output: deleteUser unsupported: {"userId":"user_123"}
}
