package engine

import (
	"time"

	"github.com/tradeclock/tradeclock/internal/plan"
)

// planning is what has been planned.
type planning struct {
	plan *plan.Plan // in force, or nil if no rows are known
	// upTo is the instant up to which everything is planned: the end of the last
	// range. Zero until a term has been resumed from.
	upTo time.Time
	// caughtUp is true once what came due since the term was resumed has been planned.
	caughtUp bool
	// ahead are the rows that the ledger had beyond the watermark when the term was
	// resumed, and those that it will get from this process: what they account for is
	// not planned again.
	ahead Accounted
	// kept came due since upTo, by rows that have been edited meanwhile.
	kept []plan.Occurrence
	// late came due before that, by rows that were edited before it and read since.
	late []plan.Occurrence
	// next is the first due instant after upTo: before it there is nothing to plan.
	next      time.Time
	nextFound bool // false if next is only the end of the horizon
	// far is the first due instant beyond the horizon if none is within it, or zero if
	// none is known. Until an instant it is not looked for again.
	far      time.Time
	farUntil time.Time
}

// Planned is the instant up to which everything is planned.
func (e *Engine) Planned() time.Time { return e.planning.upTo }

// NextLook is when there is something to plan again.
func (e *Engine) NextLook() time.Time { return e.planning.next }

// NextDue is the next due instant, or zero if none is known.
func (e *Engine) NextDue() time.Time {
	if e.planning.nextFound {
		return e.planning.next
	}
	return e.planning.far
}

// Use makes a plan the one in force. What it is made of may also have changed since.
func (e *Engine) Use(made *plan.Plan) {
	pl := &e.planning
	pl.plan = made
	pl.next, pl.farUntil = pl.upTo, time.Time{}
	e.arming.upTo = time.Time{}
}

// LookAgain has the next PlanUpTo look for what is due, whatever was known of that.
func (e *Engine) LookAgain() { e.planning.next, e.arming.upTo = e.planning.upTo, time.Time{} }

// Woke notes a wake, as Wakes.Woke does. When the clock was set, or the host slept, nothing
// stays armed.
func (e *Engine) Woke(now time.Time) (from time.Time, step time.Duration, stepped bool) {
	if from, step, stepped = e.Wakes.Woke(now); stepped {
		e.Disarm()
	}
	return from, step, stepped
}

// PlanUpTo plans what is due until now and puts it into the queue. It returns from when
// on, if anything was planned. It goes by the wall clock alone: an instant that kept a
// monotonic reading would be compared by that, and what a step of the clock passes over
// would be lost.
func (e *Engine) PlanUpTo(now time.Time) (from time.Time, planned bool) {
	now = wall(now)
	pl := &e.planning
	if !e.canPlan() {
		return from, false
	}
	pl.caughtUp = true
	e.enqueueBehind(now)
	if now.Before(pl.upTo) || now.Equal(pl.upTo) && now.Before(pl.next) {
		return from, false
	}
	from = pl.upTo
	var due []plan.Occurrence
	if !now.Before(pl.next) {
		due = pl.plan.Between(from, now)
		pl.lookAhead(now)
	}
	if pl.kept != nil {
		due = e.withKept(due, now)
	}
	e.enqueueLate(now)
	for _, revised := range pl.plan.TakeRevised(from) {
		e.enqueueFor(revised, e.Accounts.All(), now)
	}
	pl.plan.MarkPlanned(due)
	e.enqueue(due, now)
	e.takeOverDue(now)
	pl.upTo = now
	return from, true
}

// canPlan reports whether anything can be planned now.
func (e *Engine) canPlan() bool {
	return e.planning.plan != nil && e.Term.IsResumed() && !e.Wakes.doubted
}

// lookAhead finds what is due next.
func (pl *planning) lookAhead(now time.Time) {
	pl.plan.Forget(now)
	pl.next, pl.nextFound = pl.plan.Next(now)
	if !pl.nextFound && !now.Before(pl.farUntil) {
		pl.farUntil = now.AddDate(0, 0, plan.HorizonDays)
		pl.far = pl.plan.Beyond(pl.farUntil)
	}
}

// enqueueBehind plans, for each account that the term has begun to serve, what
// lies between the account's own start and the watermark.
func (e *Engine) enqueueBehind(now time.Time) {
	for _, a := range e.Accounts.open {
		if a.behind {
			a.behind = false
			e.enqueueFor(e.planning.plan.Between(a.served.From, e.planning.upTo), []*Account{a}, now)
		}
	}
}

// State is what a term begins from.
type State struct {
	Term       int64
	Watermark  time.Time
	Enrolments []Enrolment
	Ahead      []Entry // what has a row beyond the watermark
}

// Resume begins to plan from a ledger's state, and returns from when on: now if it has no
// watermark.
func (e *Engine) Resume(st State, now time.Time) (watermark time.Time) {
	e.Term.Resumed()
	e.Wakes.doubted = false
	if st.Term > 1 {
		e.Limits.HoldOff(now)
	}
	as, pl := &e.Accounts, &e.planning
	as.began = time.Time{}
	if watermark = st.Watermark; watermark.IsZero() {
		watermark, as.began = wall(now), now
	}
	*pl = planning{plan: pl.plan, upTo: watermark, ahead: make(Accounted), nextFound: pl.nextFound, far: pl.far, farUntil: pl.farUntil}
	if pl.plan != nil {
		pl.plan.Unplan(watermark)
	}
	as.resume(st.Enrolments)
	e.books.records = nil // what came to be recorded without a term is planned again
	e.releases.planAnew()
	for _, row := range st.Ahead {
		pl.ahead.Add(row)
	}
	for _, p := range e.books.unclaimed { // the ledger gets them from this process
		pl.ahead.Add(Entry{Key: p.Key(), Slot: p.Slot, Due: p.Due, Started: true})
	}
	for _, a := range as.All() {
		a.forgetPlan()
		e.admit(a, now)
	}
	return watermark
}

// NoteAhead notes that a slot has a row, and is not planned any more.
func (e *Engine) NoteAhead(row Entry) { e.planning.ahead.Add(row) }

// Lose forgets the term and everything planned under it: another scheduler
// accounts for it now. Claims that the ledger may have are to be given back.
func (e *Engine) Lose() {
	e.dropPlan()
	e.Term.Lost()
}

// Reread forgets everything planned: it is planned again once the ledger's state was
// read again, under the same term.
func (e *Engine) Reread() {
	e.dropPlan()
	e.Term.Reread()
}

func (e *Engine) dropPlan() {
	e.GiveBackPending()
	e.queue.dropPending()
	e.arming.upTo = time.Time{}
	e.books.records, e.books.mark = nil, time.Time{}
	e.Accounts.leaveAll()
	e.Bad.Drop() // another tells of them, or they were not missed
}
