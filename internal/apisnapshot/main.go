// Apisnapshot prints the exported API of the public packages of the library's
// modules, one declaration a line, so that a change of it shows in the diff of
// api.txt.
//
//	go run ./internal/apisnapshot      print the API
//	go run ./internal/apisnapshot -w   write it to api.txt
package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

func main() {
	write := flag.Bool("w", false, "write api.txt at the root of the module instead of printing")
	flag.Parse()
	if err := run(*write); err != nil {
		fmt.Fprintln(os.Stderr, "apisnapshot:", err)
		os.Exit(1)
	}
}

func run(write bool) error {
	out, err := goTool(noWorkspace, "list", "-m", "-f", "{{.Dir}}")
	if err != nil {
		return err
	}
	root := strings.TrimSpace(string(out))
	lines, err := snapshot(noWorkspace, root, "./...")
	if err != nil {
		return err
	}
	for _, module := range modules {
		more, err := snapshot(filepath.Join(root, "go.work"), filepath.Join(root, module), "./...")
		if err != nil {
			return err
		}
		lines = append(lines, more...)
	}
	text := strings.Join(lines, "\n") + "\n"
	if write {
		return os.WriteFile(filepath.Join(root, "api.txt"), []byte(text), 0o644)
	}
	_, err = os.Stdout.WriteString(text)
	return err
}

// modules are those that programs import, besides that of the root.
var modules = []string{"spool"}

// snapshot describes the public packages that match pattern in dir.
func snapshot(workspace, dir, pattern string) ([]string, error) {
	packages, err := load(workspace, dir, pattern)
	if err != nil {
		return nil, err
	}
	var lines []string
	for _, p := range packages {
		if p.public() {
			lines = append(lines, describe(p)...)
		}
	}
	if len(lines) == 0 {
		return nil, fmt.Errorf("no public package matches %s in %s", pattern, dir)
	}
	return lines, nil
}
