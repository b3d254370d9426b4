//go:build unix

package loopkitcli_test

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/loopkitai/loopkit-go/loopkitcli"
)

// withoutDisk leaves the program no place where it could write, whoever runs it:
// there is nothing, and nothing can be made there.
func (i *installation) withoutDisk() {
	i.t.Helper()
	require.NoError(i.t, os.Mkdir(i.dir, 0o700))
	require.NoError(i.t, os.Symlink(filepath.Join(i.dir, "nowhere", "at", "all"), i.path("")))
}

func TestWhereAnAnswerCouldNotBeKeptNobodyIsAsked(t *testing.T) {
	i := seated(t, "y\n")
	i.withoutDisk()
	on, err := i.run().Ask()
	assert.NoError(t, err)
	assert.False(t, on)
	assert.Empty(t, i.stderr.String())
	assert.Contains(t, i.fails("on"), "nothing can be kept")
}

func TestAnAnswerThatCannotBeKeptIsNone(t *testing.T) {
	i := seated(t, "")
	breaks := reading(func() {
		require.NoError(t, os.RemoveAll(i.dir))
		i.withoutDisk()
	})
	i.options.Stdin = io.MultiReader(breaks, strings.NewReader("y\n"))
	on, err := i.run().Ask()
	assert.ErrorContains(t, err, "nothing can be kept")
	assert.False(t, on)
}

// reading is an empty input that does something when it is read.
type reading func()

func (r reading) Read([]byte) (int, error) {
	r()
	return 0, io.EOF
}

func TestANoticeThatCannotBeRememberedIsNotShown(t *testing.T) {
	i := seated(t, "")
	i.withoutDisk()
	assert.Equal(t, loopkitcli.ReasonNotAsked, i.run().Decision().Reason)
	assert.False(t, i.run().Notice())
	assert.Empty(t, i.stderr.String())
}

func TestAReadOnlyHomeStopsNothing(t *testing.T) {
	i := agreed(t)
	if os.Geteuid() != 0 { // who may write everywhere
		require.NoError(t, os.Chmod(i.path(""), 0o500))
		t.Cleanup(func() { assert.NoError(t, os.Chmod(i.path(""), 0o700)) })
		assert.NotEmpty(t, i.fails("off"))
	}
	i.command("deploy")
	i.anonymousIDs(1)
	assert.Equal(t, loopkitcli.On, i.run().Decision().Mode)
}
