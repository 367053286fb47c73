// Program guard compares the allocations and the relative time of the hot paths
// with those recorded, and fails if one is worse, or so much cheaper that the record
// no longer guards it. A path's time is that of the processor, as a ratio to a piece
// of work that has nothing to do with tradeclock and is measured in turn with it.
//
//	go run ./bench/guard            # from the root
//	go run ./bench/guard -update    # record what is measured now
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"os"
	"os/signal"
	"runtime"
	"slices"
	"strings"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, paths(), os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "guard:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, paths []path, args []string, out io.Writer) error {
	flags := flag.NewFlagSet("guard", flag.ExitOnError)
	file := flags.String("recorded", "bench/guard/recorded.json", "the file of what was recorded")
	update := flags.Bool("update", false, "record what is measured now")
	only := flags.String("only", "", "measure only the paths whose name contains this")
	if err := flags.Parse(args); err != nil {
		return err
	}
	known, err := readRecords(*file)
	if err != nil {
		return err
	}
	if known.Go != runtime.Version() && !*update {
		fmt.Fprintf(out, "recorded with %s, and this is %s\n", known.Go, runtime.Version())
	}
	var complaints []error
	for _, p := range paths {
		if !strings.Contains(p.name, *only) {
			continue
		}
		recorded, found := known.Paths[p.name]
		limit := recorded.limit()
		if *update || !found {
			limit = unlimited
		}
		measured, err := p.measure(ctx, limit)
		if err != nil {
			return fmt.Errorf("%s: %w", p.name, err)
		}
		fmt.Fprintf(out, "%-45s %s, recorded %s\n", p.name, measured, recorded)
		if *update {
			known.Paths[p.name] = measured
		} else if !found {
			complaints = append(complaints, fmt.Errorf("%s is not recorded", p.name))
		} else if err := errors.Join(measured.exceeds(limit), measured.undercuts(recorded)); err != nil {
			complaints = append(complaints, fmt.Errorf("%s: %w", p.name, err))
		}
	}
	if *update {
		known.Go = runtime.Version()
		maps.DeleteFunc(known.Paths, func(name string, _ figures) bool {
			return !slices.ContainsFunc(paths, func(p path) bool { return p.name == name })
		})
		return known.write(*file)
	}
	if len(complaints) > 0 {
		return fmt.Errorf("not as recorded:\n%w\nif that is meant: go run ./bench/guard -update, and say why in the commit", errors.Join(complaints...))
	}
	return nil
}
