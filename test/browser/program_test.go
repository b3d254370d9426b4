//go:build browser

package browser_test

import (
	"bufio"
	"bytes"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// program is a program that a test has started.
type program struct {
	greeting string // the first line that it printed
	stop     func() // ends it as Ctrl-C does; the end of the test does so, too
}

// startProgram starts a program that prints where it listens.
func startProgram(t *testing.T, path string, args ...string) *program {
	t.Helper()
	command := exec.Command(path, args...)
	command.Env = slices.DeleteFunc(os.Environ(), func(pair string) bool { return strings.HasPrefix(pair, "LOOPKIT_") })
	var complaints bytes.Buffer
	command.Stderr = &complaints
	out, in := io.Pipe()
	command.Stdout = in
	require.NoError(t, command.Start())
	ended := make(chan error, 1)
	go func() {
		err := command.Wait()
		_ = in.Close() // never fails
		ended <- err
	}()
	first, printed := make(chan string, 1), make(chan struct{})
	go func() {
		defer close(printed)
		reader := bufio.NewReader(out)
		line, _ := reader.ReadString('\n') // without a line it is empty
		first <- line
		_, _ = io.Copy(io.Discard, reader) // until the program ends
	}()
	stop := sync.OnceFunc(func() {
		assert.NoError(t, command.Process.Signal(os.Interrupt))
		select {
		case err := <-ended:
			assert.NoError(t, err, "the program's end")
		case <-time.After(patience):
			assert.Fail(t, "the program did not end after an interrupt")
			assert.NoError(t, command.Process.Kill())
			<-ended
		}
		<-printed
	})
	t.Cleanup(func() {
		stop()
		if t.Failed() {
			t.Logf("the program's standard error:\n%s", &complaints)
		}
	})
	select {
	case line := <-first:
		return &program{greeting: strings.TrimSpace(line), stop: stop}
	case <-time.After(patience):
		require.Fail(t, "the program did not say where it listens")
		return nil
	}
}
