package main

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/loopkitai/loopkit-go/cmd/loopkit/internal/command"
)

// asTool makes this test binary the tool itself.
const asTool = "LOOPKIT_TEST_AS_TOOL"

func TestMain(m *testing.M) {
	if os.Getenv(asTool) != "" {
		os.Exit(command.Main(os.Args[1:]))
	}
	os.Exit(m.Run())
}

// recorder is a server, and a proxy for the whole of the internet.
type recorder struct {
	mu       sync.Mutex
	requests []string
}

func (r *recorder) ServeHTTP(w http.ResponseWriter, request *http.Request) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.requests = append(r.requests, strings.TrimSpace(request.Method+" "+request.URL.Path+" "+request.Header.Get("Authorization")))
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write([]byte(`{"success":true}`)) // what fails is seen by the client
}

func (r *recorder) take() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	taken := r.requests
	r.requests = nil
	return taken
}

// TestTheToolSendsNothingOfItsOwn runs what is not to send anything, as a process
// of its own that could reach every host through the recorder.
func TestTheToolSendsNothingOfItsOwn(t *testing.T) {
	internet := &recorder{}
	server := httptest.NewServer(internet)
	defer server.Close()
	home := t.TempDir()
	messages := filepath.Join(home, "messages.ndjson")
	require.NoError(t, os.WriteFile(messages, []byte(`{"type":"track","name":"page_view","anonymousId":"anon_456","timestamp":"2025-01-15T10:30:00Z"}`+"\n"), 0o600))
	tool := func(args ...string) {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), os.Args[0], args...)
		cmd.Env = append(os.Environ(), asTool+"=1", "HOME="+home, "XDG_CONFIG_HOME="+home, "LOOPKIT_API_KEY=lk_test_key", "LOOPKIT_BASE_URL="+server.URL+"/v1",
			"HTTP_PROXY="+server.URL, "HTTPS_PROXY="+server.URL, "NO_PROXY=", "http_proxy=", "https_proxy=", "no_proxy=")
		out, err := cmd.CombinedOutput()
		var exit *exec.ExitError
		if err != nil {
			require.ErrorAs(t, err, &exit, "%s", out)
		}
	}
	for _, args := range [][]string{
		{}, {"help"}, {"--help"}, {"help", "track"}, {"version"}, {"version", "--json"}, {"frobnicate"},
		{"completion", "bash"}, {"completion", "zsh"}, {"completion", "fish"}, {"completion", "powershell"}, {"__complete", ""},
		{"validate", messages},
		{"import", messages, "--dry-run"},
		{"track", "page_view", "--user", "user_123", "--dry-run"},
		{"identify", "user_123", "--dry-run"},
		{"delete-user", "user_123"}, // nobody is there to be asked
	} {
		tool(args...)
		assert.Empty(t, internet.take(), "%q", args)
	}
	tool("doctor")
	assert.Equal(t, []string{"GET /v1/sdk-versions"}, internet.take(), "one request, and without the key")
	entries, err := os.ReadDir(home)
	require.NoError(t, err)
	assert.Len(t, entries, 1, "it keeps no files of its own")

	tool("track", "page_view", "--user", "user_123")
	assert.Equal(t, []string{"POST /v1/tracks Bearer lk_test_key"}, internet.take(), "the recorder does record")
}

func TestAReaderThatLeavesEarlyCausesNoPanic(t *testing.T) {
	for _, args := range [][]string{{"--help"}, {"completion", "bash"}, {"version"}} {
		read, write, err := os.Pipe()
		require.NoError(t, err)
		require.NoError(t, read.Close())
		cmd := exec.CommandContext(t.Context(), os.Args[0], args...)
		var stderr bytes.Buffer
		cmd.Env, cmd.Stdout, cmd.Stderr = append(os.Environ(), asTool+"=1"), write, &stderr
		assert.Error(t, cmd.Run(), "%q", args)
		assert.NotContains(t, stderr.String(), "panic", "%q", args)
		assert.NotContains(t, stderr.String(), "goroutine", "%q", args)
		require.NoError(t, write.Close())
	}
}
