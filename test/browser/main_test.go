//go:build browser

package browser_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/loopkitai/loopkit-go/test/browser/internal/headless"
)

// What the tests have in common; each starts the program that it needs, and has
// browser profiles of its own.
var (
	chromium       context.Context // of the running browser
	webapp         string          // path of examples/webapp, built for this run
	loopkitCommand string          // path of cmd/loopkit, too
)

func TestMain(m *testing.M) {
	status, err := buildAndRun(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		status = 1
	}
	os.Exit(status)
}

func buildAndRun(m *testing.M) (status int, err error) {
	dir, err := os.MkdirTemp("", "loopkit-browser-tests-")
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	webapp, loopkitCommand = filepath.Join(dir, "webapp"), filepath.Join(dir, "loopkit")
	build := exec.Command("go", "build", "-o", dir, "github.com/loopkitai/loopkit-go/examples/webapp", "github.com/loopkitai/loopkit-go/cmd/loopkit")
	build.Stderr = os.Stderr
	if err := build.Run(); err != nil {
		return 0, fmt.Errorf("building the programs that the tests start: %w", err)
	}
	var stop func() error
	if chromium, stop, err = headless.Start(); err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, stop()) }()
	return m.Run(), nil
}
