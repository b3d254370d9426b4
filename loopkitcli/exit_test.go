package loopkitcli_test

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/loopkitai/loopkit-go"
	"github.com/loopkitai/loopkit-go/internal/faulty"
	"github.com/loopkitai/loopkit-go/loopkitcli"
	"github.com/loopkitai/loopkit-go/loopkittest"
)

// childProgram names the variable that makes the test binary be the program
// mytool; its value is the address of LoopKit.
const childProgram = "LOOPKIT_TEST_CLI_PROGRAM"

// patience names the variable with which it waits for LoopKit, because the machine
// may be busy.
const patience = "LOOPKIT_TEST_CLI_PATIENCE"

func init() {
	if address := os.Getenv(childProgram); address != "" {
		os.Exit(mytool(address))
	}
}

// mytool prints how long Finish took, in microseconds.
func mytool(address string) int {
	options := &loopkitcli.Options{App: "mytool", AnyCommand: true, Client: &loopkit.Options{BaseURL: address}}
	if os.Getenv(patience) != "" {
		options.ExitBudget = time.Minute
	}
	t := loopkitcli.New("lk_test", options)
	args := os.Args[1:]
	if len(args) > 0 && args[0] == "telemetry" {
		return t.Command(args[1:], os.Stdout)
	}
	t.Notice()
	t.Start(strings.Join(args, " "))
	start := time.Now()
	t.Finish(0)
	fmt.Println(time.Since(start).Microseconds())
	return 0
}

// child returns mytool in a process of its own, with its home in a directory.
func child(home, address string, args ...string) *exec.Cmd {
	program := exec.Command(os.Args[0], args...)
	program.Env = append(os.Environ(), childProgram+"="+address, variable+"=on", "HOME="+home, "XDG_CONFIG_HOME="+home, "AppData="+home,
		"GORACE=atexit_sleep_ms=0") // or the race detector waits for a second
	return program
}

// exitTime is how long Finish took in a process, the best of a few: whatever else
// the machine does only adds to it.
func exitTime(t *testing.T, address string) time.Duration {
	t.Helper()
	best := time.Hour
	for range 5 {
		out, err := child(t.TempDir(), address, "deploy").CombinedOutput()
		require.NoError(t, err, string(out))
		microseconds, err := strconv.Atoi(strings.TrimSpace(string(out)))
		require.NoError(t, err, string(out))
		if best = min(best, time.Duration(microseconds)*time.Microsecond); best < 320*time.Millisecond {
			break
		}
	}
	return best
}

func TestAProcessEndsInTimeWhateverTheNetworkDoes(t *testing.T) {
	clearEnvironment(t)
	hanging := loopkittest.NewServer(t)
	hanging.FailAll(loopkittest.Any, loopkittest.Fault{Hang: true})
	hole := faulty.Listen(t, func() faulty.Fault { return faulty.Fault{Kind: faulty.BlackHole} })
	go func() { assert.ErrorIs(t, http.Serve(hole, http.NotFoundHandler()), net.ErrClosed) }()
	ignored, err := net.Listen("tcp", "127.0.0.1:0") // and nobody accepts
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, ignored.Close()) })
	for name, address := range map[string]string{
		"a server that never answers":     hanging.BaseURL(),
		"connections that nobody reads":   "http://" + hole.Addr().String() + "/v1",
		"connections that nobody takes":   "http://" + ignored.Addr().String() + "/v1",
		"a handshake that nobody answers": "https://" + ignored.Addr().String() + "/v1",
	} {
		took := exitTime(t, address)
		t.Logf("%s: Finish took %v", name, took)
		assert.Less(t, took, 350*time.Millisecond, name)
	}
}

func TestAProcessWhoseEventIsTakenEndsAtOnce(t *testing.T) {
	clearEnvironment(t)
	server, best := loopkittest.NewServer(t), time.Hour
	for range 10 { // the machine may be busy
		if best = min(best, exitTime(t, server.BaseURL())); best < 200*time.Millisecond {
			break
		}
	}
	assert.Less(t, best, 200*time.Millisecond)
	assert.NotEmpty(t, server.Messages())
}

func TestProcessesThatStartAtOnceAreOnePerson(t *testing.T) {
	clearEnvironment(t)
	server, home := loopkittest.NewServer(t), t.TempDir()
	const count = 8
	var programs []*exec.Cmd
	for range count {
		program := child(home, server.BaseURL(), "deploy")
		program.Env = append(program.Env, patience+"=1")
		program.Stderr = &bytes.Buffer{}
		require.NoError(t, program.Start())
		programs = append(programs, program)
	}
	for _, program := range programs {
		require.NoError(t, program.Wait())
		assert.Empty(t, program.Stderr.(*bytes.Buffer).String())
	}
	ids := map[string]bool{}
	for _, m := range server.Messages() {
		ids[m.AnonymousID] = true
	}
	assert.Len(t, ids, 1)
	assert.Len(t, server.Messages(), count)
}

func TestAProcessWithoutAHomeWorks(t *testing.T) {
	clearEnvironment(t)
	server := loopkittest.NewServer(t)
	program := child("", server.BaseURL(), "deploy")
	program.Env = append(program.Env, patience+"=1")
	out, err := program.CombinedOutput()
	require.NoError(t, err, string(out))
	assert.NotEmpty(t, server.Messages())
}

// The rest of the budget is measured in fake time, where nothing else adds to it.
func TestFinishKeepsToItsBudget(t *testing.T) {
	for name, transport := range map[string]func() http.RoundTripper{
		"a look-up that hangs": func() http.RoundTripper {
			return &http.Transport{DialContext: func(context.Context, string, string) (net.Conn, error) {
				time.Sleep(time.Minute)
				return nil, &net.DNSError{Err: "timeout", IsTimeout: true}
			}}
		},
		"a transport that knows no deadline": func() http.RoundTripper { return deaf(time.Minute) },
		"a transport that is slow to stop":   func() http.RoundTripper { return deaf(280 * time.Millisecond) },
	} {
		for _, budget := range []time.Duration{0, 100 * time.Millisecond, 2 * time.Second} {
			t.Run(name, func(t *testing.T) {
				i := agreed(t)
				i.options.ExitBudget = budget
				synctest.Test(t, func(t *testing.T) {
					i.options.Client = &loopkit.Options{HTTPClient: &http.Client{Transport: transport()}}
					run := i.run()
					run.Start("deploy")
					start := time.Now()
					run.Finish(0)
					want := budget
					if want == 0 {
						want = 300 * time.Millisecond
					}
					assert.LessOrEqual(t, time.Since(start), want)
					time.Sleep(2 * time.Minute) // what is left of it ends
				})
			})
		}
	}
}

// deaf is a transport that takes its time, whatever its context says.
type deaf time.Duration

func (d deaf) RoundTrip(*http.Request) (*http.Response, error) {
	time.Sleep(time.Duration(d))
	return nil, context.DeadlineExceeded
}

func TestFinishUsesTheBudgetForTheNetwork(t *testing.T) {
	i := agreed(t)
	i.options.ExitBudget = 0
	server := loopkittest.NewTransport(t)
	server.FailAll(loopkittest.Any, loopkittest.Fault{Delay: 240 * time.Millisecond})
	i.options.Client = &loopkit.Options{HTTPClient: server.HTTPClient()}
	synctest.Test(t, func(t *testing.T) {
		run := i.run()
		run.Start("deploy")
		start := time.Now()
		run.Finish(0)
		assert.Equal(t, 240*time.Millisecond, time.Since(start), "an answer ends it")
		assert.EqualValues(t, 1, run.Client().Stats().Delivered)
	})
}

func TestAnExitWithoutTelemetryTakesNoTime(t *testing.T) {
	i := install(t)
	i.options.Client.BaseURL = "http://192.0.2.1/v1"
	run := i.run()
	run.Start("deploy")
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		run.Finish(0)
		assert.Zero(t, time.Since(start))
	})
}
