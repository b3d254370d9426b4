package command

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/loopkitai/loopkit-go/loopkittest"
)

// statuses reads a receipt.
func statuses(t *testing.T, out string) map[string]string {
	t.Helper()
	got := map[string]string{}
	for line := range strings.Lines(out) {
		var r receipt
		require.NoError(t, json.Unmarshal([]byte(line), &r), out)
		got[r.ID] = r.Status
		assert.False(t, r.Time.IsZero())
	}
	return got
}

func TestDeletionsPrintAReceipt(t *testing.T) {
	server := loopkittest.NewServer(t)
	shell := shellWith(t, server)
	r := shell.run("delete-user", "user_123", "user_456", "user_123", "--yes")
	assert.Zero(t, r.status)
	lines := strings.Split(strings.TrimSpace(r.out), "\n")
	require.Len(t, lines, 3)
	assert.Regexp(t, `^ID +STATUS +TIME +DETAIL$`, lines[0])
	assert.Regexp(t, `^user_123  deleted      \d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ *$`, lines[1])
	require.Zero(t, shell.run("delete-group", "team_456", "--yes").status)
	messages := server.Messages()
	require.Len(t, messages, 3)
	assert.Equal(t, loopkittest.KindDeleteUser, messages[0].Kind)
	assert.Equal(t, loopkittest.KindDeleteGroup, messages[2].Kind)
}

func TestStatusesOfDeletions(t *testing.T) {
	flaky := func(fault loopkittest.Fault) func(*loopkittest.Server) {
		return func(s *loopkittest.Server) { s.Script(loopkittest.UserDeletions, fault) }
	}
	always := func(fault loopkittest.Fault) func(*loopkittest.Server) {
		return func(s *loopkittest.Server) { s.FailAll(loopkittest.Any, fault) }
	}
	for name, c := range map[string]struct {
		trouble func(*loopkittest.Server)
		status  int
		want    map[string]string
	}{
		"all deleted":        {func(*loopkittest.Server) {}, statusOK, map[string]string{"user_1": deleted, "user_2": deleted}},
		"after a retry":      {flaky(loopkittest.Fault{Status: 503}), statusOK, map[string]string{"user_1": deleted, "user_2": deleted}},
		"one is refused":     {flaky(loopkittest.Fault{Status: 400}), statusPartial, map[string]string{"user_1": notDone, "user_2": deleted}},
		"one is unknown":     {flaky(loopkittest.Fault{Status: 404}), statusPartial, map[string]string{"user_1": unsupported, "user_2": deleted}},
		"unsupported":        {always(loopkittest.Fault{Status: 405}), statusUnsupported, map[string]string{"user_1": unsupported, "user_2": unsupported}},
		"all refused":        {always(loopkittest.Fault{Status: 400}), statusFailed, map[string]string{"user_1": notDone, "user_2": notDone}},
		"the key is refused": {always(loopkittest.Fault{Status: 403}), statusFailed, map[string]string{"user_1": notDone, "user_2": notTried}},
		"no answer":          {always(loopkittest.Fault{Hang: true}), statusFailed, map[string]string{"user_1": notConfirmed, "user_2": notConfirmed}},
		"an outage of one":   {flaky(loopkittest.Fault{Hang: true}), statusPartial, map[string]string{"user_1": notConfirmed, "user_2": deleted}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := loopkittest.NewServer(t)
			c.trouble(server)
			timeout := "300ms"
			if name == "after a retry" {
				timeout = "5s"
			}
			r := shellWith(t, server).run("delete-user", "user_1", "user_2", "--yes", "--json", "--timeout", timeout)
			assert.Equal(t, c.status, r.status)
			assert.Equal(t, c.want, statuses(t, r.out))
		})
	}
}

func TestADeletionIsConfirmedByTypingWhatItIsAbout(t *testing.T) {
	for name, c := range map[string]struct {
		args    []string
		typed   string
		status  int
		deleted int
	}{
		"the ID":         {[]string{"user_123"}, "user_123\n", statusOK, 1},
		"without a line": {[]string{"user_123"}, "user_123", statusOK, 1},
		"another ID":     {[]string{"user_123"}, "user_12\n", statusFailed, 0},
		"yes":            {[]string{"user_123"}, "yes\n", statusFailed, 0},
		"nothing":        {[]string{"user_123"}, "", statusFailed, 0},
		"several":        {[]string{"user_123", "user_456"}, "2 users\n", statusOK, 2},
		"one of several": {[]string{"user_123", "user_456"}, "user_123\n", statusFailed, 0},
	} {
		server := loopkittest.NewServer(t)
		shell := shellWith(t, server)
		shell.terminal, shell.in = true, c.typed
		r := shell.run(append([]string{"delete-user"}, c.args...)...)
		assert.Equal(t, c.status, r.status, name)
		assert.Contains(t, r.err, "user_123", name)
		assert.Contains(t, r.err, "This cannot be undone", name)
		assert.Len(t, server.Messages(), c.deleted, name)
	}
}

func TestIDsToDeleteComeFromAFile(t *testing.T) {
	server := loopkittest.NewServer(t)
	shell := shellWith(t, server)
	const text = "\ufeff# asked on 2025-01-15\nuser_123\r\n\n  user_456  \nuser_123\n"
	file := filepath.Join(t.TempDir(), "ids.txt")
	require.NoError(t, os.WriteFile(file, []byte(text), 0o600))
	want := map[string]string{"user_123": deleted, "user_456": deleted, "user_789": deleted}
	assert.Equal(t, want, statuses(t, shell.run("delete-user", "user_789", "--from-file", file, "--yes", "--json").out))
	shell.in = text
	delete(want, "user_789")
	assert.Equal(t, want, statuses(t, shell.run("delete-user", "--from-file", "-", "--yes", "--json").out))
	shell.in = "# nobody\n"
	assert.Equal(t, statusUsage, shell.run("delete-user", "--from-file", "-", "--yes").status)
}

func TestALongListIsShownInPart(t *testing.T) {
	server := loopkittest.NewServer(t)
	shell := shellWith(t, server)
	shell.terminal = true
	args := []string{"delete-user"}
	for i := range 12 {
		args = append(args, fmt.Sprintf("user_%d", i))
	}
	r := shell.run(args...)
	assert.Equal(t, statusFailed, r.status)
	assert.Contains(t, r.err, "user_9, …")
	assert.NotContains(t, r.err, "user_10")
	assert.Contains(t, r.err, `Type "12 users" to confirm`)
}

func TestAnUnsupportedDeletionIsNoSuccess(t *testing.T) {
	server := loopkittest.NewServer(t, loopkittest.WithoutDeletion())
	r := shellWith(t, server).run("delete-user", "user_123", "--yes")
	assert.Equal(t, statusUnsupported, r.status)
	assert.Contains(t, r.out, "unsupported")
	assert.Contains(t, r.err, "nothing was confirmed as deleted")
	assert.Equal(t, http.StatusNotFound, server.Requests()[0].Status)
}
