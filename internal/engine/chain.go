package engine

import (
	"fmt"
	"slices"
	"time"

	"github.com/tradeclock/tradeclock/calendar"
	"github.com/tradeclock/tradeclock/internal/plan"
	"github.com/tradeclock/tradeclock/internal/said"
	"github.com/tradeclock/tradeclock/internal/why"
)

// A chained run waits, from the planned time of the run that it follows, until the ledger
// has what became of that one. If it succeeded, the chained run is due at the delay after it
// has finished; else it is skipped. So what a restart reads of the ledger is all that it
// needs: the watermark does not pass the planned time of what waits, and the row of what it
// waits for is due no earlier.

// Ended is what the ledger has a run come to.
type Ended struct {
	Succeeded bool
	// What says it in words, as in "it failed".
	What     string
	Due      time.Time
	Finished time.Time
	// CutOff is true if it may be run again, where that is how it is delivered.
	CutOff bool
}

// ended are the ends of the runs of a task for which others wait, of one session.
type ended struct {
	session calendar.Date
	slots   map[string]Ended
}

// chains are the chained runs that have not come to be ready.
type chains struct {
	any    bool               // there was one
	held   map[slotKey][]*Run // by what they wait for
	coming []*Run             // what is due after a delay, or at its offset, in order
}

// awaited is the run that a run waits for.
func (p *Run) awaited() slotKey {
	return slotKey{Key{p.awaits.Task, p.Account.Name}, p.Slot}
}

// end is what a run comes to that never started.
func (r *Record) end() Ended {
	if r.Outcome == Missed {
		return Ended{What: "it was missed"}
	}
	return Ended{What: "it was skipped: " + r.Reason}
}

// Settled notes what the ledger has a run come to, and looks at what waits for it.
func (e *Engine) Settled(key Key, slot string, session calendar.Date, end Ended, now time.Time) {
	e.planning.ahead.end(key, slot, end)
	e.noteEnd(key, slot, session, end, now)
}

// IsAwaited reports whether runs may wait for the success of those of a task.
func (e *Engine) IsAwaited(task string) bool {
	return e.planning.plan == nil || e.planning.plan.Awaits(task)
}

func (e *Engine) noteEnd(key Key, slot string, session calendar.Date, end Ended, now time.Time) {
	a := e.Accounts.byName[key.Account]
	if a == nil || e.planning.plan == nil || !e.planning.plan.Awaits(key.Task) {
		return
	}
	a.task(key.Task).note(slot, session, end)
	e.lookAtHeld(slotKey{key, slot}, now)
}

// note keeps what became of a run, until there is a later session.
func (ts *task) note(slot string, session calendar.Date, end Ended) {
	if ts.ended == nil || ts.ended.session.Before(session) {
		ts.ended = &ended{session, make(map[string]Ended)}
	}
	ts.ended.slots[slot] = end
}

// endOf returns what is known to have become of the run that a run waits for.
func (e *Engine) endOf(p *Run) (end Ended, known bool) {
	key := p.awaited()
	if ts := p.Account.task(key.Task); ts.ended != nil {
		end, known = ts.ended.slots[key.slot]
	}
	if !known {
		end, known = e.planning.ahead.ended(key.Key, key.slot)
	}
	return end, known
}

// lookAtHeld looks at the runs that wait for one, in the order in which they came.
func (e *Engine) lookAtHeld(key slotKey, now time.Time) {
	var due []*Run
	for _, p := range slices.Clone(e.queue.chains.held[key]) {
		e.queue.unwait(p)
		if e.isDue(p, now) {
			due = append(due, p)
		}
	}
	e.line(due, now)
}

// isDue decides on a chained run that waits: it is due, or else it goes on waiting, is to
// come, or is recorded.
func (e *Engine) isDue(p *Run, now time.Time) bool {
	e.queue.chains.any = true
	end, known := e.endOf(p)
	again := e.runsAgainUntil(p, end)
	switch {
	case !known || now.Before(again) || !again.IsZero() && e.isComing(p.awaited()):
		e.hold(p, again, now)
		return false
	case !end.Succeeded:
		e.skipChained(p, ": "+end.What, now)
		return false
	}
	due := dueAfter(end.Finished, p)
	switch until := p.awaits.Until; {
	case !end.Finished.Before(until): // as it is told at the end, which may come first
		e.skipChained(p, " by "+e.clockOf(p, until), now)
		return false
	case !due.Before(until):
		e.skipChained(p, fmt.Sprintf(" in time: it succeeded at %s", e.clockOf(p, end.Finished)), now)
		return false
	}
	p.fallDue(due)
	if now.Round(0).Before(p.Start()) && now.Before(p.Expires) {
		e.queue.comes(p)
		return false
	}
	if !now.Before(p.Expires) {
		p.lined = false
		e.miss(p, e.tooLate(p), now)
		return false
	}
	return true
}

// dueAfter is when a run is due whose other has finished at an instant: in whole seconds, as
// all that is planned, and not before its planned time.
func dueAfter(finished time.Time, p *Run) time.Time {
	from := wall(finished)
	if whole := from.Truncate(time.Second); whole.Before(from) {
		from = whole.Add(time.Second)
	}
	if from.Before(p.Planned) {
		from = p.Planned
	}
	return from.Add(p.awaits.Delay)
}

// fallDue gives a chained run the time at which it is due.
func (p *Run) fallDue(due time.Time) {
	p.Due, p.awaits = due, nil
	p.Expires = p.Row.Expiry(due, p.Session)
	if p.Row.Spread > 0 {
		p.Offset = SpreadOffset(p.Account.Name, p.Row.Task(), p.Slot, p.Row.SpreadWithin(plan.Occurrence{Due: due, Session: p.Session}))
	}
}

// runsAgainUntil is until when the run that a run waits for may be run again, if it was cut
// off, or zero.
func (e *Engine) runsAgainUntil(p *Run, end Ended) time.Time {
	r := e.facts.InForce(p.Account.Name, p.awaits.Task)
	if !end.CutOff || r == nil || !r.AtLeastOnce {
		return time.Time{}
	}
	return r.Expiry(end.Due, p.Session)
}

// isComing reports whether the run of a slot goes on, or is about to start.
func (e *Engine) isComing(key slotKey) bool {
	ts := e.Accounts.byName[key.Account].task(key.Task)
	return ts.runOf(key.slot) != nil || ts.claims(key.slot) || e.queue.find(ts, key.slot) != nil
}

// hold lets a run wait for another, at the latest until its end, and looks again when what
// was cut off is not run again any more.
func (e *Engine) hold(p *Run, again, now time.Time) {
	ch := &e.queue.chains
	if ch.held == nil {
		ch.held = make(map[slotKey][]*Run)
	}
	key := p.awaited()
	ch.held[key] = append(ch.held[key], p)
	p.lined, p.Expires = true, p.awaits.Until
	if now.Before(again) && again.Before(p.Expires) {
		p.Expires = again
	}
	e.await(p, why.WaitsForSuccess+p.awaits.Task)
	e.queue.expectAt(p.Expires)
}

// giveUpHeld looks at the runs whose waiting has ended, in order.
func (e *Engine) giveUpHeld(now time.Time) {
	if len(e.queue.chains.held) == 0 {
		return
	}
	var out []*Run
	for p := range e.queue.waiting {
		if p.awaits != nil && !now.Before(p.Expires) {
			out = append(out, p)
		}
	}
	slices.SortFunc(out, (*Run).compare)
	for _, p := range out {
		if p.lined { // or what became of one before it has decided on it
			e.giveUp(p, now)
		}
	}
}

// giveUp ends the waiting of a run at its end, or looks again if that is still to come.
func (e *Engine) giveUp(p *Run, now time.Time) {
	until := p.awaits.Until
	e.queue.unwait(p)
	if now.Before(until) {
		if e.isDue(p, now) {
			e.line([]*Run{p}, now)
		}
		return
	}
	e.skipChained(p, " by "+e.clockOf(p, until), now)
}

// skipChained records a run that has waited in vain.
func (e *Engine) skipChained(p *Run, because string, now time.Time) {
	reason := said.Cut(why.NoSuccessOf+p.awaits.Task+because, said.MaxReason)
	p.lined = false
	e.recordRange(p, Skipped, reason, now)
	e.countSkipped(p, reason)
}

// clockOf writes an instant by the clocks of the run's calendar, with the date if that is
// not the session's.
func (e *Engine) clockOf(p *Run, at time.Time) string {
	at = at.In(p.Row.Calendar.Location())
	if calendar.DateOf(at) == p.Session {
		return at.Format(time.TimeOnly)
	}
	return at.Format(time.DateTime)
}

// comes keeps a run that is due at a time to come.
func (q *queue) comes(p *Run) {
	ch := &q.chains
	i, _ := slices.BinarySearchFunc(ch.coming, p, func(o, p *Run) int {
		if o.Start().After(p.Start()) {
			return 1
		}
		return -1 // after its equals
	})
	ch.coming = slices.Insert(ch.coming, i, p)
	p.lined, p.wait = true, ""
	q.waiting[p] = struct{}{}
	q.expectAt(p.Expires)
}

// lineUpComing lines up the chained runs whose time has come, and notes when the next is to.
func (e *Engine) lineUpComing(now time.Time) {
	ch := &e.queue.chains
	n := 0
	for n < len(ch.coming) && !now.Round(0).Before(ch.coming[n].Start()) {
		n++
	}
	due := slices.Clone(ch.coming[:n])
	ch.coming = ch.coming[n:]
	for _, p := range due {
		delete(e.queue.waiting, p)
	}
	e.line(due, now)
	if len(ch.coming) > 0 {
		e.queue.startsAt(ch.coming[0].Start())
	}
}

// leave takes a run out of those that wait for others, or are to come.
func (ch *chains) leave(p *Run) {
	is := func(o *Run) bool { return o == p }
	if p.awaits == nil {
		ch.coming = slices.DeleteFunc(ch.coming, is)
		return
	}
	key := p.awaited()
	if left := slices.DeleteFunc(ch.held[key], is); len(left) > 0 {
		ch.held[key] = left
		return
	}
	delete(ch.held, key)
}
