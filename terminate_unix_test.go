//go:build unix

package loopkit_test

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	loopkit "github.com/loopkitai/loopkit-go"
	"github.com/loopkitai/loopkit-go/loopkittest"
)

// terminatedProgram names the variable that makes the test binary be the program
// of TestAProgramThatIsTerminatedLosesNothingIfItCloses.
const terminatedProgram = "LOOPKIT_TEST_TERMINATED_PROGRAM"

func init() {
	if os.Getenv(terminatedProgram) != "" {
		runUntilTerminated()
		os.Exit(0)
	}
}

// runUntilTerminated tracks as fast as it can, and prints how much was accepted.
func runUntilTerminated() {
	terminated, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	client, err := loopkit.New(testKey, &loopkit.Options{BaseURL: os.Getenv(terminatedProgram), Logger: quietLogger()})
	if err != nil {
		fmt.Println(err)
		return
	}
	accepted := 0
	for terminated.Err() == nil {
		if client.Track(visitor("anon_1"), "e", loopkit.Properties{"n": accepted}) == nil {
			accepted++
		}
		if accepted == 100 {
			fmt.Println("running")
		}
	}
	fmt.Println(accepted, client.Close(context.Background()))
}

func TestAProgramThatIsTerminatedLosesNothingIfItCloses(t *testing.T) {
	s := loopkittest.NewServer(t)
	program := exec.Command(os.Args[0])
	program.Env = append(os.Environ(), terminatedProgram+"="+s.BaseURL())
	out, err := program.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, program.Start())
	lines := bufio.NewScanner(out)
	require.True(t, lines.Scan())
	require.Equal(t, "running", lines.Text())
	require.NoError(t, program.Process.Signal(syscall.SIGTERM))
	require.True(t, lines.Scan())
	count, closed, _ := strings.Cut(lines.Text(), " ")
	require.NoError(t, program.Wait(), "the client handles no signal, and ends nobody")

	accepted, err := strconv.Atoi(count)
	require.NoError(t, err)
	assert.Equal(t, "<nil>", closed)
	seen := map[any]bool{}
	for _, m := range s.Messages() {
		seen[m.Values["n"]] = true
	}
	assert.Len(t, seen, accepted)
}
