package tradeclock

import (
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/tradeclock/tradeclock/internal/engine"
	"github.com/tradeclock/tradeclock/internal/plan"
)

// enqueueBackdated makes pending runs of what was planned behind the watermark, for
// each account that it holds for, and records what does not run. The caller holds mu.
func (s *UnifiedTaskScheduler) enqueueBackdated(due []plan.Occurrence, now time.Time) {
	s.enqueueFor(due, s.accounts.sorted(), now)
}

// enqueueBehind plans, for each account that the term has begun to serve, what
// lies between the account's own start and the watermark.
func (s *UnifiedTaskScheduler) enqueueBehind(now time.Time) {
	for _, a := range s.accounts.open {
		if a.behind {
			a.behind = false
			s.enqueueFor(s.sched.plan.Between(a.from, s.plan.upTo), []*account{a}, now)
		}
	}
}

// enqueueFor works through the occurrences of each row for each account, since
// of several late occurrences of a repeating rule only the newest runs.
func (s *UnifiedTaskScheduler) enqueueFor(due []plan.Occurrence, accts []*account, now time.Time) {
	if len(due) == 0 {
		return
	}
	var planned []*pending
	for _, mine := range byRow(due) {
		w := &wave{row: rowOf(mine[0]), due: mine, planned: now, backdated: true}
		for _, a := range w.row.among(accts) {
			if !a.gone && a.admitted && w.row.run.HoldsFor(a.name) {
				planned = s.planRow(planned, a, w, now)
			}
		}
	}
	if s.cfg.MaxConcurrent > 0 {
		rank(planned)
	}
	s.line(planned)
}

// byRow parts occurrences by their row, in the order of each row's first.
func byRow(due []plan.Occurrence) [][]plan.Occurrence {
	var parts [][]plan.Occurrence
	if due[0].Due.Equal(due[len(due)-1].Due) { // each row is due once
		parts = make([][]plan.Occurrence, 0, len(due))
		for i := range due {
			parts = append(parts, due[i:i+1])
		}
		return parts
	}
	index := make(map[*row]int)
	for _, o := range due {
		i, seen := index[rowOf(o)]
		if !seen {
			i = len(parts)
			index[rowOf(o)] = i
			parts = append(parts, nil)
		}
		parts[i] = append(parts[i], o)
	}
	return parts
}

// planRow turns the occurrences of a wave for one account into pending runs and
// records.
func (s *UnifiedTaskScheduler) planRow(planned []*pending, a *account, w *wave, now time.Time) []*pending {
	r, due := w.row, w.due
	ts := a.task(r.Task)
	elsewhere := func(o plan.Occurrence) bool {
		return !a.owns(r, o.Due) || a.owns(r, o.Planned) || s.term.ahead.has(a.name, r.Task, o.Slot, o.Due)
	}
	latest := ts.lastDue
	newest := len(due) - 1
	for newest > 0 && (due[newest].Skip != "" || !due[newest].Repeats || elsewhere(due[newest])) {
		newest--
	}
	for i, o := range due {
		if elsewhere(o) {
			ts.lastDue = o.Due // a recorded range does not go on across it
			continue
		}
		p := s.newPending(a, ts, r, o, w.backdated)
		p.prev, p.moved, p.rank = ts.lastDue, o.Moved, w.rank
		if r.Spread > 0 {
			p.run.Offset = engine.SpreadOffset(a.name, r.Task, o.Slot, r.run.SpreadWithin(o))
		}
		ts.lastDue = o.Due
		last := p
		if o.Repeats && i < newest {
			last = &pending{row: r, expires: r.run.Expiry(due[newest].Due, due[newest].Session), moved: o.Moved}
			last.run.Due, last.run.Session = due[newest].Due, due[newest].Session
		}
		if w.planned.Before(last.expires) && w.planned.Before(now) {
			last.waits = s.waitsOf(w)
		}
		switch {
		case o.Skip != "":
			s.recordRange(p, Skipped, o.Skip)
			if _, err := r.view.Session(o.Session); err == nil { // else one condition is told for all tasks
				s.countRun(a, ts, &p.run, Skipped, o.Skip)
			}
		case !now.Before(last.expires):
			s.recordRange(p, Missed, s.tooLate(last))
		case last != p || o.Repeats && (ts.newest.comesAfter(p) || s.term.ahead.lastStarted(a.name, r.Task).After(o.Due)):
			s.recordRange(p, Missed, superseded)
		default:
			planned = append(planned, p)
		}
	}
	if ts.lastDue.Before(latest) {
		ts.lastDue = latest // what was planned behind it is not the newest
	}
	return planned
}

// superseded is the reason of an occurrence that came too late to be worth a run.
const superseded = "late, and a newer occurrence took its place"

// line puts planned runs into the ready queue, in order. Of a repeating rule the
// newest replaces one that still waits.
func (s *UnifiedTaskScheduler) line(planned []*pending) {
	if len(planned) == 0 {
		return
	}
	slices.SortStableFunc(planned, (*pending).compare)
	for _, p := range planned {
		p.lined = true
		s.queue.expectAt(p.expires)
		if p.run.Repeating {
			s.replaceOlder(p)
		}
	}
	s.queue.ready = append(s.queue.ready, planned...)
	if n := len(s.queue.ready) - len(planned); n > 0 && s.queue.ready[n-1].compare(planned[0]) > 0 {
		slices.SortStableFunc(s.queue.ready, (*pending).compare)
	}
}

// rank counts the runs of each account at each instant and priority, so that
// those which have to wait for a place take turns.
func rank(planned []*pending) {
	type turn struct {
		account  *account
		due      int64
		priority int
	}
	slices.SortStableFunc(planned, (*pending).compare)
	counts := make(map[turn]int)
	for _, p := range planned {
		t := turn{p.acct, p.run.Due.Unix(), p.row.Priority}
		p.rank = counts[t]
		counts[t]++
	}
}

// comesAfter reports whether p still waits for its start, and is due after an
// occurrence of the same task that is planned behind it.
func (p *pending) comesAfter(o *pending) bool {
	return p != nil && p.lined && p.run.Due.After(o.run.Due)
}

// replaceOlder records an older pending run of the same task as missed.
func (s *UnifiedTaskScheduler) replaceOlder(newer *pending) {
	ts := newer.task
	older := ts.newest
	if older != nil && older.run.Due.After(newer.run.Due) {
		return // it was planned behind the watermark
	}
	ts.newest = newer
	if older == nil || !older.lined {
		return
	}
	s.queue.remove(older)
	s.miss(older, supersededWaiting(older))
}

// supersededWaiting is the reason of a run that waited until a newer occurrence
// came.
func supersededWaiting(p *pending) string {
	if p.waits == "" {
		return superseded
	}
	return superseded + ": it waited for " + p.waits
}

// enqueueReruns lines up the interrupted runs of older terms that are delivered
// at least once, when it is known what else is due: of a repeating rule, one that
// a newer occurrence follows stays interrupted.
func (s *UnifiedTaskScheduler) enqueueReruns(now time.Time) {
	if len(s.queue.reruns) == 0 || !s.sched.loaded || !s.term.resumed || !s.term.planned {
		return
	}
	runs := s.queue.reruns
	s.queue.reruns = nil
	for _, run := range runs {
		a, r := s.accounts.byName[run.Account], s.rowFor(run.Account, run.Task)
		if a == nil || a.gone || r == nil || r.Disabled || r.Delivery != AtLeastOnce || run.Manual || !r.RunsOn(run.Session) {
			continue
		}
		ts := a.task(r.Task)
		if run.Repeating && (ts.lastDue.After(run.Due) || s.queue.comesFor(a, r, run.Due)) {
			continue
		}
		o := plan.Occurrence{Row: &r.Row, Due: run.Due, Slot: run.Slot, Session: run.Session, Repeats: run.Repeating}
		p := s.newPending(a, ts, r, o, true)
		p.replaces = &run
		p.run.Offset = run.Offset
		if !now.Before(p.expires) {
			continue
		}
		s.queue.push(p)
		if run.Repeating {
			ts.newest = p // to give way to what comes after it
		}
	}
}

// newPending returns a run of an occurrence for an account, with what it is by its
// identity and a fresh token.
func (s *UnifiedTaskScheduler) newPending(a *account, ts *taskState, r *row, o plan.Occurrence, backdated bool) *pending {
	p := s.queue.newPending()
	p.row, p.acct, p.task, p.expires = r, a, ts, r.run.Expiry(o.Due, o.Session)
	p.run = Run{
		ID:              s.newID(a.name, r.Task, o.Slot),
		Scheduler:       s.cfg.Name,
		Account:         a.name,
		Task:            r.Task,
		Slot:            o.Slot,
		Session:         o.Session,
		Due:             o.Due,
		Term:            s.term.term.Number,
		Token:           s.newToken(),
		Repeating:       o.Repeats,
		Backdated:       backdated,
		Calendar:        r.view.name,
		CalendarVersion: r.view.version,
	}
	return p
}

func (s *UnifiedTaskScheduler) newID(account, task, slot string) string {
	id := runID(s.cfg.Name, account, task, slot)
	return s.queue.texts.keep(id[:])
}

func (s *UnifiedTaskScheduler) newToken() string {
	s.queue.tokens++
	var room [64]byte
	token := append(append(room[:0], s.holder...), '/')
	return s.queue.texts.keep(strconv.AppendInt(token, s.queue.tokens, 36))
}

const waitsForPlace = "a place among the concurrent runs"

// tooLate is the reason of a run whose catch-up has passed.
func (s *UnifiedTaskScheduler) tooLate(p *pending) string {
	reason := fmt.Sprintf("its catch-up of %v had passed", p.row.catchUp())
	if p.row.CatchUpUntil != nil && p.expires.Before(p.run.Due.Add(p.row.catchUp())) {
		reason = fmt.Sprintf("its catch-up had ended at %v", *p.row.CatchUpUntil)
		if _, err := p.row.run.CatchUpCap(p.run.Session); err != nil {
			reason = fmt.Sprintf("its catch-up until %v cannot be told, so that it could only be on time: %v", *p.row.CatchUpUntil, err)
		}
	}
	if p.waits == "" && p.lined && s.cfg.MaxConcurrent > 0 {
		p.waits = waitsForPlace
	}
	if p.waits != "" {
		reason += ": it waited for " + p.waits
	}
	if p.moved {
		reason = "the calendar moved it into the past, where " + reason
	}
	return reason
}

// expire records the pending runs whose catch-up has ended as missed, with what
// they waited for.
func (s *UnifiedTaskScheduler) expire(now time.Time) {
	q := &s.queue
	if q.expireAt.IsZero() || now.Before(q.expireAt) {
		return
	}
	s.lineUpAll(func(w *wave) bool { return !now.Before(w.row.run.Expiry(w.due[0].Due, w.due[0].Session)) }, now)
	q.removeIf(
		func(p *pending) bool { return !now.Before(p.expires) },
		func(p *pending) { s.miss(p, s.tooLate(p)) },
	)
	q.expireAt = time.Time{}
	for _, p := range q.ready {
		if p.lined {
			q.expectAt(p.expires)
		}
	}
	for p := range q.waiting {
		q.expectAt(p.expires)
	}
	for _, waves := range q.allWaves() {
		for _, w := range *waves {
			q.expectAt(w.row.run.Expiry(w.due[0].Due, w.due[0].Session))
		}
	}
}

// watchExpiry looks through the queue again when the first catch-up in it ends.
func (s *UnifiedTaskScheduler) watchExpiry() {
	q := &s.queue
	if len(q.ready)+len(q.waiting)+len(q.waves)+len(q.spread) == 0 {
		q.expireAt = time.Time{}
	}
	if q.expiry != nil && q.expiryAt.Equal(q.expireAt) {
		return
	}
	q.expiry.Stop()
	q.expiry, q.expiryAt = nil, q.expireAt
	if q.expireAt.IsZero() || s.life.draining {
		return
	}
	q.expiry = s.afterLocked(q.expireAt.Sub(s.clock.Now()), func() {
		q.expiry = nil
		s.kickLater()
	})
}

// miss records a pending run as missed. One that runs again what was interrupted
// stays so.
func (s *UnifiedTaskScheduler) miss(p *pending, reason string) {
	switch {
	case p.uncertain:
		s.giveBack(p, s.term.term, Missed, reason)
		s.countMissed(p, reason)
	case p.replaces != nil:
	default:
		s.recordRange(p, Missed, reason)
	}
}

// skip records a pending run as skipped.
func (s *UnifiedTaskScheduler) skip(p *pending, reason string) {
	switch {
	case p.uncertain:
		s.giveBack(p, s.term.term, Skipped, reason)
	case p.replaces != nil:
	default:
		s.record(p.run, Skipped, reason)
	}
}
