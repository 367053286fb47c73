package tradeclock

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"time"

	"github.com/tradeclock/tradeclock/internal/quiet"
)

// running is what has started and has not returned. Guarded by the scheduler's mu.
type running struct {
	list     []*execution
	retrying int   // of those, how many wait for their next attempt
	started  int64 // counts the starts, to order them by
	base     context.Context
	endAll   context.CancelCauseFunc
}

// context is what the contexts of all runs derive from. It outlives the context
// of Run, since a drain does.
func (r *running) context() context.Context {
	if r.base == nil {
		r.base, r.endAll = context.WithCancelCause(context.Background())
	}
	return r.base
}

// end ends the contexts of all runs.
func (r *running) end(cause error) {
	r.context()
	r.endAll(cause)
}

// ordered returns what runs, in the order of its start.
func (r *running) ordered() []*execution {
	all := slices.Clone(r.list)
	slices.SortFunc(all, func(a, b *execution) int { return cmp.Compare(a.seq, b.seq) })
	return all
}

// enter and exit keep what runs.
func (r *running) enter(e *execution) {
	r.started++
	e.seq, e.index = r.started, len(r.list)
	r.list = append(r.list, e)
}

func (r *running) exit(e *execution) {
	last := r.list[len(r.list)-1]
	last.index, r.list[e.index] = e.index, last
	r.list[len(r.list)-1] = nil
	r.list = r.list[:len(r.list)-1]
}

// returned are the executions whose Execute has returned and that still count as
// running. In a burst the scheduler's lock is busy: so only the first that comes
// waits for it, and takes in what the others have handed in meanwhile.
type returned struct {
	mu    sync.Mutex
	list  []*execution
	spare []*execution // room for the next list
}

// handIn reports whether the execution is the first, whose goroutine takes all in.
func (r *returned) handIn(e *execution) (first bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.list = append(r.list, e)
	return len(r.list) == 1
}

func (r *returned) takeAll() []*execution {
	r.mu.Lock()
	defer r.mu.Unlock()
	list := r.list
	r.list = r.spare
	r.spare = nil
	return list
}

// reuse gives back a list that has been taken in.
func (r *returned) reuse(list []*execution) {
	clear(list)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.spare = list[:0]
}

// runContext is the context of a run, in which the scheduler finds the run again.
// Most runs return before anybody asks whether they are cancelled, so what can be
// cancelled is made when somebody does.
type runContext struct {
	e      *execution
	visit  quiet.Visit
	parent context.Context

	mu    sync.Mutex
	inner context.Context // nil until somebody asks
	end   context.CancelCauseFunc
	ended bool
	cause error // with which it ended
}

// executionKey finds the execution in the context of a run.
type executionKey struct{}

// Value returns what the scheduler looks for, and else what the context that can
// be cancelled has, which is how the standard library finds that one.
func (c *runContext) Value(key any) any {
	switch key.(type) {
	case executionKey:
		return c.e
	case quiet.Key:
		return &c.visit
	}
	return c.cancellable().Value(key)
}

func (c *runContext) Deadline() (time.Time, bool) { return c.parent.Deadline() }
func (c *runContext) Done() <-chan struct{}       { return c.cancellable().Done() }
func (c *runContext) Err() error                  { return c.cancellable().Err() }

func (c *runContext) cancellable() context.Context {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.inner == nil {
		c.inner, c.end = context.WithCancelCause(c.parent)
		if c.ended {
			c.end(c.cause)
		}
	}
	return c.inner
}

// cancel ends the context with a cause, unless it has ended.
func (c *runContext) cancel(cause error) {
	c.mu.Lock()
	first, end := !c.ended, c.end
	c.ended = true
	if first {
		c.cause = cause
	}
	c.mu.Unlock()
	if first && end != nil {
		end(cause)
	}
}
