package engine

import (
	"slices"
	"time"

	"github.com/tradeclock/tradeclock/internal/plan"
	"github.com/tradeclock/tradeclock/internal/why"
)

// enqueue takes in what the plan brought. An occurrence of a repeating rule takes
// the place of one that still waits: if any does, its runs are made at once.
func (e *Engine) enqueue(due []plan.Occurrence, now time.Time) {
	if len(due) == 0 {
		return
	}
	q := &e.queue
	e.lineUpOlder(due, now)
	older := len(q.ready)+len(q.waiting)+len(q.waves) > 0
	known := len(q.waves)
	for _, mine := range byRow(due) {
		w := wave{row: RowOf(mine[0]), due: mine, accts: e.holders(mine), planned: now}
		switch {
		case len(w.accts) == 0:
			continue
		case w.spreadOut():
			q.spread = append(q.spread, w)
		default:
			q.waves = append(q.waves, w)
		}
		q.expectAt(w.expires())
	}
	fresh := q.waves[known:]
	if e.maxConcurrent > 0 {
		rankWaves(fresh)
	}
	slices.SortStableFunc(fresh, func(a, b wave) int { return a.compare(&b) })
	if !older {
		return
	}
	repeating := make(map[string]bool)
	for i := range fresh {
		if slices.ContainsFunc(fresh[i].due, plan.Occurrence.InSeries) {
			repeating[fresh[i].row.Task()] = true
		}
	}
	if len(repeating) > 0 {
		e.lineUpAll(func(w *wave) bool { return w.offsets == nil && repeating[w.row.Task()] }, now)
	}
}

// holders are the accounts that have any of a row's occurrences, and that are served.
func (e *Engine) holders(due []plan.Occurrence) []*Account {
	r := RowOf(due[0])
	among := r.among(e.Accounts.All())
	held := make([]*Account, 0, len(among))
	for _, a := range among {
		if a.takes(r) && plan.IsFor(due, a.Name) {
			held = append(held, a)
		}
	}
	return held
}

// enqueueFor makes runs of what was planned behind the watermark, for each account that
// it holds for, and records what does not run. It works through the occurrences of each
// row for each account, since of several late occurrences of a repeating rule only the
// newest runs.
func (e *Engine) enqueueFor(due []plan.Occurrence, accts []*Account, now time.Time) {
	e.enqueueLike(wave{planned: now, backdated: true}, due, accts, now)
}

// enqueueLike does that with waves that are like one.
func (e *Engine) enqueueLike(like wave, due []plan.Occurrence, accts []*Account, now time.Time) {
	if len(due) == 0 {
		return
	}
	var planned []*Run
	for _, mine := range byRow(due) {
		w := &like
		w.row, w.due = RowOf(mine[0]), mine
		for _, a := range w.row.among(accts) {
			if a.takes(w.row) {
				planned = e.planRow(planned, a, w, now)
			}
		}
	}
	if e.maxConcurrent > 0 {
		rank(planned)
	}
	e.line(planned, now)
}

// rank counts the runs of each account at each instant and priority, so that
// those which have to wait for a place take turns.
func rank(planned []*Run) {
	type turn struct {
		account  *Account
		due      int64
		priority int
	}
	slices.SortStableFunc(planned, (*Run).compare)
	counts := make(map[turn]int)
	for _, p := range planned {
		t := turn{p.Account, p.Due.Unix(), p.Row.Policy.Priority}
		p.rank = counts[t]
		counts[t]++
	}
}

// planRow turns the occurrences of a wave for one account into runs and records.
func (e *Engine) planRow(planned []*Run, a *Account, w *wave, now time.Time) []*Run {
	r, due := w.row, plan.For(w.due, a.Name)
	ts := a.task(r.Task())
	key := Key{Task: r.Task(), Account: a.Name}
	elsewhere := func(o plan.Occurrence) bool {
		return o.Away || !a.served.Owns(r, o.Due) || a.served.Owns(r, o.Planned) || e.planning.ahead.Has(key, o.Slot, o.Due)
	}
	latest := ts.lastDue
	newest := len(due) - 1
	for newest > 0 && (due[newest].Skip != "" || !due[newest].InSeries() || elsewhere(due[newest])) {
		newest--
	}
	for i, o := range due {
		if elsewhere(o) {
			ts.lastDue = o.Due // a recorded range does not go on across it
			continue
		}
		p := e.newRun(a, ts, r, o, w.backdated)
		p.prev, p.moved, p.rank, p.twice = ts.lastDue, o.Moved, w.rank, w.twice
		if o.Awaits != nil && o.Skip == "" {
			ts.lastDue, p.awaits = o.Due, o.Awaits
			if e.isDue(p, now) {
				planned = append(planned, p)
			}
			continue
		}
		e.takeOver(p)
		if r.Spread > 0 {
			p.Offset = SpreadOffset(a.Name, r.Task(), o.Slot, r.SpreadWithin(o))
		}
		ts.lastDue = o.Due
		last := p
		if o.InSeries() && i < newest {
			last = &Run{Row: r, Due: due[newest].Due, Planned: due[newest].Due, Session: due[newest].Session, moved: o.Moved}
			last.Expires = r.Expiry(last.Due, last.Session)
		}
		if w.planned.Before(last.Expires) && w.planned.Before(now) {
			last.wait = e.waitsOf(w)
		}
		switch {
		case o.Skip != "":
			e.dropPlanned(p, Skipped, o.Skip, now)
			if _, err := r.Calendar.Session(o.Session); err == nil { // else one condition is told for all tasks
				e.countSkipped(p, o.Skip)
			}
		case !now.Before(last.Expires):
			e.dropPlanned(p, Missed, e.tooLate(last), now)
		case last != p || o.InSeries() && (ts.newest.comesAfter(p) || e.planning.ahead.lastStarted(key).After(o.Due)):
			e.dropPlanned(p, Missed, why.Superseded, now)
		default:
			planned = append(planned, p)
		}
	}
	if ts.lastDue.Before(latest) {
		ts.lastDue = latest // what was planned behind it is not the newest
	}
	return planned
}

// dropPlanned records a run that has just been planned. Of one whose slot is claimed that
// comes once the claim is given back.
func (e *Engine) dropPlanned(p *Run, outcome Outcome, reason string, now time.Time) {
	switch {
	case !p.uncertain:
		e.recordRange(p, outcome, reason, now)
	case outcome == Missed:
		e.miss(p, reason, now)
	default:
		e.skip(p, reason, now)
	}
}

// waitsOf says what has kept the wave's runs from being made since it was planned.
func (e *Engine) waitsOf(w *wave) string {
	switch {
	case w.limited:
		return why.WaitsForLimit + w.row.StartLimit
	case e.maxConcurrent > 0 && w.offsets == nil:
		return why.WaitsForPlace
	}
	return ""
}

// line puts planned runs into the ready queue, in order. Of a repeating rule the
// newest replaces one that still waits.
func (e *Engine) line(planned []*Run, now time.Time) {
	if len(planned) == 0 {
		return
	}
	q := &e.queue
	slices.SortStableFunc(planned, (*Run).compare)
	for _, p := range planned {
		p.lined = true
		q.expectAt(p.Expires)
		if p.inSeries() {
			e.replaceOlder(p, now)
		}
	}
	q.ready = append(q.ready, planned...)
	if n := len(q.ready) - len(planned); n > 0 && q.ready[n-1].compare(planned[0]) > 0 {
		slices.SortStableFunc(q.ready, (*Run).compare)
	}
}

// comesAfter reports whether p still waits for its start, and is due after an
// occurrence of the same task that is planned behind it.
func (p *Run) comesAfter(o *Run) bool {
	return p != nil && p.lined && p.Due.After(o.Due)
}

// replaceOlder records an older pending run of the same task as missed.
func (e *Engine) replaceOlder(newer *Run, now time.Time) {
	ts := newer.task
	older := ts.newest
	if older != nil && older.Due.After(newer.Due) {
		return // it was planned behind the watermark
	}
	ts.newest = newer
	if older == nil || !older.lined {
		return
	}
	e.queue.remove(older)
	e.miss(older, supersededWaiting(older), now)
}

// lineUp makes the runs of n more accounts of a wave.
func (e *Engine) lineUp(w *wave, n int, now time.Time) {
	n = min(n, len(w.accts))
	var planned []*Run
	for _, a := range w.accts[:n] {
		planned = e.planRow(planned, a, w, now)
	}
	w.drop(n)
	e.line(planned, now)
}

// lineUpNext makes runs of the first wave of which a start limit lets runs
// start, and reports whether there is one.
func (e *Engine) lineUpNext(now time.Time) bool {
	for i := range e.queue.waves {
		if e.lineUpBatch(i, now) {
			e.queue.dropDone(i)
			return true
		}
	}
	return false
}

// lineUpPreceding makes the runs that come before some that are ready: all
// of them, or as many as a start limit lets start.
func (e *Engine) lineUpPreceding(now time.Time) {
	q := &e.queue
	for i := 0; i < len(q.waves) && len(q.ready) > 0; {
		w := &q.waves[i]
		if !w.precedes(q.ready[len(q.ready)-1]) {
			return
		}
		more := e.lineUpBatch(i, now)
		switch {
		case w.isDone():
			q.dropDone(i)
		case !more || w.row.StartLimit != "":
			i++
		}
	}
}

const lineUpBatch = 256

// lineUpBatch makes the next runs of one of the waves, and reports whether a
// start limit lets any start.
func (e *Engine) lineUpBatch(i int, now time.Time) bool {
	w := &e.queue.waves[i]
	room, next := e.Limits.Room(w.row.StartLimit, now)
	if room <= 0 {
		w.limited = true
		e.queue.startsAt(next)
		return false
	}
	e.lineUp(w, min(lineUpBatch, room), now)
	return true
}

// lineUpAll makes all runs of the waves that match.
func (e *Engine) lineUpAll(match func(*wave) bool, now time.Time) {
	for _, waves := range e.queue.allWaves() {
		for i := range *waves {
			if w := &(*waves)[i]; match(w) {
				e.lineUp(w, len(w.accts), now)
			}
		}
		*waves = slices.DeleteFunc(*waves, wave.isDone)
	}
}

// lineUpOne makes the runs of one account, which is about to go.
func (e *Engine) lineUpOne(a *Account, now time.Time) {
	var planned []*Run
	for _, waves := range e.queue.allWaves() {
		for i := range *waves {
			w := &(*waves)[i]
			if at := w.indexOf(a); at >= 0 {
				planned = e.planRow(planned, a, w, now)
				w.accts = slices.Delete(w.accts, at, at+1)
				if w.offsets != nil {
					w.offsets = slices.Delete(w.offsets, at, at+1)
				}
			}
		}
		*waves = slices.DeleteFunc(*waves, wave.isDone)
	}
	e.line(planned, now)
}

// lineUpSpread makes the runs whose offsets have passed.
func (e *Engine) lineUpSpread(now time.Time) {
	q := &e.queue
	for i := range q.spread {
		e.lineUp(&q.spread[i], q.spread[i].passed(now), now)
	}
	q.spread = slices.DeleteFunc(q.spread, wave.isDone)
}

// lineUpOlder makes the runs of waves with a spread to which repeating rules
// bring a newer occurrence, which may take their place. It is rare: offsets end
// before the next occurrence where that is known.
func (e *Engine) lineUpOlder(due []plan.Occurrence, now time.Time) {
	if len(e.queue.spread) == 0 {
		return
	}
	e.lineUpAll(func(w *wave) bool {
		sameTask := func(o plan.Occurrence) bool { return o.Row.Policy.Task == w.row.Policy.Task }
		return w.offsets != nil && w.repeats() && slices.ContainsFunc(due, sameTask)
	}, now)
}
