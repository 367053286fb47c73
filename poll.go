package tradeclock

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/tradeclock/tradeclock/internal/engine"
	"github.com/tradeclock/tradeclock/internal/plan"
	"github.com/tradeclock/tradeclock/internal/quiet"
	"github.com/tradeclock/tradeclock/internal/vet"
	"github.com/tradeclock/tradeclock/store"
)

// schedules is what the polls have brought. Guarded by mu.
type schedules struct {
	plan     *plan.Plan
	rows     map[store.ScheduleKey]*vet.Row
	named    map[string]*watchedCalendar // those that rows have named
	notFound map[string]error            // and those that were not found
	look     time.Duration               // wait before these are asked for again
	lookAt   time.Time                   // and when that is
	watched  []*watchedCalendar          // those that are in use; replaced, and not changed
	loaded   bool
	revision string
	polled   time.Time     // the minute of the last poll
	read     time.Time     // when the last reading began that was taken
	retry    time.Duration // wait before the next poll while there are no rows yet
	retryAt  time.Time     // and when that is
	rejected []store.RowError
	followed map[string]bool              // tasks that after rules name
	odd      map[store.ScheduleKey]string // what is odd about the tasks of accounts: see compareTask
	// unreported is true if accounts came or went since their tasks were compared
	// with the rows.
	unreported bool
	silence    silence
}

// reading is one answer of the schedule store.
type reading struct {
	rows      []Schedule
	bad       []store.RowError
	revision  string
	unchanged bool
	partial   bool                // only what changed since the revision that was known
	removed   []store.ScheduleKey // of a partial one
}

// pollIfDue reads the schedules once a minute. What goes wrong leaves the last
// good rows in force; while there are none, it is tried again one to five seconds
// apart. The caller holds mu, which is let go of meanwhile.
func (s *UnifiedTaskScheduler) pollIfDue(ctx context.Context, now time.Time) {
	s.lookForCalendars(ctx, now)
	minute := s.minuteOf(now)
	due := !minute.Equal(s.sched.polled) || !s.sched.loaded && !now.Before(s.sched.retryAt)
	known, loaded := s.sched.revision, s.sched.loaded
	if s.sched.unreported {
		s.reportTasks()
		s.reportSilence()
	} else if s.sched.loaded {
		s.tellSilence()
	}
	if !due {
		return
	}
	s.mu.Unlock()
	began := s.clock.Now()
	read, err := s.readNews(ctx, known, loaded)
	s.mu.Lock()
	if ctx.Err() != nil {
		return // that nobody waits for an answer says nothing of the store
	}
	s.sched.polled = minute
	if err != nil {
		s.pollFailed(err)
		return
	}
	s.clear("poll")
	s.sched.retry = 0
	if !read.unchanged {
		s.sched.revision = read.revision
		s.forgetCalendars(read.rows)
		s.takeRows(read.rows, read.bad, s.clock.Now())
	}
	s.sched.read = began.Round(0).UTC()
}

// readNews reads the rows, unless they have not changed, or what changed can be
// taken by itself.
func (s *UnifiedTaskScheduler) readNews(ctx context.Context, known string, loaded bool) (reading, error) {
	read, err := s.readRows(ctx, known, loaded)
	if err == nil && read.partial {
		s.findCalendars(ctx, read.rows)
		if s.takeChanges(read, known) {
			return reading{unchanged: true}, nil
		}
		read, err = s.readRows(ctx, known, false)
	}
	if err == nil {
		s.findCalendars(ctx, read.rows)
	}
	return read, err
}

func (s *UnifiedTaskScheduler) readRows(ctx context.Context, known string, loaded bool) (reading, error) {
	if s.lanes.poll.IsDirect() { // a minute without news allocates nothing
		return readSchedules(ctx, s.cfg.Schedules, known, loaded)
	}
	return quiet.Call(ctx, s.lanes.poll, pollBound, func(ctx context.Context) (reading, error) {
		return readSchedules(ctx, s.cfg.Schedules, known, loaded)
	})
}

func (s *UnifiedTaskScheduler) pollFailed(err error) {
	s.sched.revision = "" // all rows are read then, in case the changes can never be
	if s.sched.loaded {
		s.degrade("poll", fmt.Sprintf("the schedules cannot be read, the last good ones are used: %v", err))
		return
	}
	s.sched.retry = nextRetry(s.sched.retry)
	s.sched.retryAt = s.clock.Now().Add(s.sched.retry)
	s.degrade("poll", fmt.Sprintf("the schedules cannot be read, nothing runs: %v", err))
}

// readSchedules asks a store for its rows or for what changed of them, or finds that
// nothing has.
func readSchedules(ctx context.Context, from ScheduleStore, known string, loaded bool) (reading, error) {
	var read reading
	if reviser, ok := from.(store.Reviser); ok {
		revision, err := reviser.Revision(ctx)
		if err != nil {
			return read, err
		}
		if loaded && revision == known {
			return reading{unchanged: true}, nil
		}
		read.revision = revision
	}
	if lister, ok := from.(store.ChangeLister); ok && loaded && known != "" {
		read, err := readChanges(ctx, lister, known)
		if !errors.Is(err, store.ErrRevisionUnknown) {
			return read, err
		}
	}
	var err error
	read.rows, err = from.Schedules(ctx)
	read.bad, err = unreadRows(err)
	return read, err
}

func readChanges(ctx context.Context, lister store.ChangeLister, known string) (reading, error) {
	changes, err := lister.Changes(ctx, known)
	bad, err := unreadRows(err)
	return reading{rows: changes.Rows, removed: changes.Removed, bad: bad, revision: changes.Revision, partial: true}, err
}

// unreadRows takes the rows that a store could not read out of its error.
func unreadRows(err error) ([]store.RowError, error) {
	if quarantine := (*store.QuarantineError)(nil); errors.As(err, &quarantine) {
		return quarantine.Rows, nil
	}
	return nil, err
}

// takeRows makes rows that a poll brought the ones in force. The caller holds mu.
func (s *UnifiedTaskScheduler) takeRows(schedules []Schedule, bad []store.RowError, now time.Time) {
	old, before := s.sched.rows, s.sched.plan
	v := vet.New(schedules, s.calendarOf, s.limitOf, bad)
	v.Old, v.Holds = old, s.editsHold(now)
	v.Vet(schedules)
	s.sched.rows, s.sched.followed = v.Rows, v.Followed
	s.sched.loaded = true
	made := plan.New(vet.PlannedRows(v.Order))
	if before != nil {
		made.CarryOver(before)
		fresh := vet.EngineRows(v.Fresh)
		s.engine.KeepDue(before, fresh, func(key engine.Key) *engine.Row { return old[store.ScheduleKey(key)].EngineRow() }, now)
		s.engine.PlanLate(fresh, s.sched.read)
	}
	s.use(made)
	s.reportRows(old, v.Fresh, v.Bad)
	s.tellInherited()
}

// editsHold returns the instant from which edits hold that a poll brings: what is
// due after the last plan was not past before this poll.
func (s *UnifiedTaskScheduler) editsHold(now time.Time) time.Time {
	now = now.Round(0).UTC()
	if s.engine.Term.IsResumed() && s.engine.Planned().Before(now) {
		return s.engine.Planned()
	}
	return now
}

// use makes a plan the one in force.
func (s *UnifiedTaskScheduler) use(made *plan.Plan) {
	s.sched.plan = made.Override(vet.PlannedOverrides(s.overrides.list))
	s.engine.Use(made)
	s.watchCalendars()
	s.endRetries()
}

// takeChanges brings rows that changed since the known revision into those in force,
// and reports whether it could. All rows are to be read again where a change may
// touch others: rows that after rules link, and those that a quarantine hides.
func (s *UnifiedTaskScheduler) takeChanges(read reading, known string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.sched.revision != known || len(read.bad)+len(s.sched.rejected)+len(s.sched.notFound) > 0 {
		return false
	}
	v := vet.New(read.rows, s.calendarOf, s.limitOf, nil)
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
	s.engine.KeepDue(s.sched.plan, fresh, func(key engine.Key) *engine.Row { return p.Before(store.ScheduleKey(key)).EngineRow() }, s.clock.Now())
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
func (s *UnifiedTaskScheduler) standsAlone(key store.ScheduleKey) bool {
	linked := func(r *vet.Row) bool { return r != nil && r.Base != nil }
	return !s.sched.followed[key.Task] && !linked(s.sched.rows[key]) && !linked(s.sched.rows[store.ScheduleKey{Task: key.Task}])
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
