//go:build browser

package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
)

// server is a running "loopkit dev".
type server struct {
	url     string
	process *exec.Cmd
	printed chan struct{} // closed when it has nothing more to say
}

func startServer(ctx context.Context, program string) (*server, error) {
	process := exec.CommandContext(ctx, program, "dev", "--addr", "127.0.0.1:0")
	process.Env = slices.DeleteFunc(os.Environ(), func(pair string) bool { return strings.HasPrefix(pair, "LOOPKIT_") })
	process.Env = append(process.Env, "TZ=UTC")
	process.Stderr = os.Stderr
	out, err := process.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := process.Start(); err != nil {
		return nil, err
	}
	s := &server{process: process, printed: make(chan struct{})}
	reader := bufio.NewReader(out)
	greeting, err := reader.ReadString('\n')
	go func() {
		defer close(s.printed)
		_, _ = io.Copy(io.Discard, reader) // until it ends
	}()
	_, url, found := strings.Cut(strings.TrimSpace(greeting), ": ")
	if err != nil || !found {
		_ = s.stop() // what it said first matters more
		return nil, fmt.Errorf("loopkit dev said %q instead of where it listens", greeting)
	}
	s.url = url
	return s, nil
}

// stop ends the server as Ctrl-C does.
func (s *server) stop() error {
	if err := s.process.Process.Signal(os.Interrupt); err != nil {
		return err
	}
	<-s.printed
	return s.process.Wait()
}
