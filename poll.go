package tradeclock

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/tradeclock/tradeclock/internal/engine"
	"github.com/tradeclock/tradeclock/internal/plan"
	"github.com/tradeclock/tradeclock/internal/quiet"
	"github.com/tradeclock/tradeclock/internal/vet"
)

// schedules is what the polls have brought. Guarded by mu.
type schedules struct {
	plan     *plan.Plan
	rows     map[ScheduleKey]*vet.Row
	views    map[string]*watchedCalendar // those that rows have named
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
	rejected []RowError
	followed map[string]bool        // tasks that after rules name
	odd      map[ScheduleKey]string // what is odd about the tasks of accounts: see compareTask
	// unreported is true if accounts came or went since their tasks were compared
	// with the rows.
	unreported bool
	silence    silence
}

// reading is one answer of the schedule store.
type reading struct {
	rows      []Schedule
	bad       []RowError
	revision  string
	unchanged bool
	partial   bool          // only what changed since the revision that was known
	removed   []ScheduleKey // of a partial one
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
func readSchedules(ctx context.Context, store ScheduleStore, known string, loaded bool) (reading, error) {
	var read reading
	if reviser, ok := store.(Reviser); ok {
		revision, err := reviser.Revision(ctx)
		if err != nil {
			return read, err
		}
		if loaded && revision == known {
			return reading{unchanged: true}, nil
		}
		read.revision = revision
	}
	if lister, ok := store.(ChangeLister); ok && loaded && known != "" {
		read, err := readChanges(ctx, lister, known)
		if !errors.Is(err, ErrRevisionUnknown) {
			return read, err
		}
	}
	var err error
	read.rows, err = store.Schedules(ctx)
	read.bad, err = unreadRows(err)
	return read, err
}

func readChanges(ctx context.Context, lister ChangeLister, known string) (reading, error) {
	changes, err := lister.Changes(ctx, known)
	bad, err := unreadRows(err)
	return reading{rows: changes.Rows, removed: changes.Removed, bad: bad, revision: changes.Revision, partial: true}, err
}

// unreadRows takes the rows that a store could not read out of its error.
func unreadRows(err error) ([]RowError, error) {
	if quarantine := (*QuarantineError)(nil); errors.As(err, &quarantine) {
		return quarantine.Rows, nil
	}
	return nil, err
}

// takeRows makes rows that a poll brought the ones in force. The caller holds mu.
func (s *UnifiedTaskScheduler) takeRows(schedules []Schedule, bad []RowError, now time.Time) {
	old, before := s.sched.rows, s.sched.plan
	v := vet.New(schedules, s.viewOf, s.limitOf, bad)
	v.Old, v.Holds = old, s.editsHold(now)
	v.Vet(schedules)
	s.sched.rows, s.sched.followed = v.Rows, v.Followed
	s.sched.loaded = true
	made := plan.New(vet.PlannedRows(v.Order))
	if before != nil {
		made.CarryOver(before)
		fresh := vet.EngineRows(v.Fresh)
		s.engine.KeepDue(before, fresh, func(key engine.Key) *engine.Row { return old[ScheduleKey(key)].EngineRow() }, now)
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
