package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"strconv"
)

// figures are what one operation of a path costs. In JSON, one of a path whose
// time is not measured has no ratio.
type figures struct {
	Allocations float64 `json:"allocations"`
	// Ratio is the time to that of the reference.
	Ratio float64 `json:"ratio,omitempty"`
}

// records are the figures of all paths, and the version of Go with which they were
// taken.
type records struct {
	Go    string             `json:"go"`
	Paths map[string]figures `json:"paths"`
}

// readRecords reads what write has written, or nothing if there is no file.
func readRecords(file string) (r records, err error) {
	r.Paths = make(map[string]figures)
	text, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return r, nil
	}
	if err != nil {
		return r, err
	}
	if err := json.Unmarshal(text, &r); err != nil {
		return r, fmt.Errorf("%s: %w", file, err)
	}
	return r, nil
}

func (r records) write(file string) error {
	text, err := json.MarshalIndent(r, "", "\t")
	if err != nil {
		return err
	}
	return os.WriteFile(file, append(text, '\n'), 0o644)
}

// How much worse a path may be. Allocations vary by what the runtime and the layout
// of maps do. The ratio of two times is half as much again on a machine that is
// busy, as the caches are shared, and a change that matters is larger: a walk over
// all rows where one would do.
const (
	moreAllocations = 1.02
	fewAllocations  = 0.01 // an operation, beyond that
	moreTime        = 2
)

// How much cheaper a path may be before it must be recorded anew: if it became worse
// again, up to what was recorded, nobody would see it. The differences of a path that
// hardly allocates are the runtime's own.
const (
	fewerAllocations = 0.5
	tooFewToTell     = 1 // an operation
)

// unlimited is a limit that nothing exceeds.
var unlimited = figures{math.Inf(1), math.Inf(1)}

// limit returns the figures up to which a path is no worse than recorded.
func (f figures) limit() figures {
	return figures{f.Allocations*moreAllocations + fewAllocations, f.Ratio * moreTime}
}

// exceeds says by what the figures are worse than a limit.
func (f figures) exceeds(limit figures) error {
	var errs []error
	if f.Allocations > limit.Allocations {
		errs = append(errs, fmt.Errorf("%.4g allocations, at most %.4g", f.Allocations, limit.Allocations))
	}
	if f.Ratio > limit.Ratio {
		errs = append(errs, fmt.Errorf("%.3g times the reference, at most %.3g", f.Ratio, limit.Ratio))
	}
	return errors.Join(errs...)
}

// undercuts says by how much the figures are so far below those recorded that these
// guard nothing.
func (f figures) undercuts(recorded figures) error {
	if f.Allocations >= recorded.Allocations*fewerAllocations || recorded.Allocations-f.Allocations <= tooFewToTell {
		return nil
	}
	return fmt.Errorf("%.4g allocations, less than half of the %.4g recorded: record anew", f.Allocations, recorded.Allocations)
}

func (f figures) String() string {
	if f == (figures{}) {
		return "nothing"
	}
	text := fmt.Sprintf("%.4g allocations", f.Allocations)
	if f.Ratio > 0 {
		text += fmt.Sprintf(" and %.3g of the reference", f.Ratio)
	}
	return text
}

// rounded leaves the digits that mean something.
func (f figures) rounded() figures {
	f.Allocations = math.Round(f.Allocations*1000) / 1000
	f.Ratio, _ = strconv.ParseFloat(strconv.FormatFloat(f.Ratio, 'g', 3, 64), 64)
	return f
}
