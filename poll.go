package tradeclock

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// schedules is what the polls have brought. Guarded by mu.
type schedules struct {
	snap     *snapshot
	rows     map[rowKey]*row
	views    map[string]*calendarView // those that rows have named
	notFound map[string]error         // and those that were not found
	watched  []*calendarView          // those that are in use; replaced, and not changed
	loaded   bool
	revision string
	polled   time.Time     // the minute of the last poll
	retry    time.Duration // wait before the next poll while there are no rows yet
	retryAt  time.Time     // and when that is
	rejected []RowError
	// unreported is true if accounts came or went since their tasks were compared
	// with the rows.
	unreported bool
}

// reading is one answer of the schedule store.
type reading struct {
	rows      []Schedule
	bad       []RowError
	revision  string
	unchanged bool
}

// pollIfDue reads the schedules once a minute. What goes wrong leaves the last
// good rows in force; while there are none, it is tried again from a second to a
// minute apart.
func (s *UnifiedTaskScheduler) pollIfDue(ctx context.Context, now time.Time) {
	minute := now.Truncate(time.Minute)
	s.mu.Lock()
	due := !minute.Equal(s.sched.polled) || !s.sched.loaded && !now.Before(s.sched.retryAt)
	known, loaded := s.sched.revision, s.sched.loaded
	if s.sched.unreported {
		s.reportTasks()
	}
	s.mu.Unlock()
	if !due {
		return
	}
	read, err := s.readRows(ctx, known, loaded)
	if err == nil {
		s.findCalendars(ctx, read.rows)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sched.polled = minute
	if err != nil {
		s.pollFailed(err)
		return
	}
	s.clear("poll")
	s.sched.retry = 0
	if !read.unchanged {
		s.sched.revision = read.revision
		s.takeRows(read.rows, read.bad, s.clock.Now())
	}
}

func (s *UnifiedTaskScheduler) readRows(ctx context.Context, known string, loaded bool) (reading, error) {
	if s.lanes.poll.direct { // a minute without news allocates nothing
		return readSchedules(ctx, s.cfg.Schedules, known, loaded)
	}
	return call(ctx, s, &s.lanes.poll, pollBound, func(ctx context.Context) (reading, error) {
		return readSchedules(ctx, s.cfg.Schedules, known, loaded)
	})
}

func (s *UnifiedTaskScheduler) pollFailed(err error) {
	if s.sched.loaded {
		s.degrade("poll", fmt.Sprintf("the schedules cannot be read, the last good ones are used: %v", err))
		return
	}
	s.sched.retry = min(max(2*s.sched.retry, retryFirst), retryLast)
	s.sched.retryAt = s.clock.Now().Add(s.sched.retry)
	s.degrade("poll", fmt.Sprintf("the schedules cannot be read, nothing runs: %v", err))
}

// readSchedules asks a store for its rows, or finds that they have not changed.
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
	var err error
	read.rows, err = store.Schedules(ctx)
	if quarantine := (*QuarantineError)(nil); errors.As(err, &quarantine) {
		read.bad, err = quarantine.Rows, nil
	}
	return read, err
}

// takeRows makes rows that a poll brought the ones in force. The caller holds mu.
func (s *UnifiedTaskScheduler) takeRows(schedules []Schedule, bad []RowError, now time.Time) {
	old, before := s.sched.rows, s.sched.snap
	v := newVetting(schedules, s.viewOf, bad)
	v.old, v.holds = old, s.editsHold(now)
	v.vet(schedules)
	s.sched.rows = v.rows
	s.sched.loaded = true
	if len(s.sched.notFound) > 0 {
		clear(s.sched.notFound)
		s.sched.revision = "" // read the rows again, as the calendars may be found then
	}
	s.watchCalendars(v.order)
	s.compile(v.order)
	if before != nil {
		s.sched.snap.carryOver(before)
	}
	s.reportRows(old, v.order, v.bad)
}

// editsHold returns the instant from which edits hold that a poll brings: what is
// due after the last plan was not past before this poll.
func (s *UnifiedTaskScheduler) editsHold(now time.Time) time.Time {
	now = now.Round(0).UTC()
	if s.term.resumed && s.plan.upTo.Before(now) {
		return s.plan.upTo
	}
	return now
}

// compile makes a snapshot of rows the one in force.
func (s *UnifiedTaskScheduler) compile(rows []*row) {
	s.sched.snap = newSnapshot(rows, func(v *calendarView) Calendar { return v })
	s.plan.next = s.plan.upTo
}

// reportRows tells what a poll changed, and what is odd about the rows.
func (s *UnifiedTaskScheduler) reportRows(old map[rowKey]*row, rows []*row, rejected []RowError) {
	change := SchedulesChanged{Quarantined: rejected}
	for _, r := range rows {
		switch was := old[r.key()]; {
		case was == nil:
			change.Added = append(change.Added, rowName(r.Task, r.Account))
		case was.differs(r):
			change.Changed = append(change.Changed, rowName(r.Task, r.Account))
		}
	}
	for key := range old {
		if s.sched.rows[key] == nil {
			change.Removed = append(change.Removed, rowName(key.task, key.account))
		}
	}
	slices.Sort(change.Removed)
	if old == nil || len(change.Added)+len(change.Changed)+len(change.Removed) > 0 || !sameErrors(rejected, s.sched.rejected) {
		s.log.Info("schedules", "rows", len(rows), "added", len(change.Added), "changed", change.Changed,
			"removed", change.Removed, "quarantined", len(rejected))
		s.events.tell(change)
	}
	s.sched.rejected = rejected
	s.reportProblems(rows, rejected)
}

func sameErrors(a, b []RowError) bool {
	return slices.EqualFunc(a, b, func(x, y RowError) bool { return x.Error() == y.Error() })
}

// reportProblems turns what is odd about the rows into conditions of health.
func (s *UnifiedTaskScheduler) reportProblems(rows []*row, rejected []RowError) {
	var problems []string
	for _, r := range rejected {
		problems = append(problems, r.Error())
	}
	s.setCondition("quarantine", join("quarantined: ", problems))
	if len(rows) == 0 {
		s.degrade("empty", "there are no schedules: nothing runs")
	} else {
		s.clear("empty")
	}
	var past, slow []string
	for _, r := range rows {
		if rule, ok := r.bare.rule.(once); ok && !r.Disabled && s.wasPast(rule, r) {
			past = append(past, fmt.Sprintf("%s (%s)", rowName(r.Task, r.Account), r.text))
		}
		if !s.private && !r.Disabled && s.cfg.TermLength+takeoverWithin > r.catchUp() {
			slow = append(slow, rowName(r.Task, r.Account))
		}
	}
	s.setCondition("once", join("scheduled once, in the past: ", past))
	if len(slow) > 0 {
		s.log.Warn("a takeover may take longer than the catch-up of some tasks", "takeover", s.cfg.TermLength+takeoverWithin, "tasks", slow)
	}
	s.forgetBadRuns()
	s.reportTasks()
}

// wasPast reports whether a row that runs once was past already when it began to
// hold, so that it never runs.
func (s *UnifiedTaskScheduler) wasPast(rule once, r *row) bool {
	from := r.Since
	if from.IsZero() {
		from = s.term.began // zero if the ledger is not new
	}
	if from.IsZero() {
		return false
	}
	return rule.past(from, r.view.loc)
}

// reportTasks tells of schedules of tasks that no executor knows, and of tasks
// that have no schedule. The caller holds mu.
func (s *UnifiedTaskScheduler) reportTasks() {
	if !s.sched.loaded {
		return
	}
	s.sched.unreported = false
	var problems []string
	unknown := func(a *account, task string) {
		if !a.gone && a.lists && !slices.Contains(a.known, task) {
			problems = append(problems, fmt.Sprintf("%s has a schedule, and the executor does not know it", rowName(task, a.name)))
		}
	}
	for key, r := range s.sched.rows {
		for _, a := range r.among(s.accounts.order) {
			if r.holdsFor(a.name) {
				unknown(a, key.task)
			}
		}
	}
	for _, a := range s.accounts.order {
		for _, task := range a.known {
			if !a.gone && s.rowFor(a.name, task) == nil {
				problems = append(problems, fmt.Sprintf("%s has no schedule", rowName(task, a.name)))
			}
		}
	}
	slices.Sort(problems)
	if len(problems) > 10 {
		problems = append(problems[:10], fmt.Sprintf("and %d more", len(problems)-10))
	}
	s.setCondition("tasks", join("", problems))
}

// rowFor returns the row that holds for an account's task, or nil.
func (s *UnifiedTaskScheduler) rowFor(account, task string) *row {
	if r := s.sched.rows[rowKey{account, task}]; r != nil {
		return r
	}
	if r := s.sched.rows[rowKey{"", task}]; r != nil && r.holdsFor(account) {
		return r
	}
	return nil
}

func join(prefix string, problems []string) string {
	if len(problems) == 0 {
		return ""
	}
	return prefix + strings.Join(problems, "; ")
}
