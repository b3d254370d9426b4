package main

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/loopkitai/loopkit-go/loopkitcli"
)

// everything is what somebody does with the program.
func (m *machine) everything() {
	m.t.Helper()
	for _, args := range [][]string{{"add", "Buy milk"}, {"login", "user_123"}, {"add", "Call John"}, {"done", "1"}, {"list", "-all"}, {"logout"}} {
		m.does(args...)
	}
}

func TestNothingIsSentOrKeptOfThoseWhoWereNotAsked(t *testing.T) {
	m := install(t)
	m.everything()
	assert.Empty(t, m.server.Requests())
	assert.Empty(t, m.kept())
	assert.Equal(t, loopkitcli.ReasonNotAsked, m.status().Reason)
}

func TestDoNotTrackSendsNothingAndWritesNothing(t *testing.T) {
	m := install(t)
	m.env = []string{"DO_NOT_TRACK=1", "NOTES_TELEMETRY=on"}
	m.everything()
	assert.Empty(t, m.server.Requests())
	assert.Empty(t, m.kept())
	assert.Equal(t, loopkitcli.ReasonDoNotTrack, m.status().Reason)
}

func TestDoNotTrackWinsOverASavedYes(t *testing.T) {
	m := agreed(t)
	m.env = []string{"DO_NOT_TRACK=1"}
	m.everything()
	assert.Empty(t, m.server.Requests())
	assert.Equal(t, []string{"choice"}, m.kept())
}

func TestRunsAreSentToWhomItIsWanted(t *testing.T) {
	m := install(t)
	m.does("add", "Buy milk")
	assert.Contains(t, m.does("telemetry", "on"), "Thank you")
	assert.Empty(t, m.server.Requests(), "the choice itself is no event")
	m.does("list", "-all")
	require.Equal(t, []string{"list"}, m.arrived(1))
	run := m.runs(1)[0]
	assert.Equal(t, []any{"all"}, run.Values["flags"])
	assert.EqualValues(t, 0, run.Values["exit_code"])
	assert.NotNil(t, run.Values["duration_ms"])
}

func TestAFailedRunIsAnEventToo(t *testing.T) {
	m := agreed(t)
	require.Equal(t, 1, m.run("done", "1").code)
	require.Equal(t, 2, m.run("remove", "1").code)
	require.Equal(t, 2, m.run("list", "-long").code)
	codes := map[any]any{}
	for _, e := range m.runs(3) {
		codes[e.Values["command"]] = e.Values["exit_code"]
	}
	assert.Equal(t, map[any]any{"done": 1.0, "other": 2.0, "list": 2.0}, codes)
}

func TestAnEventOfTheProgramsOwnIsTheSamePersons(t *testing.T) {
	m := agreed(t)
	m.does("add", "Buy milk")
	m.does("add", "Call John")
	m.does("done", "2")
	m.arrived(3)
	require.Len(t, m.events("note_done"), 1)
	e := m.events("note_done")[0]
	assert.Equal(t, map[string]any{"left": 1.0}, e.Values)
	assert.Equal(t, m.status().AnonymousID, e.AnonymousID)
}

func TestOffRemovesWhatWaits(t *testing.T) {
	m := agreed(t)
	m.down()
	m.does("add", "Buy milk")
	m.does("list")
	assert.Contains(t, m.kept(), "spool")
	assert.Contains(t, m.does("telemetry", "off"), "Removed 2 messages that had not been sent yet.\n")
	assert.Equal(t, []string{"choice", "cleared", "spool"}, m.kept())
	m.server.Heal()
	m.server.Reset()
	m.does("list")
	assert.Empty(t, m.server.Requests())
	m.does("telemetry", "on")
	m.does("list")
	assert.Equal(t, []string{"list"}, m.arrived(1))
	assert.Len(t, m.events("command_run"), 1)
}

func TestARunThatIsUnderWayIsNotSentOfAUserWhoSaysNo(t *testing.T) {
	m := agreed(t)
	end := m.hold("add")
	m.awaitSpool()
	m.does("telemetry", "off")
	end("Buy milk")
	assert.Empty(t, m.server.Messages())
	assert.Equal(t, []string{"choice", "cleared", "spool"}, m.kept())
}

func TestLogPrintsAndSendsNothing(t *testing.T) {
	m := install(t)
	m.env = []string{"NOTES_TELEMETRY=log"}
	r := m.run("add", "Buy milk")
	assert.Zero(t, r.code)
	assert.Equal(t, 1, strings.Count(r.complaints, "\n"), r.complaints)
	assert.Contains(t, r.complaints, `"command":"add"`)
	assert.NotContains(t, r.complaints, "milk")
	assert.NotContains(t, r.complaints, "lk_test")
	assert.Empty(t, m.server.Requests())
	assert.Empty(t, m.kept())
}

func TestWithoutAKeyItIsOffAndSaysWhy(t *testing.T) {
	m := agreed(t)
	m.env = []string{"LOOPKIT_API_KEY="}
	m.everything()
	assert.Empty(t, m.server.Requests())
	assert.Equal(t, loopkitcli.ReasonSetup, m.status().Reason)
	assert.Contains(t, m.does("telemetry", "status"), "API key")
}
