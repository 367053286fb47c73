package tradeclock

import (
	"maps"
	"slices"

	"github.com/tradeclock/tradeclock/internal/engine"
)

// takeChanges brings rows that changed since the known revision into those in force,
// and reports whether it could. All rows are to be read again where a change may
// touch others: rows that after rules link, and those that a quarantine hides.
func (s *UnifiedTaskScheduler) takeChanges(read reading, known string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.sched.revision != known || len(read.bad)+len(s.sched.rejected)+len(s.sched.notFound) > 0 {
		return false
	}
	v := newVetting(read.rows, s.viewOf, s.limitOf, nil)
	v.old, v.holds = s.sched.rows, s.editsHold(s.clock.Now())
	for _, row := range read.rows {
		if !s.standsAlone(row.Key()) {
			return false
		}
		v.share(v.old[row.Key()])
		v.add(row)
	}
	for _, removed := range read.removed {
		if !s.standsAlone(removed) {
			return false
		}
	}
	if len(v.bad) > 0 || len(v.followed) > 0 || slices.ContainsFunc(v.order, s.mayBeShadowed) {
		return false
	}
	p := patch{rows: s.sched.rows, was: make(map[ScheduleKey]*row), copied: make(map[ScheduleKey]bool)}
	for _, r := range v.order {
		p.put(r)
	}
	for _, removed := range read.removed {
		p.remove(removed)
	}
	s.sched.revision = read.revision
	gone, come := p.diff()
	fresh := engineRows(come)
	s.engine.KeepDue(s.sched.plan, fresh, func(key engine.Key) *engine.Row { return p.before(ScheduleKey(key)).engineRow() }, s.clock.Now())
	s.engine.PlanLate(fresh, s.sched.read)
	for _, r := range come {
		if like := s.sched.plan.Like(&r.Row); like != nil {
			r.share(rowBy(like).policy)
		}
	}
	s.use(s.sched.plan.Patched(plannedRows(gone), plannedRows(come)))
	s.reportPatch(p)
	return true
}

// standsAlone reports whether no after rule links the row of a key with others, nor
// the row for all accounts, which it may shadow.
func (s *UnifiedTaskScheduler) standsAlone(key ScheduleKey) bool {
	linked := func(r *row) bool { return r != nil && r.Base != nil }
	return !s.sched.followed[key.Task] && !linked(s.sched.rows[key]) && !linked(s.sched.rows[ScheduleKey{Task: key.Task}])
}

// mayBeShadowed reports whether a row is a new one for all accounts, of which some
// may have their own already.
func (s *UnifiedTaskScheduler) mayBeShadowed(r *row) bool {
	return r.Account == "" && s.sched.rows[r.Key()] == nil
}

// patch is a change of some of the rows in force.
type patch struct {
	rows map[ScheduleKey]*row
	was  map[ScheduleKey]*row // what there was of each that is touched, or nil
	// copied are the rows for all others whose shadowed is a copy, which may be changed.
	copied map[ScheduleKey]bool
}

// put adds a row, or replaces the one of its key.
func (p *patch) put(r *row) {
	key := r.Key()
	was := p.rows[key]
	if r.Account == "" {
		r.run.Shadowed = was.run.Shadowed
	}
	p.set(key, r)
	if r.Account != "" && was == nil {
		p.shadow(key, true)
	}
}

func (p *patch) remove(key ScheduleKey) {
	if p.rows[key] == nil {
		return
	}
	p.set(key, nil)
	if key.Account != "" {
		p.shadow(key, false)
	}
}

// shadow notes that an account has a row of its own now, or has no longer. The row
// for all others is replaced, since rows are never changed.
func (p *patch) shadow(own ScheduleKey, has bool) {
	key := ScheduleKey{Task: own.Task}
	if p.rows[key] == nil {
		return
	}
	if !p.copied[key] {
		p.copied[key] = true
		shared := p.rows[key].copied()
		shared.run.Shadowed = maps.Clone(shared.run.Shadowed)
		p.set(key, shared)
	}
	if has {
		p.rows[key].shadow(own.Account)
	} else {
		delete(p.rows[key].run.Shadowed, own.Account)
	}
}

func (p *patch) set(key ScheduleKey, r *row) {
	if _, touched := p.was[key]; !touched {
		p.was[key] = p.rows[key]
	}
	if r == nil {
		delete(p.rows, key)
	} else {
		p.rows[key] = r
	}
}

// before returns the row that a key had.
func (p *patch) before(key ScheduleKey) *row {
	if was, touched := p.was[key]; touched {
		return was
	}
	return p.rows[key]
}

// keys returns those that are touched, in order.
func (p *patch) keys() []ScheduleKey {
	return slices.SortedFunc(maps.Keys(p.was), ScheduleKey.Compare)
}

// diff returns the rows that are no longer there, and those that have come.
func (p *patch) diff() (gone, come []*row) {
	for _, key := range p.keys() {
		was, is := p.was[key], p.rows[key]
		if was == is {
			continue
		}
		if was != nil {
			gone = append(gone, was)
		}
		if is != nil {
			come = append(come, is)
		}
	}
	return gone, come
}

// reportPatch tells what a patch changed, and what is odd about the rows since. The
// caller holds mu.
func (s *UnifiedTaskScheduler) reportPatch(p patch) {
	var change SchedulesChanged
	_, come := p.diff()
	for _, key := range p.keys() {
		was, is := p.was[key], p.rows[key]
		change.compare(was, is)
		s.noteSilence(key)
		if was != nil && is != nil && was.Disabled == is.Disabled {
			continue // its accounts have a schedule as before
		}
		for _, a := range s.accountsOf(key) {
			s.compareAccount(a, key.Task)
			s.forgetBadRun(engine.Key{Task: key.Task, Account: a.Name})
		}
	}
	if !change.isEmpty() {
		s.tellRows(change)
	}
	s.reportProblems(come)
	s.reportOdd()
	s.tellSilence()
	s.tellPending(come)
}
