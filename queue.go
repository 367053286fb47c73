package tradeclock

import (
	"cmp"
	"context"
	"iter"
	"slices"
	"strings"
	"time"

	"github.com/tradeclock/tradeclock/internal/quiet"
)

// pending is a planned run that has not started. Guarded by the scheduler's mu.
type pending struct {
	run     Run
	row     *row
	acct    *account
	task    *taskState
	expires time.Time // its catch-up ends
	rank    int       // how many of its account come before it at the same instant
	waits   string    // what it waits for, as the reason if it is missed
	// replaces is the row whose place it takes, or nil: of an interrupted run that it
	// runs again, or of one that never started.
	replaces *Run
	// uncertain is true if a claim was sent: the ledger has it, or may have it.
	uncertain bool
	lined     bool      // it is in the ready queue, or waits
	queued    bool      // it came due while its task ran, and waits for that
	nextClaim *pending  // of the same task, that is being claimed
	prev      time.Time // when the task's occurrence before it was due
	moved     bool      // into the past, by a calendar
}

func (p *pending) compare(o *pending) int {
	return cmp.Or(
		p.run.Due.Compare(o.run.Due),
		cmp.Compare(p.row.Priority, o.row.Priority),
		cmp.Compare(p.rank, o.rank),
		cmp.Compare(p.run.Task, o.run.Task),
		cmp.Compare(p.run.Account, o.run.Account),
	)
}

// queue is what is planned, claimed or running. Guarded by the scheduler's mu.
type queue struct {
	ready     []*pending            // may start, in order
	waves     []wave                // what is to be ready after it, in order
	spread    []wave                // what is to be ready at its offsets
	waiting   map[*pending]struct{} // wait for a run, a group or an executor
	claiming  []*pending            // are being claimed
	manual    int                   // how many are being claimed that a person triggered
	drops     int                   // how often all that was pending was dropped
	claims    batches
	running   []*execution
	retrying  int           // of those that run, how many wait for their next attempt
	unclaimed int           // of those that run, how many started with the ledger out of reach
	started   int64         // counts the starts, to order running by
	batch     int           // how many runs are claimed at once
	places    int           // taken of MaxConcurrent
	tokens    int64         // counts the tokens, to make each one fresh
	slab      []pending     // room for the next ones
	texts     texts         // of IDs and tokens
	pumping   bool          // the pump goes on
	again     bool          // it was kicked meanwhile
	expiry    *quiet.Alarm  // goes off when the first catch-up ends
	expiryAt  time.Time     // and that is then
	expireAt  time.Time     // no catch-up in the queue ends before it
	starting  *quiet.Alarm  // goes off when the next run that waits for its time may start
	startAt   time.Time     // and when that is
	backoff   time.Duration // before the next claim, while the ledger is out of reach
	paused    bool          // the backoff has not passed yet
	reruns    []Run         // interrupted, to be run again within their catch-up
	base      context.Context
	endAll    context.CancelCauseFunc
}

// pendingSlab is how many pending runs take one allocation. It is small, as a run
// that goes on for long keeps the others of its slab in memory.
const pendingSlab = 16

func (q *queue) newPending() *pending {
	if len(q.slab) == 0 {
		q.slab = make([]pending, pendingSlab)
	}
	p := &q.slab[0]
	q.slab = q.slab[1:]
	return p
}

// batches gives room for the runs of one batch after the other.
type batches struct{ last []Run }

// room returns room for n runs: that of the last batch, if the ledger answers from
// memory. That one keeps nothing of what it is given, and another might.
func (b *batches) room(n int, again bool) []Run {
	if !again {
		return make([]Run, n)
	}
	b.last = slices.Grow(b.last[:0], n)[:n]
	return b.last
}

// texts keeps short texts, many in one allocation.
type texts struct{ b strings.Builder }

func (t *texts) keep(text []byte) string {
	const slab = 4096
	if t.b.Cap()-t.b.Len() < len(text) {
		t.b = strings.Builder{}
		t.b.Grow(max(slab, len(text)))
	}
	from := t.b.Len()
	t.b.Write(text)
	return t.b.String()[from:]
}

// context is what the contexts of all runs derive from. It outlives the context
// of Run, since a drain does.
func (q *queue) context() context.Context {
	if q.base == nil {
		q.base, q.endAll = context.WithCancelCause(context.Background())
	}
	return q.base
}

// ordered returns what runs, in the order of its start.
func (q *queue) ordered() []*execution {
	all := slices.Clone(q.running)
	slices.SortFunc(all, func(a, b *execution) int { return cmp.Compare(a.seq, b.seq) })
	return all
}

// enter and exit keep what runs.
func (q *queue) enter(e *execution) {
	e.index = len(q.running)
	q.running = append(q.running, e)
	if e.unclaimed {
		q.unclaimed++
	}
}

func (q *queue) exit(e *execution) {
	last := q.running[len(q.running)-1]
	last.index, q.running[e.index] = e.index, last
	q.running[len(q.running)-1] = nil
	q.running = q.running[:len(q.running)-1]
	if e.unclaimed {
		q.unclaimed--
	}
}

// allWaves are those with and without a spread.
func (q *queue) allWaves() [2]*[]wave { return [...]*[]wave{&q.waves, &q.spread} }

// isEmpty reports whether nothing waits for its start.
func (q *queue) isEmpty() bool {
	return len(q.ready)+len(q.waves)+len(q.spread)+len(q.waiting)+len(q.reruns) == 0
}

// hasReady reports whether a run may be ready to start.
func (q *queue) hasReady() bool { return len(q.ready)+len(q.waves) > 0 }

// pending are the runs that were made and are not being claimed, in no order.
func (q *queue) pending() iter.Seq[*pending] {
	return func(yield func(*pending) bool) {
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
func (q *queue) removeIf(match func(*pending) bool, f func(*pending)) {
	var out []*pending
	for p := range q.pending() {
		if match(p) {
			out = append(out, p)
		}
	}
	slices.SortStableFunc(out, (*pending).compare)
	for _, p := range out {
		f(p)
		q.remove(p)
	}
}

// remove takes a pending run out. In the ready queue it stays as a gap, which is
// passed over.
func (q *queue) remove(p *pending) {
	p.lined = false
	if _, waits := q.waiting[p]; waits {
		q.unwait(p)
	}
}

// unwait takes a pending run from whatever it waits for.
func (q *queue) unwait(p *pending) {
	delete(q.waiting, p)
	p.queued = false
	p.task.waiting = slices.DeleteFunc(p.task.waiting, func(o *pending) bool { return o == p })
	if g := p.acct.groups[p.row.Exclusive]; g != nil {
		g.waiting = slices.DeleteFunc(g.waiting, func(o *pending) bool { return o == p })
	}
	p.acct.blocked = slices.DeleteFunc(p.acct.blocked, func(o *pending) bool { return o == p })
}

// unblock makes waiting runs ready again, in their order and not in that in which they
// came to wait.
func (q *queue) unblock(ps []*pending) {
	for _, p := range slices.Clone(ps) {
		q.unwait(p)
		q.push(p)
	}
}

func (q *queue) push(p *pending) {
	p.lined = true
	q.expectAt(p.expires)
	i, _ := slices.BinarySearchFunc(q.ready, p, func(o, p *pending) int {
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

// uncertain are the pending runs whose claim the ledger has, or may have.
func (q *queue) uncertain() []*pending {
	var found []*pending
	for p := range q.pending() {
		if p.uncertain {
			found = append(found, p)
		}
	}
	slices.SortStableFunc(found, (*pending).compare)
	return found
}

// find returns the pending run of a slot of a task, or nil.
func (q *queue) find(ts *taskState, slot string) *pending {
	for p := range q.pending() {
		if p.task == ts && p.run.Slot == slot {
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
	for p := range q.waiting {
		q.remove(p)
	}
	q.ready, q.waves, q.spread, q.reruns, q.startAt = nil, nil, nil, nil, time.Time{}
}

// earliest returns the due time of the first run that is planned and neither
// claimed nor recorded.
func (q *queue) earliest() (due time.Time, ok bool) {
	if q.isEmpty() && len(q.claiming) == 0 {
		return due, false // as in most minutes
	}
	note := func(p *pending) {
		if !ok || p.run.Due.Before(due) {
			due, ok = p.run.Due, true
		}
	}
	for _, p := range q.ready {
		if p.lined {
			note(p)
			break // they are in order
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
