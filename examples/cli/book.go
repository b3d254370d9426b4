package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// book is a file with a line for each thing that happened, "add TEXT" or "done
// NUMBER". It only grows, so that runs at the same time lose nothing of each other.
type book struct {
	path string
	err  error // why there is none
}

type note struct {
	text string
	done bool
}

func (b book) add(text string) error {
	text = strings.Join(strings.Fields(text), " ") // one line
	if text == "" {
		return errUsage
	}
	return b.append("add " + text)
}

// done returns how many notes are left.
func (b book) done(number int) (left int, err error) {
	notes, err := b.read()
	if err != nil {
		return 0, err
	}
	if number < 1 || number > len(notes) {
		return 0, fmt.Errorf("there is no note %d", number)
	}
	for i, n := range notes {
		if !n.done && i+1 != number {
			left++
		}
	}
	return left, b.append("done " + strconv.Itoa(number))
}

// append writes the line at once, which is what keeps lines whole.
func (b book) append(line string) error {
	if b.err != nil {
		return b.err
	}
	if err := os.MkdirAll(filepath.Dir(b.path), 0o700); err != nil {
		return err
	}
	file, err := os.OpenFile(b.path, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	_, err = file.WriteString(line + "\n")
	return errors.Join(err, file.Close())
}

func (b book) read() ([]note, error) {
	if b.err != nil {
		return nil, b.err
	}
	text, err := os.ReadFile(b.path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	var notes []note
	for line := range strings.Lines(string(text)) {
		word, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
		number, err := strconv.Atoi(rest)
		switch {
		case word == "add":
			notes = append(notes, note{text: rest})
		case word == "done" && err == nil && 1 <= number && number <= len(notes):
			notes[number-1].done = true
		default:
			return nil, fmt.Errorf("%s holds something else: %q", b.path, line)
		}
	}
	return notes, nil
}
