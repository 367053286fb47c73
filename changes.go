package tradeclock

import (
	"slices"

	"github.com/tradeclock/tradeclock/internal/engine"
	"github.com/tradeclock/tradeclock/internal/vet"
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
	v := vet.New(read.rows, s.viewOf, s.limitOf, nil)
	v.Old, v.Holds = s.sched.rows, s.editsHold(s.clock.Now())
	for _, row := range read.rows {
		if !s.standsAlone(row.Key()) {
			return false
		}
		v.Share(v.Old[row.Key()])
		v.Add(row)
	}
	for _, removed := range read.removed {
		if !s.standsAlone(removed) {
			return false
		}
	}
	if len(v.Bad) > 0 || len(v.Followed) > 0 || slices.ContainsFunc(v.Order, s.mayBeShadowed) {
		return false
	}
	p := vet.NewPatch(s.sched.rows)
	for _, r := range v.Order {
		p.Put(r)
	}
	for _, removed := range read.removed {
		p.Remove(removed)
	}
	s.sched.revision = read.revision
	gone, come := p.Diff()
	fresh := vet.EngineRows(come)
	s.engine.KeepDue(s.sched.plan, fresh, func(key engine.Key) *engine.Row { return p.Before(ScheduleKey(key)).EngineRow() }, s.clock.Now())
	s.engine.PlanLate(fresh, s.sched.read)
	for _, r := range come {
		if like := s.sched.plan.Like(&r.Row); like != nil {
			r.Share(vet.RowBy(like))
		}
	}
	s.use(s.sched.plan.Patched(vet.PlannedRows(gone), vet.PlannedRows(come)))
	s.reportPatch(p)
	return true
}

// standsAlone reports whether no after rule links the row of a key with others, nor
// the row for all accounts, which it may shadow.
func (s *UnifiedTaskScheduler) standsAlone(key ScheduleKey) bool {
	linked := func(r *vet.Row) bool { return r != nil && r.Base != nil }
	return !s.sched.followed[key.Task] && !linked(s.sched.rows[key]) && !linked(s.sched.rows[ScheduleKey{Task: key.Task}])
}

// mayBeShadowed reports whether a row is a new one for all accounts, of which some
// may have their own already.
func (s *UnifiedTaskScheduler) mayBeShadowed(r *vet.Row) bool {
	return r.Account == "" && s.sched.rows[r.Key()] == nil
}

// reportPatch tells what a patch changed, and what is odd about the rows since. The
// caller holds mu.
func (s *UnifiedTaskScheduler) reportPatch(p *vet.Patch) {
	var change SchedulesChanged
	_, come := p.Diff()
	for _, key := range p.Keys() {
		was, is := p.Before(key), s.sched.rows[key]
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
