package engine

import (
	"slices"
	"time"

	"github.com/tradeclock/tradeclock/internal/plan"
)

// arming is what is claimed before it is due. A claim is of a slot: the run of it is made
// when that is planned, as that of any other, and takes the claim over. So all that can
// change in between is decided where it always is, and a claim that no run takes over is
// given back.
type arming struct {
	ahead  time.Duration // how long before it is due a run is claimed, or zero
	upTo   time.Time     // what is due up to it was looked at
	next   time.Time     // the first due instant after that
	claims map[slotKey]*Run
	first  time.Time // when the first of them is due, or zero
}

// ArmsAt is when there may be something to arm, or zero if nothing is.
func (e *Engine) ArmsAt() time.Time {
	ar, pl := &e.arming, &e.planning
	next := pl.next
	if ar.upTo.After(pl.upTo) {
		next = ar.next
	}
	if ar.ahead == 0 || next.IsZero() {
		return time.Time{}
	}
	return next.Add(-ar.ahead)
}

// FirstArmed is when the first run is due that is armed, or zero.
func (e *Engine) FirstArmed() time.Time { return e.arming.first }

// HasArmedBy reports whether a run is armed that is due by an instant.
func (e *Engine) HasArmedBy(now time.Time) bool {
	return !e.arming.first.IsZero() && !wall(now).Before(e.arming.first)
}

// ToArm returns the runs that are to be claimed ahead, in order. Each is told of with Armed
// once the ledger has answered.
func (e *Engine) ToArm(now time.Time, ob Obstacles) []*Run {
	ar, pl := &e.arming, &e.planning
	if ar.ahead == 0 || !e.canPlan() || !pl.caughtUp || !e.Term.TrustedAt(now) || e.queue.failing || ob != (Obstacles{}) {
		return nil
	}
	if at := e.ArmsAt(); at.IsZero() || wall(now).Before(at) {
		return nil
	}
	from, to := pl.upTo, wall(now).Add(ar.ahead)
	if ar.upTo.After(from) {
		from = ar.upTo
	}
	var runs []*Run
	for _, o := range pl.plan.Between(from, to) {
		runs = e.arm(runs, o)
	}
	ar.upTo = to
	ar.next, _ = pl.plan.Next(to)
	slices.SortStableFunc(runs, (*Run).compare)
	return runs
}

// arm makes claims of an occurrence, for all accounts for which it will be admitted when
// it is due, as far as that is certain.
func (e *Engine) arm(runs []*Run, o plan.Occurrence) []*Run {
	r := RowOf(o)
	if o.Skip != "" || o.Awaits != nil || o.Moved || r.Spread > 0 || r.StartLimit != "" || r.Exclusive != "" {
		return runs
	}
	ar := &e.arming
	for _, a := range e.holders([]plan.Occurrence{o}) {
		if e.maxConcurrent > 0 && e.queue.places+len(ar.claims) >= e.maxConcurrent {
			break
		}
		o, his := o.For(a.Name)
		if !his || o.Skip != "" || o.Away || !e.mayArm(a, r, o) {
			continue
		}
		p := e.newRun(a, a.task(r.Task()), r, o, false)
		if ar.claims == nil {
			ar.claims = make(map[slotKey]*Run)
		}
		ar.claims[p.slotKey()] = p
		if ar.first.IsZero() || p.Due.Before(ar.first) {
			ar.first = p.Due
		}
		runs = append(runs, p)
	}
	return runs
}

func (e *Engine) mayArm(a *Account, r *Row, o plan.Occurrence) bool {
	key := slotKey{Key{r.Task(), a.Name}, o.Slot}
	current := e.facts.InForce(a.Name, r.Task())
	_, halted := e.facts.Halted(a.Name)
	switch {
	case !a.started || !a.confirmed || a.behind || halted || current == nil || current.Policy.Disabled:
		return false
	case !a.served.Owns(r, o.Due) || a.served.Owns(r, o.Planned) || e.planning.ahead.Has(key.Key, o.Slot, o.Due):
		return false
	}
	ts := a.task(r.Task())
	return !ts.isBusy() && len(ts.waiting) == 0 && e.releases.slots[key] == 0 && e.arming.claims[key] == nil
}

// Armed notes the ledger's answer to the claim of a run. Without one the claim stays in
// doubt, and is repeated when the run is due.
func (e *Engine) Armed(p *Run, held, first, resumed bool) {
	ar := &e.arming
	switch {
	case ar.claims[p.slotKey()] != p: // it was given back, or taken over, meanwhile
	case !held:
		delete(ar.claims, p.slotKey())
		ar.lookForFirst()
	default:
		p.armed, p.First, p.Resumed = true, first, resumed
	}
}

// takeOver gives a run that has just been planned the claim that was made of its slot. One
// that was due at another instant is given back.
func (e *Engine) takeOver(p *Run) {
	ar := &e.arming
	claim := ar.claims[p.slotKey()]
	if claim == nil {
		return
	}
	delete(ar.claims, p.slotKey())
	if !claim.Due.Equal(p.Due) {
		e.GiveBack(claim)
		return
	}
	p.Serial, p.Term, p.uncertain = claim.Serial, claim.Term, true
	p.armed, p.First, p.Resumed = claim.armed, claim.First, claim.Resumed
}

// takeOverDue makes the runs of what is armed and due, and gives the claims back of which
// there are none: the plan has changed.
func (e *Engine) takeOverDue(now time.Time) {
	if !e.HasArmedBy(now) {
		return
	}
	tasks := make(map[string]bool)
	for _, p := range e.arming.claims {
		if !p.Due.After(now) {
			tasks[p.Row.Task()] = true
		}
	}
	e.lineUpAll(func(w *wave) bool { return w.offsets == nil && tasks[w.row.Task()] }, now)
	e.disarm(func(p *Run) bool { return !p.Due.After(now) })
}

// Disarm gives back all claims of what is not due yet.
func (e *Engine) Disarm() { e.disarm(func(*Run) bool { return true }) }

func (e *Engine) disarm(match func(*Run) bool) {
	ar := &e.arming
	var given []*Run
	for key, p := range ar.claims {
		if match(p) {
			given = append(given, p)
			delete(ar.claims, key)
		}
	}
	slices.SortFunc(given, (*Run).compare)
	for _, p := range given {
		e.GiveBack(p)
	}
	ar.lookForFirst()
}

func (ar *arming) lookForFirst() {
	ar.first = time.Time{}
	for _, p := range ar.claims {
		if ar.first.IsZero() || p.Due.Before(ar.first) {
			ar.first = p.Due
		}
	}
}

// PickArmed takes from the queue what is armed and may start now, in order: there is
// nothing to be asked for.
func (e *Engine) PickArmed(now time.Time) (start []*Run) {
	q := &e.queue
	armed, others := make([]*Run, 0, len(q.ready)), make([]*Run, 0, len(q.ready))
	for _, p := range q.ready {
		switch {
		case p.lined && p.armed:
			armed = append(armed, p)
		case p.lined:
			others = append(others, p)
		}
	}
	q.ready = others
	for _, p := range armed {
		if e.crowded() {
			q.push(p)
			continue
		}
		switch e.admitRun(p, now, Obstacles{}) {
		case startNow:
			p.lined = false
			e.reserve(p, now)
			e.startClaimed(p, now)
			start = append(start, p)
		case keepReady:
			q.push(p)
		}
	}
	return start
}

// startClaimed starts a run that was picked and needs no more of the ledger. What is armed
// and outlives the trust in the term is of those that start without the ledger.
func (e *Engine) startClaimed(p *Run, now time.Time) {
	if !p.armed || !e.Term.TrustedAt(now) {
		e.startUnclaimed(p, now)
		return
	}
	p.First = p.First && e.IsFirst(p) // another may have succeeded since it was armed
	e.Start(p, now)
}

// IsArmed reports whether the run was claimed before it was due, and the ledger does not
// know yet that it has started.
func (p *Run) IsArmed() bool { return p.armed }

// Begun notes that the ledger knows it.
func (p *Run) Begun() { p.armed = false }

// NeverStarted reports whether a run that an older term left armed certainly never started:
// it was not to start before the term was trusted for the last time. Both instants are of
// the clock of that term's holder. Zero is not known.
func NeverStarted(start, trusted time.Time) bool {
	return !trusted.IsZero() && !start.Before(trusted)
}

func (p *Run) slotKey() slotKey { return slotKey{p.Key(), p.Slot} }
