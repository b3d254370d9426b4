// Package loopkittest gives tests a LoopKit server of their own: it remembers
// what it receives, merges people as LoopKit does, and fails on command.
//
//	func TestSignUp(t *testing.T) {
//		server := loopkittest.NewServer(t)
//		client, err := loopkit.New("lk_test", &loopkit.Options{BaseURL: server.BaseURL()})
//		if err != nil {
//			t.Fatal(err)
//		}
//		signUp(client, "user_123", "anon_456") // the code under test
//		if err := client.Flush(t.Context()); err != nil {
//			t.Fatal(err)
//		}
//		loopkittest.RequireIdentified(t, server, "user_123", "anon_456")
//	}
//
// Flush returns after the server has answered, so no test needs to poll.
//
// [NewServer] listens on the loopback interface. [NewTransport] opens no socket,
// which tests with testing/synctest need: give its HTTPClient to the code under test.
//
// The package depends on the standard library only.
package loopkittest
