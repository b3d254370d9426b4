//go:build browser

package browser_test

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// site is examples/webapp, running as a program of its own. It sends to the
// LoopKit-like server that it holds.
type site struct {
	t      *testing.T
	url    string
	client *http.Client // what reads /loopkit/received; no visitor of the site
}

// startSite starts the program, and ends it as Ctrl-C does.
func startSite(t *testing.T) *site {
	t.Helper()
	program := exec.Command(webapp, "-addr", "127.0.0.1:0")
	program.Env = slices.DeleteFunc(os.Environ(), func(pair string) bool { return strings.HasPrefix(pair, "LOOPKIT_") })
	var complaints bytes.Buffer
	program.Stderr = &complaints
	out, in := io.Pipe()
	program.Stdout = in
	require.NoError(t, program.Start())
	ended := make(chan error, 1)
	go func() {
		err := program.Wait()
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
	t.Cleanup(func() {
		assert.NoError(t, program.Process.Signal(os.Interrupt))
		select {
		case err := <-ended:
			assert.NoError(t, err, "the program's end")
		case <-time.After(patience):
			assert.Fail(t, "the program did not end after an interrupt")
			assert.NoError(t, program.Process.Kill())
			<-ended
		}
		<-printed
		if t.Failed() {
			t.Logf("the program's standard error:\n%s", &complaints)
		}
	})

	s := &site{t: t, client: &http.Client{Transport: &http.Transport{}, Timeout: patience}}
	t.Cleanup(s.client.CloseIdleConnections)
	select {
	case line := <-first:
		url, found := strings.CutPrefix(strings.TrimSpace(line), "Open ")
		require.True(t, found, "the first line was %q", line)
		s.url = url
	case <-time.After(patience):
		require.Fail(t, "the program did not say where it listens")
	}
	return s
}

// browser starts a browser of its own for one visitor of the site.
func (s *site) browser() *browser {
	s.t.Helper()
	return newBrowser(s.t, s.url)
}

// fetch returns what the site answers to somebody without cookies.
func (s *site) fetch(ctx context.Context, path string) ([]byte, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, s.url+path, nil)
	if err != nil {
		return nil, err
	}
	answer, err := s.client.Do(request)
	if err != nil {
		return nil, err
	}
	body, err := io.ReadAll(answer.Body)
	if e := answer.Body.Close(); err == nil {
		err = e
	}
	return body, err
}
