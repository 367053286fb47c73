package main

import (
	"context"
	"runtime"
	"runtime/debug"
	"slices"
	"strconv"
	"syscall"
	"time"
)

// path is something that must stay cheap.
type path struct {
	name string
	// timed is false for a path whose time is that of a disk.
	timed bool
	// open prepares the path.
	open func(ctx context.Context) (*opened, error)
}

// opened is a path that is ready to be measured.
type opened struct {
	// step does a number of operations. It is called again and again.
	step       func() error
	operations int
	close      func() error
}

const (
	rounds = 20
	// tries is how often a path that seems worse is measured: a machine that is busy
	// with something else can only make it seem so.
	tries = 5
)

// measure returns what an operation costs, from many rounds. One thread runs
// at a time and nothing is collected meanwhile, so that the figures are those of
// the path.
func (p path) measure(ctx context.Context, limit figures) (f figures, err error) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	defer debug.SetGCPercent(debug.SetGCPercent(-1))
	o, err := p.open(ctx)
	if err != nil {
		return f, err
	}
	var own, reference costs
	for range tries {
		for range rounds {
			if err := reference.add(work); err != nil {
				return f, err
			}
			if err := own.add(o.step); err != nil {
				return f, err
			}
		}
		f = own.figures(o.operations, reference, p.timed)
		if f.exceeds(limit) == nil {
			break
		}
	}
	return f.rounded(), o.close()
}

// costs are what a piece of work took in each round.
type costs struct {
	times       []time.Duration // of the processor
	allocations []uint64
}

// add does the work once more.
func (c *costs) add(work func() error) error {
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	began := processorTime()
	if err := work(); err != nil {
		return err
	}
	c.times = append(c.times, processorTime()-began)
	runtime.ReadMemStats(&after)
	c.allocations = append(c.allocations, after.Mallocs-before.Mallocs)
	return nil
}

// figures are the median of the allocations, which depend a little on which of two
// goroutines is first, and the least of the times, to which other programs only add.
func (c *costs) figures(operations int, reference costs, timed bool) figures {
	allocations := slices.Sorted(slices.Values(c.allocations))[len(c.allocations)/2]
	f := figures{Allocations: float64(allocations) / float64(operations)}
	if timed {
		f.Ratio = float64(slices.Min(c.times)) / float64(operations) / float64(slices.Min(reference.times))
	}
	return f
}

// processorTime is how long this process has been on a processor, which does not
// depend on what else goes on.
func processorTime() time.Duration {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		panic(err) // it has no cause
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

// work is the reference: it allocates, hashes, compares and moves, as the hot paths
// do.
func work() error {
	const size = 4000
	seen := make(map[string]int)
	keys := make([]string, size)
	for i := range keys {
		keys[i] = "account-" + strconv.Itoa(i*7919%size)
		seen[keys[i]]++
	}
	slices.Sort(keys)
	for _, key := range keys {
		seen[key]++
	}
	return nil
}
