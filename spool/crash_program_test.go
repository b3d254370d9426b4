package spool_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/loopkitai/loopkit-go"
	"github.com/loopkitai/loopkit-go/spool"
)

// programVariable makes the test binary be the program that its value describes.
const programVariable = "LOOPKIT_TEST_SPOOL_PROGRAM"

// program is a process with a client and a spool, for tests that kill it.
type program struct {
	Name    string // see run
	Dir     string
	BaseURL string
	Round   int
	Seed    uint64
	Sync    spool.SyncPolicy
}

func init() {
	text := os.Getenv(programVariable)
	if text == "" {
		return
	}
	var p program
	err := json.Unmarshal([]byte(text), &p)
	if err == nil {
		err = p.run()
	}
	if err != nil {
		fmt.Println("error:", err)
		os.Exit(1)
	}
	os.Exit(0)
}

func (p *program) run() error {
	run := map[string]func(*program) error{
		"busy":     (*program).busy,
		"deletion": (*program).deletion,
		"erasing":  (*program).erasing,
		"first":    (*program).first,
		"full":     (*program).full,
	}[p.Name]
	if run == nil {
		return fmt.Errorf("no program %q", p.Name)
	}
	return run(p)
}

// client is quick to retry, as there is little time.
func (p *program) client(change func(*loopkit.Options)) (*loopkit.Client, error) {
	kept, err := spool.Open(p.Dir, &spool.Options{Sync: p.Sync})
	if err != nil {
		return nil, err
	}
	opts := loopkit.Options{
		BaseURL: p.BaseURL, Logger: slog.New(slog.DiscardHandler), Spool: kept,
		FlushInterval: 5 * time.Millisecond, SpoolInterval: 5 * time.Millisecond,
		RetryMin: time.Millisecond, RetryMax: 20 * time.Millisecond,
	}
	change(&opts)
	return loopkit.New(testKey, &opts)
}

// process is a program that runs.
type process struct {
	t      testing.TB
	cmd    *exec.Cmd
	lines  *bufio.Reader
	stdin  io.Closer
	stderr bytes.Buffer
	ended  bool
}

// startProgram runs a program, which is killed at the latest when the test ends.
func startProgram(t testing.TB, p program) *process {
	t.Helper()
	text, err := json.Marshal(p)
	require.NoError(t, err)
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), programVariable+"="+string(text))
	in, err := cmd.StdinPipe()
	require.NoError(t, err)
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	run := &process{t: t, cmd: cmd, lines: bufio.NewReader(out), stdin: in}
	cmd.Stderr = &run.stderr
	require.NoError(t, cmd.Start())
	t.Cleanup(func() {
		if !run.ended {
			run.kill()
		}
	})
	return run
}

// line returns the next whole line, and false when the process is gone.
func (p *process) line() (string, bool) {
	p.t.Helper()
	text, err := p.lines.ReadString('\n')
	if err != nil { // what is there of the last line, it was killed in the middle of
		return "", false
	}
	text = strings.TrimSuffix(text, "\n")
	require.False(p.t, strings.HasPrefix(text, "error:"), text)
	return text, true
}

func (p *process) expect(want string) {
	p.t.Helper()
	got, ok := p.line()
	require.True(p.t, ok, "the program ended without %q", want)
	require.Equal(p.t, want, got)
}

// kill is kill -9. What the process printed can be read to its end afterwards.
func (p *process) kill() (rest []string) {
	p.t.Helper()
	require.NoError(p.t, p.cmd.Process.Kill())
	return p.wait()
}

// killSoon is for a goroutine of its own. The process may be gone by then.
func (p *process) killSoon() { _ = p.cmd.Process.Kill() }

// wait waits for the end of the process, and returns what it had still printed.
func (p *process) wait() (rest []string) {
	p.t.Helper()
	p.ended = true
	for {
		text, ok := p.line()
		if !ok {
			break
		}
		rest = append(rest, text)
	}
	_ = p.cmd.Wait() // that it was killed
	assert.Empty(p.t, p.stderr.String(), "a data race, or a panic")
	return rest
}

// finish closes the standard input of the process, at which it ends by itself.
func (p *process) finish() (rest []string) {
	p.t.Helper()
	require.NoError(p.t, p.stdin.Close())
	return p.wait()
}

func untilStdinCloses() error {
	_, err := io.Copy(io.Discard, os.Stdin)
	return err
}

func background() (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.Background(), patience)
}
