package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"strings"
)

// server is a sink in a process of its own.
type server struct {
	url     string
	process *exec.Cmd
	stdin   io.Closer
}

func startServer() (*server, error) {
	s := &server{process: exec.Command(os.Args[0], "-role", "sink")}
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
	address, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		return nil, fmt.Errorf("the sink did not start: %w", err)
	}
	s.url = "http://" + strings.TrimSpace(address)
	return s, nil
}

func (s *server) stop() error {
	return errors.Join(s.stdin.Close(), s.process.Wait())
}

// report returns what arrived since the last report.
func (s *server) report() (sinkReport, error) { return reportOf(s.url, "/_report") }

// reportOf asks the sink behind a contestant's address.
func reportOf(address, path string) (r sinkReport, err error) {
	u, err := url.Parse(address)
	if err != nil {
		return r, err
	}
	answer, err := http.Get("http://" + u.Host + path)
	if err != nil {
		return r, err
	}
	defer func() { _ = answer.Body.Close() }() // it was read
	return r, json.NewDecoder(answer.Body).Decode(&r)
}

// setMode tells the sink behind a contestant's address how to behave.
func setMode(address string, m sinkMode) error {
	u, err := url.Parse(address)
	if err != nil {
		return err
	}
	body, err := json.Marshal(m)
	if err != nil {
		return err
	}
	answer, err := http.Post("http://"+u.Host+"/_mode", "application/json", bytes.NewReader(body))
	if err != nil {
		return err
	}
	_ = answer.Body.Close() // it has none
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("the sink answered %s", answer.Status)
	}
	return nil
}

// conduct runs a trial in a child process, and asks the sink what arrived.
func (s *server) conduct(t trial, m sinkMode) (*outcome, sinkReport, error) {
	if t.URL == "" {
		t.URL = s.url
	}
	if err := setMode(s.url, m); err != nil {
		return nil, sinkReport{}, err
	}
	if _, err := s.report(); err != nil {
		return nil, sinkReport{}, err
	}
	spec, err := json.Marshal(t)
	if err != nil {
		return nil, sinkReport{}, err
	}
	child := exec.Command(os.Args[0], "-role", "client", "-trial", string(spec))
	child.Stderr = os.Stderr
	out, err := child.Output()
	if err != nil {
		return nil, sinkReport{}, fmt.Errorf("%s, %s: %w", t.Contestant, t.Story, err)
	}
	o := &outcome{}
	if err := json.Unmarshal(out, o); err != nil {
		return nil, sinkReport{}, err
	}
	r, err := s.report()
	return o, r, err
}
