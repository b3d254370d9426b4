package main

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// recorder stands before a server and keeps every byte of the requests.
type recorder struct {
	mu   sync.Mutex
	text bytes.Buffer
}

// record returns its address.
func (r *recorder) record(t *testing.T, m *machine) string {
	t.Helper()
	to, err := url.Parse(m.server.BaseURL())
	require.NoError(t, err)
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, request *http.Request) {
		r.mu.Lock()
		defer r.mu.Unlock()
		assert.NoError(t, request.Write(&r.text))
		w.Header().Set("Content-Type", "application/json")
		_, err := io.WriteString(w, `{"success":true}`)
		assert.NoError(t, err)
	}))
	t.Cleanup(proxy.Close)
	return proxy.URL + to.Path
}

// received is all of it, in lower case.
func (r *recorder) received() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return strings.ToLower(r.text.String())
}

func TestArgumentsNeverLeaveTheMachine(t *testing.T) {
	m := agreed(t)
	var r recorder
	m.env = []string{"LOOPKIT_BASE_URL=" + r.record(t, m), "NEEDLE=needle-environment"}
	dir := filepath.Join(m.home, "needle-directory")
	require.NoError(t, os.Mkdir(dir, 0o700))
	file := filepath.Join(dir, "needle-file.txt")
	for _, args := range [][]string{
		{"add", "-file", file, "needle-text", "needle"},
		{"add", "-file=" + file, "--", "-needle"},
		{"add", "needle", "-needle-flag"},
		{"list", "-all", "-file", file},
		{"list", "-file", dir}, // fails, with an error that names it
		{"list", "-needle-flag=needle-value"},
		{"done", "needle-number"},
		{"done", "-file", file, "1"},
		{"needle-command", "needle"},
		{"-needle-first"},
		{"help", "needle"},
		{"login", "user_123", "needle"},
		{"logout", "needle"},
		{"telemetry", "needle"},
	} {
		m.run(args...)
	}
	end := m.hold("add")
	for _, command := range names() {
		m.await(func() bool { return strings.Contains(r.received(), `"command":"`+command+`"`) }, command+" does not arrive")
	}
	m.await(func() bool { return strings.Contains(r.received(), `"command":"other"`) }, "the unknown command does not arrive")
	end("needle-input")

	received := r.received()
	assert.Contains(t, received, "user_123", "whom the program names is sent, as it says")
	host, err := os.Hostname()
	require.NoError(t, err)
	for _, private := range []string{"needle", strings.ToLower(m.home), strings.ToLower(executable), strings.ToLower(host)} {
		if len(private) > 3 {
			assert.NotContains(t, received, private)
		}
	}
}
