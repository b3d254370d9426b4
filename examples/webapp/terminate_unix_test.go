//go:build unix

package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/loopkitai/loopkit-go/loopkittest"
)

// visitors request pages until the server is gone. Without a cookie, each of
// their requests is a new visitor, whose anonymous ID the answer tells.
type visitors struct {
	address string
	running sync.WaitGroup

	mu       sync.Mutex
	answered []string      // anonymous IDs
	enough   chan struct{} // closed after 100 answers
}

func (v *visitors) start(workers int) {
	for range workers {
		v.running.Go(func() {
			client := &http.Client{Transport: &http.Transport{}}
			defer client.CloseIdleConnections()
			for {
				id, err := visit(client, v.address)
				if err != nil {
					return // the server has ended
				}
				v.mu.Lock()
				v.answered = append(v.answered, id)
				if len(v.answered) == 100 {
					close(v.enough)
				}
				v.mu.Unlock()
			}
		})
	}
}

// visit returns an error if there was no whole answer.
func visit(client *http.Client, address string) (anonymousID string, err error) {
	r, err := http.NewRequestWithContext(context.Background(), http.MethodGet, address+"/pricing", nil)
	if err != nil {
		return "", err
	}
	r.Header.Set("Cookie", "loopkit_consent=full")
	answer, err := client.Do(r)
	if err != nil {
		return "", err
	}
	_, err = io.Copy(io.Discard, answer.Body)
	if e := answer.Body.Close(); err == nil {
		err = e
	}
	for _, cookie := range answer.Cookies() {
		if cookie.Name == "loopkit_anonymousId" {
			return cookie.Value, err
		}
	}
	return "", fmt.Errorf("no visitor in the answer %s: %w", answer.Status, err)
}

func TestWhatWasAnsweredBeforeATerminationArrivesExactlyOnce(t *testing.T) {
	path := binary(t)
	for name, signal := range map[string]os.Signal{"SIGTERM": syscall.SIGTERM, "SIGINT": os.Interrupt} {
		t.Run(name, func(t *testing.T) {
			server := loopkittest.NewServer(t, loopkittest.Strict(), loopkittest.WithKeys("lk_real"))
			program := exec.Command(path, "-addr", "127.0.0.1:0")
			program.Env = append(os.Environ(), "LOOPKIT_API_KEY=lk_real", "LOOPKIT_BASE_URL="+server.BaseURL())
			program.Stderr = os.Stderr
			out, err := program.StdoutPipe()
			require.NoError(t, err)
			require.NoError(t, program.Start())
			lines := bufio.NewScanner(out)
			require.True(t, lines.Scan())
			address, found := strings.CutPrefix(lines.Text(), "Open ")
			require.True(t, found, lines.Text())

			stream, err := http.Get(address + "/loopkit/stream") // a page stays open
			require.NoError(t, err)
			crowd := &visitors{address: address, enough: make(chan struct{})}
			crowd.start(4)
			<-crowd.enough
			require.NoError(t, program.Process.Signal(signal))
			require.True(t, lines.Scan())
			said := lines.Text()
			require.NoError(t, program.Wait(), "it ends well")
			crowd.running.Wait()
			require.NoError(t, stream.Body.Close())

			arrived := map[string]int{}
			for _, m := range server.Messages() {
				assert.Equal(t, "page_view", m.Name)
				arrived[m.AnonymousID]++
			}
			for _, id := range crowd.answered {
				assert.Equal(t, 1, arrived[id], id)
			}
			n := len(server.Messages())
			assert.Equal(t, fmt.Sprintf("accepted %d, delivered %d, dropped 0", n, n), said)
		})
	}
}

// binary builds the program.
func binary(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "webapp")
	built, err := exec.Command("go", "build", "-o", path, ".").CombinedOutput()
	require.NoError(t, err, "%s", built)
	return path
}
