package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"runtime"
	"runtime/pprof"
	"slices"
	"time"
)

// order tells a child which contender to run, and with what.
type order struct {
	Race      int
	Contender string
	N         int
	Folder    string // for files, empty
	Addresses map[server]string
	Profile   string // the file for the CPU profile, or empty
	// Lead is how much longer than usual a burst leaves for its preparations.
	Lead time.Duration
}

// figure is one measured value.
type figure struct {
	Name  string
	Value float64
	Unit  unit
}

type unit string

const (
	nanoseconds unit = "ns"
	perSecond   unit = "/s" // the one unit of which more is better
	count       unit = ""
	byteCount   unit = "B"
)

// bout is one run of one contender, in a process of its own: none inherits the
// heap, the goroutines or the timers of another.
type bout struct {
	ctx context.Context
	order
	figures []figure
}

// fight runs the contender that the order on in names, and writes its figures.
func fight(ctx context.Context, in io.Reader, out io.Writer) error {
	b := bout{ctx: ctx}
	if err := json.NewDecoder(in).Decode(&b.order); err != nil {
		return fmt.Errorf("read the order: %w", err)
	}
	if err := b.run(); err != nil {
		return err
	}
	return json.NewEncoder(out).Encode(b.figures)
}

func (b *bout) run() error {
	for _, race := range races() {
		if race.number != b.Race {
			continue
		}
		i := slices.IndexFunc(race.contenders, func(c contender) bool { return c.name == b.Contender })
		if i >= 0 {
			return race.contenders[i].run(b)
		}
	}
	return fmt.Errorf("race %d has no contender %q", b.Race, b.Contender)
}

func (b *bout) add(name string, value float64, u unit) {
	b.figures = append(b.figures, figure{name, value, u})
}

func (b *bout) addTime(name string, d time.Duration) { b.add(name, float64(d), nanoseconds) }

// cost is what a measured part took.
type cost struct {
	time   time.Duration
	allocs float64
}

// addAllocs adds the allocations for each of n, to the hundredth: the runtime makes
// a few of its own.
func (b *bout) addAllocs(name string, c cost, n int) {
	b.add(name, math.Round(100*c.allocs/float64(n))/100, count)
}

// measure runs the part that counts, on a heap that was just collected, and
// profiles it if that was asked for.
func (b *bout) measure(f func() error) (c cost, err error) {
	var before, after runtime.MemStats
	runtime.GC()
	stop, err := b.startProfile()
	if err != nil {
		return c, err
	}
	runtime.ReadMemStats(&before)
	began := time.Now()
	err = f()
	c.time = time.Since(began)
	runtime.ReadMemStats(&after)
	c.allocs = float64(after.Mallocs - before.Mallocs)
	return c, errors.Join(err, stop())
}

// startProfile begins the CPU profile, if one is wanted. What it returns ends it,
// and writes beside it what was allocated since the bout began.
func (b *bout) startProfile() (stop func() error, err error) {
	if b.Profile == "" {
		return func() error { return nil }, nil
	}
	cpu, err := os.Create(b.Profile)
	if err != nil {
		return nil, err
	}
	return func() error {
		pprof.StopCPUProfile()
		runtime.GC()
		runtime.GC() // the profile lags behind by two
		allocs, err := os.Create(b.Profile + ".allocs")
		if err != nil {
			return errors.Join(err, cpu.Close())
		}
		return errors.Join(pprof.Lookup("allocs").WriteTo(allocs, 0), allocs.Close(), cpu.Close())
	}, pprof.StartCPUProfile(cpu)
}

// errWrong says that a contender did not do the work. Such a bout has no figures.
var errWrong = errors.New("the work was not done")

func wrong(format string, args ...any) error {
	return fmt.Errorf("%w: %s", errWrong, fmt.Sprintf(format, args...))
}
