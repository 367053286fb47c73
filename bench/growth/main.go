// Program growth measures what tradeclock costs as accounts, schedule rows, ledger
// rows and simulated days grow, and draws it.
//
//	go run ./bench/growth                 # from the root: measure all, and draw
//	go run ./bench/growth -only ledger    # one subject
//	go run ./bench/growth -upto 1000      # the small sizes alone, into a temporary folder
//	go run ./bench/growth -draw           # draw again what was measured
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"github.com/tradeclock/tradeclock/bench/internal/rig"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "growth:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("growth", flag.ExitOnError)
	only := flags.String("only", "", "measure one subject: accounts, rows, ledger or days; empty means all")
	upTo := flags.Int("upto", 10_000_000, "measure the sizes up to this")
	drawOnly := flags.Bool("draw", false, "measure nothing, and draw what was measured before")
	data := flags.String("data", "bench/growth/data", "the folder of the figures; with -upto, a temporary one")
	plots := flags.String("plots", "docs/growth", "the folder of the plots; with -upto, a temporary one")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if err := sparePublished(flags); err != nil {
		return err
	}
	chosen := slices.DeleteFunc(subjects(), func(s subject) bool { return *only != "" && s.name != *only })
	if len(chosen) == 0 {
		return fmt.Errorf("-only %s: there is no such subject", *only)
	}
	for _, s := range chosen {
		path := filepath.Join(*data, s.name+".csv")
		if !*drawOnly {
			if err := s.measureInto(ctx, path, *upTo); err != nil {
				return fmt.Errorf("measure %s: %w", s.name, err)
			}
		}
		if err := s.draw(path, *plots); err != nil {
			return fmt.Errorf("draw %s: %w", s.name, err)
		}
	}
	return nil
}

// sparePublished lets a measurement of some sizes alone write into a temporary folder
// where it was not told another: the figures and plots that the documents show are of
// all sizes.
func sparePublished(flags *flag.FlagSet) error {
	given := make(map[string]bool)
	flags.Visit(func(f *flag.Flag) { given[f.Name] = true })
	if !given["upto"] || given["draw"] || given["data"] && given["plots"] {
		return nil
	}
	folder, err := os.MkdirTemp("", "growth")
	if err != nil {
		return err
	}
	fmt.Fprintln(os.Stderr, "growth: figures of some sizes alone, into", folder)
	for _, name := range []string{"data", "plots"} {
		if given[name] {
			continue
		}
		if err := flags.Set(name, folder); err != nil {
			return err
		}
	}
	return nil
}

// subject is something that grows, and what is measured of it.
type subject struct {
	name    string
	counts  string   // what its sizes count
	figures []string // what is measured at each size, with the unit
	sizes   []int
	// measure hands over the figures of each size.
	measure func(ctx context.Context, sizes []int, add func(size int, figures []float64)) error
	plots   []plotted
}

func subjects() []subject {
	return []subject{accountsSubject(), rowsSubject(), ledgerSubject(), daysSubject()}
}

// measureInto measures a subject and writes its figures to a file.
func (s subject) measureInto(ctx context.Context, path string, upTo int) error {
	sizes := slices.DeleteFunc(s.sizes, func(n int) bool { return n > upTo })
	t := table{remark: rig.Machine(), headings: append([]string{s.counts}, s.figures...)}
	err := s.measure(ctx, sizes, func(size int, figures []float64) {
		fmt.Fprintf(os.Stderr, "%s: %d: %s\n", s.name, size, strings.Join(cells(figures), " "))
		t.rows = append(t.rows, append([]float64{float64(size)}, figures...))
	})
	if err != nil {
		return err
	}
	return t.write(path)
}
