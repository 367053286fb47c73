package engine

import (
	"time"

	"github.com/tradeclock/tradeclock/internal/plan"
)

// WhyBusy says why a manual run of a row could not start now, or nothing if it could.
func (e *Engine) WhyBusy(a *Account, r *Row) string {
	switch {
	case !a.started:
		return "the executor has not started"
	case a.task(r.Task()).isBusy():
		return "the task is running"
	case r.Exclusive != "" && a.group(r.Exclusive).busy:
		return "group " + r.Exclusive + " is running"
	case e.crowded():
		return "no place is free among the concurrent runs"
	}
	return ""
}

// NewManual returns a run that a person asks for now.
func (e *Engine) NewManual(a *Account, r *Row, o plan.Occurrence, actor string, now time.Time) *Run {
	p := e.newRun(a, a.task(r.Task()), r, o, false)
	p.Expires, p.Actor = now.Add(r.CatchUp), actor
	return p
}

// WhyInDoubt says why the ledger may have an earlier claim of the slot of a run, which did
// not start or is yet to start, or nothing if it has none.
func (e *Engine) WhyInDoubt(p *Run) string {
	if e.releases.has(p) {
		return "the ledger still has an earlier claim of its slot"
	}
	if e.arming.claims[p.slotKey()] != nil {
		return "the run of its slot is armed, and about to start"
	}
	if o := e.queue.find(p.task, p.Slot); o != nil && o.uncertain {
		return "the run of its slot waits for " + o.wait
	}
	return ""
}

// PickManual reserves what a manual run needs, and reports whether its start limit allows
// it now.
func (e *Engine) PickManual(p *Run, now time.Time) bool {
	if ok, _ := e.Limits.Reserve(p.Row.StartLimit, p.Account.Name, now); !ok {
		return false
	}
	e.reserve(p, now)
	return true
}

// Tell says what becomes of the runs of a task that have no record yet.
func (e *Engine) Tell(key Key, tell func(slot, what string)) {
	note := func(p *Run, text string) {
		if p.Key() == key {
			tell(p.Slot, text)
		}
	}
	for p := range e.queue.pending() {
		if p.wait == "" {
			note(p, "about to start")
		} else {
			note(p, "waiting for "+p.wait)
		}
	}
	for _, p := range e.queue.claiming {
		note(p, "being claimed")
	}
	for _, p := range e.arming.claims {
		note(p, "armed")
	}
	for _, r := range e.releases.waiting {
		note(r.Run, "its claim is being given back")
	}
	for _, waves := range e.queue.allWaves() {
		for _, w := range *waves {
			if w.row.Task() != key.Task || !w.row.HoldsFor(key.Account) {
				continue
			}
			for _, o := range w.due {
				tell(o.Slot, "about to start, at its offset or in its turn")
			}
		}
	}
}
