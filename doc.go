// Package loopkit sends events, users and groups to LoopKit: anonymous activity,
// the identify that links it to a user, and the teams that users belong to.
//
//	client, err := loopkit.New(os.Getenv("LOOPKIT_API_KEY"), nil)
//	if err != nil {
//		log.Fatal(err)
//	}
//	ctx = loopkit.WithIdentity(ctx, loopkit.Identity{AnonymousID: "anon_456"})
//	_ = client.Track(ctx, "page_view", loopkit.Properties{"page": "/pricing"})
//	_ = client.Identify(ctx, "user_123", loopkit.Traits{"plan": "trial"})
//	ctx = loopkit.WithUser(ctx, "user_123")
//	_ = client.Group(ctx, "team_456", loopkit.Traits{"name": "Acme Corp"})
//	err = client.Close(ctx) // before the program exits
//
// [Client.Identify], [Client.Group] and [Client.Track] encode the message, put it
// into a bounded queue in memory and return; the client sends in the background.
// Their errors say what is wrong with the call, and may be ignored: refused calls
// are counted and logged. A nil [Client] discards everything.
//
// # Identity
//
// A client has no current user, since one client serves many people. Whose
// message it is travels with the call, as an [Identity]: that of [As], else that
// of the context ([WithIdentity], [WithUser]), else that of the [Session] which
// was called. [Client.Track] and [Client.Group] without any return
// [ErrNoIdentity].
//
//   - LoopKit merges what an anonymous ID did into a user when an identify names
//     both. Identify does not change the context: use WithUser for what follows.
//   - One anonymous ID must never be identified as two users. WithUser, Session
//     and Identify leave an anonymous ID behind that belongs to somebody else as
//     far as they can see; a program that remembers one, as in a cookie, takes a
//     new one at logout ([NewAnonymousID], [Session.Reset]).
//   - A message that knows only a user carries an anonymous ID derived from the
//     user ID: always the same, and no other user's.
//
// A Session remembers one person, for programs that serve one at a time: a command
// line tool, a desktop program, a game. [Client.Session] is the client's own, whose
// anonymous ID Options.IdentityStore keeps between runs.
//
// Package loopkithttp does all of this for web servers, in one line of middleware,
// and package loopkitcli for command line programs, with their users' choice.
//
// # Consent and personal data
//
// Options.Consent, asked at each call, and [WithConsent], carried by a context, say
// how much a person has agreed to; the lower one counts. [Denied] sends nothing,
// [AnonymousOnly] events without the user ID and personal values, [Pseudonymous]
// everything with personal values hashed, [Full] everything as Options.PII says. A call that is withheld
// returns nil.
//
// Values under keys that name personal data are sent with a warning, hashed,
// dropped or refused, as [PIIPolicy] says, at any depth and in system.context too.
// Values under keys that look like secrets are always left out. Options.BeforeSend
// sees a copy of what is left, and may change or withhold it. All of it happens in
// the call, on the caller's goroutine: what is taken out is never queued.
//
// # Delivery and accounting
//
// A message is sent until LoopKit has taken it, or is dropped for a reason that
// is counted. It may arrive twice, when an answer was lost; it then has the same
// messageId. Messages wait for others to share their request until a batch is
// full or Options.FlushInterval has passed. A group is sent only after the
// identifies accepted before it were settled, or while their endpoint is halted.
// Events go in parallel; their timestamps order them.
//
// What can be retried is retried, with backoff, until Options.MaxAge. A request
// that the server calls invalid is split until the message at fault is alone; that
// one is dropped. An endpoint that refuses everything, as for a wrong API key, is
// halted: its messages stay in the queue, it is tried from time to time, and
// Options.OnError is told.
//
// [Client.Stats] accounts for each message at any moment:
//
//	Accepted = Delivered + Pending + the sum of Dropped by Reason
//
// A loss after acceptance reaches Hooks.Dropped with its [Reason] and the message's
// JSON. Options.Logger gets warnings, at most one line a cause and minute, without
// the API key, IDs, or names and values of traits and properties.
//
// # Deletion
//
// [Client.DeleteUser] and [Client.DeleteGroup] drop what has not been sent about
// the user or group, wait for what is under way, send the deletion, and hold
// later messages back until it is settled. [Deletion.Wait] returns nil only if
// LoopKit confirmed it.
//
// No public source documents the HTTP form of LoopKit's deletions. Theirs here is
// DELETE {BaseURL}/users/{id} and /groups/{id}, unless Options.DeletionEndpoint says
// otherwise; a server that does not know it makes Wait return
// [ErrDeletionUnsupported].
//
// # Durability
//
// With Options.Spool, messages are in a file (package spool, a module of its own)
// before they are sent, and leave it when they are settled. Flush returns when
// what was accepted before it is delivered, dropped or there; Close leaves it
// there, and the next client goes on. An outage fills the file, not the memory.
// At most Options.SpoolInterval is lost to a crash.
//
// # Shutting down
//
// [Client.Flush] waits until what was accepted before it was delivered or dropped;
// give it a context with a deadline, since an outage may be long. [Client.Close]
// does the same for everything and releases the client. Its deadline is that of
// its context, else Options.CloseTimeout. Both return an [UndeliveredError] that
// says how much was not delivered and why.
//
// What is in memory alone is lost when the program ends without Close. A deferred Close
// is skipped by os.Exit and log.Fatal.
//
// # Testing
//
// Package loopkittest gives tests a LoopKit server of their own, which remembers
// what it receives, merges people, and fails on command.
package loopkit
