package doctor

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/loopkitai/loopkit-go/loopkitcli"
)

func TestWhatMakesProgramsSilent(t *testing.T) {
	for name, c := range map[string]struct {
		app       string
		variables map[string]string
		status    Status
		says      string
	}{
		"nothing":                {"", nil, OK, "neither"},
		"DO_NOT_TRACK":           {"", map[string]string{"DO_NOT_TRACK": "1"}, Warning, "DO_NOT_TRACK is set"},
		"DO_NOT_TRACK says no":   {"", map[string]string{"DO_NOT_TRACK": "0"}, OK, "neither"},
		"continuous integration": {"", map[string]string{"GITHUB_ACTIONS": "true"}, Warning, "GITHUB_ACTIONS is set"},
		"own variable":           {"my-tool", map[string]string{"MY_TOOL_TELEMETRY": "off"}, Warning, "MY_TOOL_TELEMETRY switches it off"},
		"own variable, log":      {"my-tool", map[string]string{"MY_TOOL_TELEMETRY": "log"}, Warning, "nothing is sent"},
		"own variable, on":       {"my-tool", map[string]string{"MY_TOOL_TELEMETRY": "on", "CI": "true"}, OK, "switches it on"},
	} {
		env := healthy(t, "")
		env.App, env.Getenv = c.app, environment(c.variables)
		findings := checkOptOut(env)
		require.Len(t, findings, 1, name)
		assert.Equal(t, c.status, findings[0].Status, name)
		assert.Contains(t, findings[0].Detail, c.says, name)
	}
}

func TestContinuousIntegrationIsKnownAsPackageLoopkitcliKnowsIt(t *testing.T) {
	names := namesInLoopkitcli(t)
	require.NotEmpty(t, names)
	assert.Equal(t, names, ciVariables[:], "replace ciVariables by those of loopkitcli/decision.go")
	for _, name := range append(names, "DO_NOT_TRACK", "MY_TOOL_TELEMETRY") {
		t.Setenv(name, "")
	}
	for _, name := range names {
		for value, reason := range map[string]loopkitcli.Reason{"true": loopkitcli.ReasonCI, "17": loopkitcli.ReasonCI, "False": loopkitcli.ReasonNotAsked, "0": loopkitcli.ReasonNotAsked} {
			t.Setenv(name, value)
			program := loopkitcli.New(testKey, &loopkitcli.Options{App: "my-tool", Dir: t.TempDir()})
			require.Equal(t, reason, program.Decision().Reason, "%s=%s", name, value)

			env := healthy(t, "")
			env.Getenv = environment(map[string]string{name: value})
			findings := checkOptOut(env)
			require.Len(t, findings, 1)
			if reason == loopkitcli.ReasonCI {
				assert.Equal(t, Warning, findings[0].Status, "%s=%s", name, value)
				assert.Contains(t, findings[0].Detail, name+" is set")
			} else {
				assert.Equal(t, OK, findings[0].Status, "%s=%s", name, value)
			}
		}
		t.Setenv(name, "")
	}
}

// namesInLoopkitcli reads the list, which is not exported, from the source.
func namesInLoopkitcli(t *testing.T) (names []string) {
	file, err := parser.ParseFile(token.NewFileSet(), filepath.Join("..", "..", "..", "..", "loopkitcli", "decision.go"), nil, 0)
	require.NoError(t, err)
	ast.Inspect(file, func(node ast.Node) bool {
		spec, ok := node.(*ast.ValueSpec)
		if !ok || spec.Names[0].Name != "ciVariables" {
			return true
		}
		for _, element := range spec.Values[0].(*ast.CompositeLit).Elts {
			name, err := strconv.Unquote(element.(*ast.BasicLit).Value)
			require.NoError(t, err)
			names = append(names, name)
		}
		return false
	})
	return names
}
