package main

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/loopkitai/loopkit-go/loopkittest"
)

// start is one run of the program on this machine.
func start(t *testing.T, command, user string) {
	t.Helper()
	client := newClient()
	run(t.Context(), client.Session(), command, user)
	require.NoError(t, client.Close(t.Context()))
}

func serve(t *testing.T) *loopkittest.Server {
	server := loopkittest.NewServer(t, loopkittest.Strict())
	home := t.TempDir()
	for _, name := range []string{"HOME", "XDG_CONFIG_HOME", "AppData"} { // unix, Linux, Windows
		t.Setenv(name, home)
	}
	t.Setenv("DO_NOT_TRACK", "")
	t.Setenv("LOOPKIT_API_KEY", "lk_test")
	t.Setenv("LOOPKIT_BASE_URL", server.BaseURL())
	return server
}

func TestAllRunsAreOnePersonUntilLogout(t *testing.T) {
	server := serve(t)
	start(t, "build", "")
	start(t, "login", "user_1")
	start(t, "build", "")
	start(t, "logout", "")
	start(t, "login", "user_2")

	first := loopkittest.RequireIdentified(t, server, "user_1", "")
	second := loopkittest.RequireIdentified(t, server, "user_2", "")
	assert.Len(t, first.Events, 4)
	assert.Len(t, second.Events, 1)
	assert.Empty(t, first.Conflicts)
	assert.Equal(t, map[string]any{"app": "mytool", "version": "1.4.2"}, first.Events[0].System["context"])
}

func TestNothingIsSentToWhomItIsNotWanted(t *testing.T) {
	server := serve(t)
	t.Setenv("DO_NOT_TRACK", "1")
	start(t, "build", "")
	assert.Empty(t, server.Requests())
}

func TestAMissingKeyDoesNotStopTheProgram(t *testing.T) {
	server := serve(t)
	t.Setenv("LOOPKIT_API_KEY", "")
	start(t, "build", "")
	assert.Empty(t, server.Requests())
}
