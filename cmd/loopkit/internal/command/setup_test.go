package command

import (
	"bytes"
	"context"
	"strings"
	"testing"

	"github.com/loopkitai/loopkit-go/loopkittest"
)

// result is what a run of the program leaves behind.
type result struct {
	status   int
	out, err string
}

// world is a shell in which tests run the program.
type world struct {
	t        testing.TB
	env      map[string]string
	in       string
	terminal bool
	ctx      context.Context // of the run; nil for the test's
}

// shellWith has the server's address and a key in its environment.
func shellWith(t testing.TB, server *loopkittest.Server) *world {
	return &world{t: t, env: map[string]string{envKey: testKey, envBaseURL: server.BaseURL()}}
}

const testKey = "lk_test_s3cr3t"

func (w *world) run(args ...string) result {
	w.t.Helper()
	var out, err bytes.Buffer
	p := &program{
		in: strings.NewReader(w.in), out: &out, err: &err,
		getenv:   func(name string) string { return w.env[name] },
		terminal: func(any) bool { return w.terminal },
	}
	ctx := w.ctx
	if ctx == nil {
		ctx = w.t.Context()
	}
	status := p.run(ctx, args)
	if strings.Contains(out.String()+err.String(), "s3cr3t") {
		w.t.Errorf("the key is shown: %v", args)
	}
	return result{status, out.String(), err.String()}
}
