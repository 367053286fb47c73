// Program bench races tradeclock beside its peers, and beside the floors: what
// this machine does at best for the same work. The README says what each race
// measures, and how it is fair.
//
//	go run ./bench                                # all races
//	go run ./bench -race 2 -n 10000 -rounds 3     # one, smaller
//	go run ./bench -race 2 -only tradeclock -profile /tmp/profiles
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"strconv"
	"strings"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("bench", flag.ExitOnError)
	chosen := flags.String("race", "", "the numbers of the races, as in 2 or 1,5,6; empty means all")
	n := flags.Int("n", 0, "the size, which means for each race what its title says; 0 means the race's own")
	rounds := flags.Int("rounds", 3, "how often each contender runs")
	only := flags.String("only", "", "run only the contenders whose name contains this")
	profile := flags.String("profile", "", "a folder for the profiles of each contender: the processor in its measured part, and what it allocated")
	bout := flags.Bool("bout", false, "run one contender in this process and print its figures as JSON; for the program itself")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if *bout {
		return fight(ctx, os.Stdin, os.Stdout)
	}
	picked, err := pick(races(), *chosen)
	if err != nil {
		return err
	}
	r := runner{rounds: *rounds, only: *only, profiles: *profile, start: inChild}
	defer r.servers.close()
	fmt.Print(describeMachine())
	for _, race := range picked {
		if *n > 0 {
			race.size = *n
		}
		results, err := r.run(ctx, race)
		if err != nil {
			return fmt.Errorf("race %d: %w", race.number, err)
		}
		fmt.Print(report(race, *rounds, results))
	}
	return nil
}

// pick returns the races that a list of numbers names, or all.
func pick(all []race, list string) ([]race, error) {
	if list == "" {
		return all, nil
	}
	var picked []race
	for text := range strings.SplitSeq(list, ",") {
		number, err := strconv.Atoi(text)
		if err != nil {
			return nil, fmt.Errorf("-race %s: want numbers, separated by commas", list)
		}
		i := slices.IndexFunc(all, func(r race) bool { return r.number == number })
		if i < 0 {
			return nil, fmt.Errorf("-race %s: there is no race %d", list, number)
		}
		picked = append(picked, all[i])
	}
	return picked, nil
}
