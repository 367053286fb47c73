package engine

import (
	"iter"
	"slices"
	"time"
)

// queue is what is planned and has not started.
type queue struct {
	ready    []*Run            // may start, in order
	waves    []wave            // what is to be ready after it, in order
	spread   []wave            // what is to be ready at its offsets
	waiting  map[*Run]struct{} // wait for a run, a group or an executor
	claiming []*Run            // are being claimed
	chains   chains            // of those that wait, the ones that follow others
	again    []Again           // interrupted, to be run again within their catch-up
	drops    int               // how often all that was pending was dropped
	batch    int               // how many runs are claimed at once
	places   int               // taken of the concurrent runs
	serial   int64             // the last that was given
	slab     []Run             // room for the next ones
	more     bool              // there may be more to pick
	expireAt time.Time         // no catch-up in the queue ends before it
	startAt  time.Time         // when the next run that waits for its time may start
	failing  bool              // the ledger did not answer to a claim
	paused   bool              // and the next one is put off
}

// allWaves are those with and without a spread.
func (q *queue) allWaves() [2]*[]wave { return [...]*[]wave{&q.waves, &q.spread} }

// isEmpty reports whether nothing waits for its start.
func (q *queue) isEmpty() bool {
	return len(q.ready)+len(q.waves)+len(q.spread)+len(q.waiting)+len(q.again) == 0
}

// hasReady reports whether a run may be ready to start.
func (q *queue) hasReady() bool { return len(q.ready)+len(q.waves) > 0 }

// pending are the runs that were made and are not being claimed, in no order.
func (q *queue) pending() iter.Seq[*Run] {
	return func(yield func(*Run) bool) {
		for _, p := range q.ready {
			if p.lined && !yield(p) {
				return
			}
		}
		for p := range q.waiting {
			if !yield(p) {
				return
			}
		}
	}
}

// removeIf takes out the pending runs that match, and calls f for each in order.
func (q *queue) removeIf(match func(*Run) bool, f func(*Run)) {
	var out []*Run
	for p := range q.pending() {
		if match(p) {
			out = append(out, p)
		}
	}
	slices.SortStableFunc(out, (*Run).compare)
	for _, p := range out {
		if p.lined { // or what became of one before it has decided on it
			f(p)
			q.remove(p)
		}
	}
}

// remove takes a pending run out. In the ready queue it stays as a gap, which is
// passed over.
func (q *queue) remove(p *Run) {
	p.lined = false
	if _, waits := q.waiting[p]; waits {
		q.unwait(p)
	}
}

// unwait takes a pending run from whatever it waits for.
func (q *queue) unwait(p *Run) {
	is := func(o *Run) bool { return o == p }
	delete(q.waiting, p)
	q.chains.leave(p)
	p.queued = false
	p.task.waiting = slices.DeleteFunc(p.task.waiting, is)
	if g := p.Account.groups[p.Row.Exclusive]; g != nil {
		g.waiting = slices.DeleteFunc(g.waiting, is)
	}
	p.Account.blocked = slices.DeleteFunc(p.Account.blocked, is)
}

// unblock makes waiting runs ready again, in their order and not in that in which they
// came to wait.
func (q *queue) unblock(ps []*Run) {
	for _, p := range slices.Clone(ps) {
		q.unwait(p)
		q.push(p)
	}
}

func (q *queue) push(p *Run) {
	p.lined = true
	q.expectAt(p.Expires)
	i, _ := slices.BinarySearchFunc(q.ready, p, func(o, p *Run) int {
		if o.compare(p) > 0 {
			return 1
		}
		return -1 // after its equals
	})
	q.ready = slices.Insert(q.ready, i, p)
}

// expectAt notes when a catch-up ends.
func (q *queue) expectAt(expires time.Time) {
	if q.expireAt.IsZero() || expires.Before(q.expireAt) {
		q.expireAt = expires
	}
}

// startsAt notes when a run that waits may start. Zero is not known.
func (q *queue) startsAt(at time.Time) {
	if !at.IsZero() && (q.startAt.IsZero() || at.Before(q.startAt)) {
		q.startAt = at
	}
}

// uncertain are the pending runs whose claim the ledger has, or may have.
func (q *queue) uncertain() []*Run {
	var found []*Run
	for p := range q.pending() {
		if p.uncertain {
			found = append(found, p)
		}
	}
	slices.SortStableFunc(found, (*Run).compare)
	return found
}

// find returns the pending run of a slot of a task, or nil.
func (q *queue) find(ts *task, slot string) *Run {
	for p := range q.pending() {
		if p.task == ts && p.Slot == slot {
			return p
		}
	}
	return nil
}

func (q *queue) dropPending() {
	q.drops++
	for _, p := range q.ready {
		p.lined = false
	}
	q.chains.coming = nil
	for p := range q.waiting {
		q.remove(p)
	}
	q.ready, q.waves, q.spread, q.again, q.startAt = nil, nil, nil, nil, time.Time{}
}

// earliest returns the planned time of the first run that is planned and neither
// claimed nor recorded.
func (q *queue) earliest() (due time.Time, ok bool) {
	if q.isEmpty() && len(q.claiming) == 0 {
		return due, false // as in most minutes
	}
	note := func(p *Run) {
		if !ok || p.Planned.Before(due) {
			due, ok = p.Planned, true
		}
	}
	for _, p := range q.ready {
		if p.lined {
			note(p)
			if !q.chains.any {
				break // they are in order
			}
		}
	}
	for _, p := range q.claiming {
		note(p)
	}
	for p := range q.waiting {
		note(p)
	}
	for i := range q.spread {
		if first := q.spread[i].due[0].Due; !ok || first.Before(due) {
			due, ok = first, true
		}
	}
	if len(q.waves) > 0 && (!ok || q.waves[0].due[0].Due.Before(due)) {
		due, ok = q.waves[0].due[0].Due, true
	}
	return due, ok
}

// count is the number of runs that have not started, those that are being claimed among
// them.
func (q *queue) count() int {
	n := len(q.waiting) + len(q.claiming)
	for _, p := range q.ready {
		if p.lined {
			n++
		}
	}
	for _, waves := range q.allWaves() {
		for i := range *waves {
			n += (*waves)[i].runs()
		}
	}
	return n
}
