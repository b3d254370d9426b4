//go:build !race

package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/loopkitai/loopkit-go"
)

// TestGoInstallWorksFromACleanModuleCache installs the tool as somebody does who
// has none of its dependencies. They come from this machine's cache, so that it
// needs no network, and the two modules from this repository, for they may not
// be published in this state.
func TestGoInstallWorksFromACleanModuleCache(t *testing.T) {
	const tool = "github.com/loopkitai/loopkit-go/cmd/loopkit"
	here, err := os.Getwd()
	require.NoError(t, err)
	cache := strings.TrimSpace(run(t, here, nil, "go", "env", "GOMODCACHE"))
	proxy := strings.TrimSpace(run(t, here, nil, "go", "env", "GOPROXY")) // for what a workspace had no need of
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "go.mod"), []byte(`module example.com/somebody

go 1.25.0

require `+tool+` v0.0.0

replace github.com/loopkitai/loopkit-go => `+filepath.ToSlash(filepath.Join(here, "..", ".."))+`

replace `+tool+` => `+filepath.ToSlash(here)+`
`), 0o600))
	bin := filepath.Join(dir, "bin")
	run(t, dir, []string{
		"GOWORK=off", "GOFLAGS=-mod=mod -modcacherw", "GOMODCACHE=" + filepath.Join(dir, "cache"), "GOBIN=" + bin,
		"GOPROXY=file://" + filepath.ToSlash(filepath.Join(cache, "cache", "download")) + "," + proxy, "GOSUMDB=off", "GOTOOLCHAIN=local",
	}, "go", "install", tool)

	out := run(t, dir, nil, filepath.Join(bin, "loopkit"), "version")
	assert.Contains(t, out, "loopkit "+loopkit.Version+" ")
	assert.Contains(t, out, runtime.GOARCH)
}

func run(t *testing.T, dir string, env []string, name string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), name, args...)
	cmd.Dir, cmd.Env = dir, append(os.Environ(), env...)
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s", out)
	return string(out)
}
