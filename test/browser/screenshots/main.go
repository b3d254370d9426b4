//go:build browser

// Command screenshots takes the pictures of the development server's page that
// the README shows:
//
//	go run -tags browser ./screenshots -out ../../docs/images
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/loopkitai/loopkit-go/test/browser/internal/headless"
)

// patience bounds everything.
const patience = 2 * time.Minute

func main() {
	out := flag.String("out", "../../docs/images", "`directory` for the pictures")
	flag.Parse()
	if err := run(*out); err != nil {
		fmt.Fprintln(os.Stderr, "screenshots:", err)
		os.Exit(1)
	}
}

func run(out string) (err error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	dir, err := os.MkdirTemp("", "loopkit-screenshots-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	program := filepath.Join(dir, "loopkit")
	build := exec.CommandContext(ctx, "go", "build", "-o", program, "github.com/loopkitai/loopkit-go/cmd/loopkit")
	build.Stderr = os.Stderr
	if err := build.Run(); err != nil {
		return fmt.Errorf("building cmd/loopkit: %w", err)
	}
	server, err := startServer(ctx, program)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, server.stop()) }()
	if err := sendTraffic(ctx, server.url); err != nil {
		return fmt.Errorf("sending something to see: %w", err)
	}
	browser, stop, err := headless.Start()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, stop()) }()
	if err := os.MkdirAll(out, 0o755); err != nil {
		return err
	}
	for _, p := range pictures {
		taken, err := p.take(browser, server.url)
		if err != nil {
			return fmt.Errorf("taking %s: %w", p.file, err)
		}
		png, err := reduced(taken)
		if err != nil {
			return fmt.Errorf("%s: %w", p.file, err)
		}
		path := filepath.Join(out, p.file)
		if err := os.WriteFile(path, png, 0o644); err != nil {
			return err
		}
		fmt.Printf("%s  %d kB\n", path, len(png)/1000)
	}
	return nil
}
