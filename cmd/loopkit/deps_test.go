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
	library = "github.com/loopkitai/loopkit-go"
	own     = library + "/cmd/loopkit/internal/"
)

// imports says what each package may import beside the standard library. A
// package that is not here has no place yet in the architecture.
var imports = map[string][]string{
	// What holds of messages, wherever they come from.
	"rules":   {library + "/internal/collector", library + "/internal/sensitive"},
	"records": {library + "/internal/collector"},

	// The development server.
	"store":     {own + "rules", library + "/internal/collector"},
	"filter":    {own + "store", library + "/internal/collector"},
	"history":   {},
	"schema":    {own + "store", library + "/internal/collector", library + "/internal/sensitive"},
	"timeline":  {own + "store", library + "/internal/collector"},
	"sse":       {},
	"journey":   {library},
	"page":      {own + "filter", own + "history", own + "rules", own + "schema", own + "sse", own + "store", own + "timeline", library + "/internal/collector"},
	"devserver": {own + "filter", own + "journey", own + "page", own + "records", own + "rules", own + "sse", own + "store", library + "/internal/collector", "golang.org/x/time/rate"},

	// What sends, and what finds out why sending fails.
	"importer": {library, own + "records", library + "/internal/collector", "github.com/google/uuid", "golang.org/x/time/rate"},
	"doctor":   {library, library + "/spool"},

	// The only one that knows of terminals, flags and exit statuses.
	"command": {
		library, own + "devserver", own + "doctor", own + "filter", own + "importer", own + "journey", own + "records", own + "rules",
		own + "sse", own + "store", library + "/internal/collector",
		"github.com/spf13/cobra", "github.com/spf13/pflag", "github.com/schollz/progressbar/v3", "golang.org/x/term", "golang.org/x/time/rate",
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
				assert.True(t, slices.Contains(allowed, imported), "internal/%s imports %s", name, imported)
			}
		}
	}
}

func TestTheToolHasNoTelemetryOfItsOwn(t *testing.T) {
	out, err := exec.Command("go", "list", "-deps", ".").Output()
	require.NoError(t, err)
	assert.NotContains(t, strings.Fields(string(out)), library+"/loopkitcli", "it would report what people do with the tool")
}
