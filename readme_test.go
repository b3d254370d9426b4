package loopkit_test

import (
	"context"
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/loopkitai/loopkit-go"
	"github.com/loopkitai/loopkit-go/loopkittest"
)

// README: begin

func TestSignUp(t *testing.T) {
	server := loopkittest.NewServer(t)
	server.Script(loopkittest.Identifies, loopkittest.Fault{Status: 503}) // the first attempt fails
	client, err := loopkit.New("lk_test", &loopkit.Options{BaseURL: server.BaseURL(), RetryMin: time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	signUp(client, "anon_456", "user_123") // the code under test
	if err := client.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	loopkittest.RequireIdentified(t, server, "user_123", "anon_456")
	loopkittest.RequireTracked(t, server, "user_123", "user_signup")
}

// README: end

func signUp(client *loopkit.Client, anonymousID, userID string) {
	ctx := loopkit.WithIdentity(context.Background(), loopkit.Identity{AnonymousID: anonymousID})
	_ = client.Track(ctx, "user_signup", loopkit.Properties{"method": "email"})
	_ = client.Identify(ctx, userID, loopkit.Traits{"plan": "trial"})
}

func readText(t *testing.T, path string) string {
	t.Helper()
	content, err := os.ReadFile(path)
	require.NoError(t, err)
	return strings.ReplaceAll(string(content), "\r\n", "\n")
}

// readmeBlocks returns the README's code blocks in a language.
func readmeBlocks(t *testing.T, language string) []string {
	t.Helper()
	var found []string
	for _, m := range regexp.MustCompile("(?s)\n```"+language+"\n(.*?)\n```\n").FindAllStringSubmatch(readText(t, "README.md"), -1) {
		found = append(found, m[1])
	}
	return found
}

func TestTheReadmesGoCodeIsCompiled(t *testing.T) {
	var compiled []string
	for _, path := range []string{"examples/quickstart/web/main.go", "examples/cli/main.go", "readme_test.go"} {
		_, code, ok := strings.Cut(readText(t, path), "// README: begin\n")
		require.True(t, ok, path)
		code, _, ok = strings.Cut(code, "// README: end\n")
		require.True(t, ok, path)
		compiled = append(compiled, strings.Trim(code, "\n"))
	}
	assert.Equal(t, compiled, readmeBlocks(t, "go"))
}

func TestTheReadmeBeginsWithItsTwoCommands(t *testing.T) {
	commands := readmeBlocks(t, "sh")
	require.GreaterOrEqual(t, len(commands), 2)
	assert.Equal(t, []string{"go run ./cmd/loopkit dev --demo", "go test work"}, commands[:2])
}

func TestTheReadmesFiguresAreThoseOfTheBenchmarks(t *testing.T) {
	_, speed, ok := strings.Cut(readText(t, "README.md"), "\n## Speed\n")
	require.True(t, ok)
	speed, _, _ = strings.Cut(speed, "\n## ")
	report, rows := readText(t, "docs/benchmarks.md"), 0
	_, table, ok := strings.Cut(speed, "\n\n|")
	require.True(t, ok)
	table, _, _ = strings.Cut(table, "\n\n")
	for line := range strings.Lines(table) {
		rows++
		assert.Contains(t, report, strings.TrimSuffix(line, "\n"))
	}
	assert.Greater(t, rows, 5)
}

func TestTheReadmesLinksLeadSomewhere(t *testing.T) {
	readme := readText(t, "README.md")
	var anchors []string
	for _, m := range regexp.MustCompile(`(?m)^#+ (.*)$`).FindAllStringSubmatch(readme, -1) {
		anchor := regexp.MustCompile(`[^a-z0-9 -]`).ReplaceAllString(strings.ToLower(m[1]), "")
		anchors = append(anchors, "#"+strings.ReplaceAll(anchor, " ", "-"))
	}
	for _, m := range regexp.MustCompile(`(?:\]\(|src="|srcset=")([^)"]+)[)"]`).FindAllStringSubmatch(readme, -1) {
		switch target := m[1]; {
		case strings.HasPrefix(target, "https://"):
		case strings.HasPrefix(target, "#"):
			assert.Contains(t, anchors, target)
		default:
			assert.FileExists(t, target)
		}
	}
}

// readmeOption is a row of the README's table of options.
type readmeOption struct{ name, preset, bounds, text string }

func readmeOptions(t *testing.T) []readmeOption {
	t.Helper()
	_, table, ok := strings.Cut(readText(t, "README.md"), "\n| Option | Default | Bounds | Meaning |\n|---|---|---|---|\n")
	require.True(t, ok)
	table, _, _ = strings.Cut(table, "\n\n")
	var rows []readmeOption
	for line := range strings.Lines(table) {
		cells := strings.Split(strings.TrimSpace(line), " |")
		require.Len(t, cells, 5, line)
		for i := range cells {
			cells[i] = strings.TrimSpace(strings.TrimPrefix(strings.TrimSpace(cells[i]), "|"))
		}
		rows = append(rows, readmeOption{strings.Trim(cells[0], "`"), cells[1], cells[2], cells[3]})
	}
	return rows
}

// readmeAmount reads what the README, a doc comment or an error calls a number.
func readmeAmount(t *testing.T, text string) int64 {
	t.Helper()
	number, unit, _ := strings.Cut(strings.ReplaceAll(text, ",", ""), " ")
	factor, ok := map[string]int64{
		"": 1, "B": 1, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30,
		"ms": int64(time.Millisecond), "s": int64(time.Second), "min": int64(time.Minute), "h": int64(time.Hour),
	}[unit]
	require.True(t, ok, text)
	if d, err := time.ParseDuration(number); err == nil {
		return int64(d)
	}
	n, err := strconv.ParseInt(number, 10, 64)
	require.NoError(t, err, text)
	return n * factor
}

func readmeBounds(t *testing.T, text string) [2]int64 {
	t.Helper()
	least, most, ok := strings.Cut(text, " to ")
	require.True(t, ok, text)
	return [2]int64{readmeAmount(t, least), readmeAmount(t, most)}
}

func TestTheReadmeListsEveryOptionWithItsBounds(t *testing.T) {
	var names []string
	wrong := &loopkit.Options{}
	numbers := 0
	for _, field := range reflect.VisibleFields(reflect.TypeFor[loopkit.Options]()) {
		names = append(names, field.Name)
		if field.Type.Kind() == reflect.Int || field.Type == reflect.TypeFor[time.Duration]() {
			reflect.ValueOf(wrong).Elem().FieldByIndex(field.Index).SetInt(1<<62 - 1)
			if field.Type.Kind() == reflect.Int {
				reflect.ValueOf(wrong).Elem().FieldByIndex(field.Index).SetInt(1<<31 - 1)
			}
			numbers++
		}
	}
	rows := readmeOptions(t)
	var listed []string
	for _, row := range rows {
		listed = append(listed, row.name)
	}
	assert.Equal(t, names, listed, "in the order of the struct")

	_, err := loopkit.New("lk_test", wrong) // names every option with its bounds
	joined, ok := err.(interface{ Unwrap() []error })
	require.True(t, ok)
	for _, err := range joined.Unwrap() {
		var wrong *loopkit.ArgumentError
		require.True(t, errors.As(err, &wrong))
		_, allowed, ok := strings.Cut(wrong.Reason, "it must be ")
		require.True(t, ok, wrong.Reason)
		allowed, none := strings.CutSuffix(allowed, ", or negative for none")
		for _, row := range rows {
			if row.name == wrong.Field {
				assert.Equal(t, readmeBounds(t, allowed), readmeBounds(t, row.bounds), row.name)
				assert.Equal(t, none, strings.Contains(row.text, "negative: "), row.name)
				numbers--
			}
		}
	}
	assert.Zero(t, numbers, "every number has bounds")
}

// Those that New fills in are compared with the documentation of the fields.
func TestTheReadmesDefaultsAreThoseOfTheDocumentation(t *testing.T) {
	file, err := parser.ParseFile(token.NewFileSet(), "options.go", nil, parser.ParseComments)
	require.NoError(t, err)
	documented := map[string]string{}
	ast.Inspect(file, func(n ast.Node) bool {
		spec, ok := n.(*ast.TypeSpec)
		if !ok || spec.Name.Name != "Options" {
			return true
		}
		comment := ""
		for _, field := range spec.Type.(*ast.StructType).Fields.List {
			if field.Doc != nil { // else it shares the one before
				comment = strings.Join(strings.Fields(field.Doc.Text()), " ")
			}
			documented[field.Names[0].Name] = comment
		}
		return false
	})
	for _, row := range readmeOptions(t) {
		if row.bounds == "" {
			continue
		}
		assert.Contains(t, documented[row.name], row.preset, row.name)
	}
}

func TestTheReadmeListsEveryErrorAndEveryReason(t *testing.T) {
	readme := readText(t, "README.md")
	for _, m := range regexp.MustCompile(`(?m)^\t(Err\w+) += errors\.New`).FindAllStringSubmatch(readText(t, "errors.go"), -1) {
		assert.Contains(t, readme, "| `"+m[1]+"` |")
	}
	reasons := regexp.MustCompile(`(?m)^\tReason\w+ +Reason = "(\w+)"`).FindAllStringSubmatch(readText(t, "stats.go"), -1)
	require.NotEmpty(t, reasons)
	for _, m := range reasons {
		assert.Contains(t, readme, "| `"+m[1]+"` |")
	}
}
