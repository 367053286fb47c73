package world

import (
	"fmt"
	"maps"
)

// Shrink looks for a shorter world in which the same invariant is violated: with
// fewer days, and with fewer incidents. It returns the shortest that it found, with
// its whole timeline.
func Shrink(r Result) Result {
	invariant := r.Findings[0].Invariant
	best := Options{Days: r.Days, Without: make(map[int]bool), Whole: true}
	fails := func(opts Options) (Result, bool) {
		opts.Whole = true
		found := Run(r.Seed, opts)
		return found, len(found.Findings) > 0 && found.Findings[0].Invariant == invariant
	}
	for days := 1; days < r.Days; days++ {
		if found, ok := fails(Options{Days: days}); ok {
			r, best.Days = found, days
			break
		}
	}
	for chunk := max(len(r.Numbers)/2, 1); ; chunk /= 2 {
		for from := 0; from < len(r.Numbers); {
			opts := Options{Days: best.Days, Without: maps.Clone(best.Without)}
			for _, number := range r.Numbers[from:min(from+chunk, len(r.Numbers))] {
				opts.Without[number] = true
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

// Report tells of a failure in lines: the seed, what there was in the world, the
// timeline, and what was violated.
func (r Result) Report() []string {
	lines := []string{fmt.Sprintf("seed %d, %d days, %d incidents:", r.Seed, r.Days, len(r.Incidents))}
	lines = append(lines, r.Incidents...)
	lines = append(lines, "timeline:")
	lines = append(lines, r.Timeline[max(0, len(r.Timeline)-keptLines):]...)
	for _, f := range r.Findings {
		lines = append(lines, fmt.Sprintf("seed %d: violation of %s: %s", r.Seed, f.Invariant, f.Text))
	}
	return lines
}
