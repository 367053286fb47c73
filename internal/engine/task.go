package engine

import (
	"slices"
	"strings"
	"time"

	"github.com/tradeclock/tradeclock/calendar"
	"github.com/tradeclock/tradeclock/internal/why"
)

// task is what is remembered of one task of one account.
type task struct {
	name      string
	running   []*Run // have not returned
	room      [1]*Run
	claiming  *Run          // the first that was picked, and is not running yet
	waiting   []*Run        // wait for those that run to return, in order
	lastDue   time.Time     // of the occurrence planned last
	lastRow   *Record       // the range that was recorded last
	newest    *Run          // the occurrence of a repeating rule that was lined up last
	succeeded calendar.Date // the session in which a run last succeeded
	good      bool          // a run succeeded in this process, under the current term
	ended     *ended        // what became of runs for which others wait, or nil
}

// group is an exclusive group of one account.
type group struct {
	busy    bool
	waiting []*Run // in order
}

func (a *Account) task(name string) *task {
	i, found := a.findTask(name)
	if !found {
		ts := &task{name: name}
		ts.running = ts.room[:0]
		a.tasks = slices.Insert(a.tasks, i, ts)
	}
	return a.tasks[i]
}

// findTask returns where the task is among those of the account, or would be.
func (a *Account) findTask(name string) (i int, found bool) {
	return slices.BinarySearchFunc(a.tasks, name, func(ts *task, name string) int { return strings.Compare(ts.name, name) })
}

func (a *Account) group(name string) *group {
	g := a.groups[name]
	if g == nil {
		if a.groups == nil {
			a.groups = make(map[string]*group)
		}
		g = new(group)
		a.groups[name] = g
	}
	return g
}

// forgetPlan forgets what was planned last, as it is planned again.
func (a *Account) forgetPlan() {
	for _, ts := range a.tasks {
		ts.lastRow, ts.lastDue, ts.newest = nil, time.Time{}, nil
		ts.good, ts.ended = false, nil // another may have planned meanwhile
	}
}

// Overlap is about a run that was going on when the next came due. Occurrences that
// came due while none ran, as in an outage, run one after another.

// isBusy reports whether the task has runs that go on, or are about to start.
func (ts *task) isBusy() bool { return len(ts.running) > 0 || ts.claiming != nil }

// picked and unpicked keep the runs that are being claimed.
func (ts *task) picked(p *Run) { p.nextClaim, ts.claiming = ts.claiming, p }

func (ts *task) unpicked(p *Run) {
	at := &ts.claiming
	for *at != nil && *at != p {
		at = &(*at).nextClaim
	}
	if *at == p {
		*at, p.nextClaim = p.nextClaim, nil
	}
}

// claims reports whether a run of the slot is being claimed.
func (ts *task) claims(slot string) bool {
	for c := ts.claiming; c != nil; c = c.nextClaim {
		if c.Slot == slot {
			return true
		}
	}
	return false
}

// runOf returns the run of a slot that goes on, or nil.
func (ts *task) runOf(slot string) *Run {
	for _, p := range ts.running {
		if p.Slot == slot {
			return p
		}
	}
	return nil
}

// goingOnAt returns a run that goes on and was going on when p came due, or nil.
func (ts *task) goingOnAt(p *Run) *Run {
	for _, o := range ts.running {
		if o.Started.Before(p.Start()) {
			return o
		}
	}
	return nil
}

// besideOthers decides on a ready run whose task has others that go on or are being
// claimed. It reports false if it may start beside them.
func (e *Engine) besideOthers(p *Run, ts *task, now time.Time) (decided bool) {
	if o := ts.runOf(p.Slot); o != nil { // a person was earlier
		p.lined = false
		e.actions.Taken = append(e.actions.Taken, Taken{p, o})
		return true
	}
	current := ts.goingOnAt(p)
	switch {
	case ts.claims(p.Slot):
		e.awaitTask(p, why.WaitsForTrigger)
	case p.Row.Overlap == OverlapAllow:
		return false
	case current == nil:
		e.awaitTask(p, why.WaitsForTask)
	case p.Row.Overlap == OverlapSkip || slices.ContainsFunc(ts.waiting, func(o *Run) bool { return o.queued }):
		e.skipOverlap(p, current, now)
	default:
		if p.Row.Overlap == OverlapCancel {
			e.actions.Cancel = append(e.actions.Cancel, ts.running...)
		}
		p.queued = true
		e.awaitTask(p, why.WaitsForPrevious)
	}
	return true
}

func (e *Engine) skipOverlap(p, current *Run, now time.Time) {
	reason := why.OverlapOf + current.Slot + " had not finished"
	if current.overdue {
		reason += " (it is overdue)"
	}
	if p.Row.Overlap != OverlapSkip {
		reason += ", and another waits for it"
	}
	p.lined = false
	e.skip(p, reason, now)
	e.countSkipped(p, reason)
}

// awaitTask lets a run wait until those of its task have returned.
func (e *Engine) awaitTask(p *Run, what string) {
	p.task.waiting = append(p.task.waiting, p)
	e.await(p, what)
}

// await lets a run wait for what will line it up again.
func (e *Engine) await(p *Run, what string) {
	p.wait = what
	e.queue.waiting[p] = struct{}{}
}

// leaveTask looks again at the runs that wait for the task's, after one of these has
// started or returned, or does not start. More than one may have to wait again.
func (e *Engine) leaveTask(ts *task) {
	if len(ts.waiting) > 0 {
		e.queue.unblock(ts.waiting)
	}
}

// leaveGroup looks again at the runs that wait for the group, in order: the first may
// not start after all.
func (e *Engine) leaveGroup(p *Run) {
	if p.Row.Exclusive == "" {
		return
	}
	g := p.Account.group(p.Row.Exclusive)
	g.busy = false
	if len(g.waiting) > 0 {
		e.queue.unblock(g.waiting)
	}
}
