package loopkitcli_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/loopkitai/loopkit-go/loopkitcli"
)

func TestOfAnyCommandOnlyWhatLooksLikeNamesIsSent(t *testing.T) {
	for command, want := range map[string]string{
		"":                              "mytool",
		"mytool":                        "mytool",
		"deploy":                        "deploy",
		"mytool remote add":             "remote add", // as cobra's CommandPath
		"  remote   add ":               "remote add",
		"a b c d":                       "a b c d",
		"a b c d e":                     "a b c d other",
		"db-migrate up_all":             "db-migrate up_all",
		"deploy <service>":              "deploy", // as kong's Context.Command
		"deploy ./secret.txt":           "deploy other",
		"deploy ./secret.txt john":      "deploy other",
		"deploy --token hunter2":        "deploy other",
		"deploy john@acme.com":          "deploy other",
		"deploy C:\\Users\\john":        "deploy other",
		"deploy 4711":                   "deploy other",
		"/usr/bin/mytool deploy":        "other",
		"déploy":                        "other",
		"deploy \xff":                   "deploy other",
		"deploy a=b":                    "deploy other",
		"deploy\nsecret.txt":            "deploy other",
		strings.Repeat("a", 32):         strings.Repeat("a", 32),
		strings.Repeat("a", 33):         "other",
		"login ghp_16C7e42F292c6912E77": "login ghp_16C7e42F292c6912E77", // the limit that the documentation names
	} {
		assert.Equal(t, want, loopkitcli.CommandName(command, loopkitcli.Options{App: "mytool", AnyCommand: true}), "%q", command)
	}
}

func TestWithoutAListNoCommandIsSent(t *testing.T) {
	for command, want := range map[string]string{"": "mytool", "mytool": "mytool", "deploy": "other", "hunter2": "other"} {
		assert.Equal(t, want, loopkitcli.CommandName(command, loopkitcli.Options{App: "mytool"}), command)
	}
}

func TestWithAListOnlyListedCommandsAreSent(t *testing.T) {
	listed := []string{"deploy", "remote", "remote add"}
	for command, want := range map[string]string{
		"":                      "mytool",
		"deploy":                "deploy",
		"deploy john hunter2":   "deploy",
		"remote add origin":     "remote add",
		"remote rename a b":     "remote",
		"mytool remote add a":   "remote add",
		"john":                  "other",
		"Deploy":                "other",
		"remotely":              "other",
		"deploy/../../password": "other",
	} {
		assert.Equal(t, want, loopkitcli.CommandName(command, loopkitcli.Options{App: "mytool", Commands: listed, AnyCommand: true}), "%q", command)
	}
	nothing := loopkitcli.Options{App: "mytool", Commands: []string{}, AnyCommand: true}
	assert.Equal(t, "other", loopkitcli.CommandName("deploy", nothing), "an empty list lists nothing")
}

func TestOfFlagsOnlyNamesAreSent(t *testing.T) {
	long := strings.Repeat("a", 64)
	for _, c := range []struct{ given, want []string }{
		{nil, []string{}},
		{[]string{"force", "timeout"}, []string{"force", "timeout"}},
		{[]string{"timeout", "force", "timeout"}, []string{"force", "timeout"}},
		{[]string{"timeout=5s"}, []string{"timeout"}},
		{[]string{"--timeout=5s", "-v", "--server.port"}, []string{"server.port", "timeout", "v"}},
		{[]string{"a b", "ä", "", "x/y", "john@acme.com", "$HOME"}, []string{"other"}},
		{[]string{long, long + "a"}, []string{long, "other"}},
		{[]string{"4"}, []string{"4"}},

		// Arguments of the command line.
		{[]string{"--token", "hunter2"}, []string{"other", "token"}},
		{[]string{"deploy", "-p", "hunter2", "john"}, []string{"other", "p"}},
		{[]string{"-phunter2"}, []string{"other"}},
		{[]string{"-timeout=5s"}, []string{"other"}},
		{[]string{"-v", "--", "--hunter2"}, []string{"other", "v"}},
		{[]string{"-v", "--"}, []string{"v"}},
		{[]string{"---hunter2", "-", "-="}, []string{"other"}},
		{[]string{"--=hunter2"}, []string{"other"}},
	} {
		assert.Equal(t, c.want, loopkitcli.FlagNames(c.given, nil), "%q", c.given)
	}
	listed := []string{"timeout", "v", "p"}
	for _, c := range []struct{ given, want []string }{
		{[]string{"timeout", "v"}, []string{"timeout", "v"}},
		{[]string{"-timeout=5s", "-vp", "--hunter2"}, []string{"other", "timeout"}},
		{[]string{"--p", "v"}, []string{"other", "p"}}, // v may be the value of p
	} {
		assert.Equal(t, c.want, loopkitcli.FlagNames(c.given, listed), "%q", c.given)
	}
}

func TestThereIsABoundToFlags(t *testing.T) {
	var many []string
	for n := range 1000 {
		many = append(many, fmt.Sprintf("flag-%03d", n))
	}
	names := loopkitcli.FlagNames(many, nil)
	assert.Len(t, names, 64)
	assert.Equal(t, "other", names[63])
}

// A caller who passes the whole command line by mistake gives nothing away that
// does not look like a name, and with lists nothing at all.
func TestArgumentsPassedByMistakeAreNotSent(t *testing.T) {
	needles := []string{
		"/home/needle/secret.txt", "needle@example.com", "https://needle.example.com/?q=1", "needle=1", "--password=needle",
		"-pneedle", "C:\\needle", "needle.tar.gz", "9needle", "{\"needle\":1}", "$needle", "~needle", "@needle",
		"sk-needle.live", strings.Repeat("needle", 6), "nëedle", "*needle*",
	}
	i := agreed(t)
	i.options.AnyCommand = true
	for _, needle := range needles {
		line := []string{"mytool", "deploy", needle, "needle"} // the last is behind what is no name
		i.command(strings.Join(line, " "), line[1], "--flag", needle, "needle")
	}
	i.options.Commands, i.options.Flags = []string{"deploy"}, []string{"flag"}
	for _, needle := range append(needles, "needle") {
		i.command("deploy "+needle, "deploy", "--flag", needle)
		i.command(needle, needle)
	}
	require.Greater(t, len(i.tracks()), 3*len(needles))
	for _, m := range i.tracks() {
		require.NotContains(t, strings.ToLower(string(m.Raw)), "needle")
	}
}
