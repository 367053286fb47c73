// Command teeth shows that the simulated world finds what it is there to find: it
// breaks a copy of the scheduler or of its store in one place at a time, and runs
// worlds until one of them violates an invariant.
//
//	go run ./internal/world/teeth
//
// Run it in the root of the module. It ends with status 1 if a breakage was not
// found.
package main

import (
	"flag"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/jonboulle/clockwork"
)

// clock times the search, for who waits for it.
var clock = clockwork.NewRealClock()

func main() {
	from := flag.Int("from", 0, "the first seed")
	seeds := flag.Int("seeds", 200, "how many worlds a breakage may take")
	days := flag.Int("days", 2, "how many days each has")
	only := flag.String("only", "", "try the breakages alone whose name contains this")
	flag.Parse()

	missed := 0
	for _, b := range breakages {
		if !strings.Contains(b.name, *only) {
			continue
		}
		began := clock.Now()
		found, err := try(b, *from, *seeds, *days)
		switch {
		case err != nil:
			fmt.Printf("FAILED  %s: %v\n", b.name, err)
			missed++
		case found == "":
			fmt.Printf("MISSED  %s\n", b.name)
			missed++
		default:
			fmt.Printf("found   %-44s in %4.1fs: %s\n", b.name, clock.Since(began).Seconds(), found)
		}
	}
	if missed > 0 {
		os.Exit(1)
	}
}

// try breaks a copy, and returns the first violation that a world finds.
func try(b breakage, from, seeds, days int) (found string, err error) {
	dir, err := os.MkdirTemp("", "teeth")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(dir)
	if err := copyModule(dir); err != nil {
		return "", err
	}
	path := filepath.Join(dir, b.file)
	text, err := os.ReadFile(path)
	if err != nil {
		return "", err
	}
	if n := strings.Count(string(text), b.old); n != 1 {
		return "", fmt.Errorf("%s has the text to replace %d times, want once", b.file, n)
	}
	if err := os.WriteFile(path, []byte(strings.Replace(string(text), b.old, b.new, 1)), 0o600); err != nil {
		return "", err
	}
	return run(dir, from, seeds, days)
}

func run(dir string, from, seeds, days int) (string, error) {
	program := filepath.Join(dir, "worlds")
	build := exec.Command("go", "build", "-o", program, "./internal/world/cmd")
	build.Dir, build.Env = dir, append(os.Environ(), "GOWORK=off")
	if out, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("%w: %s", err, out)
	}
	worlds := exec.Command(program, "-brief", "-from", fmt.Sprint(from), "-seeds", fmt.Sprint(seeds), "-days", fmt.Sprint(days))
	out, err := worlds.CombinedOutput()
	for line := range strings.Lines(string(out)) {
		if strings.HasPrefix(line, "seed ") {
			return strings.TrimSpace(line), nil
		}
	}
	if err != nil {
		return "", fmt.Errorf("%w: %s", err, out)
	}
	return "", nil
}

// copyModule copies the code of the module, and with it what the worlds are built from.
func copyModule(to string) error {
	return filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if path != "." && strings.HasPrefix(d.Name(), ".") {
				return filepath.SkipDir
			}
			return os.MkdirAll(filepath.Join(to, path), 0o700)
		}
		if name := d.Name(); name != "go.mod" && name != "go.sum" && filepath.Ext(name) != ".go" || strings.HasSuffix(name, "_test.go") {
			return nil
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(to, path), text, 0o600)
	})
}
