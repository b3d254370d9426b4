package devserver_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/loopkitai/loopkit-go/cmd/loopkit/internal/devserver"
)

// server is one that runs until the test ends.
type server struct {
	*devserver.Server
	t    testing.TB
	stop func() error // may be called more than once
	log  *notes
}

// notes is what a server has to say.
type notes struct {
	mu   sync.Mutex
	text strings.Builder
}

func (n *notes) add(text string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.text.WriteString(text + "\n")
}

func (n *notes) String() string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.text.String()
}

func start(t testing.TB, opts devserver.Options) *server {
	t.Helper()
	log := &notes{}
	opts.Log = log.add
	if opts.Addr == "" {
		opts.Addr = "127.0.0.1:0"
	}
	s, err := devserver.Listen(opts)
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	served := make(chan error, 1)
	go func() { served <- s.Serve(ctx) }()
	stop := sync.OnceValue(func() error {
		cancel()
		return <-served
	})
	t.Cleanup(func() { assert.NoError(t, stop()) })
	return &server{Server: s, t: t, stop: stop, log: log}
}

// header is a list of names and values.
type header []string

// send returns the answer to a request with its body.
func (s *server) send(method, path, body string, h header) (*http.Response, string) {
	s.t.Helper()
	r, err := http.NewRequest(method, s.URL()+path, strings.NewReader(body))
	require.NoError(s.t, err)
	for i := 0; i < len(h); i += 2 {
		if h[i] == "Host" {
			r.Host = h[i+1]
		} else {
			r.Header.Set(h[i], h[i+1])
		}
	}
	response, err := http.DefaultClient.Do(r)
	require.NoError(s.t, err)
	text, err := io.ReadAll(response.Body)
	require.NoError(s.t, err)
	require.NoError(s.t, response.Body.Close())
	return response, string(text)
}

var asJSON = header{"Content-Type", "application/json"}

// get decodes the JSON at a path of the API.
func (s *server) get(path string, into any) {
	s.t.Helper()
	response, text := s.send(http.MethodGet, path, "", nil)
	require.Equal(s.t, http.StatusOK, response.StatusCode, text)
	require.NoError(s.t, json.Unmarshal([]byte(text), into), text)
}

// track sends events, each in a request of its own.
func (s *server) track(names ...string) {
	s.t.Helper()
	for _, name := range names {
		response, text := s.send(http.MethodPost, "/v1/tracks", trackBody(name), header{"Authorization", "Bearer lk_dev"})
		require.Equal(s.t, http.StatusOK, response.StatusCode, text)
	}
}

func trackBody(name string) string {
	text, err := json.Marshal(map[string]any{"tracks": []any{map[string]any{
		"name": name, "anonymousId": "anon_456", "timestamp": time.Now().UTC(), "properties": map[string]any{"page": "/pricing"},
	}}})
	if err != nil {
		panic(err)
	}
	return string(text)
}

// names are those of the events that the server has.
func (s *server) names() []string {
	var answer struct {
		Events []struct {
			Type, Name string
		}
	}
	s.get("/api/events", &answer)
	out := []string{}
	for _, e := range answer.Events {
		if e.Type == "track" {
			out = append(out, e.Name)
		} else {
			out = append(out, e.Type)
		}
	}
	return out
}

func lines(text string) []string {
	var out []string
	for line := range bytes.Lines([]byte(text)) {
		out = append(out, string(bytes.TrimSpace(line)))
	}
	return out
}
