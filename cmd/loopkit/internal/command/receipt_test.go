package command

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/loopkitai/loopkit-go/loopkittest"
)

func TestReceiptsAreThereAsSoonAsADeletionEnds(t *testing.T) {
	t.Parallel()
	for _, flag := range []string{"--json", "--yes"} {
		server := loopkittest.NewServer(t)
		second := make(chan struct{})
		server.Script(loopkittest.UserDeletions, answering("application/json", `{"success":true}`),
			loopkittest.Fault{Hang: true, If: func([]byte) bool { close(second); return true }})
		run := launch(t, shellWith(t, server).env, "delete-user", "user_1", "user_2", "user_3", "--yes", flag)
		run.waitFor(run.out, "user_1.*deleted")
		<-second
		assert.Equal(t, statusPartial, run.end())
		assert.Regexp(t, "user_1.*deleted.*\n.*user_2.*unconfirmed.*it may have been done: interrupted.*\n.*user_3.*not tried.*interrupted", run.out.String())
		assert.Contains(t, run.err.String(), "1 of 3 were deleted, 2 are left")
	}
}

func TestDeletionsWithoutAnAnswerStopAfterSome(t *testing.T) {
	t.Parallel()
	server := loopkittest.NewServer(t)
	server.FailAll(loopkittest.Any, loopkittest.Fault{Hang: true})
	r := shellWith(t, server).run("delete-user", "user_1", "user_2", "user_3", "user_4", "--yes", "--json", "--timeout", "100ms")
	assert.Equal(t, map[string]string{"user_1": notConfirmed, "user_2": notConfirmed, "user_3": notConfirmed, "user_4": notTried}, statuses(t, r.out))
	assert.Contains(t, r.out, "3 in a row had no answer")
	assert.Equal(t, 1, strings.Count(r.err, "waiting for"), "once is enough")
}

func TestADeletionCanGoOnWithWhatIsLeft(t *testing.T) {
	server := loopkittest.NewServer(t)
	server.Script(loopkittest.UserDeletions, answering("application/json", `{"success":true}`), loopkittest.Fault{Status: 400}, loopkittest.Fault{Status: 403})
	shell := shellWith(t, server)
	left := filepath.Join(t.TempDir(), "left.txt")
	ids := []string{"user_1", "user_2", "user_3", "user_4", "#5", "user\n6"}
	r := shell.run(append([]string{"delete-user", "--yes", "--remaining", left}, ids...)...)
	assert.Equal(t, statusPartial, r.status)
	assert.Contains(t, r.err, "go on with --from-file "+left)
	assert.Contains(t, r.err, "the ID #5 cannot stand in a line of a file")
	assert.Contains(t, r.err, `the ID user\n6 cannot stand in a line of a file`)
	text, err := os.ReadFile(left)
	require.NoError(t, err)
	assert.Equal(t, "user_2\nuser_3\nuser_4\n", string(text))

	again := []string{"delete-user", "--yes", "--json", "--from-file", left, "--remaining"}
	assert.Equal(t, statusUsage, shell.run(append(again, left)...).status, "it overwrites nothing")
	none := left + ".none"
	r = shell.run(append(again, none)...)
	assert.Zero(t, r.status, r.err)
	assert.Len(t, statuses(t, r.out), 3)
	assert.NoFileExists(t, none)
}

func TestNothingIsDeletedWithoutAReceipt(t *testing.T) {
	for _, args := range [][]string{nil, {"--json"}} {
		server := loopkittest.NewServer(t)
		env := shellWith(t, server).env
		left := filepath.Join(t.TempDir(), "left.txt")
		var err strings.Builder
		p := &program{in: strings.NewReader(""), out: brokenPipe{}, err: &err, getenv: func(name string) string { return env[name] }}
		assert.Equal(t, statusFailed, p.run(t.Context(), append([]string{"delete-user", "user_1", "user_2", "--yes", "--remaining", left}, args...)))
		assert.Contains(t, err.String(), "user user_1: deleted; the receipt could not be written, and nothing more was tried")
		assert.Len(t, server.Messages(), 1)
		text, failure := os.ReadFile(left)
		require.NoError(t, failure)
		assert.Equal(t, "user_2\n", string(text))
	}
}

func TestIDsCannotSteerATerminal(t *testing.T) {
	const id = "evil\x1b[2K\tdeleted\u202e"
	server := loopkittest.NewServer(t)
	shell := shellWith(t, server)
	shell.in = id + "\n"
	r := shell.run("delete-user", "--from-file", "-", "--yes")
	assert.Contains(t, r.out, `evil\x1b[2K\tdeleted\u202e  deleted`)

	shell.terminal = true
	for answer, want := range map[string]int{"1 user\n": statusOK, id + "\n": statusFailed} {
		shell.in = answer
		r = shell.run("delete-user", id)
		assert.Equal(t, want, r.status)
		assert.Contains(t, r.err, `the data of 1 user: evil\x1b[2K\tdeleted\u202e at `)
		assert.NotContains(t, r.out+r.err, "\x1b")
	}

	for _, args := range [][]string{
		{"track", id, "--user", "user_123"}, {"identify", id, "--trait", id + "=1"},
		{"track", "user_signup", "--user", "user_123", "--prop", id + ":=no"}, {"track", "x", "--user", "u", "--at", id}, {id},
	} {
		r := shell.run(args...)
		assert.NotContains(t, r.out+r.err, "\x1b", "%q", args)
	}
}
