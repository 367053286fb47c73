package world

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// Shrink looks for a shorter world in which the same invariant is violated: with
// fewer days, and with fewer incidents. It returns the shortest that it found, with
// its whole timeline.
func Shrink(r Result) Result {
	invariant := r.Findings[0].Invariant
	best := Options{Days: r.Days, Without: make(map[int]bool), Whole: true}
	fails := func(opts Options) (Result, bool) {
		opts.Whole, opts.Database = true, r.database
		found := Run(r.Seed, opts)
		return found, len(found.Findings) > 0 && found.Findings[0].Invariant == invariant
	}
	for days := 1; days < r.Days; days++ {
		if found, ok := fails(Options{Days: days}); ok {
			r, best.Days = found, days
			break
		}
	}
	for chunk := max(len(r.Incidents)/2, 1); ; chunk /= 2 {
		for from := 0; from < len(r.Incidents); {
			opts := Options{Days: best.Days, Without: maps.Clone(best.Without)}
			for _, in := range r.Incidents[from:min(from+chunk, len(r.Incidents))] {
				opts.Without[in.Number] = true
			}
			if found, ok := fails(opts); ok {
				r, best = found, opts
			} else {
				from += chunk
			}
		}
		if chunk == 1 {
			break
		}
	}
	if shortest, ok := fails(best); ok {
		r = shortest
	}
	return r
}

// Command repeats the world, and prints its whole timeline.
func (r Result) Command() string {
	command := fmt.Sprintf("go run ./internal/world/cmd -from %d -seeds 1 -days %d", r.Seed, r.Days)
	if len(r.Without) > 0 {
		var numbers []string
		for _, number := range slices.Sorted(maps.Keys(r.Without)) {
			numbers = append(numbers, strconv.Itoa(number))
		}
		command += " -without " + strings.Join(numbers, ",")
	}
	return command + " -brief -v"
}

// Report tells of a failure in lines: the seed, what there was in the world, the
// timeline, what was violated, and how to see it again.
func (r Result) Report() []string {
	lines := []string{fmt.Sprintf("seed %d, %d days, %d incidents:", r.Seed, r.Days, len(r.Incidents))}
	for _, in := range r.Incidents {
		lines = append(lines, in.Text)
	}
	lines = append(lines, "timeline:")
	lines = append(lines, r.Timeline[max(0, len(r.Timeline)-keptLines):]...)
	for _, f := range r.Findings {
		lines = append(lines, fmt.Sprintf("seed %d: violation of %s: %s", r.Seed, f.Invariant, f.Text))
	}
	return append(lines, "repeat it with: "+r.Command())
}
