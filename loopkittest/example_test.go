package loopkittest_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/loopkitai/loopkit-go"
	"github.com/loopkitai/loopkit-go/loopkittest"
)

// newClient returns a client that sends to the server until the test ends.
func newClient(t testing.TB, server *loopkittest.Server) *loopkit.Client {
	client, err := loopkit.New("lk_test", &loopkit.Options{BaseURL: server.BaseURL()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Close(context.Background()) })
	return client
}

func flush(t testing.TB, client *loopkit.Client) {
	if err := client.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// A test of a signup: what the visitor did before belongs to the new user.
func Example() {
	// signUp is the code under test.
	signUp := func(ctx context.Context, client *loopkit.Client) {
		_ = client.Track(ctx, "user_signup", loopkit.Properties{"method": "email"})
		_ = client.Identify(ctx, "user_123", loopkit.Traits{"plan": "trial"})
	}

	run("TestSignUp", func(t testing.TB) {
		server := loopkittest.NewServer(t)
		client, err := loopkit.New("lk_test", &loopkit.Options{BaseURL: server.BaseURL()})
		if err != nil {
			t.Fatal(err)
		}
		visitor := loopkit.WithIdentity(t.Context(), loopkit.Identity{AnonymousID: "anon_456"})
		signUp(visitor, client)
		if err := client.Close(t.Context()); err != nil {
			t.Fatal(err)
		}

		person := loopkittest.RequireIdentified(t, server, "user_123", "anon_456")
		event := loopkittest.RequireTracked(t, server, "user_123", "user_signup")
		fmt.Println("plan:", person.Traits["plan"], "method:", event.Values["method"])
	})
	// Output:
	// plan: trial method: email
	// --- PASS: TestSignUp
}

// Two devices are one user when both anonymous IDs belong to that user.
func ExampleRequireIdentified() {
	run("TestTwoDevices", func(t testing.TB) {
		server := loopkittest.NewServer(t)
		client := newClient(t, server)
		for _, device := range []string{"anon_laptop", "anon_phone"} {
			ctx := loopkit.WithIdentity(t.Context(), loopkit.Identity{AnonymousID: device})
			_ = client.Identify(ctx, "user_123", nil)
		}
		flush(t, client)

		loopkittest.RequireIdentified(t, server, "user_123", "anon_laptop")
		loopkittest.RequireIdentified(t, server, "user_123", "anon_phone")
		fmt.Println(len(server.People()), "person")
		loopkittest.RequireIdentified(t, server, "user_123", "anon_tablet")
	})
	// Output:
	// 1 person
	// --- FAIL: TestTwoDevices
	//     anonymous ID "anon_tablet" does not belong to user "user_123", who has ["anon_laptop" "anon_phone"]
	//     arrived:
	//       identify user "user_123" anonymous ID "anon_laptop"
	//       identify user "user_123" anonymous ID "anon_phone"
}

// After the deletion of an account nothing is held, until a careless event says
// who it was.
func ExampleRequireNothingAbout() {
	run("TestAccountDeletion", func(t testing.TB) {
		server := loopkittest.NewServer(t)
		client := newClient(t, server)
		ctx := loopkit.WithIdentity(t.Context(), loopkit.Identity{AnonymousID: "anon_456"})
		_ = client.Identify(ctx, "user_123", loopkit.Traits{"plan": "pro"})
		flush(t, client)

		deletion, err := client.DeleteUser(ctx, "user_123")
		if err != nil {
			t.Fatal(err)
		}
		if err := deletion.Wait(t.Context()); err != nil {
			t.Fatal(err)
		}
		loopkittest.RequireNothingAbout(t, server, "user_123")
		loopkittest.RequireNothingAbout(t, server, "anon_456")

		ctx = loopkit.WithIdentity(t.Context(), loopkit.Identity{AnonymousID: "anon_789"})
		_ = client.Track(ctx, "page_view", loopkit.Properties{"page": "/goodbye?user=user_123"})
		flush(t, client)
		loopkittest.RequireNothingAbout(t, server, "user_123")
	})
	// Output:
	// --- FAIL: TestAccountDeletion
	//     message 2 mentions "user_123" in "/goodbye?user=user_123": track "page_view" anonymous ID "anon_789" map[page:/goodbye?user=user_123]
	//     arrived:
	//       identify user "user_123" anonymous ID "anon_456" map[plan:pro]
	//       deleteUser user "user_123"
	//       track "page_view" anonymous ID "anon_789" map[page:/goodbye?user=user_123]
}

// People are found by any of their IDs.
func ExampleServer_Person() {
	run("TestLogin", func(t testing.TB) {
		server := loopkittest.NewServer(t)
		client := newClient(t, server)
		ctx := loopkit.WithIdentity(t.Context(), loopkit.Identity{AnonymousID: "anon_456"})
		_ = client.Track(ctx, "page_view", nil)
		_ = client.Identify(ctx, "user_123", loopkit.Traits{"plan": "pro"})
		flush(t, client)

		for _, id := range []string{"user_123", "anon_456"} {
			person, _ := server.Person(id)
			fmt.Println(person.UserID, person.AnonymousIDs, person.Traits["plan"], len(person.Events))
		}
		_, known := server.Person("anon_789")
		fmt.Println(known)
	})
	// Output:
	// user_123 [anon_456] pro 1
	// user_123 [anon_456] pro 1
	// false
	// --- PASS: TestLogin
}

// Groups know their members by user ID, and people who are not identified by
// anonymous ID.
func ExampleServer_Group() {
	run("TestTeam", func(t testing.TB) {
		server := loopkittest.NewServer(t)
		client := newClient(t, server)
		for _, id := range []loopkit.Identity{{UserID: "user_123"}, {AnonymousID: "anon_456"}} {
			ctx := loopkit.WithIdentity(t.Context(), id)
			_ = client.Group(ctx, "team_456", loopkit.Traits{"plan": "enterprise"})
		}
		flush(t, client)

		team, _ := server.Group("team_456")
		fmt.Println(team.Members, team.Traits["plan"])
	})
	// Output:
	// [user_123 anon_456] enterprise
	// --- PASS: TestTeam
}
