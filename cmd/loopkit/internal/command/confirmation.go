package command

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/loopkitai/loopkit-go/cmd/loopkit/internal/plural"
)

// idsToDelete are those of the arguments and of the file, each once.
func (p *program) idsToDelete(kind deletable, f deletionFlags, args []string) ([]string, error) {
	ids := args
	if f.file != "" {
		more, err := p.readIDs(f.file)
		if err != nil {
			return nil, err
		}
		ids = append(ids[:len(ids):len(ids)], more...)
	}
	seen := map[string]bool{}
	var distinct []string
	for _, id := range ids {
		if !seen[id] {
			seen[id] = true
			distinct = append(distinct, id)
		}
	}
	switch {
	case len(distinct) > 0:
		return distinct, nil
	case f.file != "":
		return nil, usageErrorf("%s has no IDs", f.file)
	}
	return nil, usageErrorf("the %s's ID is missing: loopkit delete-%s %s", kind.noun, kind.noun, kind.example)
}

func (p *program) readIDs(name string) (ids []string, err error) {
	in := p.in
	if name != "-" {
		file, err := os.Open(name)
		if err != nil {
			return nil, usageErrorf("--from-file: %w", err)
		}
		defer func() { _ = file.Close() }() // it was only read
		in = file
	}
	lines := bufio.NewScanner(in)
	for lines.Scan() {
		if id, ok := idOfLine(lines.Text()); ok {
			ids = append(ids, id)
		}
	}
	if err := lines.Err(); err != nil {
		return nil, failed(fmt.Errorf("--from-file: %w", err))
	}
	return ids, nil
}

func idOfLine(line string) (id string, ok bool) {
	id = strings.TrimSpace(strings.TrimPrefix(line, "\ufeff"))
	return id, id != "" && !strings.HasPrefix(id, "#")
}

// mostShown is how many IDs a question lists.
const mostShown = 10

// confirmDeletion asks for the ID, or for how many there are, to be typed.
func (p *program) confirmDeletion(ctx context.Context, kind deletable, ids []string, f deletionFlags, baseURL string) error {
	if f.file == "-" || !p.isTerminal(p.in) {
		return usageError("nobody can be asked here, since the input is not a terminal; pass --yes if you are sure. Nothing was deleted")
	}
	var shown []string
	for _, id := range ids[:min(len(ids), mostShown)] {
		shown = append(shown, printable(id, longestShown))
	}
	want, what := ids[0], fmt.Sprintf("the data of %s %s", kind.noun, shown[0])
	request := "Type the ID to confirm: "
	if len(ids) > 1 || shown[0] != ids[0] { // which nobody could type
		want = plural.Of(len(ids), kind.noun)
		request = fmt.Sprintf("Type %q to confirm: ", want)
		what = "the data of " + want + ": " + strings.Join(shown, ", ")
		if len(ids) > mostShown {
			what += ", …"
		}
	}
	if _, err := fmt.Fprintf(p.err, "%s at %s will be deleted. This cannot be undone.\n%s", what, baseURL, request); err != nil {
		return failed(err)
	}
	answer, err := p.readLine(ctx)
	if err != nil {
		return failed(fmt.Errorf("nothing was deleted: %w", err))
	}
	if strings.TrimSpace(answer) != want {
		return failed(errors.New("that is something else; nothing was deleted"))
	}
	return nil
}

// readLine reads a line, unless ctx ends first: nothing can interrupt the read of
// a terminal, so its goroutine is left behind then, to end with the program.
func (p *program) readLine(ctx context.Context) (string, error) {
	type reading struct {
		line string
		err  error
	}
	done := make(chan reading, 1)
	go func() {
		line, err := bufio.NewReader(p.in).ReadString('\n')
		if errors.Is(err, io.EOF) && line != "" {
			err = nil
		}
		done <- reading{line, err}
	}()
	select {
	case r := <-done:
		return r.line, r.err
	case <-ctx.Done():
		return "", errors.New("interrupted")
	}
}
