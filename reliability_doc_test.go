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
)

func TestTheTableOfReliabilityNamesRealTests(t *testing.T) {
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

	_, table, ok := strings.Cut(readText(t, "docs/reliability.md"), "| Test |\n|---|---|---|---|\n")
	require.True(t, ok)
	name := regexp.MustCompile("`((?:Test|Fuzz)\\w+)`")
	rows := 0
	for line := range strings.Lines(table) {
		if strings.HasPrefix(line, "| **") {
			continue
		}
		rows++
		tests := name.FindAllStringSubmatch(line, -1)
		assert.True(t, tests != nil || strings.Contains(line, "not promised"), "no test is named: %s", line)
		for _, m := range tests {
			assert.True(t, defined[m[1]], "%s is named and does not exist", m[1])
		}
		assert.Equal(t, 5, strings.Count(line, "|"), line)
	}
	assert.Greater(t, rows, 50)
}
