package loopkitcli_test

import (
	"encoding/json"
	"os"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/loopkitai/loopkit-go/loopkitcli"
)

// situation is one combination of everything that has a say.
type situation struct{ doNotTrack, variable, saved, ci, key string }

type meaning map[string]loopkitcli.Mode

var (
	trackingForbidden = map[string]bool{"": false, "0": false, "false": false, "False": false, " ": false, "1": true, "true": true, "yes": true, "no thanks": true, "00": true}
	modes             = meaning{
		"off": loopkitcli.Off, "OFF": loopkitcli.Off, "0": loopkitcli.Off, "false": loopkitcli.Off, "no": loopkitcli.Off,
		"log": loopkitcli.Log, " Log ": loopkitcli.Log,
		"on": loopkitcli.On, "On": loopkitcli.On, "1": loopkitcli.On, "true": loopkitcli.On, "yes": loopkitcli.On,
		"onn": loopkitcli.Off, "2": loopkitcli.Off, "debug": loopkitcli.Off,
	}
	choices = meaning{"on 2025-01-15\n": loopkitcli.On, "on": loopkitcli.On, "off 2025-01-15\n": loopkitcli.Off, " off\r\n": loopkitcli.Off}
	garbage = []string{"maybe", "on off", "on 2025", "\x00\xff", "{\"choice\":\"on\"}"}
)

// expected is the specification: the first that says anything decides.
func (s situation) expected() (loopkitcli.Mode, loopkitcli.Reason) {
	mode, reason := loopkitcli.Off, loopkitcli.ReasonNotAsked
	switch {
	case trackingForbidden[s.doNotTrack]:
		return loopkitcli.Off, loopkitcli.ReasonDoNotTrack
	case s.variable != "":
		mode, reason = modes[s.variable], loopkitcli.ReasonVariable
		if mode != loopkitcli.On { // printing needs no key
			return mode, reason
		}
	case s.saved != "":
		var known bool
		if mode, known = choices[s.saved]; !known {
			return loopkitcli.Off, loopkitcli.ReasonUnreadable
		}
		reason = loopkitcli.ReasonChoice
		if mode == loopkitcli.Off {
			return mode, reason
		}
	case s.ci != "" && s.ci != "0" && !strings.EqualFold(s.ci, "false"):
		reason = loopkitcli.ReasonCI
	}
	if s.key == "" {
		return loopkitcli.Off, loopkitcli.ReasonSetup
	}
	return mode, reason
}

// check compares a situation with the specification.
func (s situation) check(t *testing.T, i *installation) {
	t.Helper()
	t.Setenv(doNotTrack, s.doNotTrack)
	t.Setenv(variable, s.variable)
	t.Setenv("CI", s.ci)
	if s.saved == "" {
		require.NoError(t, os.RemoveAll(i.path("choice")))
	} else {
		i.write("choice", s.saved)
	}
	mode, reason := s.expected()
	got := loopkitcli.New(s.key, &i.options).Decision()
	require.Equal(t, mode, got.Mode, "%q: %v", s, got)
	require.Equal(t, reason, got.Reason, "%q: %v", s, got)
	require.NotEmpty(t, got.Detail)
}

func TestTheFirstThatSaysAnythingDecides(t *testing.T) {
	i, count := install(t), 0
	for _, saved := range []string{"", "on 2025-01-15\n", "off 2025-01-15\n", "maybe"} {
		for _, forbidden := range []string{"", "0", "1"} {
			for _, value := range []string{"", "off", "log", "on", "onn"} {
				for _, ci := range []string{"", "false", "true"} {
					for _, key := range []string{"", "lk_test"} {
						situation{forbidden, value, saved, ci, key}.check(t, i)
						count++
					}
				}
			}
		}
	}
	assert.Equal(t, 4*3*5*3*2, count)
}

func TestEverySpellingMeansSomething(t *testing.T) {
	i := install(t)
	for value := range trackingForbidden {
		situation{value, "on", "", "", "lk_test"}.check(t, i)
	}
	for value := range modes {
		situation{"", value, "on", "", "lk_test"}.check(t, i)
		situation{"", value, "off", "", "lk_test"}.check(t, i)
	}
	for content := range choices {
		situation{"", "", content, "true", "lk_test"}.check(t, i)
	}
	for _, content := range garbage {
		situation{"", "", content, "", "lk_test"}.check(t, i)
	}
	for _, ci := range []string{"0", "1", "True", "FALSE"} {
		situation{"", "", "", ci, "lk_test"}.check(t, i)
	}
}

func TestEveryContinuousIntegrationSystemIsOff(t *testing.T) {
	i := install(t)
	for _, name := range loopkitcli.CIVariables {
		t.Setenv(name, "true")
		d := i.run().Decision()
		assert.Equal(t, loopkitcli.ReasonCI, d.Reason)
		assert.Contains(t, d.Detail, name)
		t.Setenv(name, "")
	}
}

func TestTheVariableIsNamedAfterTheProgram(t *testing.T) {
	for app, name := range map[string]string{
		"mytool": "MYTOOL_TELEMETRY", "my-tool": "MY_TOOL_TELEMETRY", "MyTool2": "MYTOOL2_TELEMETRY", "my.tool_x": "MY_TOOL_X_TELEMETRY",
	} {
		i := install(t)
		i.options.App = app
		t.Setenv(name, "log")
		assert.Equal(t, loopkitcli.Log, i.run().Decision().Mode, app)
		t.Setenv(name, "")
	}
}

func TestAProgramThatCannotSendIsOffAndSaysWhy(t *testing.T) {
	for name, change := range map[string]func(*loopkitcli.Options){
		"App":        func(o *loopkitcli.Options) { o.App = "../etc" },
		"ExitBudget": func(o *loopkitcli.Options) { o.ExitBudget = 1 },
		"BatchSize":  func(o *loopkitcli.Options) { o.Client.BatchSize = -1 },
		"BaseURL":    func(o *loopkitcli.Options) { o.Client.BaseURL = "ftp://example.com" },
	} {
		for _, mode := range []string{"on", "log"} {
			i := install(t)
			change(&i.options)
			t.Setenv(variable, mode)
			t.Setenv("___ETC_TELEMETRY", mode)
			run := i.run()
			run.Start("deploy")
			assert.Nil(t, run.Client())
			assert.Equal(t, loopkitcli.ReasonSetup, run.Decision().Reason, name)
			assert.Contains(t, run.Decision().Detail, name)
			run.Finish(0)
			assert.Empty(t, i.files(), name)
		}
	}
	assert.Equal(t, loopkitcli.ReasonSetup, loopkitcli.New("lk_test", nil).Decision().Reason, "a program without a name")
}

func TestAProgramsNameIsThatOfADirectoryAndOfAVariable(t *testing.T) {
	i := agreed(t)
	for app, valid := range map[string]bool{
		"mytool": true, "a": true, "my-tool": true, "my.tool": true, strings.Repeat("a", 64): true, "con": runtime.GOOS != "windows",
		"": false, "7zip": false, "-a": false, "a.": false, "a-": false, "..": false, "a/b": false, `a\b`: false, "ä": false, "a b": false, strings.Repeat("a", 65): false,
	} {
		i.options.App = app
		assert.Equal(t, valid, i.run().Decision().Reason != loopkitcli.ReasonSetup, "%q", app)
	}
}

func TestANilTelemetryDoesNothing(t *testing.T) {
	var none *loopkitcli.Telemetry
	assert.Equal(t, loopkitcli.ReasonSetup, none.Decision().Reason)
	assert.Equal(t, 7, none.Run(func() int {
		none.Start("deploy", "force")
		return 7
	}))
	assert.Nil(t, none.Client())
	assert.NoError(t, none.Session().Track(t.Context(), "e", nil))
	assert.NoError(t, none.Login(t.Context(), "user_123", nil))
	assert.NoError(t, none.Logout())
	assert.False(t, none.Notice())
	asked, err := none.Ask()
	assert.False(t, asked)
	assert.NoError(t, err)
	assert.Equal(t, loopkitcli.Off, none.Status().Mode)
}

func TestADecisionIsTextAndJSON(t *testing.T) {
	d := loopkitcli.Decision{Mode: loopkitcli.Log, Reason: loopkitcli.ReasonVariable, Detail: "MYTOOL_TELEMETRY says so"}
	assert.Equal(t, "log: MYTOOL_TELEMETRY says so", d.String())
	text, err := json.Marshal(d)
	require.NoError(t, err)
	assert.JSONEq(t, `{"mode":"log","reason":"variable","detail":"MYTOOL_TELEMETRY says so"}`, string(text))
	assert.Equal(t, "Mode(9)", loopkitcli.Mode(9).String())
}

func TestAWrongOptionIsNamedWithItsBounds(t *testing.T) {
	i := agreed(t)
	i.options.ExitBudget = 1
	assert.Contains(t, i.run().Decision().Detail, "ExitBudget is 1ns; it must be 100ms to 1m0s")
}
