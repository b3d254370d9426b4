package command

import (
	"context"
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/loopkitai/loopkit-go/loopkittest"
)

// interruptedAtARequest is a shell in which Ctrl-C is pressed when the server has
// got a request.
func interruptedAtARequest(t *testing.T) *world {
	server := loopkittest.NewServer(t)
	ctx, interrupt := context.WithCancel(t.Context())
	t.Cleanup(interrupt)
	server.FailAll(loopkittest.Any, loopkittest.Fault{Hang: true, If: func([]byte) bool { interrupt(); return true }})
	shell := shellWith(t, server)
	shell.ctx = ctx
	return shell
}

func TestAnInterruptedMessageIsNotClaimedToBeDelivered(t *testing.T) {
	r := interruptedAtARequest(t).run("track", "user_signup", "--user", "user_123")
	assert.Equal(t, statusFailed, r.status)
	assert.Contains(t, r.err, "it may have arrived: interrupted")
}

func TestAnInterruptedDeletionSaysWhatWasNotTried(t *testing.T) {
	r := interruptedAtARequest(t).run("delete-user", "user_123", "user_456", "--yes", "--json")
	assert.Equal(t, statusFailed, r.status)
	assert.Equal(t, map[string]string{"user_123": notConfirmed, "user_456": notTried}, statuses(t, r.out))
	assert.Contains(t, r.out, "it may have been done: interrupted")
}

func TestAnInterruptedQuestionDeletesNothing(t *testing.T) {
	server := loopkittest.NewServer(t)
	ctx, interrupt := context.WithCancel(t.Context())
	silent, typing := io.Pipe()
	t.Cleanup(func() { assert.NoError(t, typing.Close()) })
	var out, err strings.Builder
	env := shellWith(t, server).env
	p := &program{
		in: silent, out: &out, err: &err,
		getenv:   func(name string) string { return env[name] },
		terminal: func(any) bool { interrupt(); return true },
	}
	assert.Equal(t, statusFailed, p.run(ctx, []string{"delete-user", "user_123"}))
	assert.Contains(t, err.String(), "nothing was deleted: interrupted")
	assert.Empty(t, server.Requests())
}

func TestAWrongIDStopsAllDeletionsBeforeTheFirst(t *testing.T) {
	server := loopkittest.NewServer(t)
	for id, says := range map[string]string{
		"..":             "cannot be put into a path",
		"":               "is empty",
		"undefined":      "is a placeholder",
		"user_1\x1b[2K ": `"user_1\\x1b[2K ", begins or ends with a space`,
	} {
		for _, command := range []string{"delete-user", "delete-group"} {
			r := shellWith(t, server).run(command, "ok", id, "--yes", "--json")
			assert.Equal(t, statusUsage, r.status)
			assert.Empty(t, r.out)
			assert.Contains(t, r.err, "ID number 2, ")
			assert.Contains(t, r.err, says)
			assert.Contains(t, r.err, "nothing was deleted")
		}
	}
	assert.Empty(t, server.Requests())
}

func TestOtherStatusesNameTheirRemedy(t *testing.T) {
	t.Parallel()
	for status, says := range map[int]string{
		402: "check the plan", 403: "check its permissions", 407: "the proxy's credentials", 501: "the server has a problem", 505: "the server has a problem",
	} {
		server := loopkittest.NewServer(t)
		server.FailAll(loopkittest.Any, loopkittest.Fault{Status: status})
		r := shellWith(t, server).run("track", "user_signup", "--user", "user_123", "--timeout", "300ms")
		assert.Equal(t, statusFailed, r.status)
		assert.Contains(t, r.err, says)
		assert.Contains(t, r.err, "nothing was delivered")
	}
}
