package loopkitcli_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/loopkitai/loopkit-go/loopkitcli"
)

// seated installs a program with somebody in front of it, who types input.
func seated(t *testing.T, input string) *installation {
	t.Helper()
	i := install(t)
	i.options.Interactive = func() bool { return true }
	i.options.Stdin = strings.NewReader(input)
	return i
}

func TestTheNoticeIsShownOnceForEachInstallation(t *testing.T) {
	i := seated(t, "")
	i.options.About = "See https://example.com/privacy."
	assert.True(t, i.run().Notice())
	text := i.stderr.String()
	for _, part := range []string{"mytool telemetry on", "mytool telemetry off", "mytool telemetry show", "Nothing is sent unless you agree", "See https://example.com/privacy.\n"} {
		assert.Contains(t, text, part)
	}
	for _, part := range []string{"the command", "exit code", "random ID of this installation", "LoopKit (loopkit.ai)", "IP address"} {
		assert.Contains(t, strings.Join(strings.Fields(text), " "), part, "who agrees must know it")
	}
	for line := range strings.Lines(text) {
		assert.LessOrEqual(t, len(line), 81, line)
	}
	assert.False(t, i.run().Notice())
	assert.Equal(t, text, i.stderr.String())
	assert.Equal(t, loopkitcli.ReasonNotAsked, i.run().Decision().Reason, "a notice is no consent")
	i.command("deploy")
	assert.Empty(t, i.server.Requests())
}

func TestTheNoticeIsSilentWhereSomebodyHasDecided(t *testing.T) {
	for name, prepare := range map[string]func(*installation){
		"on":           func(i *installation) { i.say("on") },
		"off":          func(i *installation) { i.say("off") },
		"DO_NOT_TRACK": func(*installation) { t.Setenv(doNotTrack, "1") },
		"variable":     func(*installation) { t.Setenv(variable, "log") },
		"CI":           func(*installation) { t.Setenv("CI", "1") },
		"unreadable":   func(i *installation) { i.write("choice", "?") },
		"no key":       func(*installation) {},
	} {
		i := seated(t, "")
		prepare(i)
		run := i.run()
		if name == "no key" {
			run = loopkitcli.New("", &i.options)
		}
		assert.False(t, run.Notice(), name)
		asked, err := run.Ask()
		assert.NoError(t, err)
		assert.Equal(t, name == "on", asked, name)
		assert.Empty(t, i.stderr.String(), name)
	}
}

func TestWithoutATerminalNobodyIsToldOrAsked(t *testing.T) {
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	require.NoError(t, err)
	file, err := os.Create(filepath.Join(t.TempDir(), "stderr"))
	require.NoError(t, err)
	reader, writer, err := os.Pipe()
	require.NoError(t, err)
	for _, stderr := range []*os.File{null, file, writer} {
		i := install(t)
		i.options.Stderr, i.options.Stdin = stderr, reader // an answer would be waited for for ever
		assert.False(t, i.run().Notice())
		asked, err := i.run().Ask()
		assert.NoError(t, err)
		assert.False(t, asked)
		assert.Empty(t, i.files(), "it is shown when somebody can see it")
	}
	for _, f := range []*os.File{null, file, reader, writer} {
		assert.NoError(t, f.Close())
	}
}

func TestAnAnswerIsKeptAndTakesEffectAtOnce(t *testing.T) {
	for input, on := range map[string]bool{
		"y\n": true, "YES\r\n": true, " yes \n": true, "what?\ny\n": true,
		"n\n": false, "No\n": false, "\n": false, "what?\n\n": false,
	} {
		i := seated(t, input)
		run := i.run()
		run.Start("deploy")
		got, err := run.Ask()
		require.NoError(t, err, "%q", input)
		assert.Equal(t, on, got, "%q", input)
		run.Finish(0)
		assert.Equal(t, on, len(i.tracks()) == 1, "%q", input)
		assert.Equal(t, loopkitcli.ReasonChoice, i.run().Decision().Reason)

		i.options.Stdin = strings.NewReader("")
		i.stderr.Reset()
		got, err = i.run().Ask()
		require.NoError(t, err)
		assert.Equal(t, on, got)
		assert.Empty(t, i.stderr.String(), "it asks once")
	}
}

func TestWithoutAnAnswerNothingIsDecided(t *testing.T) {
	for _, input := range []string{"", "y", "what?\nwhat?\nwhat?\ny\n"} {
		i := seated(t, input)
		on, err := i.run().Ask()
		assert.ErrorContains(t, err, "was not answered", "%q", input)
		assert.False(t, on)
		assert.Equal(t, loopkitcli.ReasonNotAsked, i.run().Decision().Reason)
	}
}

func TestAskReadsItsLineAndNoMore(t *testing.T) {
	i := seated(t, "")
	input := bytes.NewBufferString("y\nthe program's own input\n")
	i.options.Stdin = input
	on, err := i.run().Ask()
	require.NoError(t, err)
	assert.True(t, on)
	assert.Equal(t, "the program's own input\n", input.String())
}

func TestAVariableThatSaysNothingIsToldOnce(t *testing.T) {
	i := seated(t, "")
	t.Setenv(variable, "onn")
	run := i.run()
	run.Start("deploy")
	run.Start("deploy")
	run.Finish(0)
	assert.Equal(t, "mytool: MYTOOL_TELEMETRY is none of off, log and on, so no telemetry is sent\n", i.stderr.String())
}
