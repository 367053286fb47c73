package engine

import (
	"slices"
	"time"
)

// Drops counts how often all that was pending was dropped: a claim that was sent before
// is then of a run that is planned anew.
func (e *Engine) Drops() int { return e.queue.drops }

// Answered notes that the claims of the runs that were picked came back, or failed.
func (e *Engine) Answered() { e.queue.claiming = nil }

// Outlived gives up a run that was claimed and is planned anew. Held is true if the
// ledger has the claim, or may have it.
func (e *Engine) Outlived(p *Run, held bool) {
	e.Unpick(p)
	if held {
		e.giveBack(p, NoOutcome, "")
	}
}

// Claimed decides on a run whose claim the ledger holds, and reports whether it starts:
// it looks again at what may have changed while the ledger was asked. Ending is true
// during a drain.
func (e *Engine) Claimed(p *Run, ending bool, now time.Time) (starts bool) {
	switch {
	case !e.stillMayStart(p, now):
		e.putBack(p, now)
	case ending:
		e.Unpick(p)
		e.giveBack(p, NoOutcome, "")
		e.queue.push(p) // where it keeps the watermark from passing it
	case p.Account.gone:
		e.Unpick(p)
		e.giveBack(p, Skipped, "the account was withdrawn before it started")
	default:
		e.Start(p, now)
		return true
	}
	return false
}

// ClaimsAnswer notes that the ledger has answered to claims.
func (e *Engine) ClaimsAnswer() { e.queue.failing = false }

// ClaimsFail puts back what must not run unclaimed, to be claimed again with the same
// serial, and returns the rest, which starts. No more is claimed before TryClaims.
func (e *Engine) ClaimsFail(batch []*Run, why string, now time.Time) (start []*Run) {
	for _, p := range batch {
		if p.mayRunUnclaimed() && e.stillMayStart(p, now) {
			e.startUnclaimed(p, now)
			start = append(start, p)
			continue
		}
		p.wait = why
		e.putBack(p, now)
	}
	e.queue.failing, e.queue.paused = true, true
	return start
}

// TryClaims lets runs be claimed again.
func (e *Engine) TryClaims() { e.queue.paused = false }

// stillMayStart looks again at what may have changed while the ledger was asked. An
// account that went and came back has an executor that must be started first.
func (e *Engine) stillMayStart(p *Run, now time.Time) bool {
	if !p.Account.started && !p.Account.gone {
		return false
	}
	_, halted := e.facts.Halted(p.Account.Name)
	inTime := !now.Round(0).Before(p.Start()) && now.Before(p.Expires)
	return !halted && inTime && e.Term.MayStart(p.Row.AtLeastOnce, now)
}

// putBack lines up a run again whose claim the ledger has, or may have. One that a
// newer occurrence has followed meanwhile is missed.
func (e *Engine) putBack(p *Run, now time.Time) {
	p.uncertain = true
	e.Unpick(p)
	newest := p.task.newest
	if p.inSeries() && newest != nil && newest.Due.After(p.Due) {
		e.miss(p, supersededWaiting(p), now)
		return
	}
	e.queue.push(p)
}

// startUnclaimed starts a reserved run that is claimed when it is settled.
func (e *Engine) startUnclaimed(p *Run, now time.Time) {
	p.Started, p.Term, p.unclaimed, p.armed = wall(now), e.Term.Number(), true, false
	e.books.unclaimed = append(e.books.unclaimed, p)
	e.Start(p, now)
}

// IsFirst reports whether no run of the session and account of a run has succeeded, as
// far as this process knows.
func (e *Engine) IsFirst(p *Run) bool { return p.Repeats && p.task.succeeded != p.Session }

// Start starts a run that was picked.
func (e *Engine) Start(p *Run, now time.Time) {
	ts := p.task
	ts.unpicked(p)
	e.Limits.Started(p.Row.StartLimit, p.Account.Name, now)
	if ts.newest == p {
		ts.newest = nil // nothing takes its place any more
	}
	ts.running = append(ts.running, p)
	e.leaveTask(ts) // of several that wait, one may have the same slot
}

// Ended notes what a run came to, and gives back its place. It may go on overdue.
func (e *Engine) Ended(p *Run, verdict Verdict, reason string) {
	p.overdue = true
	e.queue.places--
	if verdict == Good {
		p.task.succeeded, p.task.good = p.Session, true
	}
	e.Bad.Count(p.Key(), p.Slot, p.Due, verdict, reason, p.task.good || !e.remembers)
}

// Returned lets go of the task and the group of a run that has ended.
func (e *Engine) Returned(p *Run) {
	ts := p.task
	ts.running = slices.DeleteFunc(ts.running, func(o *Run) bool { return o == p })
	e.leaveTask(ts)
	e.leaveGroup(p)
}

// ExecutorStarted notes that the executor of an account has started: what waited for it
// is looked at again.
func (e *Engine) ExecutorStarted(a *Account) {
	e.Accounts.SetStarted(a, true)
	e.queue.unblock(a.blocked)
}

// HasReady reports whether a run may be ready to start, or is going to be.
func (e *Engine) HasReady() bool { return e.queue.hasReady() || len(e.queue.chains.coming) > 0 }

// Claiming is the number of runs that are being claimed.
func (e *Engine) Claiming() int { return len(e.queue.claiming) }

// Waiting is the number of runs that were planned and have not started.
func (e *Engine) Waiting() int { return e.queue.count() }

// HasSucceeded reports whether a run of the task of an account that is enrolled has
// succeeded in this process, under the current term.
func (e *Engine) HasSucceeded(key Key) bool {
	return e.Accounts.byName[key.Account].task(key.Task).good
}
