package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/loopkitai/loopkit-go/cmd/loopkit/internal/devserver"
)

// documentShell runs the commands of a document as a shell would whose user has
// started "loopkit dev". It knows as much of one as the documents use: loopkit
// and curl, variables before them, single quotes, comments, and files that are
// written with cat.
type documentShell struct {
	t   *testing.T
	dir string
	dev *devserver.Server
}

func newDocumentShell(t *testing.T) *documentShell {
	dev, err := devserver.Listen(devserver.Options{Addr: "127.0.0.1:0"})
	require.NoError(t, err)
	ctx, stop := context.WithCancel(context.Background())
	served := make(chan error, 1)
	go func() { served <- dev.Serve(ctx) }()
	t.Cleanup(func() {
		stop()
		require.NoError(t, <-served)
	})
	return &documentShell{t, t.TempDir(), dev}
}

// here puts the server's address where the document has the usual one.
func (s *documentShell) here(text string) string {
	return strings.ReplaceAll(text, "http://"+devserver.DefaultAddr, s.dev.URL())
}

// pattern matches the output that a document shows, where … stands for anything,
// alone in a line for any lines.
func (s *documentShell) pattern(shown string) *regexp.Regexp {
	quoted := regexp.QuoteMeta(strings.TrimSpace(s.here(shown)))
	quoted = regexp.MustCompile(`(?m)^ *…$`).ReplaceAllLiteralString(quoted, `(?s:.*)`)
	return regexp.MustCompile(`\A` + strings.ReplaceAll(quoted, "…", `.*`) + `\s*\z`)
}

// run returns what the commands print, without the colours.
func (s *documentShell) run(commands string) string {
	s.t.Helper()
	var out strings.Builder
	lines := strings.Split(strings.TrimSpace(s.here(commands)), "\n")
	for i := 0; i < len(lines); i++ {
		if name, ok := strings.CutSuffix(lines[i], " <<'END'"); ok {
			end := i + 1
			for lines[end] != "END" {
				end++
			}
			text := strings.Join(lines[i+1:end], "\n") + "\n"
			require.NoError(s.t, os.WriteFile(filepath.Join(s.dir, strings.TrimPrefix(name, "cat >")), []byte(text), 0o600))
			i = end
			continue
		}
		line, comment, _ := strings.Cut(lines[i], " #")
		if words := s.words(line); len(words) > 0 && words[0] == "curl" {
			out.WriteString(s.curl(words[1:]))
		} else if len(words) > 0 {
			text, status := s.loopkit(words)
			want := "0"
			if _, documented, ok := strings.Cut(comment, "exit status "); ok {
				want = documented
			}
			require.Equal(s.t, want, fmt.Sprint(status), "the exit status of %s\n%s", line, text)
			out.WriteString(text)
		}
	}
	return out.String()
}

// words splits a line at spaces outside single quotes.
func (s *documentShell) words(line string) (words []string) {
	for _, m := range regexp.MustCompile(`(?:[^\s']|'[^']*')+`).FindAllString(line, -1) {
		words = append(words, strings.ReplaceAll(m, "'", ""))
	}
	return words
}

func (s *documentShell) loopkit(words []string) (out string, status int) {
	s.t.Helper()
	env := []string{
		asTool + "=1", "HOME=" + s.dir, "AppData=" + s.dir, "SYSTEMROOT=" + os.Getenv("SYSTEMROOT"),
		"GORACE=atexit_sleep_ms=0 " + os.Getenv("GORACE"),
		"LOOPKIT_BASE_URL=" + s.dev.BaseURL(), "LOOPKIT_API_KEY=" + devserver.Key,
	}
	for strings.Contains(words[0], "=") {
		env, words = append(env, words[0]), words[1:]
	}
	require.Equal(s.t, "loopkit", words[0])
	cmd := exec.CommandContext(s.t.Context(), os.Args[0], words[1:]...)
	cmd.Dir, cmd.Env = s.dir, env
	text, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if err != nil {
		require.ErrorAs(s.t, err, &exit)
	}
	return string(text), cmd.ProcessState.ExitCode()
}

// curl knows -s, -X, -H and -d.
func (s *documentShell) curl(words []string) string {
	s.t.Helper()
	method, body, header := "", "", http.Header{}
	var address string
	for len(words) > 0 {
		switch words[0] {
		case "-s":
			words = words[1:]
			continue
		case "-X":
			method = words[1]
		case "-H":
			name, value, _ := strings.Cut(words[1], ": ")
			header.Set(name, value)
		case "-d":
			body = words[1]
			if method == "" {
				method = http.MethodPost
			}
		default:
			address, words = words[0], words[1:]
			continue
		}
		words = words[2:]
	}
	request, err := http.NewRequestWithContext(s.t.Context(), method, address, strings.NewReader(body))
	require.NoError(s.t, err)
	request.Header = header
	response, err := http.DefaultClient.Do(request)
	require.NoError(s.t, err)
	text, err := io.ReadAll(response.Body)
	require.NoError(s.t, errors.Join(err, response.Body.Close()))
	return string(text)
}
