package main

import (
	"context"
	"math"
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

// measure returns what an operation costs at least, in many rounds. One thread runs
// at a time and nothing is collected meanwhile, so that the figures are those of
// the path.
func (p path) measure(ctx context.Context, limit figures) (f figures, err error) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	defer debug.SetGCPercent(debug.SetGCPercent(-1))
	o, err := p.open(ctx)
	if err != nil {
		return f, err
	}
	least, reference := cost{math.MaxInt64, math.MaxInt64}, cost{math.MaxInt64, math.MaxInt64}
	for range tries {
		for range rounds {
			if err := reference.lower(work); err != nil {
				return f, err
			}
			if err := least.lower(o.step); err != nil {
				return f, err
			}
		}
		f = least.figures(o.operations, reference, p.timed)
		if f.exceeds(limit) == nil {
			break
		}
	}
	return f.rounded(), o.close()
}

// cost is what a piece of work took.
type cost struct {
	time        time.Duration // of the processor
	allocations int64
}

// lower lowers the cost to that of f, if it is less.
func (c *cost) lower(f func() error) error {
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	began := processorTime()
	if err := f(); err != nil {
		return err
	}
	c.time = min(c.time, processorTime()-began)
	runtime.ReadMemStats(&after)
	c.allocations = min(c.allocations, int64(after.Mallocs-before.Mallocs))
	return nil
}

func (c cost) figures(operations int, reference cost, timed bool) figures {
	f := figures{Allocations: float64(c.allocations) / float64(operations)}
	if timed {
		f.Ratio = float64(c.time) / float64(operations) / float64(reference.time)
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
