package loopkitcli_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/loopkitai/loopkit-go"
	"github.com/loopkitai/loopkit-go/loopkitcli"
	"github.com/loopkitai/loopkit-go/loopkittest"
)

// login is a run that logs somebody in.
func (i *installation) login(user string) {
	i.t.Helper()
	run := i.run()
	run.Start("login")
	require.NoError(i.t, run.Login(i.t.Context(), user, loopkit.Traits{"plan": "trial"}))
	run.Finish(0)
}

func (i *installation) logout() {
	i.t.Helper()
	run := i.run()
	run.Start("logout")
	require.NoError(i.t, run.Logout())
	run.Finish(0)
}

// users are those of the events, in order.
func (i *installation) users() []string {
	var users []string
	for _, m := range i.tracks() {
		users = append(users, m.UserID)
	}
	return users
}

func TestAllRunsOfAnInstallationAreOnePerson(t *testing.T) {
	i := agreed(t)
	i.command("deploy")
	i.command("deploy")
	ids := i.anonymousIDs(2)
	assert.Equal(t, ids[0], ids[1])
	assert.Equal(t, ids[0], strings.TrimSpace(i.read("anonymous_id")))
}

func TestALoginHoldsInLaterRuns(t *testing.T) {
	i := agreed(t)
	i.command("deploy")
	i.login("user_123")
	i.command("deploy")
	assert.Equal(t, []string{"", "user_123", "user_123"}, i.users())
	ids := i.anonymousIDs(3)
	loopkittest.RequireIdentified(t, i.server, "user_123", ids[0])
	assert.Len(t, i.server.People(), 1)
	assert.Equal(t, "user_123", i.run().Status().UserID)
}

func TestAProgramMayCallLoginInEveryRun(t *testing.T) {
	i := agreed(t)
	i.login("user_123")
	before := len(i.server.Messages())
	run := i.run()
	require.NoError(t, run.Login(t.Context(), "user_123", nil))
	run.Finish(0)
	assert.LessOrEqual(t, len(i.server.Messages())-before, 1, "no second identify in a run")
	loopkittest.RequireNoConflicts(t, i.server)
}

func TestALogoutIsTheEndOfAPerson(t *testing.T) {
	i := agreed(t)
	i.login("user_123")
	i.logout()
	i.command("deploy")
	i.login("user_124")
	ids := i.anonymousIDs(4)
	assert.Equal(t, []string{"user_123", "", "", "user_124"}, i.users())
	assert.NotEqual(t, ids[0], ids[1])
	assert.Equal(t, ids[1], ids[2], "the new anonymous ID is kept")
	assert.Equal(t, ids[2], ids[3])
	loopkittest.RequireNoConflicts(t, i.server)
	loopkittest.RequireIdentified(t, i.server, "user_124", ids[3])
}

func TestALoginOfAnotherUserTakesAnotherAnonymousID(t *testing.T) {
	i := agreed(t)
	for _, user := range []string{"user_123", "user_124", "user_123"} {
		i.login(user)
	}
	ids := i.anonymousIDs(3)
	assert.Equal(t, []string{"user_123", "user_124", "user_123"}, i.users())
	assert.NotEqual(t, ids[0], ids[1])
	assert.NotEqual(t, ids[1], ids[2])
	loopkittest.RequireNoConflicts(t, i.server)
}

// What happens while nothing is sent must not be found out at the expense of
// whoever comes later.
func TestPeopleAreNotMixedByWhatHappensWhileTelemetryIsOff(t *testing.T) {
	for name, happens := range map[string]func(*loopkitcli.Telemetry) error{
		"logout":          func(run *loopkitcli.Telemetry) error { return run.Logout() },
		"another's login": func(run *loopkitcli.Telemetry) error { return run.Login(t.Context(), "user_124", nil) },
	} {
		for _, mode := range []string{"off", "log"} {
			t.Run(name+" in "+mode, func(t *testing.T) {
				i := agreed(t)
				i.login("user_123")
				t.Setenv(variable, mode)
				run := i.run()
				require.NoError(t, happens(run))
				run.Finish(0)
				t.Setenv(variable, "")
				i.command("deploy")
				ids := i.anonymousIDs(2)
				assert.Equal(t, []string{"user_123", ""}, i.users())
				assert.NotEqual(t, ids[0], ids[1])
				loopkittest.RequireNoConflicts(t, i.server)
			})
		}
	}
}

func TestTheSameUsersLoginWhileTelemetryIsOffChangesNothing(t *testing.T) {
	i := agreed(t)
	i.login("user_123")
	t.Setenv(doNotTrack, "1")
	require.NoError(t, i.run().Login(t.Context(), "user_123", nil))
	t.Setenv(doNotTrack, "")
	i.command("deploy")
	ids := i.anonymousIDs(2)
	assert.Equal(t, ids[0], ids[1])
}

// A logout may be interrupted between its two files, and so may a login.
func TestALinkedAnonymousIDWithoutItsUserIsLeftBehind(t *testing.T) {
	for name, damage := range map[string]func(*installation){
		"the user is gone":      func(i *installation) { require.NoError(t, os.Remove(i.path("user"))) },
		"the user is another's": func(i *installation) { i.write("user", `{"userId":"user_124","anonymousId":"anon_1"}`) },
		"the user is garbage":   func(i *installation) { i.write("user", "user_124") },
	} {
		t.Run(name, func(t *testing.T) {
			i := agreed(t)
			i.login("user_123")
			damage(i)
			i.command("deploy")
			ids := i.anonymousIDs(2)
			assert.Equal(t, []string{"user_123", ""}, i.users())
			assert.NotEqual(t, ids[0], ids[1])
		})
	}
}

func TestAnotherProcessLogsOutMeanwhile(t *testing.T) {
	i := agreed(t)
	i.login("user_123")
	long := i.run()
	long.Start("watch")
	require.NotNil(t, long.Client())
	i.logout()
	long.Finish(0)
	i.command("deploy")
	ids := i.anonymousIDs(4)
	assert.Equal(t, []string{"user_123", "", "user_123", ""}, i.users())
	assert.Equal(t, ids[0], ids[2])
	assert.Equal(t, ids[1], ids[3], "the run that ended last did not bring the old anonymous ID back")
	loopkittest.RequireNoConflicts(t, i.server)
}

func TestAnIDThatIsNoneIsRefusedAndNotKept(t *testing.T) {
	i := agreed(t)
	run := i.run()
	var wrong *loopkit.ArgumentError
	for _, id := range []string{"", "undefined", " user_123"} {
		require.ErrorAs(t, run.Login(t.Context(), id, nil), &wrong)
	}
	run.Finish(0)
	assert.NotContains(t, i.files(), "user")
}

func TestAUserIDOfAnyFormIsKept(t *testing.T) {
	i := agreed(t)
	for _, id := range []string{"a\nb", `"quoted"`, "ünïcode", strings.Repeat("x", 256)} {
		i.login(id)
		i.command("deploy")
		users := i.users()
		assert.Equal(t, id, users[len(users)-1])
	}
}

func TestWithoutAPlaceToKeepItTheIDLivesInMemory(t *testing.T) {
	i := install(t)
	i.write("anonymous_id", "what is this?\nand this?\nand this?\n")
	t.Setenv(variable, "on")
	i.command("deploy")
	i.command("deploy")
	ids := i.anonymousIDs(2)
	assert.NotEqual(t, ids[0], ids[1])
	assert.Equal(t, "what is this?\nand this?\nand this?\n", i.read("anonymous_id"), "what is not ours is not replaced")

	i.options.Dir = filepath.Join(i.path("anonymous_id"), "below a file")
	run := i.run()
	run.Start("deploy")
	require.ErrorContains(t, run.Login(t.Context(), "user_123", nil), "nothing can be kept")
	run.Finish(0)
	i.anonymousIDs(3)
}
