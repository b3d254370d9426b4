package loopkitcli_test

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/loopkitai/loopkit-go"
	"github.com/loopkitai/loopkit-go/loopkitcli"
	"github.com/loopkitai/loopkit-go/loopkittest"
)

const (
	doNotTrack = "DO_NOT_TRACK"
	variable   = "MYTOOL_TELEMETRY"
)

// clearEnvironment takes away what this machine says about telemetry.
func clearEnvironment(t testing.TB) {
	t.Helper()
	for _, name := range append([]string{doNotTrack, variable, "LOOPKIT_BASE_URL"}, loopkitcli.CIVariables...) {
		t.Setenv(name, "")
	}
}

// installation is a program on somebody's machine. Each run is a Telemetry.
type installation struct {
	t       testing.TB
	dir     string // Options.Dir
	server  *loopkittest.Server
	stderr  bytes.Buffer
	options loopkitcli.Options
}

// install returns a program of whose runs the server hears.
func install(t testing.TB) *installation {
	t.Helper()
	clearEnvironment(t)
	i := &installation{t: t, dir: filepath.Join(t.TempDir(), "mytool"), server: loopkittest.NewServer(t, loopkittest.Strict())}
	i.options = loopkitcli.Options{
		App: "mytool", Version: "1.4.2", AnyCommand: true, Dir: i.dir, Stderr: &i.stderr,
		ExitBudget: time.Minute, // the machine may be busy
		Client:     &loopkit.Options{BaseURL: i.server.BaseURL()},
	}
	return i
}

// agreed has a user who said yes.
func agreed(t testing.TB) *installation {
	t.Helper()
	i := install(t)
	i.say("on")
	return i
}

func (i *installation) run() *loopkitcli.Telemetry { return loopkitcli.New("lk_test", &i.options) }

// say runs a subcommand, which must succeed, and returns what it printed.
func (i *installation) say(args ...string) string {
	i.t.Helper()
	var out bytes.Buffer
	t := i.run()
	require.Zero(i.t, t.Command(args, &out), "%s%s", out.String(), i.stderr.String())
	t.Finish(0)
	return out.String()
}

// fails runs a subcommand, which must fail, and returns what it complained of.
func (i *installation) fails(args ...string) string {
	i.t.Helper()
	var out bytes.Buffer
	i.stderr.Reset()
	require.Equal(i.t, 1, i.run().Command(args, &out), out.String())
	return i.stderr.String()
}

// command is a whole run.
func (i *installation) command(name string, flags ...string) {
	i.t.Helper()
	t := i.run()
	t.Start(name, flags...)
	t.Finish(0)
}

func (i *installation) path(name string) string { return filepath.Join(i.dir, "telemetry", name) }

func (i *installation) write(name, content string) {
	i.t.Helper()
	require.NoError(i.t, os.MkdirAll(filepath.Dir(i.path(name)), 0o700))
	draft := i.path(name) + ".draft"
	require.NoError(i.t, os.WriteFile(draft, []byte(content), 0o600))
	require.NoError(i.t, os.Rename(draft, i.path(name))) // as the package does it
}

func (i *installation) read(name string) string {
	i.t.Helper()
	text, err := os.ReadFile(i.path(name))
	require.NoError(i.t, err)
	return string(text)
}

// files are those that are kept.
func (i *installation) files() []string {
	i.t.Helper()
	names := []string{}
	entries, err := os.ReadDir(i.path(""))
	if !os.IsNotExist(err) {
		require.NoError(i.t, err)
	}
	for _, entry := range entries {
		names = append(names, entry.Name())
	}
	return names
}

// tracks are the events that arrived.
func (i *installation) tracks() []loopkittest.Message {
	var found []loopkittest.Message
	for _, m := range i.server.Messages() {
		if m.Kind == loopkittest.KindTrack {
			found = append(found, m)
		}
	}
	return found
}

// anonymousID is that of the events that arrived, of which there must be n.
func (i *installation) anonymousIDs(n int) []string {
	i.t.Helper()
	var ids []string
	for _, m := range i.tracks() {
		ids = append(ids, m.AnonymousID)
	}
	require.Len(i.t, ids, n)
	return ids
}
