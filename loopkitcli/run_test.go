package loopkitcli_test

import (
	"context"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/loopkitai/loopkit-go"
	"github.com/loopkitai/loopkit-go/loopkitcli"
	"github.com/loopkitai/loopkit-go/loopkittest"
)

func TestARunIsOneEvent(t *testing.T) {
	i := agreed(t)
	run := i.run()
	assert.Equal(t, 3, run.Run(func() int {
		run.Start("remote add", "force", "timeout")
		return 3
	}))
	require.Len(t, i.server.Messages(), 1)
	m := i.server.Messages()[0]
	assert.Equal(t, "command_run", m.Name)
	assert.Regexp(t, "^anon_", m.AnonymousID)
	assert.Empty(t, m.UserID)
	assert.Equal(t, []string{"command", "duration_ms", "exit_code", "flags"}, slices.Sorted(maps.Keys(m.Values)))
	assert.Equal(t, "remote add", m.Values["command"])
	assert.Equal(t, []any{"force", "timeout"}, m.Values["flags"])
	assert.EqualValues(t, 3, m.Values["exit_code"])
	assert.Equal(t, map[string]any{"app": "mytool", "version": "1.4.2", "os": runtime.GOOS, "arch": runtime.GOARCH}, m.System["context"])
}

// Whatever an event holds, the machine and its user are not in it.
func TestNothingOfTheMachineIsInAnEvent(t *testing.T) {
	i := agreed(t)
	i.command("deploy", "force")
	require.Len(t, i.tracks(), 1)
	text := strings.ToLower(string(i.tracks()[0].Raw))
	host, err := os.Hostname()
	require.NoError(t, err)
	work, err := os.Getwd()
	require.NoError(t, err)
	for _, private := range []string{host, work, i.dir, os.Args[0], os.Getenv("HOME") + "/", os.Getenv("PATH")} {
		if len(private) > 3 {
			assert.NotContains(t, text, strings.ToLower(private))
		}
	}
}

func TestTheDurationIsThatSinceStart(t *testing.T) {
	i := agreed(t)
	server := loopkittest.NewTransport(t)
	i.options.Client = &loopkit.Options{HTTPClient: server.HTTPClient()}
	synctest.Test(t, func(t *testing.T) {
		run := i.run()
		time.Sleep(time.Second)
		run.Start("first")
		time.Sleep(1500 * time.Millisecond)
		run.Start("second", "force")
		run.Finish(0)
	})
	require.Len(t, server.Messages(), 1)
	assert.EqualValues(t, 1500, server.Messages()[0].Values["duration_ms"])
	assert.Equal(t, "second", server.Messages()[0].Values["command"], "the last names count, and the first time")
}

func TestTheProgramMayNameTheEventAndAddContext(t *testing.T) {
	i := agreed(t)
	i.options.Event, i.options.Version = "mytool_run", ""
	i.options.Client.Context = loopkit.Properties{"channel": "beta", "app": "mytool-beta"}
	i.command("deploy")
	require.Len(t, i.tracks(), 1)
	assert.Equal(t, "mytool_run", i.tracks()[0].Name)
	assert.Equal(t, map[string]any{"app": "mytool-beta", "channel": "beta", "os": runtime.GOOS, "arch": runtime.GOARCH}, i.tracks()[0].System["context"])
	assert.Equal(t, loopkit.Properties{"channel": "beta", "app": "mytool-beta"}, i.options.Client.Context, "the program's own map is left alone")
}

func TestAPanicIsARunThatFailedAndGoesOn(t *testing.T) {
	i := agreed(t)
	run := i.run()
	assert.PanicsWithValue(t, "boom", func() {
		run.Run(func() int {
			run.Start("deploy")
			panic("boom")
		})
	})
	require.Len(t, i.tracks(), 1)
	assert.EqualValues(t, 2, i.tracks()[0].Values["exit_code"])
}

func TestWithoutStartThereIsNoEvent(t *testing.T) {
	i := agreed(t)
	run := i.run()
	run.Finish(0)
	assert.Empty(t, i.server.Requests())
	assert.Equal(t, []string{"choice"}, i.files(), "not even an anonymous ID")
}

func TestFurtherEventsAreTheSamePersons(t *testing.T) {
	i := agreed(t)
	run := i.run()
	run.Start("deploy")
	require.NoError(t, run.Session().Track(t.Context(), "deployed", loopkit.Properties{"services": 3}))
	run.Finish(0)
	ids := i.anonymousIDs(2)
	assert.Equal(t, ids[0], ids[1])
	assert.EqualValues(t, 2, run.Client().Stats().Delivered)
	assert.ErrorIs(t, run.Session().Track(t.Context(), "late", nil), loopkit.ErrClosed)
}

func TestOnlyTheFirstFinishCounts(t *testing.T) {
	i := agreed(t)
	run := i.run()
	run.Start("deploy")
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() { run.Finish(0) })
	}
	all.Wait()
	run.Start("deploy")
	run.Finish(1)
	assert.Len(t, i.tracks(), 1)
}

func TestNothingIsSentOrKeptUnlessSomebodyAgreed(t *testing.T) {
	for name, prepare := range map[string]func(*installation){
		"not asked":    func(*installation) {},
		"DO_NOT_TRACK": func(i *installation) { i.say("on"); i.t.(*testing.T).Setenv(doNotTrack, "1") },
		"variable":     func(i *installation) { i.say("on"); i.t.(*testing.T).Setenv(variable, "off") },
		"unknown":      func(i *installation) { i.say("on"); i.t.(*testing.T).Setenv(variable, "onn") },
		"said no":      func(i *installation) { i.say("off") },
		"unreadable":   func(i *installation) { i.write("choice", "perhaps") },
		"CI":           func(i *installation) { i.t.(*testing.T).Setenv("CI", "true") },
	} {
		t.Run(name, func(t *testing.T) {
			i := install(t)
			prepare(i)
			before := i.files()
			run := i.run()
			run.Start("deploy", "force")
			require.NoError(t, run.Login(t.Context(), "user_123", nil))
			require.NoError(t, run.Session().Track(t.Context(), "e", nil))
			require.NoError(t, run.Logout())
			run.Finish(0)
			assert.Empty(t, i.server.Requests())
			assert.Equal(t, before, i.files())
			assert.Empty(t, i.stderr.String())
		})
	}
}

func TestLogPrintsWhatWouldBeSentAndNothingElse(t *testing.T) {
	i := install(t)
	t.Setenv(variable, "log")
	i.options.Client.BaseURL = "https://api.loopkit.ai/v1"
	i.options.Client.Compression = loopkit.Gzip
	i.options.Client.HTTPClient = &http.Client{Transport: failing{t}}
	i.options.Spool = func(string) (loopkit.Spool, error) {
		assert.Fail(t, "the spool is opened")
		return nil, nil
	}
	run := loopkitcli.New("", &i.options) // without a key: nothing is sent
	run.Start("deploy", "force")
	require.NoError(t, run.Login(t.Context(), "user_123", loopkit.Traits{"plan": "trial"}))
	run.Finish(0)
	assert.Empty(t, i.files(), "nothing is kept")

	lines := strings.Split(strings.TrimSuffix(i.stderr.String(), "\n"), "\n")
	slices.Sort(lines) // the endpoints are independent of each other
	require.Len(t, lines, 2)
	assert.Regexp(t, `^\{"method":"POST","url":"https://api.loopkit.ai/v1/identifies","body":\{"messageId":"[^"]*","userId":"user_123",.*"plan":"trial".*\}\}$`, lines[0])
	assert.Regexp(t, `^\{"method":"POST","url":"https://api.loopkit.ai/v1/tracks","body":\{.*"name":"command_run",.*"command":"deploy".*\}\}$`, lines[1])
	assert.NotContains(t, i.stderr.String(), "Bearer")
}

func TestLogPrintsTheBytesThatWouldBeSent(t *testing.T) {
	i := agreed(t)
	i.command("deploy", "a<b>&\u2028") // creates the anonymous ID
	sent := i.tracks()[0]
	t.Setenv(variable, "log")
	i.command("deploy", "a<b>&\u2028")
	_, printed, found := strings.Cut(i.stderr.String(), `"body":`)
	require.True(t, found)
	for _, part := range []string{`"anonymousId":"` + sent.AnonymousID + `"`, `"flags":["other"]`, `"app":"mytool"`} {
		assert.Contains(t, string(sent.Raw), part)
		assert.Contains(t, printed, part)
	}
}

// Nobody may believe that somebody was deleted.
func TestInTheModeLogADeletionIsPrintedAndNotConfirmed(t *testing.T) {
	i := install(t)
	t.Setenv(variable, "log")
	run := i.run()
	deletion, err := run.Client().DeleteUser(t.Context(), "user_123")
	require.NoError(t, err)
	assert.ErrorIs(t, deletion.Wait(t.Context()), loopkit.ErrDeletionUnsupported)
	run.Finish(0)
	assert.Contains(t, i.stderr.String(), `{"method":"DELETE","url":"`+i.server.BaseURL()+`/users/user_123"}`)
	assert.Empty(t, i.server.Requests())
}

func TestTheModeLogAndTheProgramWriteOneAfterTheOther(t *testing.T) {
	i := install(t)
	t.Setenv(variable, "log")
	i.options.Client.BatchSize = 1
	run := i.run()
	run.Start("deploy")
	for range 50 { // one goroutine prints, this one complains; the race detector sees both
		require.NoError(t, run.Session().Track(t.Context(), "e", nil))
		require.Equal(t, 2, run.Command([]string{"?"}, io.Discard))
	}
	run.Finish(0)
	assert.Equal(t, 50, strings.Count(i.stderr.String(), `{"method"`))
	assert.Equal(t, 50, strings.Count(i.stderr.String(), "Usage: "))
}

func TestAPanicOfTheProgramsFunctionsIsNotTheEndOfTheRun(t *testing.T) {
	i := agreed(t)
	i.options.Spool = func(string) (loopkit.Spool, error) { panic("boom") }
	i.options.Client.OnError = func(_ context.Context, err error) {
		assert.ErrorContains(t, err, "Options.Spool panicked")
		panic("boom")
	}
	assert.NotPanics(t, func() { i.command("deploy") })
	assert.Len(t, i.tracks(), 1)
}

// failing is a network that must not be used.
type failing struct{ t *testing.T }

func (f failing) RoundTrip(r *http.Request) (*http.Response, error) {
	assert.Fail(f.t, "a request is sent", r.URL)
	return nil, context.Canceled
}

func TestTheUserWhoSaysNoInAnotherTerminalIsNotTrackedAnyMore(t *testing.T) {
	i := agreed(t)
	run := i.run()
	run.Start("deploy")
	require.NoError(t, run.Login(t.Context(), "user_123", nil))
	i.say("off")
	run.Finish(0)
	assert.Empty(t, i.server.Messages())
	assert.Equal(t, []string{"choice"}, i.files(), "and nothing of them is kept")
	assert.Equal(t, loopkitcli.Off, run.Decision().Mode)
}

func TestCallbacksMayCallTheTelemetry(t *testing.T) {
	i := agreed(t)
	var run *loopkitcli.Telemetry
	calls := 0
	call := func() {
		calls++
		_ = run.Decision()
		_ = run.Status()
		_ = run.Session()
	}
	i.options.Client.BeforeSend = func(_ context.Context, m *loopkit.Message) *loopkit.Message { call(); return m }
	i.options.Client.OnError = func(context.Context, error) { call() }
	i.options.Client.Logger = slog.New(slog.DiscardHandler)
	i.options.Spool = func(string) (loopkit.Spool, error) { return nil, os.ErrPermission }
	run = i.run()
	run.Start("deploy")
	require.NoError(t, run.Login(t.Context(), "user_123", nil))
	run.Finish(0)
	assert.Equal(t, 3, calls, "of the spool, the identify and the event")
	assert.Len(t, i.server.Messages(), 2)
}
