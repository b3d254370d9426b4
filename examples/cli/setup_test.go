package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/loopkitai/loopkit-go/loopkitcli"
	"github.com/loopkitai/loopkit-go/loopkittest"
)

// executable is the program, which TestMain builds: the test binary itself
// starts too slowly to measure, above all with the race detector.
var executable string

func TestMain(m *testing.M) {
	exitCode, err := build(m.Run)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		exitCode = 1
	}
	os.Exit(exitCode)
}

func build(run func() int) (exitCode int, err error) {
	dir, err := os.MkdirTemp("", "notes")
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	executable = filepath.Join(dir, "notes.exe") // Windows wants the suffix
	if out, err := exec.Command("go", "build", "-o", executable, ".").CombinedOutput(); err != nil {
		return 0, fmt.Errorf("building the program: %w\n%s", err, out)
	}
	return run(), nil
}

// machine is a computer with the program on it.
type machine struct {
	t      testing.TB
	home   string
	server *loopkittest.Server
	env    []string // beside what every run has
}

// install returns a machine whose user has not been asked yet.
func install(t testing.TB) *machine {
	t.Helper()
	return &machine{t: t, home: t.TempDir(), server: loopkittest.NewServer(t, loopkittest.Strict())}
}

// agreed returns a machine whose user said yes.
func agreed(t testing.TB) *machine {
	t.Helper()
	m := install(t)
	m.does("telemetry", "on")
	return m
}

// patience ends a run that hangs, and every wait for something that must happen.
const patience = 30 * time.Second

// command is a run that has not begun. It inherits nothing that says anything
// about telemetry.
func (m *machine) command(args ...string) *exec.Cmd {
	m.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	m.t.Cleanup(cancel)
	c := exec.CommandContext(ctx, executable, args...)
	c.Dir = m.home
	c.Env = []string{
		"HOME=" + m.home, "XDG_CONFIG_HOME=" + m.home, "AppData=" + m.home, // macOS, other unix, Windows
		"LOOPKIT_API_KEY=lk_test", "LOOPKIT_BASE_URL=" + m.server.BaseURL(),
	}
	if root, ok := os.LookupEnv("SYSTEMROOT"); ok { // Windows cannot open sockets without it
		c.Env = append(c.Env, "SYSTEMROOT="+root)
	}
	c.Env = append(c.Env, m.env...) // the last one counts
	return c
}

// result is how a run ended.
type result struct {
	out, complaints string
	code            int
	took            time.Duration // from its start to its end
}

func (m *machine) run(args ...string) result {
	m.t.Helper()
	return m.wait(m.command(args...))
}

func (m *machine) wait(c *exec.Cmd) result {
	m.t.Helper()
	var out, complaints bytes.Buffer
	c.Stdout, c.Stderr = &out, &complaints
	begin := time.Now()
	err := c.Run()
	took := time.Since(begin)
	var ended *exec.ExitError
	if err != nil {
		require.ErrorAs(m.t, err, &ended)
	}
	require.True(m.t, c.ProcessState.Exited(), "%v: %s", c.Args[1:], complaints.String())
	return result{out.String(), complaints.String(), c.ProcessState.ExitCode(), took}
}

// does is a run that must succeed and complain of nothing; it returns what it printed.
func (m *machine) does(args ...string) string {
	m.t.Helper()
	r := m.run(args...)
	require.Zero(m.t, r.code, "%v: %s", args, r.complaints)
	require.Empty(m.t, r.complaints, "%v", args)
	return r.out
}

// status is what "telemetry status" says.
func (m *machine) status() loopkitcli.Status {
	m.t.Helper()
	var s struct { // without the mode, which is a text
		loopkitcli.Status
		Mode string `json:"mode"`
	}
	require.NoError(m.t, json.Unmarshal([]byte(m.does("telemetry", "status", "--json")), &s))
	return s.Status
}

// kept are the files of the telemetry; none if there is not even a directory.
func (m *machine) kept() []string {
	m.t.Helper()
	entries, err := os.ReadDir(m.status().Directory)
	if !os.IsNotExist(err) {
		require.NoError(m.t, err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

// awaitSpool waits until a run has begun, if it is the first that does.
func (m *machine) awaitSpool() {
	m.t.Helper()
	lock := filepath.Join(m.status().Directory, "spool", "spool.lock")
	m.await(func() bool { _, err := os.Stat(lock); return err == nil }, "no run opens the spool")
}
