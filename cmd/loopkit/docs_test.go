package main

import (
	"cmp"
	"fmt"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/loopkitai/loopkit-go/cmd/loopkit/internal/filter"
	"github.com/loopkitai/loopkit-go/cmd/loopkit/internal/rules"
)

// documents are those about this program.
var documents = []string{"cli-tool.md", "dev-server.md", "troubleshooting.md"}

func document(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", "docs", name))
	require.NoError(t, err)
	return string(text)
}

// TestTheCommandsOfTheDocumentsPrintWhatTheySay runs each block of commands that
// a block of output follows, against a development server, in one directory for
// each document.
func TestTheCommandsOfTheDocumentsPrintWhatTheySay(t *testing.T) {
	t.Parallel()
	example := regexp.MustCompile("(?s)```sh\n([^`]+)```\n\n```(?:text|json)\n(.+?)```")
	for _, name := range documents {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			shell := newDocumentShell(t)
			examples := example.FindAllStringSubmatch(document(t, name), -1)
			require.NotEmpty(t, examples)
			for _, e := range examples {
				out := shell.run(e[1])
				assert.Regexp(t, shell.pattern(e[2]), out, "the output of\n%s", e[1])
			}
		})
	}
}

func TestTheTableOfRulesIsThatOfTheRules(t *testing.T) {
	var table strings.Builder
	table.WriteString("| Rule | Severity | Finds | In LoopKit's documentation |\n|---|---|---|---|\n")
	for _, rule := range rules.All() {
		fmt.Fprintf(&table, "| `%s` | %s | %s | %s |\n", rule.ID, rule.Severity, rule.Title, rule.Section)
	}
	_, behind, found := strings.Cut(document(t, "dev-server.md"), "\n## Rules\n")
	require.True(t, found)
	start := strings.Index(behind, "| Rule |")
	require.GreaterOrEqual(t, start, 0)
	written, _, _ := strings.Cut(behind[start:], "\n\n")
	assert.Equal(t, table.String(), written+"\n", "replace the table in docs/dev-server.md by this one")
}

func TestTroubleshootingNamesEveryRuleOfItsQuestions(t *testing.T) {
	text := document(t, "troubleshooting.md")
	for _, rule := range rules.All() {
		if strings.HasPrefix(rule.Section, "Troubleshooting: ") {
			assert.Contains(t, text, rule.ID, "of %s", rule.Section)
		}
	}
}

func TestTheFiltersOfTheDocumentsAreFilters(t *testing.T) {
	_, section, found := strings.Cut(document(t, "dev-server.md"), "\n## Filters\n")
	require.True(t, found)
	section, _, _ = strings.Cut(section, "\n## ")
	parsed := 0
	for line := range strings.Lines(section) {
		cells := strings.Split(line, " | ")
		if !strings.HasPrefix(line, "| `") {
			continue
		}
		for _, code := range regexp.MustCompile("`([^`]+)`").FindAllStringSubmatch(cells[0], -1) {
			_, err := filter.Parse(code[1])
			assert.NoError(t, err, code[1])
			parsed++
		}
	}
	assert.Greater(t, parsed, 15)
}

// TestTheLinksOfTheDocumentsLeadToHeadings looks at what stands behind the # of
// a link; the root's tests look at the files.
func TestTheLinksOfTheDocumentsLeadToHeadings(t *testing.T) {
	heading := regexp.MustCompile(`(?m)^#+ (.+)$`)
	dropped := regexp.MustCompile(`[^\w\- ]`)
	link := regexp.MustCompile(`\]\(([a-z-]+\.md)?#([^)]+)\)`)
	for _, name := range documents {
		for _, m := range link.FindAllStringSubmatch(document(t, name), -1) {
			var anchors []string
			for _, h := range heading.FindAllStringSubmatch(document(t, cmp.Or(m[1], name)), -1) {
				anchors = append(anchors, strings.ReplaceAll(dropped.ReplaceAllString(strings.ToLower(h[1]), ""), " ", "-"))
			}
			assert.Contains(t, anchors, m[2], "a link of %s", name)
		}
	}
}

func TestTheGoCodeOfTheDocumentsIsGo(t *testing.T) {
	code := regexp.MustCompile("(?s)```go\n(.+?)```")
	for _, name := range documents {
		for _, block := range code.FindAllStringSubmatch(document(t, name), -1) {
			source := "package p\nfunc _() {\n" + block[1] + "\n}"
			if strings.HasPrefix(block[1], "func ") {
				source = "package p\n" + block[1]
			}
			_, err := parser.ParseFile(token.NewFileSet(), name, source, 0)
			assert.NoError(t, err, "%s: %s", name, block[1])
		}
	}
}
