package loopkitcli_test

import (
	"context"
	"os"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/loopkitai/loopkit-go"
	"github.com/loopkitai/loopkit-go/loopkitcli"
	"github.com/loopkitai/loopkit-go/loopkittest"
)

// began is a run whose client has been made: it has the anonymous ID of now.
func (i *installation) began(command string) *loopkitcli.Telemetry {
	i.t.Helper()
	run := i.run()
	run.Start(command)
	require.NotNil(i.t, run.Client())
	return run
}

func TestTwoProcessesThatLogInDifferentUsersAreTwoPeople(t *testing.T) {
	i := agreed(t)
	one, other := i.began("watch"), i.began("watch")
	require.NoError(t, one.Login(t.Context(), "user_123", nil))
	require.NoError(t, other.Login(t.Context(), "user_124", nil))
	one.Finish(0)
	other.Finish(0)
	loopkittest.RequireNoConflicts(t, i.server)
	assert.Len(t, i.server.People(), 2)
	i.command("deploy")
	assert.Equal(t, "user_124", i.users()[2], "who logged in last is who it is")
}

func TestTwoProcessesThatLogInTheSameUserAreOnePerson(t *testing.T) {
	i := agreed(t)
	one, other := i.began("watch"), i.began("watch")
	require.NoError(t, one.Login(t.Context(), "user_123", nil))
	require.NoError(t, other.Login(t.Context(), "user_123", nil))
	one.Finish(0)
	other.Finish(0)
	ids := i.anonymousIDs(2)
	assert.Equal(t, ids[0], ids[1])
	assert.Equal(t, "user_123", i.run().Status().UserID)
}

func TestALoginDoesNotTakeTheAnonymousIDOfWhoLoggedOutInAnotherProcess(t *testing.T) {
	for name, ends := range map[string]func(*installation){
		"logout": func(i *installation) { i.logout() },
		"off":    func(i *installation) { i.say("off"); i.say("on") },
		"logout while it is off": func(i *installation) {
			t.Setenv(doNotTrack, "1")
			require.NoError(t, i.run().Logout())
			t.Setenv(doNotTrack, "")
		},
	} {
		t.Run(name, func(t *testing.T) {
			i := agreed(t)
			shell := i.began("shell")
			i.login("user_123")
			ends(i)
			require.NoError(t, shell.Login(t.Context(), "user_124", nil))
			shell.Finish(0)
			loopkittest.RequireNoConflicts(t, i.server)
			i.command("deploy")
			users := i.users()
			assert.Equal(t, "user_124", users[len(users)-1])
		})
	}
}

// The user is kept first: a run that starts before the anonymous ID is known to be
// theirs must not take it for that of somebody who has logged out.
func TestALoginHoldsBesideARunThatStartsMeanwhile(t *testing.T) {
	i := agreed(t)
	i.command("deploy")
	i.options.Client.BeforeSend = func(_ context.Context, m *loopkit.Message) *loopkit.Message {
		if m.Kind == loopkit.KindIdentify {
			i.options.Client.BeforeSend = nil
			assert.Equal(t, "user_123", i.run().Status().UserID)
			i.command("status")
		}
		return m
	}
	i.login("user_123")
	i.command("deploy")
	users := i.users()
	assert.Equal(t, "user_123", users[len(users)-1])
	assert.Len(t, i.server.People(), 1)
}

func TestALoginHoldsBesideManyOtherRuns(t *testing.T) {
	for range 10 {
		i := agreed(t)
		i.command("deploy")
		var all sync.WaitGroup
		all.Go(func() { i.login("user_123") })
		for range 4 {
			all.Go(func() { i.command("deploy") })
		}
		all.Wait()
		require.Equal(t, "user_123", i.run().Status().UserID)
		require.Len(t, i.server.People(), 1)
	}
}

// A process that was killed after it kept the user had not tied the anonymous ID to
// them, as far as the next one knows.
func TestALoginThatWasKilledIsMadeGood(t *testing.T) {
	i := agreed(t)
	i.command("deploy")
	id := i.run().Status().AnonymousID
	i.write("user", `{"userId":"user_123","anonymousId":"`+id+`"}`)
	i.command("deploy")
	i.login("user_124")
	loopkittest.RequireIdentified(t, i.server, "user_123", id)
	loopkittest.RequireNoConflicts(t, i.server)
}

func TestALoginThatIsRefusedLogsNobodyIn(t *testing.T) {
	for name, refused := range map[string]func(*loopkitcli.Telemetry) error{
		"ID": func(run *loopkitcli.Telemetry) error { return run.Login(t.Context(), "undefined", nil) },
		"traits": func(run *loopkitcli.Telemetry) error {
			return run.Login(t.Context(), "user_124", loopkit.Traits{"f": func() {}})
		},
	} {
		i := agreed(t)
		i.command("deploy")
		run := i.began("login")
		require.Error(t, refused(run), name)
		run.Finish(0)
		assert.NotContains(t, i.files(), "user", name)
		ids := i.anonymousIDs(2)
		assert.Equal(t, ids[0], ids[1], "who was nobody stays nobody: %s", name)

		i.login("user_123")
		run = i.began("login")
		require.Error(t, refused(run), name)
		run.Finish(0)
		i.command("deploy")
		users := i.users()
		assert.Empty(t, users[len(users)-1], name)
		loopkittest.RequireNoConflicts(t, i.server)
	}
}

func TestALoginThatIsWithheldIsNotKept(t *testing.T) {
	i := agreed(t)
	i.options.Client.Consent = func(context.Context, *loopkit.Message) loopkit.Consent { return loopkit.AnonymousOnly }
	i.login("user_123")
	assert.NotContains(t, i.files(), "user")
	assert.Equal(t, []string{""}, i.users())
}

func TestAUserFileThatHoldsSomethingElseIsNotReplaced(t *testing.T) {
	i := agreed(t)
	i.command("deploy")
	i.write("user", "somebody else's")
	run := i.began("login")
	assert.ErrorContains(t, run.Login(t.Context(), "user_123", nil), "remove it to start anew")
	run.Finish(0)
	assert.Equal(t, "somebody else's", i.read("user"))
	ids := i.anonymousIDs(2)
	assert.NotEqual(t, ids[0], ids[1], "nobody knows whose the first is")
	assert.ErrorContains(t, i.run().Logout(), "remove it to start anew")
	require.NoError(t, os.Remove(i.path("user")))
}

func TestARunBringsNoAnonymousIDBackThatAnotherHasReplaced(t *testing.T) {
	i := agreed(t)
	i.command("deploy")
	i.options.Client.BeforeSend = func(_ context.Context, m *loopkit.Message) *loopkit.Message {
		if m.Kind == loopkit.KindIdentify { // before the run keeps that its anonymous ID is the user's
			require.NoError(t, os.Remove(i.path("user")))
			i.write("anonymous_id", "anon_new\n")
		}
		return m
	}
	i.login("user_123")
	assert.Equal(t, "anon_new\n", i.read("anonymous_id"))
	loopkittest.RequireNoConflicts(t, i.server)
}
