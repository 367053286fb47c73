// Command cmd runs simulated worlds, one for each seed, and tells what it found.
//
//	go run ./internal/world/cmd -seeds 10000           the seeds from 0 on, a week each
//	go run ./internal/world/cmd -seeds 0               until it is interrupted
//	go run ./internal/world/cmd -from 17 -seeds 1 -v   one seed, with its timeline
//	go run ./internal/world/cmd -days 14 -seeds 50     long enough for rows to be pruned
//
// It ends with status 1 if an invariant was violated: it prints the seed, the
// shortest failing world that it could find, the timeline of that, and the command
// that repeats it. An interrupt lets the worlds that run come to their end, and prints
// what they were.
package main

import (
	"context"
	"flag"
	"fmt"
	"maps"
	"os"
	"os/signal"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/jonboulle/clockwork"

	"github.com/tradeclock/tradeclock/internal/world"
)

// clock tells how long it takes. The worlds have clocks of their own.
var clock = clockwork.NewRealClock()

func main() {
	from := flag.Uint64("from", 0, "the first seed")
	seeds := flag.Uint64("seeds", 100, "how many seeds; 0 goes on until stopped")
	days := flag.Int("days", 7, "how many days each world has")
	workers := flag.Int("workers", runtime.NumCPU(), "how many worlds run side by side")
	keep := flag.Bool("keep-going", false, "go on after a violation, and print one line for each")
	brief := flag.Bool("brief", false, "print one line for a violation, and end")
	verbose := flag.Bool("v", false, "print the timeline of each world")
	without := make(map[int]bool)
	flag.Func("without", "leave out the incidents with these numbers, as in 3,7", func(list string) error { return parseNumbers(list, without) })
	flag.Parse()

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	context.AfterFunc(ctx, stop) // a second interrupt ends it at once
	t := &tally{
		began: clock.Now(), days: *days, keep: *keep, brief: *brief,
		incidents: make(map[string]int), faults: make(map[string]int),
	}
	var wg sync.WaitGroup
	next := make(chan uint64)
	for range *workers {
		wg.Go(func() {
			for seed := range next {
				r := world.Run(seed, world.Options{Days: *days, Without: without, Whole: *verbose})
				if *verbose {
					print(r.Timeline)
				}
				t.add(r)
			}
		})
	}
	for seed := *from; (*seeds == 0 || seed < *from+*seeds) && !t.failed() && ctx.Err() == nil; seed++ {
		select {
		case next <- seed:
		case <-ctx.Done():
		}
	}
	close(next)
	wg.Wait()
	t.print()
	if t.violations > 0 {
		os.Exit(1)
	}
}

// parseNumbers adds the numbers of a list to a set.
func parseNumbers(list string, to map[int]bool) error {
	for number := range strings.SplitSeq(list, ",") {
		n, err := strconv.Atoi(number)
		if err != nil {
			return err
		}
		to[n] = true
	}
	return nil
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
	incidents  map[string]int
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
	for _, in := range r.Incidents {
		t.incidents[in.Kind]++
	}
	for kind, n := range r.Faults {
		t.faults[kind] += n
	}
	if len(r.Findings) > 0 {
		t.violations++
		t.tellFailure(r)
	}
	if clock.Since(t.printed) > 10*time.Second {
		t.printed = clock.Now()
		fmt.Printf("%v: %d worlds, %.1f weeks, %d runs, %d violations\n", clock.Since(t.began).Round(time.Second),
			t.worlds, t.weeks(), t.runs, t.violations)
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

func (t *tally) weeks() float64 { return float64(t.worlds*t.days) / 7 }

func (t *tally) print() {
	fmt.Printf("%d worlds, %.1f simulated weeks, %d runs, %d violations, in %v\n", t.worlds, t.weeks(), t.runs, t.violations, clock.Since(t.began).Round(time.Second))
	fmt.Printf("%d occurrences, of which %d had to be in the ledger once, and %d to run at once\n",
		t.checked.Occurrences, t.checked.Accounted, t.checked.AtOnce)
	fmt.Println("incidents   faults")
	for _, kind := range slices.Sorted(maps.Keys(t.incidents)) {
		fmt.Printf("%9d %8d  %s\n", t.incidents[kind], t.faults[kind], kind)
	}
}

func print(lines []string) {
	for _, line := range lines {
		fmt.Println(line)
	}
}
