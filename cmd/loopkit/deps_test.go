package main_test

import (
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const (
	library   = "github.com/loopkitai/loopkit-go"
	collector = library + "/internal/collector"
	sensitive = library + "/internal/sensitive"
	own       = library + "/cmd/loopkit/internal/"
)

// imports says what each package may import beside the standard library; those
// of this module by their last element. A package that is not here has no place
// yet in the architecture.
var imports = map[string][]string{
	// What holds of messages, wherever they come from.
	"exact":   {collector},
	"plural":  {},
	"records": {collector},
	"rules":   {"plural", "records", collector, sensitive},

	// The development server.
	"devserver": {"filter", "journey", "lockfile", "page", "records", "rules", "sse", "store", "timeline", collector, "golang.org/x/time/rate"},
	"filter":    {"exact", "store", collector},
	"history":   {},
	"journey":   {library},
	"page":      {"exact", "filter", "history", "plural", "rules", "schema", "sse", "store", "timeline", collector},
	"schema":    {"exact", "store", collector, sensitive},
	"sse":       {},
	"store":     {"rules", collector},
	"timeline":  {"store", collector},

	// What sends, and what finds out why sending fails.
	"doctor":   {"plural", library},
	"importer": {"lockfile", "records", library, collector, "github.com/google/uuid", "golang.org/x/time/rate"},
	"lockfile": {"golang.org/x/sys/windows"},

	// The only one that knows of terminals, flags and exit statuses.
	"command": {
		"devserver", "doctor", "filter", "importer", "journey", "plural", "records", "rules", "sse", "store", library, collector,
		"github.com/schollz/progressbar/v3", "github.com/spf13/cobra", "github.com/spf13/pflag", "golang.org/x/term", "golang.org/x/time/rate",
	},
}

func TestPackagesImportWhatTheArchitectureAllows(t *testing.T) {
	out, err := exec.Command("go", "list", "-f", `{{.ImportPath}} {{join .Imports " "}}`, "./internal/...").Output()
	require.NoError(t, err)
	for line := range strings.Lines(string(out)) {
		fields := strings.Fields(line)
		name := strings.TrimPrefix(fields[0], own)
		allowed, known := imports[name]
		if !assert.True(t, known, "internal/%s has no row in this table", name) {
			continue
		}
		for _, imported := range fields[1:] {
			if first, _, _ := strings.Cut(imported, "/"); strings.Contains(first, ".") {
				assert.True(t, slices.Contains(allowed, strings.TrimPrefix(imported, own)), "internal/%s imports %s", name, imported)
			}
		}
	}
}

func TestTheToolHasNoTelemetryOfItsOwn(t *testing.T) {
	out, err := exec.Command("go", "list", "-deps", ".").Output()
	require.NoError(t, err)
	assert.NotContains(t, strings.Fields(string(out)), library+"/loopkitcli", "it would report what people do with the tool")
}
