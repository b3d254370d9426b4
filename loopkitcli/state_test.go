package loopkitcli_test

import (
	"context"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/loopkitai/loopkit-go/loopkitcli"
	"github.com/loopkitai/loopkit-go/loopkittest"
)

func TestTheStateIsInTheConfigurationDirectory(t *testing.T) {
	i := agreed(t)
	home := t.TempDir()
	for _, name := range []string{"HOME", "XDG_CONFIG_HOME", "AppData"} {
		t.Setenv(name, home)
	}
	config, err := os.UserConfigDir()
	require.NoError(t, err)
	i.options.Dir = ""
	assert.Equal(t, filepath.Join(config, "mytool", "telemetry"), i.run().Status().Directory)
	i.say("on")
	assert.FileExists(t, filepath.Join(config, "mytool", "telemetry", "choice"))
}

func TestARelativeDirectoryIsThatOfTheStart(t *testing.T) {
	i := install(t)
	i.dir = t.TempDir()
	t.Chdir(i.dir)
	i.options.Dir = "."
	i.say("on")
	run := i.run()
	run.Start("deploy")
	t.Chdir(t.TempDir())
	run.Finish(0)
	i.anonymousIDs(1)
	assert.Equal(t, []string{"anonymous_id", "choice"}, i.files())
	assert.Equal(t, filepath.Dir(i.path("choice")), run.Status().Directory)
}

func TestWithoutAHomeNothingIsSentUnlessTheVariableSaysSo(t *testing.T) {
	i := agreed(t)
	for _, name := range []string{"HOME", "XDG_CONFIG_HOME", "AppData"} {
		t.Setenv(name, "")
	}
	i.options.Dir = ""
	assert.Equal(t, loopkitcli.ReasonNotAsked, i.run().Decision().Reason)
	assert.Contains(t, i.fails("on"), "there is no directory to keep anything in")
	assert.Contains(t, i.say("status"), "there is no directory to keep anything in")
	assert.NoError(t, i.run().Logout())

	t.Setenv(variable, "on")
	i.options.Interactive = func() bool { return true }
	i.stderr.Reset()
	assert.False(t, i.run().Notice())
	i.command("deploy")
	i.anonymousIDs(1)
	t.Setenv(variable, "")
	asked, err := i.run().Ask()
	assert.NoError(t, err)
	assert.False(t, asked)
	assert.Empty(t, i.stderr.String(), "nobody is asked what could not be kept")
}

func TestWhatIsKeptIsReadableByItsOwnerAlone(t *testing.T) {
	if runtime.GOOS == "windows" {
		return // which has no such permissions
	}
	i := install(t)
	i.options.Interactive = func() bool { return true }
	require.True(t, i.run().Notice())
	i.say("on")
	i.login("user_123")
	assert.Equal(t, []string{"anonymous_id", "choice", "notice", "user"}, i.files(), "and nothing else is left behind")
	require.NoError(t, filepath.WalkDir(i.dir, func(path string, entry fs.DirEntry, err error) error {
		require.NoError(t, err)
		info, err := entry.Info()
		require.NoError(t, err)
		want := fs.FileMode(0o600)
		if entry.IsDir() {
			want = 0o700
		}
		assert.Equal(t, want, info.Mode().Perm(), path)
		return nil
	}))
}

func TestAPlaceThatCannotBeWrittenStopsNothing(t *testing.T) {
	i := install(t)
	file := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(file, []byte("mine"), 0o600))
	i.options.Dir = filepath.Join(file, "mytool")
	i.options.Interactive = func() bool { return true }
	assert.Equal(t, loopkitcli.Off, i.run().Decision().Mode)
	assert.False(t, i.run().Notice(), "it would be shown in every run")
	assert.NotEmpty(t, i.fails("on"))
	assert.NotEmpty(t, i.fails("off"))

	t.Setenv(variable, "on")
	i.command("deploy")
	i.anonymousIDs(1)
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	assert.Equal(t, "mine", string(text))
}

func TestAChoiceThatCannotBeReadIsNoConsentAndStaysAsItIs(t *testing.T) {
	for name, content := range map[string]string{
		"word": "perhaps", "empty": "", "two": "on off", "no day": "on 2025-13-45", "binary": "\xff\xfe\x00", "huge": "on" + strings.Repeat(" ", 1<<20),
	} {
		t.Run(name, func(t *testing.T) {
			i := install(t)
			i.write("choice", content)
			i.command("deploy")
			assert.Equal(t, loopkitcli.ReasonUnreadable, i.run().Decision().Reason)
			for _, command := range []string{"on", "off"} {
				assert.Contains(t, i.fails(command), "remove it to start anew", command)
			}
			assert.Equal(t, content, i.read("choice"))
			assert.Contains(t, i.say("status"), i.path("choice"))
			assert.Empty(t, i.server.Requests())

			require.NoError(t, os.Remove(i.path("choice")))
			i.say("on")
			i.command("deploy")
			i.anonymousIDs(1)
		})
	}
}

func TestChoicesMadeAtOnceAreNeverHalf(t *testing.T) {
	i := install(t)
	i.options.Interactive = func() bool { return true }
	var all sync.WaitGroup
	for n := range 32 {
		all.Go(func() {
			run := loopkitcli.New("lk_test", &loopkitcli.Options{App: "mytool", Dir: i.dir, Stderr: discard{}})
			assert.NotEqual(t, loopkitcli.ReasonUnreadable, run.Decision().Reason)
			if runtime.GOOS != "windows" { // where a file that is being read cannot be replaced
				assert.Zero(t, run.Command([]string{[]string{"on", "off"}[n%2]}, discard{}))
			}
		})
	}
	all.Wait()
	if runtime.GOOS != "windows" {
		assert.Equal(t, []string{"choice"}, i.files())
	}
}

type discard struct{}

func (discard) Write(p []byte) (int, error) { return len(p), nil }

func TestRunsThatStartAtOnceAreOnePerson(t *testing.T) {
	i := agreed(t)
	var all sync.WaitGroup
	for range 16 {
		run := i.run()
		all.Go(func() {
			run.Start("deploy")
			run.Finish(0)
		})
	}
	all.Wait()
	ids := i.anonymousIDs(16)
	for _, id := range ids {
		assert.Equal(t, ids[0], id)
	}
	loopkittest.RequireAnonymous(t, i.server, ids[0])
}

func TestWhatCannotBeKeptIsToldToOnError(t *testing.T) {
	i := agreed(t)
	i.write("anonymous_id", "")
	told := make(chan error, 8)
	i.options.Client.OnError = func(_ context.Context, err error) { told <- err }
	i.command("deploy")
	assert.ErrorContains(t, <-told, "remove it to start anew")
}
