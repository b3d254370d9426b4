package main

import (
	"context"
	"errors"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"
)

// A real program asks its server for a token. This one believes everybody, and
// keeps the notes of each in a file of their own.

func (p *program) login() error {
	user := p.flags.Arg(0)
	if strings.TrimSpace(user) == "" {
		return errUsage
	}
	path, err := inConfig("user")
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	if err := os.WriteFile(path, []byte(user), 0o600); err != nil {
		return err
	}
	// What was done on this machine before was done by this user, unless
	// somebody else was logged in.
	_ = p.telemetry.Login(context.Background(), user, nil)
	return nil
}

func (p *program) logout() error {
	path, err := inConfig("user")
	if err != nil {
		return err
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return p.telemetry.Logout() // the next user is somebody else
}

// user is who is logged in; empty if nobody is.
func (p *program) user() string {
	path, err := inConfig("user")
	if err != nil {
		return ""
	}
	user, err := os.ReadFile(path)
	if err != nil {
		return ""
	}
	return string(user)
}

// book is that of the flag -file, or of the user.
func (p *program) book() book {
	if p.file != "" {
		return book{path: p.file}
	}
	name := "notes.txt"
	if user := p.user(); user != "" {
		name = "notes of " + url.PathEscape(user) + ".txt"
	}
	path, err := inConfig(name)
	return book{path, err}
}

func inConfig(name string) (string, error) {
	dir, err := os.UserConfigDir()
	return filepath.Join(dir, "notes", name), err
}
