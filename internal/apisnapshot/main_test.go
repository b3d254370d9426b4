package main

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The module in testdata also holds a command, an example, an internal package
// and a nested module: none of them may add a line of its own.
func TestSnapshotHasOneLineForEachExportedDeclaration(t *testing.T) {
	table := []struct{ of, line string }{
		{"typed constant, implied value", "pkg sample, const High Level = 1"},
		{"typed constant", "pkg sample, const Low Level = 0"},
		{"untyped constant", `pkg sample, const Untyped = "text"`},
		{"function", "pkg sample, func Call(ctx context.Context, name string, levels ...Level) (ok bool, err error)"},
		{"generic function", "pkg sample, func Map[K comparable, V any](m map[K]V) []V"},
		{"method of an internal type", "pkg sample, method (*Hidden) Next() *hidden.Type"},
		{"method of a generic type", "pkg sample, method (*List[T]) Add(item T)"},
		{"method of the pointer", "pkg sample, method (*Options) ByPointer(_ int)"},
		{"promoted method", "pkg sample, method (*Options) FromBase()"},
		{"method of a type that is no struct", "pkg sample, method (Level) String() (text string)"},
		{"method of the value", "pkg sample, method (Options) ByValue() string"},
		{"interface", "pkg sample, type Closer interface"},
		{"method of an interface", "pkg sample, type Closer interface, Close() error"},
		{"function type", "pkg sample, type Handler func(ctx context.Context, level Level) error"},
		{"alias of an internal type", "pkg sample, type Hidden = hidden.Type"},
		{"what the alias stands for", "pkg sample, type Hidden struct"},
		{"field of an internal type", "pkg sample, type Hidden struct, Kind hidden.Kind"},
		{"basic type", "pkg sample, type Level uint8"},
		{"generic struct", "pkg sample, type List[T any] struct"},
		{"field of a generic struct", "pkg sample, type List[T any] struct, Items []T"},
		{"constraint", "pkg sample, type Number interface"},
		{"terms of a constraint", "pkg sample, type Number interface, ~int | ~float64"},
		{"struct", "pkg sample, type Options struct"},
		{"field of a function type", "pkg sample, type Options struct, Choose func(Level) error"},
		{"field", "pkg sample, type Options struct, Name string"},
		{"promoted field", "pkg sample, type Options struct, Promoted int"},
		{"embedded type of another module", "pkg sample, type Options struct, embedded strings.Builder"},
		{"interface that only its package implements", "pkg sample, type Sealed interface"},
		{"how that shows", "pkg sample, type Sealed interface, unexported methods"},
		{"interface with an embedded one", "pkg sample, type Store interface"},
		{"method of the embedded one", "pkg sample, type Store interface, Close() error"},
		{"its own method", "pkg sample, type Store interface, Load(key string) (value []byte, err error)"},
		{"alias", "pkg sample, type Text = string"},
		{"variable of an inferred type", "pkg sample, var ErrInferred error"},
		{"variable", "pkg sample, var Stated map[string]Level"},
		{"package below the root", "pkg tools, func Use(o *sample.Options)"},
	}
	lines, err := snapshot(noWorkspace, "testdata/module", "./...")
	require.NoError(t, err)
	for _, row := range table {
		assert.Contains(t, lines, row.line, row.of)
	}
	assert.Len(t, lines, len(table), "lines that no row of the table expects:\n%q", lines)
}

func TestSnapshotRefusesWhatHasNoPublicPackage(t *testing.T) {
	_, err := snapshot(noWorkspace, "testdata/module", "./internal/...")
	assert.ErrorContains(t, err, "no public package")
}

func TestSnapshotIsSorted(t *testing.T) {
	lines, err := snapshot(noWorkspace, "testdata/module", ".")
	require.NoError(t, err)
	assert.IsIncreasing(t, lines)
}
