package loopkit_test

import (
	"encoding/json"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const (
	modulePath  = "github.com/loopkitai/loopkit-go"
	backoffPath = "github.com/cenkalti/backoff/v4"
	uuidPath    = "github.com/google/uuid"
	testifyPath = "github.com/stretchr/testify"
)

// importRule forbids some imports of the files in dir; "/..." behind a path
// means also what is below it, and std is the standard library.
type importRule struct {
	rule  string
	why   string
	dir   string
	tests bool     // it holds for _test.go files too
	only  []string // all others are forbidden
	never []string
}

var importRules = []importRule{
	{
		rule:  "internal packages never import the root package",
		why:   "the root is built on them; an arrow back would make neither understandable without the other",
		dir:   "internal/...",
		tests: true,
		never: []string{modulePath},
	},
	{
		rule: "the root package imports only internal/wire, internal/sensitive and two libraries",
		why:  "whoever adds analytics to a program gets these dependencies with it, and no test server",
		dir:  ".",
		only: []string{"std", modulePath + "/internal/wire", modulePath + "/internal/sensitive", backoffPath, uuidPath},
	},
	{
		rule: "internal/sensitive imports only the standard library",
		why:  "it judges keys, and knows nothing of messages or of what becomes of them",
		dir:  "internal/sensitive",
		only: []string{"std"},
	},
	{
		rule: "internal/wire imports only the standard library, uuid and internal/sensitive",
		why:  "it turns values into bytes and knows nothing of clients, queues or HTTP",
		dir:  "internal/wire",
		only: []string{"std", uuidPath, modulePath + "/internal/sensitive"},
	},
	{
		rule: "internal/collector imports only the standard library",
		why:  "it must judge what the client sends by the sources alone, so it shares no code with the encoder",
		dir:  "internal/collector",
		only: []string{"std"},
	},
	{
		rule: "internal/faulty imports only the standard library",
		why:  "it stands for networks, which know nothing of clients or of LoopKit",
		dir:  "internal/faulty",
		only: []string{"std"},
	},
	{
		rule: "loopkittest imports only the standard library, internal/collector and the root package",
		why:  "users import it in their own tests, where it must not choose an assertion library for them",
		dir:  "loopkittest",
		only: []string{"std", modulePath, modulePath + "/internal/collector"},
	},
	{
		rule: "loopkithttp imports only the standard library and the root package",
		why:  "a web server gets no framework with it; recipes for frameworks are in examples/frameworks",
		dir:  "loopkithttp",
		only: []string{"std", modulePath},
	},
	{
		rule: "loopkitcli imports only the standard library and the root package",
		why:  "a command line program gets no database with it; Options.Spool takes one",
		dir:  "loopkitcli",
		only: []string{"std", modulePath},
	},
	{
		rule:  "only tests import testify",
		why:   "a program that uses this module should not be built with an assertion library",
		dir:   "./...",
		never: []string{testifyPath + "/..."},
	},
}

func TestImportsFollowTheRules(t *testing.T) {
	files := sourceFiles(t)
	for _, r := range importRules {
		t.Run(r.rule, func(t *testing.T) {
			checked := 0
			for _, f := range files {
				if !inPattern(r.dir, f.dir()) || f.test() && !r.tests {
					continue
				}
				checked++
				for _, imported := range f.imports {
					assert.False(t, r.forbids(imported), "%s imports %s, but %s: %s", f.name, imported, r.rule, r.why)
				}
			}
			assert.NotZero(t, checked, "no file is in %s: the rule is out of date", r.dir)
		})
	}
}

func TestTheModuleRequiresThreeOthersDirectly(t *testing.T) {
	out, err := exec.Command("go", "mod", "edit", "-json").Output()
	require.NoError(t, err)
	var file struct {
		Require []struct {
			Path     string
			Indirect bool
		}
	}
	require.NoError(t, json.Unmarshal(out, &file))
	var direct []string
	for _, r := range file.Require {
		if !r.Indirect {
			direct = append(direct, r.Path)
		}
	}
	assert.ElementsMatch(t, []string{backoffPath, uuidPath, testifyPath}, direct,
		"a package that needs more belongs in a module of its own")
}

func TestContributorsFindEveryFileOfTheRootPackage(t *testing.T) {
	guide, err := os.ReadFile("CONTRIBUTING.md")
	require.NoError(t, err)
	for _, f := range sourceFiles(t) {
		if f.dir() == "." && !f.test() {
			assert.True(t, strings.Contains(string(guide), "`"+f.name+"`"), "CONTRIBUTING.md has no row for %s", f.name)
		}
	}
}

func (r *importRule) forbids(imported string) bool {
	in := func(patterns []string) bool {
		return slices.ContainsFunc(patterns, func(pattern string) bool {
			return inPattern(pattern, imported) || pattern == "std" && isStandard(imported)
		})
	}
	return in(r.never) || r.only != nil && !in(r.only)
}

// inPattern reports whether p is pattern, or below it if it ends in "/...".
func inPattern(pattern, p string) bool {
	prefix, below := strings.CutSuffix(pattern, "/...")
	return p == prefix || below && (prefix == "." || strings.HasPrefix(p, prefix+"/"))
}

// isStandard relies on the paths of all other modules beginning with a domain.
func isStandard(imported string) bool {
	first, _, _ := strings.Cut(imported, "/")
	return !strings.Contains(first, ".")
}

// sourceFile is a Go file of this module, whatever system it is built for.
type sourceFile struct {
	name    string // relative to the root, with slashes
	imports []string
}

func (f *sourceFile) dir() string { return path.Dir(f.name) }
func (f *sourceFile) test() bool  { return strings.HasSuffix(f.name, "_test.go") }

func sourceFiles(t *testing.T) []sourceFile {
	t.Helper()
	var files []sourceFile
	err := filepath.WalkDir(".", func(name string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && name != "." && leftOut(t, name):
			return fs.SkipDir
		case entry.IsDir() || filepath.Ext(name) != ".go":
			return nil
		}
		syntax, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		f := sourceFile{name: filepath.ToSlash(name)}
		for _, spec := range syntax.Imports {
			imported, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				return err
			}
			f.imports = append(f.imports, imported)
		}
		files = append(files, f)
		return nil
	})
	require.NoError(t, err)
	return files
}

// leftOut reports whether the go command does not see dir, or sees another module in it.
func leftOut(t *testing.T, dir string) bool {
	t.Helper()
	base := filepath.Base(dir)
	modules, err := filepath.Glob(filepath.Join(dir, "go.mod"))
	require.NoError(t, err)
	return base == "testdata" || strings.HasPrefix(base, ".") || strings.HasPrefix(base, "_") || len(modules) > 0
}
