package command

import (
	"encoding/json"
	"runtime"
	"runtime/debug"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/loopkitai/loopkit-go"
)

func TestVersionIsTheModulesElseTheLibrarys(t *testing.T) {
	for given, want := range map[string]string{"v1.2.3": "1.2.3", "(devel)": loopkit.Version, "v0.0.0-20250115103000-15d7888aabbc": loopkit.Version, "": loopkit.Version} {
		assert.Equal(t, want, buildOf(&debug.BuildInfo{Main: debug.Module{Version: given}}).Version)
	}
	assert.Equal(t, loopkit.Version, buildOf(nil).Version)
}

func TestVersionNamesTheRevision(t *testing.T) {
	b := buildOf(&debug.BuildInfo{Settings: []debug.BuildSetting{{Key: "vcs.revision", Value: "15d7888aabbccddeeff0011"}, {Key: "vcs.modified", Value: "true"}}})
	assert.Equal(t, "loopkit "+loopkit.Version+" (15d7888aabbc, modified) "+runtime.Version()+" "+runtime.GOOS+"/"+runtime.GOARCH, b.String())
}

func TestVersionIsPrintedAsTextAndJSON(t *testing.T) {
	shell := &world{t: t}
	assert.Equal(t, shell.run("version"), shell.run("--version"))
	assert.Regexp(t, `^loopkit \S+ .*go\d`, shell.run("version").out)
	var b build
	require.NoError(t, json.Unmarshal([]byte(shell.run("version", "--json").out), &b))
	assert.Equal(t, runtime.GOARCH, b.Arch)
}
