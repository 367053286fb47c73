package main

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"
)

// roll calls the roll of n tasks that are due at one instant, the bell: each must
// run once.
type roll struct {
	bell  time.Time
	runs  []atomic.Uint32 // of each task
	came  atomic.Int64    // how many tasks have run
	twice atomic.Int64    // how many ran more than once
	first atomic.Int64    // when the first of them did, in nanoseconds after the bell
	last  atomic.Int64    // when the last of them did
	all   chan struct{}   // closed when all have run
}

// settling is how long before the bell the preparations must have ended.
const settling = 200 * time.Millisecond

// newRoll returns the roll of the bout's tasks, with the bell at the first whole
// second that leaves a second, and lead for each task, for the preparations.
func newRoll(b *bout, lead time.Duration) *roll {
	bell := time.Now().Add(b.Lead + 2*time.Second + time.Duration(b.N)*lead).Truncate(time.Second)
	return &roll{bell: bell, runs: make([]atomic.Uint32, b.N), all: make(chan struct{})}
}

// run notes that task i runs.
func (r *roll) run(i int) {
	if r.runs[i].Add(1) > 1 {
		r.twice.Add(1)
		return
	}
	came := r.came.Add(1)
	if came == 1 {
		r.first.Store(int64(time.Since(r.bell)))
	}
	if came == int64(len(r.runs)) {
		r.last.Store(int64(time.Since(r.bell)))
		close(r.all)
	}
}

// inTime reports whether the preparations ended well before the bell.
func (r *roll) inTime() error {
	if left := time.Until(r.bell); left < settling {
		return fmt.Errorf("the preparations took too long: %v before the bell", left)
	}
	return nil
}

// wait waits until all tasks have run, or none has for three seconds.
func (r *roll) wait(ctx context.Context) error {
	const quietFor = 3 * time.Second
	quiet := time.NewTimer(time.Until(r.bell) + quietFor)
	defer quiet.Stop()
	for seen := int64(-1); ; {
		select {
		case <-r.all:
			return nil
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-quiet.C:
			came := r.came.Load()
			if came == seen {
				return nil
			}
			seen = came
			quiet.Reset(quietFor)
		}
	}
}

// report adds what the roll has seen. When the last task started is told only if
// none was lost.
func (r *roll) report(b *bout) error {
	if twice := r.twice.Load(); twice > 0 {
		return wrong("%d tasks ran more than once", twice)
	}
	if r.came.Load() == 0 {
		return wrong("no task ran")
	}
	b.add("lost", float64(r.lost()), count)
	b.addTime("first start", time.Duration(r.first.Load()))
	if r.lost() == 0 {
		b.addTime("last start", time.Duration(r.last.Load()))
	}
	return nil
}

// addAllocs adds the allocations a run, unless tasks were lost: they took less than a
// run does.
func (r *roll) addAllocs(b *bout, c cost) {
	if r.lost() == 0 {
		b.addAllocs("allocations a run", c, len(r.runs))
	}
}

func (r *roll) lost() int64 { return int64(len(r.runs)) - r.came.Load() }
