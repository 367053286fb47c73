// Command mutants counts the small mistakes in a package that its tests do not notice: a
// condition negated or left out, another bound, sign or number, a statement dropped, a
// value left out. It plants all of them in a build of the tests, of which a variable of
// the environment has one act at a time, and changes no file.
//
//	go run ./internal/mutants ./internal/engine
//	go run ./internal/mutants -only pick.go -tests . -run TestRule ./internal/engine
//
// Run it in the root of the module. It prints each mistake that was not noticed, and how
// many there were.
package main

import (
	"flag"
	"fmt"
	"log"
	"os"
	"runtime"
	"slices"
	"strings"
	"time"
)

func main() {
	tests := flag.String("tests", "", "the package whose tests are run, if it is another")
	run := flag.String("run", "", "run only these tests")
	only := flag.String("only", "", "try only the mistakes whose line, as it is printed, contains this")
	again := flag.String("again", "", "try only the mistakes that this file lists, as they are printed")
	timeout := flag.Duration("timeout", 10*time.Second, "how long the tests may take, before they count as having noticed")
	jobs := flag.Int("p", runtime.NumCPU(), "how many tests run at once")
	flag.Parse()
	log.SetFlags(0)
	if flag.NArg() != 1 {
		log.Fatal("mutants wants one package, as ./internal/engine")
	}
	if *tests == "" {
		*tests = flag.Arg(0)
	}
	listed := "\n"
	if *again != "" {
		text, err := os.ReadFile(*again)
		if err != nil {
			log.Fatal(err)
		}
		listed += string(text)
	}
	mutants, err := try(flag.Arg(0), *tests, *run, *timeout, *jobs, func(m mutant) bool {
		return strings.Contains(m.String(), *only) && (*again == "" || strings.Contains(listed, "\n"+m.String()+"\n"))
	})
	if err != nil {
		log.Fatal(err)
	}
	report(mutants)
}

func report(mutants []mutant) {
	left, unreached := 0, 0
	for _, m := range mutants {
		if m.noticed {
			continue
		}
		left++
		if !m.reached {
			unreached++
		}
		fmt.Println(m)
	}
	planted := len(mutants)
	fmt.Printf("%d planted, %d noticed (%.1f %%), %d left, of which no test reaches %d\n",
		planted, planted-left, 100*float64(planted-left)/float64(max(planted, 1)), left, unreached)
}

// try plants the mistakes that are chosen, and runs the tests with each.
func try(pkg, tests, run string, timeout time.Duration, jobs int, choose func(mutant) bool) ([]mutant, error) {
	dir, err := os.MkdirTemp("", "mutants")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	b := &build{dir: dir, without: make(map[int]bool)}
	if err := b.load(pkg, tests); err != nil {
		return nil, err
	}
	if err := b.make(); err != nil {
		return nil, err
	}
	r := runner{program: b.program(), dir: b.testsDir, args: []string{"-test.failfast", "-test.timeout", timeout.String(), "-test.run", run}}
	reached, err := r.reached(dir)
	if err != nil {
		return nil, err
	}
	mutants := slices.DeleteFunc(b.mutants, func(m mutant) bool { return !choose(m) })
	r.all(mutants, reached, jobs)
	return mutants, nil
}
