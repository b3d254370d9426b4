// Package loopkittest gives tests a LoopKit server of their own: it remembers
// what it receives, merges people as LoopKit does, and fails on command.
//
//	func TestSignUp(t *testing.T) {
//		server := loopkittest.NewServer(t)
//		client, err := loopkit.New("lk_test", &loopkit.Options{BaseURL: server.BaseURL()})
//		if err != nil {
//			t.Fatal(err)
//		}
//		signUp(client, "anon_456", "user_123") // the code under test
//		if err := client.Close(t.Context()); err != nil {
//			t.Fatal(err)
//		}
//		loopkittest.RequireIdentified(t, server, "user_123", "anon_456")
//		loopkittest.RequireTracked(t, server, "user_123", "user_signup")
//		loopkittest.RequireNoConflicts(t, server)
//	}
//
// Close and Flush return after the server has answered, so no test needs to poll.
//
// # Asking for people
//
// [Server.Person] finds a person by user ID or anonymous ID, [Server.Group] a
// group by ID, and [Server.Messages] has every message as it was received. The
// Require functions stop the test and show what did arrive:
//
//   - [RequireIdentified]: an anonymous ID belongs to a user.
//   - [RequireAnonymous]: an anonymous ID belongs to nobody known.
//   - [RequireNoConflicts]: no two people would be merged.
//   - [RequireNothingAbout]: after a refusal of consent or a deletion, or for an
//     e-mail address that must never be kept, the server has stored nothing that
//     mentions it. Bodies that it refused are not searched.
//   - [RequireTracked], [RequireMember]: an event of a person, a person in a group.
//
// # Failing on command
//
// [Server.Script] makes the next requests fail, [Server.FailAll] all of them until
// [Server.Heal]; see [Fault] for the ways. [Strict] refuses what no source of
// LoopKit's attests.
//
// [NewSpool] keeps in memory what a client with Options.Spool would keep on disk. It
// outlives the client, fails on command, and crashes. [TestSpool] is the conformance
// suite for those who write a spool of their own.
//
// [NewServer] listens on the loopback interface. [NewTransport] opens no socket,
// which tests with testing/synctest need: give its HTTPClient to the code under test.
//
// The package depends on the standard library only.
package loopkittest
