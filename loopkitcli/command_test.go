package loopkitcli_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/loopkitai/loopkit-go"
	"github.com/loopkitai/loopkit-go/loopkitcli"
)

func TestEverySubcommandSucceedsInEverySituation(t *testing.T) {
	for name, prepare := range map[string]func(*installation){
		"new":          func(*installation) {},
		"agreed":       func(i *installation) { i.say("on"); i.command("deploy") },
		"logged in":    func(i *installation) { i.say("on"); i.login("user_123") },
		"said no":      func(i *installation) { i.say("off") },
		"DO_NOT_TRACK": func(*installation) { t.Setenv(doNotTrack, "1") },
		"log":          func(*installation) { t.Setenv(variable, "log") },
	} {
		for _, command := range []string{"status", "show", "on", "off", "reset"} {
			i := install(t)
			prepare(i)
			before := len(i.server.Messages())
			assert.NotEmpty(t, i.say(command), "%s, %s", name, command)
			assert.Len(t, i.server.Messages(), before, "looking at it is not tracked: %s, %s", name, command)
		}
	}
}

func TestTheRunOfASubcommandIsNotTracked(t *testing.T) {
	i := agreed(t)
	for _, command := range []string{"status", "show", "on", "reset", "help", "--help", "wrong", "off"} {
		run := i.run()
		run.Start("telemetry " + command)
		assert.Equal(t, command == "wrong", run.Command([]string{command}, io.Discard) != 0)
		run.Finish(0)
	}
	assert.Empty(t, i.server.Requests())
}

// A library may call Start before every command, also before these.
func TestTheSubcommandIsNotTrackedIfStartIsToldOfIt(t *testing.T) {
	for _, command := range []string{"status", "show", "on", "reset", "off"} {
		i := agreed(t)
		i.login("user_123")
		before := len(i.server.Requests())
		run := i.run()
		run.Start("mytool telemetry "+command, "json")
		assert.Zero(t, run.Command([]string{command}, io.Discard))
		run.Finish(0)
		assert.Len(t, i.server.Requests(), before, command)
	}
}

func TestAMountedSubcommandTellsWrongArgumentsFromFailures(t *testing.T) {
	i := install(t)
	i.write("choice", "perhaps")
	for _, c := range i.run().Subcommands() {
		assert.ErrorIs(t, c.Run([]string{"please"}, io.Discard), loopkitcli.ErrUsage)
		err := c.Run(nil, io.Discard)
		assert.Equal(t, c.Name == "on" || c.Name == "off", err != nil, c.Name)
		assert.NotErrorIs(t, err, loopkitcli.ErrUsage)
	}
}

func TestWrongArgumentsAreUsageErrors(t *testing.T) {
	i := install(t)
	for _, args := range [][]string{{"enable"}, {"on", "please"}, {"status", "--yaml"}, {"show", "--json"}, {""}} {
		var out bytes.Buffer
		i.stderr.Reset()
		assert.Equal(t, 2, i.run().Command(args, &out), "%q", args)
		assert.Empty(t, out.String())
		assert.Contains(t, i.stderr.String(), "Usage: mytool telemetry [command]")
	}
	assert.Empty(t, i.files())
	for _, help := range [][]string{{"help"}, {"-h"}, {"--help"}, {"off", "--help"}} {
		text := i.say(help...)
		for _, c := range i.run().Subcommands() {
			assert.Contains(t, text, fmt.Sprintf("  %-7s %s\n", c.Name, c.Summary))
		}
		assert.Contains(t, text, "MYTOOL_TELEMETRY=off|log|on")
	}
	assert.Empty(t, i.files())
}

func TestStatusIsTheDefaultAndSpeaksJSON(t *testing.T) {
	i := agreed(t)
	i.login("user_123")
	assert.Equal(t, i.say("status"), i.say())
	assert.Equal(t, i.say("status", "--json"), i.say("--json"))
	var got map[string]any
	require.NoError(t, json.Unmarshal([]byte(i.say("status", "--json")), &got))
	assert.Equal(t, map[string]any{
		"app": "mytool", "mode": "on", "reason": "choice", "detail": got["detail"], "choice": "on",
		"directory": filepath.Join(i.dir, "telemetry"), "anonymousId": i.tracks()[0].AnonymousID, "userId": "user_123",
	}, got)
	assert.Regexp(t, `^you agreed on \d{4}-\d\d-\d\d$`, got["detail"])
}

func TestStatusChangesNothing(t *testing.T) {
	i := install(t)
	i.say("status")
	i.say("show")
	assert.Empty(t, i.files())
}

func TestAChoiceThatIsRepeatedKeepsItsDay(t *testing.T) {
	for _, word := range []string{"on", "off"} {
		i := install(t)
		i.write("choice", word+" 2025-01-15\n")
		i.say(word)
		assert.Equal(t, word+" 2025-01-15\n", i.read("choice"))
	}
}

func TestTheEnvironmentThatWinsOverAChoiceIsNamed(t *testing.T) {
	i := install(t)
	t.Setenv(variable, "on")
	i.command("deploy")
	assert.Contains(t, i.say("off"), "Your choice is saved, but usage is still sent: MYTOOL_TELEMETRY says so.\n")
	t.Setenv(variable, "off")
	assert.Contains(t, i.say("on"), "Your choice is saved, but nothing is sent: MYTOOL_TELEMETRY says so.\n")
}

func TestOffRemovesThePerson(t *testing.T) {
	i := agreed(t)
	i.login("user_123")
	before := i.run().Status().AnonymousID
	assert.Contains(t, i.say("off"), "Removed the anonymous ID "+before+".\n")
	assert.Equal(t, []string{"choice"}, i.files())
	i.say("on")
	i.command("deploy")
	assert.NotEqual(t, before, i.anonymousIDs(2)[1])
	assert.Equal(t, []string{"user_123", ""}, i.users())
}

func TestAFileThatHoldsSomethingElseIsNotRemoved(t *testing.T) {
	for _, command := range []string{"off", "reset"} {
		i := agreed(t)
		i.write("anonymous_id", "?\n?\n?\n")
		i.write("user", "somebody else's")
		complaint := i.fails(command)
		for _, name := range []string{"anonymous_id", "user"} {
			assert.Contains(t, complaint, i.path(name)+" holds something else; remove it to start anew")
			assert.Contains(t, i.files(), name)
			assert.NoError(t, os.Remove(i.path(name)))
		}
		i.say(command)
	}
}

func TestWhatAKilledProcessHalfWroteIsShownAndRemoved(t *testing.T) {
	for _, command := range []string{"off", "reset"} {
		i := agreed(t)
		i.write("user.123456", `{"userId":"user_123","anonymousId":"x"}`)
		i.write("anonymous_id.123456", "anon_1")
		assert.Contains(t, i.say("show"), "user_123")
		i.say(command)
		assert.Equal(t, []string{"choice"}, i.files())
	}
}

func TestShowPrintsAllThatIsKept(t *testing.T) {
	i, _ := spooling(t)
	i.login("user_123")
	text := i.say("show")
	require.Equal(t, []string{"anonymous_id", "choice", "spool", "user"}, i.files())
	_, kept, _ := strings.Cut(text, ", in "+strings.TrimSuffix(i.path(""), "/")+"\n")
	anonymousID, linked, _ := strings.Cut(i.read("anonymous_id"), "\n")
	assert.True(t, strings.HasPrefix(kept, "  anonymous_id  "+anonymousID+"\n                "+linked+
		"  choice        "+i.read("choice")+
		"  spool         2 messages wait, "), text)
	assert.Contains(t, kept, "\n  user          "+i.read("user"))
	assert.Contains(t, text, `"command":"example"`)
	assert.Empty(t, i.server.Messages())
}

func TestShowPrintsWhatTheProgramChangesInItsMessages(t *testing.T) {
	i := agreed(t)
	i.options.Client.Context = loopkit.Properties{"channel": "beta"}
	assert.Contains(t, i.say("show"), `"channel":"beta"`)
	i.options.Client.Consent = func(context.Context, *loopkit.Message) loopkit.Consent { return loopkit.Denied }
	assert.Contains(t, i.say("show"), "the program withholds it")
	i.options.Client.Consent = nil
	i.options.Client.BatchSize = -1
	assert.Contains(t, i.fails("show"), "BatchSize")
}

func TestASpoolThatCannotBeOpenedIsShownAsSuch(t *testing.T) {
	i, _ := spooling(t)
	i.command("deploy")
	i.options.Spool = func(string) (loopkit.Spool, error) { return nil, errors.New("locked") }
	assert.Contains(t, i.say("show"), "another run has it open: locked\n")
}

func TestAResultThatCannotBeWrittenIsAFailure(t *testing.T) {
	i := install(t)
	reader, writer := io.Pipe()
	require.NoError(t, reader.Close())
	assert.Equal(t, 1, i.run().Command(nil, writer))
	assert.Contains(t, i.stderr.String(), "closed pipe")
}

func TestANilTelemetryHasItsSubcommands(t *testing.T) {
	var none *loopkitcli.Telemetry
	for _, c := range none.Subcommands() {
		var out bytes.Buffer
		err := c.Run(nil, &out)
		assert.Equal(t, c.Name == "on", err != nil, c.Name)
		assert.Equal(t, c.Name != "on", out.Len() > 0, c.Name)
	}
	assert.Equal(t, 0, none.Command([]string{"help"}, io.Discard))
	for arg, want := range map[string]struct {
		code int
		says string
	}{
		"on": {1, "nothing can be sent"},
		"?":  {2, "Usage: this program telemetry [command]"},
	} {
		stderr, err := os.Create(filepath.Join(t.TempDir(), "stderr"))
		require.NoError(t, err)
		before := os.Stderr
		os.Stderr = stderr
		assert.Equal(t, want.code, none.Command([]string{arg}, io.Discard))
		os.Stderr = before
		require.NoError(t, stderr.Close())
		text, err := os.ReadFile(stderr.Name())
		require.NoError(t, err)
		assert.Contains(t, string(text), want.says)
	}
}

func TestTheFilesOfTheProgramAreLeftAlone(t *testing.T) {
	i := agreed(t)
	config := filepath.Join(i.dir, "config.json")
	require.NoError(t, os.WriteFile(config, []byte("{}"), 0o600))
	i.command("deploy")
	i.say("reset")
	i.say("off")
	assert.FileExists(t, config)
}
