//go:build browser

package browser_test

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

// startAgain stops the server, waits until the page says so, and starts another
// at the same address.
func (s *devServer) startAgain(b *browser, args ...string) *devServer {
	s.t.Helper()
	s.stop()
	b.await(`!document.querySelector("#disconnected").hidden`)
	assert.Regexp(s.t, `^Connection lost, retrying`, b.text("#disconnected"))
	assert.Equal(s.t, "connection lost", b.text("#connection-text"))
	_, addr, _ := strings.Cut(s.url, "://")
	return startDev(s.t, append(args, "--addr", addr)...)
}

// awaitReconnection waits for the stream, and forgets that requests failed.
func (b *browser) awaitReconnection() {
	b.t.Helper()
	b.await(`document.querySelector("#disconnected").hidden && document.querySelector("#connection.connected")`)
	for _, problem := range b.log.takeProblems() {
		assert.Regexp(b.t, `net::ERR_(CONNECTION_(REFUSED|RESET|CLOSED)|INCOMPLETE_CHUNKED_ENCODING|EMPTY_RESPONSE)`, problem)
	}
}

func TestAfterARestartThePageHasWhatTheFileKept(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "events.ndjson")
	s := startDev(t, "--data", file)
	b := s.livePage()
	s.tracks("before", 2)
	b.awaitRows(2)
	b.evaluate("window.reloaded = false")
	s = s.startAgain(b, "--data", file)
	s.tracks("meanwhile", 3)

	b.awaitReconnection()
	b.awaitRows(5)
	assert.Equal(t, []string{"meanwhile_3", "meanwhile_2", "meanwhile_1", "before_2", "before_1"}, b.events())
	s.tracks("afterwards", 1)
	b.awaitRows(6)
	assert.Equal(t, false, b.evaluate("window.reloaded"))
}

func TestAfterARestartThePageForgetsWhatTheServerForgot(t *testing.T) {
	t.Parallel()
	s := startDev(t)
	b := s.livePage()
	s.tracks("before", 8)
	b.awaitRows(8)
	s = s.startAgain(b)
	s.tracks("meanwhile", 3)

	b.awaitReconnection()
	b.awaitRows(3)
	assert.Equal(t, []string{"meanwhile_3", "meanwhile_2", "meanwhile_1"}, b.events())
	assert.Equal(t, "3", b.counters()[0])
}
