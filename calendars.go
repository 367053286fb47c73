package tradeclock

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/tradeclock/tradeclock/calendar"
	"github.com/tradeclock/tradeclock/internal/plan"
	"github.com/tradeclock/tradeclock/internal/quiet"
	"github.com/tradeclock/tradeclock/internal/said"
	"github.com/tradeclock/tradeclock/internal/vet"
)

// coverageNotice is how many days before the end of a calendar's coverage it is warned of at
// the start.
const coverageNotice = 90

// watchedCalendar is a calendar with how it is asked, and what it said of itself. Guarded by
// mu, but for what New and findCalendars set.
type watchedCalendar struct {
	*vet.Calendar
	lane     *quiet.Lane // to its source
	question *quiet.Lane // for questions beside the plan

	asked    bool               // it has answered once
	trouble  string             // what it said is wrong with its data
	coming   []calendar.Session // those of the next weeks that are special or of unknown hours
	askAgain time.Time          // no question to a direct source of the same version before it
	failing  bool               // it did not answer, or failed to tell of today
	retry    time.Duration      // wait before it is asked again then
	retryAt  time.Time          // and when that is
}

// noteFailing notes whether the calendar fails: what is due today waits for it, so it
// is asked again within seconds.
func (v *watchedCalendar) noteFailing(failing bool, now time.Time) {
	v.failing = failing
	if !failing {
		v.retry = 0
		return
	}
	v.retry = nextRetry(v.retry)
	v.retryAt = now.Add(v.retry)
}

// watch makes a calendar one that can be asked.
func (s *UnifiedTaskScheduler) watch(v *vet.Calendar) *watchedCalendar {
	return &watchedCalendar{
		Calendar: v,
		lane:     s.activity.NewLane("calendar "+v.Name(), v.Direct != nil),
		question: s.activity.NewLane("calendar "+v.Name()+" (a question)", v.Direct != nil),
	}
}

// watchedOf returns the calendar that rows are read by with how it is asked. The caller
// holds mu.
func (s *UnifiedTaskScheduler) watchedOf(cal calendar.Calendar) *watchedCalendar {
	if cal == calendar.Calendar(s.calendar.Calendar) {
		return s.calendar
	}
	return s.sched.named[cal.Name()]
}

// findCalendars looks for the calendars that rows name and that are not known yet.
func (s *UnifiedTaskScheduler) findCalendars(ctx context.Context, rows []Schedule) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var names []string
	for _, r := range rows {
		if _, err := s.calendarOf(r.Calendar); err != nil && vet.MayFind(s.cfg.Calendars, r.Calendar) && !slices.Contains(names, r.Calendar) {
			names = append(names, r.Calendar)
		}
	}
	s.findNamed(ctx, names)
}

// findNamed asks for calendars, and reports whether one was found. The caller holds
// mu, which is let go of meanwhile.
func (s *UnifiedTaskScheduler) findNamed(ctx context.Context, names []string) (found bool) {
	until := s.clock.Now().Add(pollBound) // for all of them together
	for _, name := range names {
		s.mu.Unlock()
		v, err := quiet.Call(ctx, s.lanes.find, until.Sub(s.clock.Now()), func(context.Context) (*vet.Calendar, error) {
			return vet.Find(s.cfg.Calendars, name)
		})
		s.mu.Lock()
		switch {
		case err == nil:
			found = true
			s.sched.named[name] = s.watch(v)
			delete(s.sched.notFound, name)
			s.reportAlmost()
		case ctx.Err() == nil: // or else nobody waited for the answer
			s.sched.notFound[name] = err
		}
	}
	if len(names) > 0 {
		s.sched.look = nextRetry(s.sched.look)
		s.sched.lookAt = s.clock.Now().Add(s.sched.look)
	}
	return found
}

// lookForCalendars asks again for the calendars that were not found, seconds apart,
// since what is due by them waits. If one is found, all rows are read again. The
// caller holds mu, which is let go of meanwhile.
func (s *UnifiedTaskScheduler) lookForCalendars(ctx context.Context, now time.Time) {
	switch {
	case len(s.sched.notFound) == 0:
		s.sched.look = 0
	case now.Before(s.sched.lookAt):
	case s.findNamed(ctx, slices.Sorted(maps.Keys(s.sched.notFound))):
		s.sched.polled, s.sched.revision = time.Time{}, ""
	}
}

// forgetCalendars forgets that a calendar was not found which no row names any more.
func (s *UnifiedTaskScheduler) forgetCalendars(rows []Schedule) {
	maps.DeleteFunc(s.sched.notFound, func(name string, _ error) bool {
		return !slices.ContainsFunc(rows, func(r Schedule) bool { return r.Calendar == name })
	})
}

// calendarOf returns the calendar that a row names. The caller holds mu.
func (s *UnifiedTaskScheduler) calendarOf(name string) (*vet.Calendar, error) {
	if name == "" || name == s.calendar.Name() {
		return s.calendar.Calendar, nil
	}
	if v := s.sched.named[name]; v != nil {
		return v.Calendar, nil
	}
	if err := s.sched.notFound[name]; err != nil {
		return nil, err
	}
	return nil, fmt.Errorf("there is no calendar %s beside %s", name, s.calendar.Name())
}

// watchCalendars makes the scheduler's own calendar and those that rows are read
// by the ones that each tick looks at. The caller holds mu.
func (s *UnifiedTaskScheduler) watchCalendars() {
	used := []*watchedCalendar{s.calendar}
	for _, v := range s.calendarsInUse() {
		if v != s.calendar {
			used = append(used, v)
		}
	}
	for _, v := range s.sched.watched {
		if !slices.Contains(used, v) {
			s.clearCalendar(v)
		}
	}
	s.sched.watched = used
	for _, v := range used {
		s.tellComing(v) // it may matter to other rows
	}
}

// calendarsInUse are the calendars by which the rows in force are read.
func (s *UnifiedTaskScheduler) calendarsInUse() []*watchedCalendar {
	var views []*watchedCalendar
	for _, cal := range s.sched.plan.Calendars() {
		views = append(views, s.watchedOf(cal))
	}
	return views
}

func (s *UnifiedTaskScheduler) clearCalendar(v *watchedCalendar) {
	for _, what := range []string{"calendar ", "coverage ", "data ", "ahead ", "hours "} {
		s.clear(what + v.Name())
	}
	delete(s.health.notices, v.Name())
	v.askAgain, v.coming = time.Time{}, nil // if it is used again, they are looked at again
}

// refreshCalendars asks each calendar for what the next plan needs. The caller holds
// mu, which is let go of meanwhile.
func (s *UnifiedTaskScheduler) refreshCalendars(ctx context.Context, now time.Time) {
	for _, v := range s.sched.watched {
		if s.hasNews(v, now) {
			s.refreshCalendar(ctx, v, now)
		}
	}
}

// hasNews reports whether a calendar is to be asked at all: one that answers from
// memory is asked once a day while it stays the same, so that a minute without
// news allocates nothing.
func (s *UnifiedTaskScheduler) hasNews(v *watchedCalendar, now time.Time) bool {
	if v.Direct == nil || !s.sched.loaded || v.failing || !now.Before(v.askAgain) {
		return true
	}
	_, versioned := v.Direct.(calendar.Versioned)
	if _, troubled := v.Source.(calendar.DataChecker); !versioned && !troubled {
		return false // another one would have another version
	}
	version, trouble := v.Version(), v.trouble
	s.mu.Unlock()
	defer s.mu.Lock()
	return !v.IsCurrent(version, trouble)
}

// refreshCalendar asks the calendar for the dates that the view lacks, and notices
// when it has another version.
func (s *UnifiedTaskScheduler) refreshCalendar(ctx context.Context, v *watchedCalendar, now time.Time) {
	today := calendar.DateOf(now.In(v.Location()))
	first, last := s.neededDates(v, now)
	ahead := today.AddDays(vet.CoverageWarning)
	if last.After(ahead) {
		ahead = last // as a filter asks for the end of its period
	}
	var dates []calendar.Date
	if v.Direct == nil {
		dates = v.Missing(first, ahead)
	}
	facts, err := s.askCalendar(ctx, v, dates, today, !v.asked)
	changed := err == nil && v.asked && facts.Version != v.Version()
	if changed && v.Direct == nil {
		dates = vet.DatesOf(first, ahead)
		facts, err = s.askCalendar(ctx, v, dates, today, false)
	}
	if err != nil && ctx.Err() != nil {
		return // that nobody waits for the answer says nothing of the calendar
	}
	if err == nil && !v.HasPhasesOf(facts) {
		s.sched.revision = "" // rows may have become good or bad: read them again
	}
	switch {
	case err != nil:
		v.Unknown(dates, err)
	case changed && s.sched.loaded:
		s.calendarChanged(v, facts, first, last, now)
	default:
		v.Take(facts)
	}
	v.Forget(first)
	if err == nil && !v.asked {
		v.asked = true
		s.tellCoverage(v, facts, today)
	}
	if s.sched.loaded {
		v.askAgain = calendar.EndOfDay.On(today, v.Location())
		s.checkCalendar(v, facts, today, err)
	}
}

func (s *UnifiedTaskScheduler) askCalendar(ctx context.Context, v *watchedCalendar, dates []calendar.Date, today calendar.Date, count bool) (vet.Facts, error) {
	s.mu.Unlock()
	defer s.mu.Lock()
	return quiet.Call(ctx, v.lane, pollBound, func(context.Context) (vet.Facts, error) {
		return vet.FactsOf(v.Source, dates, today, count), nil
	})
}

// neededDates are the dates around now, and back to the last plan, to the start of an
// account that lies behind it and to what is to run again, that planning may ask for.
// The caller holds mu.
func (s *UnifiedTaskScheduler) neededDates(v *watchedCalendar, now time.Time) (first, last calendar.Date) {
	from := now
	if up := s.engine.Planned(); !up.IsZero() && up.Before(now) {
		from = up
	}
	if since := s.term.since; !since.IsZero() && since.Before(from) {
		from = since
	}
	if open := s.engine.Accounts.OpenFrom(); !open.IsZero() && open.Before(from) {
		from = open
	}
	back, ahead := 1, 1
	if s.sched.loaded {
		b, a := s.sched.plan.Reach(v.Calendar)
		back, ahead = max(b, 1), max(a, 1)
	}
	first, last = calendar.DateOf(from.In(v.Location())).AddDays(-ahead), calendar.DateOf(now.In(v.Location())).AddDays(back+plan.HorizonDays+1)
	if s.sched.loaded {
		first, last = s.sched.plan.FilterDates(v.Calendar, first, last)
	}
	return first, last
}

// tellCoverage logs at the start what the calendar covers, as a warning if the
// end is in sight.
func (s *UnifiedTaskScheduler) tellCoverage(v *watchedCalendar, facts vet.Facts, today calendar.Date) {
	attrs := []any{"calendar", v.Name(), "version", facts.Version, "zone", v.Location().String()}
	if !facts.Covered {
		s.log.Info("calendar", attrs...)
		return
	}
	attrs = append(attrs, "covers_to", facts.Last.String(), "sessions_left", facts.Left)
	if facts.Last.After(today.AddDays(coverageNotice)) {
		s.log.Info("calendar", attrs...)
		return
	}
	s.log.Warn("the calendar's coverage ends soon: newer data are needed by then", attrs...)
}

// checkCalendar keeps the conditions of a calendar: that it does not know today,
// only guesses it, or failed to answer; that the end of its coverage is near; and
// what it says is wrong with its data.
func (s *UnifiedTaskScheduler) checkCalendar(v *watchedCalendar, facts vet.Facts, today calendar.Date, failed error) {
	condition, coverage := "", ""
	session, err := v.Session(today)
	switch {
	case err != nil:
		condition = "tasks are skipped: " + plan.NotKnown(v.Name(), today, err)
	case failed != nil:
		condition = fmt.Sprintf("calendar %s does not answer: %v", v.Name(), failed)
	case session.Assumed:
		session.Assumed = false // which Describe would say once more
		condition = fmt.Sprintf("calendar %s does not know %v and assumes a %s", v.Name(), today, session.Describe())
	case facts.Covered && !facts.Last.After(today.AddDays(vet.CoverageWarning)):
		coverage = fmt.Sprintf("calendar %s ends on %v, with %s left", v.Name(), facts.Last, said.Counted(facts.Left, "session"))
	}
	s.setCondition("calendar "+v.Name(), condition)
	if v.failing { // what it has learnt is planned at once
		s.engine.LookAgain()
	}
	v.noteFailing(failed != nil || err != nil && !errors.Is(err, calendar.ErrUnknownDate), s.clock.Now())
	if failed == nil {
		s.setCondition("coverage "+v.Name(), coverage)
		v.trouble = said.TextOf(facts.Trouble)
		s.setCondition("data "+v.Name(), prefixed(fmt.Sprintf("calendar %s: ", v.Name()), v.trouble))
		s.checkAhead(v, facts, today)
	}
}

func prefixed(prefix, text string) string {
	if text == "" {
		return ""
	}
	return prefix + text
}

// calendarChanged makes what a calendar says now the view, compiles its days anew,
// and tells what is different. What the change has moved into the past is planned
// by the engine. The view and the facts know the dates from first to last. The
// caller holds mu.
func (s *UnifiedTaskScheduler) calendarChanged(v *watchedCalendar, facts vet.Facts, first, last calendar.Date, now time.Time) {
	var before plan.Before
	if s.sched.loaded {
		before = s.sched.plan.Before(v.Calendar, first, last)
	}
	v.Take(facts)
	upTo := s.engine.Planned()
	if !s.engine.Term.IsResumed() {
		upTo = now // another scheduler plans
	}
	change := calendarChange(v.Calendar, before.Changed(upTo, s.engine.Term.IsResumed()))
	s.engine.Use(s.sched.plan)
	s.log.Info("the calendar changed", "calendar", v.Name(), "version", v.Version(), "sessions", briefly(change.Sessions),
		"tasks", briefly(change.Tasks), "moved_into_past", change.MovedIntoPast)
	s.events.tell(change)
}

func calendarChange(v *vet.Calendar, change plan.Change) CalendarChanged {
	told := CalendarChanged{Calendar: v.Name(), Version: v.Version(), MovedIntoPast: change.MovedIntoPast}
	for _, c := range change.Sessions {
		told.Sessions = append(told.Sessions, SessionChange(c))
	}
	for _, c := range change.Rows {
		told.Tasks = append(told.Tasks, TaskChange{
			Task: c.Row.Policy.Task, Account: c.Row.Account, Session: c.Session,
			Moved: c.Moved, Appeared: c.Appeared, FellAway: c.FellAway, Next: c.Next,
		})
	}
	return told
}

// briefly puts no more of a list into a line of the log than a person reads.
func briefly[T any](list []T) []string {
	const most = 10
	var texts []string
	for i, item := range list {
		if i == most {
			return append(texts, fmt.Sprintf("and %d more", len(list)-most))
		}
		texts = append(texts, said.Cut(fmt.Sprint(item), said.MaxCondition))
	}
	return texts
}
