package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"time"
)

// server is a sink in a process of its own.
type server struct {
	control, url string
	process      *exec.Cmd
	stdin        io.Closer
}

func startServer() (*server, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	s := &server{process: exec.Command(self, "-role", "sink")}
	s.process.Stderr = os.Stderr
	stdin, err := s.process.StdinPipe()
	if err != nil {
		return nil, err
	}
	s.stdin = stdin
	stdout, err := s.process.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := s.process.Start(); err != nil {
		return nil, err
	}
	var control, measured string
	if _, err := fmt.Fscanln(bufio.NewReader(stdout), &control, &measured); err != nil {
		return nil, errors.Join(fmt.Errorf("the sink did not start: %w", err), s.stop())
	}
	s.control, s.url = "http://"+control, "http://"+measured
	return s, nil
}

func (s *server) stop() error {
	return errors.Join(s.stdin.Close(), s.process.Wait())
}

// ask gets a report from a sink.
func ask(control, path string) (r sinkReport, err error) {
	answer, err := http.Get(control + path)
	if err != nil {
		return r, err
	}
	defer func() { _ = answer.Body.Close() }() // it was read
	return r, json.NewDecoder(answer.Body).Decode(&r)
}

// tell sets the mode of a sink.
func tell(control string, m sinkMode) error {
	body, err := json.Marshal(m)
	if err != nil {
		return err
	}
	answer, err := http.Post(control+"/mode", "application/json", bytes.NewReader(body))
	if err != nil {
		return err
	}
	defer func() { _ = answer.Body.Close() }() // it was read
	if answer.StatusCode != http.StatusOK {
		why, err := io.ReadAll(answer.Body)
		return errors.Join(fmt.Errorf("the sink answered %s: %s", answer.Status, why), err)
	}
	return nil
}

// patience is longer than any trial takes that is not stuck.
const patience = 5 * time.Minute

// conduct runs a trial in a child process, and asks the sink what arrived.
func (s *server) conduct(t trial, m sinkMode) (measurement, error) {
	failed := func(err error) (measurement, error) {
		return measurement{}, fmt.Errorf("%s, %s: %w", t.Contestant, t.Story, err)
	}
	t.URL, t.Control = s.url, s.control
	if err := tell(s.control, m); err != nil {
		return failed(err)
	}
	if _, err := ask(s.control, "/report"); err != nil {
		return failed(err)
	}
	spec, err := json.Marshal(t)
	if err != nil {
		return failed(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	child := exec.CommandContext(ctx, s.process.Path, "-role", "client", "-trial", string(spec))
	child.Stderr = os.Stderr
	alive, err := child.StdinPipe() // it exits when this ends
	if err != nil {
		return failed(err)
	}
	out, err := child.Output()
	_ = alive.Close() // the child is gone
	if err != nil {
		return failed(err)
	}
	got := measurement{trial: t}
	if err := json.Unmarshal(out, &got.outcome); err != nil {
		return failed(err)
	}
	if got.sink, err = ask(s.control, "/report"); err != nil {
		return failed(err)
	}
	return got, got.check()
}
