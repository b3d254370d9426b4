package loopkitcli_test

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/loopkitai/loopkit-go/loopkitcli"
	"github.com/loopkitai/loopkit-go/loopkittest"
)

const apiKey = "lk_test"

// docs/cli.md: begin

func main() {
	t := loopkitcli.New(apiKey, &loopkitcli.Options{
		App: "mytool", Version: "1.4.2",
		Commands: []string{"deploy", "status"},
		About:    "What becomes of it: https://example.com/privacy",
	})
	os.Exit(t.Run(func() int { return run(t) })) // Run finishes what Start began
}

func run(t *loopkitcli.Telemetry) int {
	force := flag.Bool("force", false, "deploy without asking")
	flag.Parse()
	if flag.Arg(0) == "telemetry" {
		return t.Command(flag.Args()[1:], os.Stdout) // status, on, off, show, reset
	}
	t.Notice() // once, on a terminal
	t.Start(flag.Arg(0), given(flag.CommandLine)...)
	return deploy(*force)
}

// given returns the names of the flags that were set.
func given(set *flag.FlagSet) (names []string) {
	set.Visit(func(f *flag.Flag) { names = append(names, f.Name) })
	return names
}

// docs/cli.md: end

// quickStart names the variable that makes the test binary be that program.
const quickStart = "LOOPKIT_TEST_CLI_QUICKSTART"

func init() {
	if os.Getenv(quickStart) != "" {
		main()
	}
}

func deploy(force bool) int {
	fmt.Println("deployed", force)
	return 3
}

func TestTheQuickStartOfTheDocumentationWorks(t *testing.T) {
	clearEnvironment(t)
	server, home := loopkittest.NewServer(t), t.TempDir()
	mytool := func(args ...string) (string, int) {
		program := exec.Command(os.Args[0], args...)
		program.Env = append(os.Environ(), quickStart+"=1", "LOOPKIT_BASE_URL="+server.BaseURL(), "HOME="+home, "XDG_CONFIG_HOME="+home, "AppData="+home,
			"GORACE=atexit_sleep_ms=0")
		out, err := program.CombinedOutput()
		if err != nil {
			var ended *exec.ExitError
			require.ErrorAs(t, err, &ended, string(out))
		}
		return string(out), program.ProcessState.ExitCode()
	}

	out, code := mytool("deploy")
	assert.Equal(t, "deployed false\n", out)
	assert.Equal(t, 3, code)
	assert.Empty(t, server.Messages(), "nobody has agreed yet")

	out, code = mytool("telemetry", "on")
	assert.Contains(t, out, "Thank you.")
	assert.Zero(t, code)
	for range 20 { // the machine may be busy for longer than the exit budget
		if mytool("-force", "deploy", "secret.txt"); len(server.Messages()) > 0 {
			break
		}
	}
	require.NotEmpty(t, server.Messages())
	m := server.Messages()[0]
	assert.Equal(t, "deploy", m.Values["command"])
	assert.Equal(t, []any{"force"}, m.Values["flags"])
	assert.EqualValues(t, 3, m.Values["exit_code"])
	assert.NotContains(t, string(m.Raw), "secret")
}

func TestTheQuickStartIsThatOfTheDocumentation(t *testing.T) {
	read := func(path string) string {
		text, err := os.ReadFile(path)
		require.NoError(t, err)
		return strings.ReplaceAll(string(text), "\r\n", "\n")
	}
	_, code, found := strings.Cut(read("quickstart_test.go"), "// docs/cli.md: begin\n\n")
	require.True(t, found)
	code, _, found = strings.Cut(code, "\n// docs/cli.md: end\n")
	require.True(t, found)
	assert.Contains(t, read("../docs/cli.md"), "\n```go\n"+code+"```\n")
}
