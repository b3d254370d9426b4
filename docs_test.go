package loopkit_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/loopkitai/loopkit-go/internal/sensitive"
)

// testName finds the tests that a document names.
var testName = regexp.MustCompile("`((?:Test|Fuzz)\\w+)`")

func definedTests(t *testing.T) map[string]bool {
	t.Helper()
	defined := map[string]bool{}
	definition := regexp.MustCompile(`(?m)^func ((?:Test|Fuzz)\w+)\(`)
	require.NoError(t, filepath.WalkDir(".", func(path string, _ fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		source, err := os.ReadFile(path)
		for _, m := range definition.FindAllSubmatch(source, -1) {
			defined[string(m[1])] = true
		}
		return err
	}))
	return defined
}

func TestTheTableOfReliabilityNamesATestForEveryRow(t *testing.T) {
	_, table, ok := strings.Cut(readText(t, "docs/reliability.md"), "| Test |\n|---|---|---|---|\n")
	require.True(t, ok)
	rows := 0
	for line := range strings.Lines(table) {
		if strings.HasPrefix(line, "| **") {
			continue
		}
		rows++
		assert.True(t, testName.MatchString(line) || strings.Contains(line, "not promised"), "no test is named: %s", line)
		assert.Equal(t, 5, strings.Count(line, "|"), line)
	}
	assert.Greater(t, rows, 50)
}

func TestTheDocumentsNameRealTestsAndLinkToRealFiles(t *testing.T) {
	defined := definedTests(t)
	documents, err := filepath.Glob("docs/*.md")
	require.NoError(t, err)
	require.NotEmpty(t, documents)
	link := regexp.MustCompile(`\]\(([^)#]+)[^)]*\)`)
	for _, document := range documents {
		text := readText(t, document)
		for _, m := range testName.FindAllStringSubmatch(text, -1) {
			assert.True(t, defined[m[1]], "%s names %s, which does not exist", document, m[1])
		}
		for _, m := range link.FindAllStringSubmatch(text, -1) {
			if !strings.HasPrefix(m[1], "https://") {
				_, err := os.Stat(filepath.Join("docs", m[1]))
				assert.NoError(t, err, document)
			}
		}
	}
}

func TestEveryTermIsDocumented(t *testing.T) {
	for _, document := range []string{"docs/privacy.md", "privacy.go"} {
		words := strings.Join(strings.Fields(strings.ReplaceAll(readText(t, document), "//", "")), " ")
		for _, term := range sensitive.Known() {
			assert.True(t, regexp.MustCompile(`\b`+term.Name+`\b`).MatchString(words), "%s does not list %s", document, term.Name)
		}
	}
}
