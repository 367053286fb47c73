// Command cmd runs simulated worlds, one for each seed, and tells what it found.
//
//	go run ./internal/world/cmd -seeds 10000           the seeds from 0 on, a week each
//	go run ./internal/world/cmd -seeds 0               until it is stopped
//	go run ./internal/world/cmd -from 17 -seeds 1 -v   one seed, with its timeline
//
// It ends with status 1 if an invariant was violated: it prints the seed, the
// shortest failing world that it could find, and the timeline of that.
package main

import (
	"flag"
	"fmt"
	"maps"
	"os"
	"runtime"
	"slices"
	"sync"
	"time"

	"github.com/tradeclock/tradeclock/internal/world"
)

func main() {
	from := flag.Uint64("from", 0, "the first seed")
	seeds := flag.Uint64("seeds", 100, "how many seeds; 0 goes on until stopped")
	days := flag.Int("days", 7, "how many days each world has")
	workers := flag.Int("workers", runtime.NumCPU(), "how many worlds run side by side")
	keep := flag.Bool("keep-going", false, "go on after a violation, and print one line for each")
	brief := flag.Bool("brief", false, "print one line for a violation, and end")
	verbose := flag.Bool("v", false, "print the timeline of each world")
	flag.Parse()

	t := &tally{began: time.Now(), days: *days, faults: make(map[string]int), keep: *keep, brief: *brief}
	var wg sync.WaitGroup
	next := make(chan uint64)
	for range *workers {
		wg.Go(func() {
			for seed := range next {
				r := world.Run(seed, world.Options{Days: *days, Whole: *verbose})
				if *verbose {
					print(r.Timeline)
				}
				t.add(r)
			}
		})
	}
	for seed := *from; (*seeds == 0 || seed < *from+*seeds) && !t.failed(); seed++ {
		next <- seed
	}
	close(next)
	wg.Wait()
	t.print()
	if t.violations > 0 {
		os.Exit(1)
	}
}

// tally counts what the worlds were.
type tally struct {
	mu         sync.Mutex
	began      time.Time
	printed    time.Time
	days       int
	keep       bool
	brief      bool
	worlds     int
	runs       int
	checked    world.Checked
	turns      int
	violations int
	faults     map[string]int
}

func (t *tally) failed() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.violations > 0 && !t.keep
}

func (t *tally) add(r world.Result) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.worlds++
	t.runs += r.Runs
	t.checked.Add(r.Checked)
	t.turns += r.Steps
	for kind, n := range r.Faults {
		t.faults[kind] += n
	}
	if len(r.Findings) > 0 {
		t.violations++
		t.tellFailure(r)
	}
	if time.Since(t.printed) > 10*time.Second {
		t.printed = time.Now()
		fmt.Printf("%v: %d worlds, %d runs, %d violations\n", time.Since(t.began).Round(time.Second), t.worlds, t.runs, t.violations)
	}
}

func (t *tally) tellFailure(r world.Result) {
	if t.keep || t.brief {
		fmt.Printf("seed %d: %s: %s\n", r.Seed, r.Findings[0].Invariant, r.Findings[0].Text)
		return
	}
	if t.violations == 1 {
		print(world.Shrink(r).Report())
	}
}

func (t *tally) print() {
	weeks := float64(t.worlds*t.days) / 7
	fmt.Printf("%d worlds, %.1f simulated weeks, %d runs, %d violations, in %v\n", t.worlds, weeks, t.runs, t.violations, time.Since(t.began).Round(time.Second))
	fmt.Printf("%d occurrences, of which %d had to be in the ledger once, and %d to run at once\n",
		t.checked.Occurrences, t.checked.Accounted, t.checked.AtOnce)
	for _, kind := range slices.Sorted(maps.Keys(t.faults)) {
		fmt.Printf("%9d  %s\n", t.faults[kind], kind)
	}
}

func print(lines []string) {
	for _, line := range lines {
		fmt.Println(line)
	}
}
