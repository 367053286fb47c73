package tradeclock

import (
	"errors"
	"fmt"
	"slices"
)

// Overlap is about a run that was going on when the next came due. Occurrences that
// came due while none ran, as in an outage, run one after another.

// isBusy reports whether the task has runs that go on, or are about to start.
func (ts *taskState) isBusy() bool { return len(ts.running) > 0 || ts.claiming != nil }

// picked and unpicked keep the runs that are being claimed.
func (ts *taskState) picked(p *pending) { p.nextClaim, ts.claiming = ts.claiming, p }

func (ts *taskState) unpicked(p *pending) {
	at := &ts.claiming
	for *at != nil && *at != p {
		at = &(*at).nextClaim
	}
	if *at == p {
		*at, p.nextClaim = p.nextClaim, nil
	}
}

// claims reports whether a run of the slot is being claimed.
func (ts *taskState) claims(slot string) bool {
	for c := ts.claiming; c != nil; c = c.nextClaim {
		if c.run.Slot == slot {
			return true
		}
	}
	return false
}

// runOf returns the execution of a slot that goes on, or nil.
func (ts *taskState) runOf(slot string) *execution {
	for _, e := range ts.running {
		if e.run.Slot == slot {
			return e
		}
	}
	return nil
}

// goingOnAt returns a run that goes on and was going on when p came due, or nil.
func (ts *taskState) goingOnAt(p *pending) *execution {
	for _, e := range ts.running {
		if e.run.Started.Before(p.start()) {
			return e
		}
	}
	return nil
}

// besideOthers decides on a ready run whose task has others that go on or are being
// claimed. It reports false if it may start beside them.
func (s *UnifiedTaskScheduler) besideOthers(p *pending, ts *taskState) (decided bool) {
	if e := ts.runOf(p.run.Slot); e != nil { // a person was earlier
		p.lined = false
		s.slotTaken(p, &e.run)
		return true
	}
	current := ts.goingOnAt(p)
	switch {
	case ts.claims(p.run.Slot):
		s.awaitTask(p, "a run that a person triggered for its slot")
	case p.row.Overlap == OverlapAllow:
		return false
	case current == nil:
		s.awaitTask(p, "the run before it")
	case p.row.Overlap == OverlapSkip || slices.ContainsFunc(ts.waiting, func(o *pending) bool { return o.queued }):
		s.skipOverlap(p, current)
	default:
		if p.row.Overlap == OverlapCancel {
			cancelReplaced(ts)
		}
		p.queued = true
		s.awaitTask(p, "the previous run")
	}
	return true
}

func (s *UnifiedTaskScheduler) skipOverlap(p *pending, current *execution) {
	reason := fmt.Sprintf("the run of %s had not finished", current.run.Slot)
	if current.taken {
		reason += " (it is overdue)"
	}
	if p.row.Overlap != OverlapSkip {
		reason += ", and another waits for it"
	}
	p.lined = false
	s.skip(p, reason)
	s.countRun(p.acct, p.task, &p.run, Skipped, reason)
}

func cancelReplaced(ts *taskState) {
	for _, e := range ts.running {
		e.ctx.cancel(errReplaced)
	}
}

var errReplaced = errors.New("the next occurrence took its place")

// awaitTask lets a run wait until those of its task have returned.
func (s *UnifiedTaskScheduler) awaitTask(p *pending, what string) {
	p.waits = what
	p.task.waiting = append(p.task.waiting, p)
	s.queue.waiting[p] = struct{}{}
}

// leaveTask looks again at the runs that wait for the task's, after one of these has
// started or returned, or does not start. More than one may have to wait again.
func (s *UnifiedTaskScheduler) leaveTask(ts *taskState) {
	if len(ts.waiting) > 0 {
		s.queue.unblock(ts.waiting)
	}
}
