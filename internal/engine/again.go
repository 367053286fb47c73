package engine

import (
	"time"

	"github.com/tradeclock/tradeclock/calendar"
	"github.com/tradeclock/tradeclock/internal/plan"
)

// Again is an interrupted run that may be run again within its catch-up.
type Again struct {
	Key
	Slot    string
	Session calendar.Date
	Due     time.Time
	Offset  time.Duration
	Repeats bool
	// Row is the row that it has, as the caller knows it.
	Row any
}

// RunAgain keeps a run that was interrupted, until it is known what else is due.
func (e *Engine) RunAgain(run Again) { e.queue.again = append(e.queue.again, run) }

// HasAgain reports whether any such run is kept.
func (e *Engine) HasAgain() bool { return len(e.queue.again) > 0 }

// enqueueAgain lines up the interrupted runs of older terms that are delivered
// at least once, when it is known what else is due: of a repeating rule, one that
// a newer occurrence follows stays interrupted.
func (e *Engine) enqueueAgain(now time.Time) {
	q := &e.queue
	if len(q.again) == 0 || e.planning.plan == nil || !e.Term.IsResumed() || !e.planning.caughtUp {
		return
	}
	runs := q.again
	q.again = nil
	for _, run := range runs {
		a, r := e.Accounts.Enrolled(run.Account), e.facts.InForce(run.Account, run.Task)
		if a == nil || r == nil || r.Policy.Disabled || !r.AtLeastOnce || !r.RunsOn(run.Session) {
			continue
		}
		ts := a.task(run.Task)
		if run.Repeats && (ts.lastDue.After(run.Due) || q.comesFor(a, r, run.Due)) {
			continue
		}
		o := plan.Occurrence{Row: r.Row, Due: run.Due, Slot: run.Slot, Session: run.Session, Repeats: run.Repeats}
		p := e.newRun(a, ts, r, o, true)
		p.Replaces, p.Offset = run.Row, run.Offset
		if !now.Before(p.Expires) {
			continue
		}
		q.push(p)
		if run.Repeats {
			ts.newest = p // to give way to what comes after it
		}
	}
}
