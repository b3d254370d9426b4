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
)

// What the tests have in common; each has a running webapp and browser profiles of its own.
var (
	chromium context.Context // of the running browser
	webapp   string          // path of examples/webapp, built for this run
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
	webapp = filepath.Join(dir, "webapp")
	build := exec.Command("go", "build", "-o", webapp, "github.com/loopkitai/loopkit-go/examples/webapp")
	build.Stderr = os.Stderr
	if err := build.Run(); err != nil {
		return 0, fmt.Errorf("building examples/webapp: %w", err)
	}
	var stop func() error
	if chromium, stop, err = startChromium(); err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, stop()) }()
	return m.Run(), nil
}
