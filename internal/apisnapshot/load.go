package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// goPackage is what go list tells of a package, and its types.
type goPackage struct {
	Dir        string
	ImportPath string
	Name       string
	GoFiles    []string
	Export     string // the file with its compiled types
	DepOnly    bool   // it was not asked for
	Module     *struct {
		Path string
		Main bool
	}

	types *types.Package // of the main module only
}

func (p *goPackage) own() bool { return p.Module != nil && p.Module.Main }

func (p *goPackage) public() bool {
	return !p.DepOnly && p.Name != "main" && !hasElement(p.ImportPath, "internal") && !hasElement(p.ImportPath, "examples")
}

func hasElement(path, element string) bool {
	return slices.Contains(strings.Split(path, "/"), element)
}

// load returns the packages of the main module that match pattern, and those
// that they import. They are checked from source, because compiled types also
// hold names that the compiler invented; all others come compiled.
func load(workspace, dir, pattern string) ([]*goPackage, error) {
	listed, err := list(workspace, dir, pattern)
	if err != nil {
		return nil, err
	}
	files := token.NewFileSet()
	exports := make(map[string]string)
	checked := make(map[string]*types.Package)
	compiled := importer.ForCompiler(files, "gc", func(path string) (io.ReadCloser, error) {
		return os.Open(exports[path])
	})
	config := types.Config{IgnoreFuncBodies: true, Importer: importerFunc(func(path string) (*types.Package, error) {
		if p := checked[path]; p != nil {
			return p, nil
		}
		return compiled.Import(path)
	})}
	var own []*goPackage
	for _, p := range listed { // each after what it imports
		exports[p.ImportPath] = p.Export
		if !p.own() {
			continue
		}
		syntax, err := parse(files, p)
		if err != nil {
			return nil, err
		}
		if p.types, err = config.Check(p.ImportPath, files, syntax, nil); err != nil {
			return nil, err
		}
		checked[p.ImportPath] = p.types
		own = append(own, p)
	}
	return own, nil
}

func list(workspace, dir, pattern string) ([]*goPackage, error) {
	out, err := goTool(workspace, "-C", dir, "list", "-deps", "-export", "-json=Dir,ImportPath,Name,GoFiles,Export,DepOnly,Module", pattern)
	if err != nil {
		return nil, err
	}
	var packages []*goPackage
	for decoder := json.NewDecoder(bytes.NewReader(out)); ; {
		p := new(goPackage)
		switch err := decoder.Decode(p); {
		case errors.Is(err, io.EOF):
			return packages, nil
		case err != nil:
			return nil, err
		}
		packages = append(packages, p)
	}
}

func parse(files *token.FileSet, p *goPackage) ([]*ast.File, error) {
	var syntax []*ast.File
	for _, name := range p.GoFiles {
		file, err := parser.ParseFile(files, filepath.Join(p.Dir, name), nil, parser.SkipObjectResolution)
		if err != nil {
			return nil, err
		}
		syntax = append(syntax, file)
	}
	return syntax, nil
}

// goTool runs the go command for one module alone: in a workspace, other
// modules could raise the versions of what it depends on.
// noWorkspace makes the go command see one module alone.
const noWorkspace = "off"

func goTool(workspace string, args ...string) ([]byte, error) {
	command := exec.Command("go", args...)
	command.Env = append(os.Environ(), "GOWORK="+workspace)
	command.Stderr = os.Stderr
	out, err := command.Output()
	if err != nil {
		return nil, fmt.Errorf("go %s: %w", strings.Join(args, " "), err)
	}
	return out, nil
}

type importerFunc func(path string) (*types.Package, error)

func (f importerFunc) Import(path string) (*types.Package, error) { return f(path) }
