package main

import (
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestItKeepsNotes(t *testing.T) {
	m := install(t)
	m.does("add", "Buy", "milk")
	c := m.command("add")
	input, err := c.StdinPipe()
	require.NoError(t, err)
	_, err = input.Write([]byte("Call\nJohn\n"))
	require.NoError(t, err)
	require.NoError(t, input.Close())
	assert.Zero(t, m.wait(c).code)
	assert.Equal(t, "  1  Buy milk\n  2  Call John\n", m.does("list"))
	m.does("done", "1")
	assert.Equal(t, "  2  Call John\n", m.does("list"))
	assert.Equal(t, "  1  Buy milk (done)\n  2  Call John\n", m.does("list", "-all"))
	assert.Empty(t, m.does("list", "-file", "other.txt"))
}

func TestEverybodyHasTheirOwnNotes(t *testing.T) {
	m := install(t)
	m.does("add", "of nobody")
	m.does("login", "user_123")
	m.does("add", "of user_123")
	assert.Equal(t, "  1  of user_123\n", m.does("list"))
	m.does("login", "../user_456")
	assert.Empty(t, m.does("list"))
	m.does("logout")
	m.does("logout")
	assert.Equal(t, "  1  of nobody\n", m.does("list"))
}

func TestWithoutArgumentsItSaysWhatItCanDo(t *testing.T) {
	m := install(t)
	text := m.does()
	for _, name := range append(names(), "telemetry") {
		assert.Contains(t, text, "notes "+name)
	}
	assert.Equal(t, text, m.does("help"))
	for _, wrong := range [][]string{{"remove"}, {"done"}, {"done", "first"}, {"login"}, {"add", " "}} {
		r := m.run(wrong...)
		assert.Equal(t, 2, r.code, "%q", wrong)
		assert.Equal(t, text, r.complaints, "%q", wrong)
	}
	assert.Equal(t, 2, m.run("list", "-long").code)
	assert.Equal(t, 0, m.run("list", "-h").code)
	assert.Equal(t, 1, m.run("done", "1").code)
}

func TestAFileThatHoldsSomethingElseIsLeftAlone(t *testing.T) {
	m := install(t)
	path := filepath.Join(m.home, "letter.txt")
	require.NoError(t, os.WriteFile(path, []byte("Dear John\n"), 0o600))
	r := m.run("list", "-file", path)
	assert.Equal(t, 1, r.code)
	assert.Contains(t, r.complaints, "holds something else")
	r = m.run("done", "-file", path, "1")
	assert.Equal(t, 1, r.code)
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	assert.Equal(t, "Dear John\n", string(text))
}

func TestRunsAtTheSameTimeLoseNoNotes(t *testing.T) {
	b := book{path: filepath.Join(t.TempDir(), "notes.txt")}
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() { assert.NoError(t, b.add("Buy milk")) })
	}
	all.Wait()
	notes, err := b.read()
	require.NoError(t, err)
	assert.Equal(t, slices.Repeat([]note{{text: "Buy milk"}}, 20), notes)
}
