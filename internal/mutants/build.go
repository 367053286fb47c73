package main

import (
	"bytes"
	_ "embed"
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
	"regexp"
	"strconv"
	"strings"
)

//go:embed planted.go.txt
var planted string

// listed is a package as the go command lists it.
type listed struct {
	Dir, ImportPath, Name, Export string
	GoFiles                       []string
	DepOnly                       bool
}

// build is a package with mistakes, and a program of tests of it.
type build struct {
	dir      string
	pkg      listed
	exports  map[string]string
	tests    string
	testsDir string
	without  map[int]bool // do not compile
	mutants  []mutant
}

func (b *build) program() string { return filepath.Join(b.dir, "tests") }

// load asks the go command for the package and what it imports.
func (b *build) load(pkg, tests string) error {
	out, err := exec.Command("go", "list", "-export", "-deps", "-json=Dir,ImportPath,Name,Export,GoFiles,DepOnly", pkg).Output()
	if err != nil {
		return fmt.Errorf("%s is not listed: %w", pkg, err)
	}
	b.exports = make(map[string]string)
	for decoder := json.NewDecoder(bytes.NewReader(out)); ; {
		var one listed
		if err := decoder.Decode(&one); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return err
		}
		b.exports[one.ImportPath] = one.Export
		if !one.DepOnly {
			b.pkg = one
		}
	}
	dir, err := exec.Command("go", "list", "-f", "{{.Dir}}", tests).Output()
	b.tests, b.testsDir = tests, strings.TrimSpace(string(dir))
	return err
}

// where are the places that the compiler does not like.
var where = regexp.MustCompile(`(?m)^\S*?([^/\s]+\.go):(\d+):`)

// make plants until what is planted compiles.
func (b *build) make() error {
	for {
		overlay, err := b.plant()
		if err != nil {
			return err
		}
		out, err := exec.Command("go", "test", "-c", "-vet=off", "-gcflags="+b.pkg.ImportPath+"=-e", "-overlay", overlay, "-o", b.program(), b.tests).CombinedOutput()
		if err == nil {
			return nil
		}
		if !b.leaveOut(where.FindAllStringSubmatch(string(out), -1)) {
			return fmt.Errorf("what is planted does not compile: %w\n%s", err, out)
		}
	}
}

// leaveOut leaves out what is planted in lines that do not compile, and reports whether
// there was any.
func (b *build) leaveOut(places [][]string) (any bool) {
	for _, place := range places {
		for _, m := range b.mutants {
			if filepath.Base(m.file) == place[1] && strconv.Itoa(m.line) == place[2] {
				b.without[m.number], any = true, true
			}
		}
	}
	return any
}

// plant writes the files with their mistakes, and returns the name of the list that has
// them take the places of those of the package.
func (b *build) plant() (overlay string, err error) {
	fset, files := token.NewFileSet(), []*ast.File(nil)
	for _, name := range b.pkg.GoFiles {
		file, err := parser.ParseFile(fset, filepath.Join(b.pkg.Dir, name), nil, parser.SkipObjectResolution)
		if err != nil {
			return "", err
		}
		files = append(files, file)
	}
	info := newInfo()
	config := types.Config{Importer: importer.ForCompiler(fset, "gc", func(path string) (io.ReadCloser, error) { return os.Open(b.exports[path]) })}
	pkg, err := config.Check(b.pkg.ImportPath, fset, files, info)
	if err != nil {
		return "", err
	}
	const common = "mutants_planted.go"
	texts, next := map[string]string{common: "package " + b.pkg.Name + "\n\n" + planted}, 1
	b.mutants = nil
	for i, name := range b.pkg.GoFiles {
		text, err := os.ReadFile(filepath.Join(b.pkg.Dir, name))
		if err != nil {
			return "", err
		}
		p := &planter{fset: fset, info: info, pkg: pkg, file: files[i], name: name, text: string(text), without: b.without, next: &next}
		ast.Walk(p, files[i])
		b.mutants = append(b.mutants, p.planted...)
		texts[name] = p.apply()
	}
	return b.write(texts)
}

func newInfo() *types.Info {
	return &types.Info{
		Types: make(map[ast.Expr]types.TypeAndValue), Defs: make(map[*ast.Ident]types.Object),
		Uses: make(map[*ast.Ident]types.Object), Selections: make(map[*ast.SelectorExpr]*types.Selection),
	}
}

// write writes files that take the places of those of the package, and their list.
func (b *build) write(texts map[string]string) (overlay string, err error) {
	instead := make(map[string]string)
	for name, text := range texts {
		at := filepath.Join(b.dir, name)
		instead[filepath.Join(b.pkg.Dir, name)] = at
		if err := os.WriteFile(at, []byte(text), 0o600); err != nil {
			return "", err
		}
	}
	list, err := json.Marshal(map[string]any{"Replace": instead})
	if err != nil {
		return "", err
	}
	overlay = filepath.Join(b.dir, "overlay.json")
	return overlay, os.WriteFile(overlay, list, 0o600)
}
