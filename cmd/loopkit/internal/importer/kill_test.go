package importer_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"net/http/httptest"
	"os"
	"os/exec"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/loopkitai/loopkit-go/cmd/loopkit/internal/command"
	"github.com/loopkitai/loopkit-go/internal/collector"
)

const childVariable = "LOOPKIT_TEST_CHILD"

// TestMain makes the test's binary a loopkit command, for tests that kill one.
func TestMain(m *testing.M) {
	if os.Getenv(childVariable) != "" {
		os.Exit(command.Main(os.Args[1:]))
	}
	os.Exit(m.Run())
}

// child is a loopkit command in a process of its own.
type child struct {
	*exec.Cmd
	out, err bytes.Buffer
	ended    chan struct{}
}

func start(t *testing.T, baseURL string, args ...string) *child {
	t.Helper()
	self, err := os.Executable()
	require.NoError(t, err)
	c := &child{Cmd: exec.Command(self, args...), ended: make(chan struct{})}
	c.Env = append(os.Environ(), childVariable+"=1", "LOOPKIT_API_KEY=lk_test", "LOOPKIT_BASE_URL="+baseURL)
	c.Stdout, c.Stderr = &c.out, &c.err
	require.NoError(t, c.Start())
	go func() {
		defer close(c.ended)
		_ = c.Wait() // its state tells
	}()
	t.Cleanup(func() {
		_ = c.Process.Kill() // it has ended, unless the test has failed
		<-c.ended
	})
	return c
}

func (c *child) status() int {
	<-c.ended
	return c.ProcessState.ExitCode()
}

// sink is a server that keeps message IDs, with the n of the message.
type sink struct {
	*httptest.Server
	mu       sync.Mutex
	received int
	ids      map[string]any
	changed  bool // an ID came with another n
	more     chan struct{}
}

func newSink(t *testing.T) *sink {
	s := &sink{ids: map[string]any{}, more: make(chan struct{}, 1)}
	s.Server = httptest.NewServer(collector.New(collector.Options{Record: s.record}))
	t.Cleanup(s.Close)
	return s
}

func (s *sink) record(_ collector.Request, messages []collector.Message) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, m := range messages {
		s.received++
		n, again := s.ids[m.MessageID]
		s.changed = s.changed || again && n != m.Values["n"]
		s.ids[m.MessageID] = m.Values["n"]
	}
	select {
	case s.more <- struct{}{}:
	default:
	}
}

func (s *sink) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.received
}

// waitFor returns when that many messages arrived, or the child ended.
func (s *sink) waitFor(n int, c *child) {
	for s.count() < n {
		select {
		case <-s.more:
		case <-c.ended:
			return
		}
	}
}

func TestNoRecordIsLostOrInventedByKills(t *testing.T) {
	const records, kills, window = 5000, 3, 4000
	lines := tracks(records)
	for i := range lines {
		if i%3 == 0 {
			lines[i] = fmt.Sprintf(`{"messageId":"given_%d",`, i) + lines[i][1:]
		}
	}
	for _, i := range []int{5, 4100, 4500, 4999} {
		lines[i] = "rubbish"
	}
	undisturbed := newSink(t)
	whole := write(t, lines...)
	mustImport(t, whole, sendingBy(undisturbed.URL+"/v1", undisturbed.Client()))

	server := newSink(t)
	path := write(t, lines...)
	args := []string{"import", path, "--resume"}
	for range kills {
		c := start(t, server.URL+"/v1", args...)
		server.waitFor(server.count()+1+rand.IntN(records/kills), c)
		require.NoError(t, c.Process.Kill())
		<-c.ended
	}
	last := start(t, server.URL+"/v1", args...)
	require.Equal(t, 4, last.status(), last.err.String())

	assert.Equal(t, undisturbed.ids, server.ids, "the same message IDs, and no others")
	assert.Len(t, server.ids, records-4)
	assert.False(t, server.changed)
	assert.LessOrEqual(t, server.received-len(server.ids), kills*window, "only what was not acknowledged comes again")
	assert.Equal(t, rejected(t, whole), rejected(t, path))
	assert.Contains(t, last.out.String(), fmt.Sprintf("%d records sent, 4 set aside in %s.rejected.ndjson", records-4, path))
}
