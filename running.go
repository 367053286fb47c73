package tradeclock

import (
	"cmp"
	"context"
	"slices"
	"sync"
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
