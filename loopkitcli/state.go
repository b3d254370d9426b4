package loopkitcli

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// The files in the directory, one for each thing that is kept, so that processes
// which write at once never overwrite each other's. What a file holds is
// replaced whole or not at all.
const (
	choiceFile   = "choice"       // "on 2025-01-15" or "off 2025-01-15"
	noticeFile   = "notice"       // the day on which the notice was shown
	identityFile = "anonymous_id" // see loopkit.FileIdentity
	userFile     = "user"         // who is logged in
	spoolName    = "spool"        // a directory
)

const mostStateBytes = 4 << 10 // of a file that may be ours

// directory is where all of it is.
type directory struct {
	path string
	err  error // why there is none
}

// directoryOf does not create it: nothing is kept of people who were not asked.
func directoryOf(o *Options) directory {
	dir := o.Dir
	if !appName.MatchString(o.App) {
		return directory{err: errors.New("loopkitcli: there is no directory to keep anything in: the program has no name")}
	}
	if dir == "" {
		config, err := os.UserConfigDir()
		if err != nil {
			return directory{err: fmt.Errorf("loopkitcli: there is no directory to keep anything in: %w", err)}
		}
		dir = filepath.Join(config, o.App)
	}
	return directory{path: filepath.Join(dir, "telemetry")}
}

func (d directory) file(name string) string { return filepath.Join(d.path, name) }

// read returns what a file holds; the error wraps fs.ErrNotExist if there is none.
func (d directory) read(name string) (string, error) {
	if d.err != nil {
		return "", errors.Join(d.err, fs.ErrNotExist)
	}
	file, err := os.Open(d.file(name))
	if err != nil {
		return "", fmt.Errorf("loopkitcli: %w", err)
	}
	text, err := io.ReadAll(io.LimitReader(file, mostStateBytes+1))
	if err = errors.Join(err, file.Close()); err != nil {
		return "", fmt.Errorf("loopkitcli: %w", err)
	}
	if len(text) > mostStateBytes {
		return "", d.foreign(name)
	}
	return string(text), nil
}

// foreign is the error for a file that somebody else wrote, which is not ours to
// replace.
func (d directory) foreign(name string) error {
	return fmt.Errorf("loopkitcli: %s holds something else; remove it to start anew", d.file(name))
}

// replace keeps content in a file, for its owner alone.
func (d directory) replace(name, content string) (err error) {
	if d.err != nil {
		return d.err
	}
	defer func() {
		if err != nil {
			err = fmt.Errorf("loopkitcli: nothing can be kept: %w", err)
		}
	}()
	if err := os.MkdirAll(d.path, 0o700); err != nil {
		return err
	}
	draft, err := os.CreateTemp(d.path, name+".*") // created with mode 0600
	if err != nil {
		return err
	}
	_, err = draft.WriteString(content)
	err = errors.Join(err, draft.Sync(), draft.Close())
	if err == nil {
		err = os.Rename(draft.Name(), d.file(name))
	}
	if err != nil {
		return errors.Join(err, os.Remove(draft.Name()))
	}
	return nil
}

// claim reports whether this is the call, of all calls in all processes, that
// creates the file.
func (d directory) claim(name string) bool {
	if d.err != nil || os.MkdirAll(d.path, 0o700) != nil {
		return false
	}
	file, err := os.OpenFile(d.file(name), os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return false
	}
	_, err = file.WriteString(today() + "\n")
	return errors.Join(err, file.Close()) == nil
}

func today() string { return time.Now().Format(time.DateOnly) }

// has reports whether there is a file or directory of that name.
func (d directory) has(name string) bool {
	if d.err != nil {
		return false
	}
	_, err := os.Lstat(d.file(name))
	return err == nil
}

// remove ends files; those that are not there are no error.
func (d directory) remove(names ...string) error {
	if d.err != nil {
		return nil
	}
	var failed []error
	for _, name := range names {
		if err := os.Remove(d.file(name)); err != nil && !absent(err) {
			failed = append(failed, fmt.Errorf("loopkitcli: %w", err))
		}
	}
	return errors.Join(failed...)
}

// absent reports whether an error means that a file is not there.
func absent(err error) bool { return errors.Is(err, fs.ErrNotExist) }

// choice is what the user said.
type choice struct {
	made, on bool
	day      string // on which day; empty if the file does not say
}

func (c choice) when() string {
	if c.day == "" {
		return ""
	}
	return " on " + c.day
}

// choice returns what was saved. With an error there is a choice that nobody can
// read; nothing may be sent then.
func (d directory) choice() (choice, error) {
	text, err := d.read(choiceFile)
	switch {
	case absent(err):
		return choice{}, nil
	case err != nil:
		return choice{}, err
	}
	word, day, _ := strings.Cut(strings.TrimSpace(text), " ")
	if day != "" {
		if _, err := time.Parse(time.DateOnly, day); err != nil {
			return choice{}, d.foreign(choiceFile)
		}
	}
	switch word {
	case "on", "off":
		return choice{made: true, on: word == "on", day: day}, nil
	}
	return choice{}, d.foreign(choiceFile)
}

// keepChoice saves what the user says now, and never replaces what it cannot read.
func (d directory) keepChoice(on bool) error {
	if _, err := d.choice(); err != nil {
		return err
	}
	word := "off"
	if on {
		word = "on"
	}
	return d.replace(choiceFile, word+" "+today()+"\n")
}
