package command

import (
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/loopkitai/loopkit-go/loopkittest"
)

func TestAWrongUseEndsWithStatus2AndSendsNothing(t *testing.T) {
	server := loopkittest.NewServer(t)
	track := []string{"track", "user_signup", "--user", "user_123"}
	for says, args := range map[string][]string{
		`there is no command "trakc"; did you mean track?`:     {"trakc"},
		`there is no command "frobnicate"; "loopkit --help"`:   {"frobnicate"},
		"did you mean delete-user or delete-group?":            {"delete", "user_123"},
		"there is no flag --usre; did you mean --user?":        {"track", "user_signup", "--usre", "user_123"},
		"there is no flag --frobnicate; see":                   {"version", "--frobnicate"},
		"there is no flag -k":                                  {"track", "-ks3cr3t"},
		"flag needs an argument: --user":                       {"track", "user_signup", "--user"},
		`invalid argument "soon"`:                              append(track, "--timeout", "soon"),
		"--timeout is 0s":                                      append(track, "--timeout", "0"),
		"the name of the event is missing":                     {"track"},
		"2 arguments, but there is only one user ID":           {"identify", "user_123", "plan=pro"},
		"whose message is it?":                                 {"track", "user_signup"},
		`userId is a placeholder`:                              {"identify", "undefined"},
		"--type is empty":                                      {"group", "team_456", "--user", "user_123", "--type="},
		"anonymousId begins or ends with a space":              append(track, "--anonymous-id", " anon_456"),
		"event is empty":                                       {"track", "", "--user", "user_123"},
		`--at is "yesterday"`:                                  append(track, "--at", "yesterday"),
		"time is before 1970":                                  append(track, "--at", "1969-07-20"),
		"--prop number 1 has no =":                             append(track, "--prop", "plan"),
		"--prop number 2 has no key":                           append(track, "--prop", "plan=pro", "--prop", "=pro"),
		"what follows := is not JSON; for a text write plan=…": append(track, "--prop", "plan:=pro"),
		"--prop plan: it has a value already":                  append(track, "--prop", "plan=pro", "--props-json", `{"plan":"trial"}`),
		"--prop plan: the value is not UTF-8":                  append(track, "--prop", "plan=\xff"),
		`--props-json has the key "plan" twice`:                append(track, "--props-json", `{"plan":"pro","plan":"trial"}`),
		"--prop number 1 has a key that is not UTF-8":          append(track, "--prop", "pl\xffn=pro"),
		"--props-json is not UTF-8":                            append(track, "--props-json", "{\"plan\":\"\xff\"}"),
		"--props-json is not a JSON object":                    append(track, "--props-json", `["pro"]`),
		"--props-json: open missing.json":                      append(track, "--props-json", "@missing.json"),
		`--dialect is "both"`:                                  append(track, "--dialect", "both"),
		"the address from --base-url has the scheme":           append(track, "--base-url", "ftp://127.0.0.1"),
		"the user's ID is missing":                             {"delete-user"},
		"not a terminal; pass --yes":                           {"delete-user", "user_123"},
		"the API key's file: open missing.key":                 append(track, "--api-key-file", "missing.key"),
		"name one shell: bash, zsh, fish, powershell":          {"completion", "tcsh"},
		`loopkit version takes no argument, and "now" is one`:  {"version", "now"},
		`there is no command "bogus"`:                          {"help", "bogus"},
		`there is no command "track bogus"`:                    {"help", "track", "bogus"},
		`it must be auto, objects or envelopes`:                {"--dialect", "foo", "track", "x", "--user", "u"},
		"no file is named: loopkit import FILE...":             {"import"},
	} {
		r := shellWith(t, server).run(args...)
		assert.Equal(t, statusUsage, r.status, "%q", args)
		assert.Contains(t, r.err, says, "%q", args)
		assert.Empty(t, r.out, "%q", args)
	}
	assert.Empty(t, server.Requests())
}

func TestAFlagThatIsGivenAndEmptyIsNotTakenForItsDefault(t *testing.T) {
	server := loopkittest.NewServer(t)
	for _, command := range [][]string{{"identify", "user_123"}, {"group", "team_456"}, {"track", "user_signup"}, {"delete-user", "user_123", "--yes"}} {
		cmd, _, err := (&program{getenv: func(string) string { return "" }}).root().Find(command[:1])
		require.NoError(t, err)
		cmd.InheritedFlags() // adds those of the root
		cmd.Flags().VisitAll(func(flag *pflag.Flag) {
			if flag.Value.Type() != "string" {
				return
			}
			args := append(slices.Clone(command), "--"+flag.Name, "")
			r := shellWith(t, server).run(args...)
			assert.Equal(t, statusUsage, r.status, "%q", args)
			assert.Contains(t, r.err, "--"+flag.Name+" is empty", "%q", args)
		})
	}
	assert.Empty(t, server.Requests())
}

func TestAnEmptyVariableIsNotSet(t *testing.T) {
	server := loopkittest.NewServer(t)
	shell := shellWith(t, server)
	shell.env[envDialect], shell.env[envKeyFile] = "", ""
	assert.Zero(t, shell.run("track", "user_signup", "--user", "user_123").status)
	shell.env[envKey] = ""
	assert.Contains(t, shell.run("track", "user_signup", "--user", "user_123").err, "no API key")
	shell.env[envBaseURL] = ""
	assert.Contains(t, shell.run("track", "user_signup", "--user", "user_123", "--dry-run").out, "POST https://api.loopkit.ai/v1/tracks")
}

func TestTheKeyIsNeverTakenFromTheCommandLine(t *testing.T) {
	for _, args := range [][]string{{"--api-key=s3cr3t"}, {"--api-key", "s3cr3t"}, {"--apikey", "s3cr3t"}, {"--token=s3cr3t"}} {
		r := (&world{t: t}).run(append([]string{"track", "user_signup", "--user", "user_123"}, args...)...)
		assert.Equal(t, statusUsage, r.status)
		assert.Contains(t, r.err, "stays in the shell's history")
		assert.Contains(t, r.err, "LOOPKIT_API_KEY")
		assert.Contains(t, r.err, "--api-key-file")
	}
}

func TestTheKeyComesFromTheFlagsFileThenTheEnvironmentThenItsFile(t *testing.T) {
	server := loopkittest.NewServer(t, loopkittest.WithKeys("lk_flag_s3cr3t"))
	dir := t.TempDir()
	keyFile := func(name, key string) string {
		file := filepath.Join(dir, name)
		require.NoError(t, os.WriteFile(file, []byte(key+"\n"), 0o600))
		return file
	}
	right, wrong := keyFile("right", "lk_flag_s3cr3t"), keyFile("wrong", "lk_other_s3cr3t")
	for name, c := range map[string]struct {
		env    map[string]string
		args   []string
		status int
	}{
		"flag":                    {map[string]string{envKey: "lk_env_s3cr3t", envKeyFile: wrong}, []string{"--api-key-file", right}, statusOK},
		"environment":             {map[string]string{envKey: "lk_flag_s3cr3t", envKeyFile: wrong}, nil, statusOK},
		"file of the environment": {map[string]string{envKeyFile: right}, nil, statusOK},
		"wrong key":               {map[string]string{envKeyFile: wrong}, nil, statusFailed},
		"none":                    {nil, nil, statusUsage},
	} {
		shell := &world{t: t, env: c.env}
		r := shell.run(append(c.args, "track", "user_signup", "--user", "user_123", "--base-url", server.BaseURL())...)
		assert.Equal(t, c.status, r.status, "%s: %s", name, r.err)
	}
}

func TestAKeyThatCannotBeSentIsNamedByItsPlace(t *testing.T) {
	server := loopkittest.NewServer(t)
	shell := shellWith(t, server)
	shell.env[envKey] = "lk_s3cr3t with spaces"
	r := shell.run("track", "user_signup", "--user", "user_123")
	assert.Equal(t, statusUsage, r.status)
	assert.Contains(t, r.err, "the API key from LOOPKIT_API_KEY contains a space")
}

func TestAKeyFileThatOthersCanReadGivesAWarning(t *testing.T) {
	server := loopkittest.NewServer(t)
	file := filepath.Join(t.TempDir(), "key")
	require.NoError(t, os.WriteFile(file, []byte(testKey), 0o600))
	require.NoError(t, os.Chmod(file, 0o644))
	r := shellWith(t, server).run("track", "user_signup", "--user", "user_123", "--api-key-file", file)
	assert.Zero(t, r.status)
	assert.Equal(t, runtime.GOOS != "windows", strings.Contains(r.err, "other users can read"))
}

func TestAKeyFileHoldsAKeyAndNothingElse(t *testing.T) {
	server := loopkittest.NewServer(t)
	for text, says := range map[string]string{
		"":                                     "must hold the key and nothing else",
		" \n":                                  "must hold the key and nothing else",
		strings.Repeat("k", maxKeyFileBytes+1): "must hold the key and nothing else",
		"s3cr3t\ns3cr3t":                       "contains a space",
		"\xff\xfes\x003\x00":                   "is UTF-16; save it as UTF-8",
		"LOOPKIT_API_KEY=s3cr3t\n":             "without the name of a variable",
		"export LOOPKIT_API_KEY=s3cr3t\n":      "without the name of a variable",
	} {
		file := filepath.Join(t.TempDir(), "key")
		require.NoError(t, os.WriteFile(file, []byte(text), 0o600))
		r := shellWith(t, server).run("track", "user_signup", "--user", "user_123", "--api-key-file", file)
		assert.Equal(t, statusUsage, r.status)
		assert.Contains(t, r.err, says)
	}
	file := filepath.Join(t.TempDir(), "key")
	require.NoError(t, os.WriteFile(file, []byte("\ufeff"+testKey+"\r\n"), 0o600))
	r := shellWith(t, server).run("track", "user_signup", "--user", "user_123", "--api-key-file", file)
	assert.Zero(t, r.status, "Notepad's byte order mark is no part of a key")
}

func TestEveryCommandHasAGroupAnExampleAndAShortHelp(t *testing.T) {
	root := (&program{in: strings.NewReader(""), out: io.Discard, err: io.Discard, getenv: func(string) string { return "" }}).root()
	root.InitDefaultHelpCmd()
	var check func(cmd *cobra.Command)
	check = func(cmd *cobra.Command) {
		assert.NotEmpty(t, cmd.Short, cmd.Name())
		assert.False(t, strings.HasSuffix(cmd.Short, "."), cmd.Name())
		if cmd.Name() == "help" { // cobra's own
			return
		}
		assert.NotEmpty(t, cmd.Example, cmd.Name())
		for _, line := range strings.Split(cmd.Example, "\n") {
			assert.True(t, strings.HasPrefix(line, "  "), "%s: %q", cmd.Name(), line)
		}
		for _, line := range strings.Split(cmd.Long, "\n") {
			assert.LessOrEqual(t, len([]rune(line)), 100, "%s: %q", cmd.Name(), line)
		}
		for _, sub := range cmd.Commands() {
			assert.NotEmpty(t, sub.GroupID, sub.Name())
			check(sub)
		}
	}
	check(root)
	assert.Zero(t, (&world{t: t}).run().status)
	assert.Zero(t, (&world{t: t}).run("help", "track").status)
	assert.Contains(t, (&world{t: t}).run("help").out, "--version")
}

func TestCompletionIsWrittenForEveryShell(t *testing.T) {
	for _, shell := range []string{"bash", "zsh", "fish", "powershell"} {
		r := (&world{t: t}).run("completion", shell)
		assert.Zero(t, r.status)
		assert.Contains(t, r.out, "loopkit")
		assert.Empty(t, r.err)
	}
	assert.Contains(t, (&world{t: t}).run("__complete", "completion", "").out, "fish")
	assert.Contains(t, (&world{t: t}).run("__complete", "--dialect", "").out, "envelopes")
	assert.Contains(t, (&world{t: t}).run("__complete", "help", "").out, "validate")
	for _, command := range []string{"identify", "group", "track", "delete-user", "delete-group"} {
		assert.Contains(t, (&world{t: t}).run("__complete", command, "").out, ":4", "no file is an ID")
	}
}

// brokenPipe is an output that nobody reads.
type brokenPipe struct{}

func (brokenPipe) Write([]byte) (int, error) { return 0, io.ErrClosedPipe }

func TestAnOutputThatCannotBeWrittenIsAFailure(t *testing.T) {
	server := loopkittest.NewServer(t)
	for _, args := range [][]string{
		{}, {"help", "track"}, {"track", "--help"}, {"version"}, {"version", "--json"}, {"completion", "bash"},
		{"track", "user_signup", "--user", "user_123"},
		{"track", "user_signup", "--user", "user_123", "--json"},
		{"track", "user_signup", "--user", "user_123", "--dry-run"},
		{"delete-user", "user_123", "--yes"},
		{"delete-user", "user_123", "--yes", "--json"},
	} {
		var err strings.Builder
		env := shellWith(t, server).env
		p := &program{in: strings.NewReader(""), out: brokenPipe{}, err: &err, getenv: func(name string) string { return env[name] }}
		assert.Equal(t, statusFailed, p.run(t.Context(), args), "%q", args)
		assert.Contains(t, err.String(), "closed pipe", "%q", args)
		if len(args) > 2 && args[0] == "track" && args[len(args)-1] != "--dry-run" {
			assert.Contains(t, err.String(), "it was delivered, and must not be sent again", "%q", args)
		}
	}
}

func TestColourIsForTerminalsThatWantIt(t *testing.T) {
	for name, c := range map[string]struct {
		env      map[string]string
		terminal bool
		want     string
	}{
		"terminal":      {nil, true, "\x1b[31mno\x1b[0m"},
		"pipe":          {nil, false, "no"},
		"NO_COLOR":      {map[string]string{"NO_COLOR": "1"}, true, "no"},
		"dumb terminal": {map[string]string{"TERM": "dumb"}, true, "no"},
	} {
		p := &program{getenv: func(name string) string { return c.env[name] }, terminal: func(any) bool { return c.terminal }}
		assert.Equal(t, c.want, p.paint(io.Discard, styleRed, "no"), name)
	}
}
