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
	clearedFile  = "cleared"      // the day on which all that waited there was removed; not while a run fills it
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
	if !isApp(o.App) {
		return directory{err: errors.New("loopkitcli: there is no directory to keep anything in: the program has no name")}
	}
	if dir == "" {
		config, err := os.UserConfigDir()
		if err != nil {
			return directory{err: fmt.Errorf("loopkitcli: there is no directory to keep anything in: %w", err)}
		}
		dir = filepath.Join(config, o.App)
	}
	dir, err := filepath.Abs(dir) // the program may change its working directory
	if err != nil {
		return directory{err: fmt.Errorf("loopkitcli: there is no directory to keep anything in: %w", err)}
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
func (d directory) replace(name, content string) error { return d.publish(name, content, os.Rename) }

// create is replace for a file that is not there; else the error wraps fs.ErrExist.
// Of all calls in all processes, one succeeds.
func (d directory) create(name, content string) error { return d.publish(name, content, os.Link) }

func (d directory) publish(name, content string, place func(from, to string) error) error {
	draft, err := d.draft(name, content)
	if err != nil {
		return err
	}
	err = place(draft, d.file(name))
	if gone := os.Remove(draft); !absent(gone) { // as it is after a rename
		err = errors.Join(err, gone)
	}
	if err != nil {
		return fmt.Errorf("loopkitcli: nothing can be kept: %w", err)
	}
	return nil
}

// draft writes content to a new file beside that which it is for.
func (d directory) draft(name, content string) (path string, err error) {
	if d.err != nil {
		return "", d.err
	}
	err = os.MkdirAll(d.path, 0o700)
	var file *os.File
	if err == nil {
		file, err = os.CreateTemp(d.path, name+".*") // created with mode 0600
	}
	if err != nil {
		return "", fmt.Errorf("loopkitcli: nothing can be kept: %w", err)
	}
	_, err = file.WriteString(content)
	if err = errors.Join(err, file.Sync(), file.Close()); err != nil {
		return "", fmt.Errorf("loopkitcli: nothing can be kept: %w", errors.Join(err, os.Remove(file.Name())))
	}
	return file.Name(), nil
}

// writable reports whether anything could be kept now.
func (d directory) writable() bool {
	draft, err := d.draft(choiceFile, "")
	return err == nil && os.Remove(draft) == nil
}

// removeDrafts removes what a process that was killed wrote of a file.
func (d directory) removeDrafts(name string) error {
	if d.err != nil {
		return nil
	}
	entries, err := os.ReadDir(d.path)
	if err != nil && !absent(err) {
		return fmt.Errorf("loopkitcli: %w", err)
	}
	var drafts []string
	for _, entry := range entries {
		if strings.HasPrefix(entry.Name(), name+".") {
			drafts = append(drafts, entry.Name())
		}
	}
	return d.remove(drafts...)
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

// keepChoice saves what the user says now, and never replaces what it cannot read,
// nor the day on which they said so first.
func (d directory) keepChoice(on bool) error {
	before, err := d.choice()
	if err != nil || before.made && before.on == on {
		return err
	}
	word := "off"
	if on {
		word = "on"
	}
	return d.replace(choiceFile, word+" "+today()+"\n")
}
