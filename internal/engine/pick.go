package engine

import (
	"slices"
	"time"

	"github.com/tradeclock/tradeclock/internal/why"
)

// Sizes of batches of claims.
const (
	firstBatch = 128  // the first runs of a burst start soon
	fullBatch  = 4096 // what a database takes best
)

// Obstacles are what keeps runs from starting beside what the engine knows itself.
type Obstacles struct {
	// HaltsUnread is true if the halts in force could not be read.
	HaltsUnread bool
	// Reconciling is true if the ledger does not have the runs of older terms yet, and
	// Unsettled if it did not take outcomes when it was last asked.
	Reconciling, Unsettled bool
}

// Picked are runs that may start: Claim once they are claimed, and Start at once.
type Picked struct{ Claim, Start []*Run }

// Prepare lines up what may start, and records what is too late. It reports whether
// anything may be ready.
func (e *Engine) Prepare(now time.Time) (ready bool) {
	q := &e.queue
	q.more, q.startAt = false, time.Time{}
	if q.isEmpty() {
		return false
	}
	q.batch = max(q.batch, firstBatch)
	e.enqueueAgain(now)
	e.expire(now)
	e.lineUpSpread(now)
	e.lineUpComing(now)
	return q.hasReady()
}

// More reports whether there may be more to pick than was picked last, and Rest that
// nothing was.
func (e *Engine) More() bool { return e.queue.more }

// Rest ends a burst: the next one begins with a small batch.
func (e *Engine) Rest() { e.queue.batch = 0 }

// Pick takes from the queue what can start now, no more than there are places,
// and reserves for each its place, its task and its group.
func (e *Engine) Pick(now time.Time, ob Obstacles) (picked Picked) {
	q := &e.queue
	if !e.Term.IsResumed() {
		return picked
	}
	var kept []*Run
	e.lineUpPreceding(now)
	for len(picked.Claim) < q.batch && !e.crowded() {
		if len(q.ready) == 0 {
			if !e.lineUpNext(now) {
				break
			}
			e.lineUpPreceding(now) // an occurrence that runs may be later than the wave's first
			if len(q.ready) == 0 { // all of these were recorded: there may be many
				q.more = true
				break
			}
		}
		p := q.ready[0]
		q.ready[0], q.ready = nil, q.ready[1:]
		if !p.lined {
			continue
		}
		switch e.admitRun(p, now, ob) {
		case startNow:
			p.lined = false
			e.reserve(p, now)
			if p.armed || (q.failing || ob.Reconciling && p.Repeats) && p.mayRunUnclaimed() {
				e.startClaimed(p, now) // and not wait for the ledger once more
				picked.Start = append(picked.Start, p)
				continue
			}
			picked.Claim = append(picked.Claim, p)
		case keepReady:
			kept = append(kept, p)
		}
	}
	if len(kept) > 0 {
		q.ready = append(kept, q.ready...)
		slices.SortStableFunc(q.ready, (*Run).compare)
	}
	if len(picked.Claim) == q.batch {
		q.batch = min(2*q.batch, fullBatch)
	}
	q.claiming = picked.Claim
	return picked
}

// crowded reports whether all places are taken.
func (e *Engine) crowded() bool {
	return e.maxConcurrent > 0 && e.queue.places >= e.maxConcurrent
}

type admission int

const (
	startNow  admission = iota
	keepReady           // it waits in the ready queue
	movedOn             // it waits elsewhere, or was recorded
)

// admitRun decides whether a ready run starts now.
func (e *Engine) admitRun(p *Run, now time.Time, ob Obstacles) admission {
	ts, r, a := p.task, p.Row, p.Account
	current := e.facts.InForce(a.Name, r.Task())
	by, halted := e.facts.Halted(a.Name)
	switch {
	case a.gone:
		return e.passOver(p, why.Withdrawn, now)
	case current == nil || current.Policy.Disabled:
		return e.passOver(p, why.Disabled, now)
	case halted:
		return e.passOver(p, by, now)
	case e.isHeldUp(p, now, ob):
		return keepReady
	case e.isOvertaken(p, now):
		p.lined = false
		e.miss(p, supersededWaiting(p), now)
		return movedOn
	case !a.started:
		a.blocked = append(a.blocked, p)
		e.await(p, why.WaitsForStart)
		e.block(a)
		return movedOn
	}
	if ts.isBusy() && e.besideOthers(p, ts, now) {
		return movedOn
	}
	if r.Exclusive != "" {
		if g := a.group(r.Exclusive); g.busy {
			g.waiting = append(g.waiting, p)
			e.await(p, why.WaitsForGroup+r.Exclusive)
			return movedOn
		}
	}
	if ok, next := e.Limits.Reserve(r.StartLimit, a.Name, now); !ok {
		p.wait = why.WaitsForLimit + r.StartLimit
		e.queue.startsAt(next)
		return keepReady
	}
	return startNow
}

// passOver skips a ready run.
func (e *Engine) passOver(p *Run, reason string, now time.Time) admission {
	p.lined = false
	e.skip(p, reason, now)
	return movedOn
}

// isOvertaken reports whether a run that comes late is followed by a newer occurrence
// whose offset has not passed yet.
func (e *Engine) isOvertaken(p *Run, now time.Time) bool {
	late := p.wait != "" || now.Sub(p.Start()) >= time.Second
	follows := func(w wave) bool { return w.brings(p.Account, p.Row.Task(), p.Due) }
	return late && p.inSeries() && slices.ContainsFunc(e.queue.spread, follows)
}

// isHeldUp reports whether something keeps a run from starting that may be over soon,
// and notes what.
func (e *Engine) isHeldUp(p *Run, now time.Time, ob Obstacles) bool {
	switch {
	case now.Round(0).Before(p.Due):
		p.wait = why.WaitsForClock
	case now.Round(0).Before(p.Start()):
		e.queue.startsAt(p.Start())
	case !e.Term.MayStart(p.Row.AtLeastOnce, now):
		p.wait = why.WaitsForTerm
	case e.releases.has(p):
		p.wait = why.WaitsForLedger + ", which still has an earlier claim of its slot"
	case e.queue.paused && !p.armed && !p.mayRunUnclaimed():
		if p.wait == "" {
			p.wait = why.WaitsForLedger + ", which did not answer"
		}
	case ob.Reconciling && p.Repeats && !p.armed && !(ob.Unsettled && p.mayRunUnclaimed()):
		p.wait = why.WaitsForLedger + ", which does not have the runs of older terms yet"
	case ob.HaltsUnread && !p.Row.AtLeastOnce:
		p.wait = why.WaitsForHalts
	case !p.Account.confirmed && !p.armed && !p.Row.AtLeastOnce:
		p.wait = why.WaitsForEnrolment
	default:
		return false
	}
	return true
}

// reserve takes a place, the task and the group of a run that has its start limit.
func (e *Engine) reserve(p *Run, now time.Time) {
	e.queue.places++
	p.task.picked(p)
	if p.Row.Exclusive != "" {
		p.Account.group(p.Row.Exclusive).busy = true
	}
	p.Started, p.Term = wall(now), e.Term.Number()
}

// Unpick gives back what was reserved for a run that does not start.
func (e *Engine) Unpick(p *Run) {
	e.queue.places--
	p.task.unpicked(p)
	e.Limits.Release(p.Row.StartLimit, p.Account.Name)
	e.leaveTask(p.task)
	e.leaveGroup(p)
}
