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
)

// coverageWarning is how many days before the end of a calendar's coverage the
// warnings begin, and coverageNotice how many before it at the start.
const (
	coverageWarning = 30
	coverageNotice  = 90
)

// findCalendars looks for the calendars that rows name and that are not known yet.
func (s *UnifiedTaskScheduler) findCalendars(ctx context.Context, rows []Schedule) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var names []string
	for _, r := range rows {
		if _, err := s.viewOf(r.Calendar); err != nil && s.cfg.mayFind(r.Calendar) && !slices.Contains(names, r.Calendar) {
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
		v, err := quiet.Call(ctx, s.lanes.find, until.Sub(s.clock.Now()), func(context.Context) (*calendarView, error) {
			return s.cfg.findView(name)
		})
		s.mu.Lock()
		switch {
		case err == nil:
			found = true
			s.openLanes(v)
			s.sched.views[name] = v
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

// mayFind reports whether a calendar of a name could be found.
func (cfg Config) mayFind(name string) bool {
	_, named, _ := calendar.ByName(name)
	return named || cfg.Calendars != nil
}

// findView finds the calendar of a name: by Config.Calendars, or else one that needs no
// data.
func (cfg Config) findView(name string) (*calendarView, error) {
	cal, named, err := calendar.ByName(name)
	if cfg.Calendars != nil {
		if own, errOwn := cfg.Calendars(name); errOwn == nil || !named {
			cal, err = own, errOwn
		}
	}
	switch {
	case err != nil:
		return nil, err
	case cal == nil:
		return nil, fmt.Errorf("there is no calendar %s", name)
	case cal.Name() != name:
		return nil, fmt.Errorf("the calendar that was found for %s is %s", name, cal.Name())
	case cal.Location() == nil:
		return nil, fmt.Errorf("calendar %s has no location", name)
	}
	return newCalendarView(cal, nil), nil
}

// viewOf returns the calendar that a row names. The caller holds mu.
func (s *UnifiedTaskScheduler) viewOf(name string) (*calendarView, error) {
	if name == "" || name == s.calendar.name {
		return s.calendar, nil
	}
	if v := s.sched.views[name]; v != nil {
		return v, nil
	}
	if err := s.sched.notFound[name]; err != nil {
		return nil, err
	}
	return nil, fmt.Errorf("there is no calendar %s beside %s", name, s.calendar.name)
}

// watchCalendars makes the scheduler's own calendar and those that rows are read
// by the ones that each tick looks at. The caller holds mu.
func (s *UnifiedTaskScheduler) watchCalendars() {
	used := []*calendarView{s.calendar}
	for _, v := range s.viewsInUse() {
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

// viewsInUse are the calendars by which the rows in force are read.
func (s *UnifiedTaskScheduler) viewsInUse() []*calendarView {
	var views []*calendarView
	for _, cal := range s.sched.plan.Calendars() {
		views = append(views, cal.(*calendarView))
	}
	return views
}

func (s *UnifiedTaskScheduler) clearCalendar(v *calendarView) {
	for _, what := range []string{"calendar ", "coverage ", "data ", "ahead ", "hours "} {
		s.clear(what + v.name)
	}
	delete(s.health.notices, v.name)
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
func (s *UnifiedTaskScheduler) hasNews(v *calendarView, now time.Time) bool {
	if v.direct == nil || !s.sched.loaded || v.failing || !now.Before(v.askAgain) {
		return true
	}
	_, versioned := v.direct.(calendar.Versioned)
	if _, troubled := v.source.(calendar.DataChecker); !versioned && !troubled {
		return false // another one would have another version
	}
	version, trouble := v.version, v.trouble
	s.mu.Unlock()
	defer s.mu.Lock()
	return !v.isCurrent(version, trouble)
}

// isCurrent reports whether the latest snapshot has a version, with the same
// trouble.
func (v *calendarView) isCurrent(version, trouble string) (current bool) {
	defer func() {
		if recover() != nil {
			current = false // it is asked properly then
		}
	}()
	if t, ok := v.source.(calendar.DataChecker); ok {
		if said.TextOf(t.DataError()) != trouble {
			return false
		}
	}
	return versionOf(v.direct.Snapshot()) == version
}

// refreshCalendar asks the calendar for the dates that the view lacks, and notices
// when it has another version.
func (s *UnifiedTaskScheduler) refreshCalendar(ctx context.Context, v *calendarView, now time.Time) {
	today := calendar.DateOf(now.In(v.loc))
	first, last := s.neededDates(v, now)
	ahead := today.AddDays(coverageWarning)
	if last.After(ahead) {
		ahead = last // as a filter asks for the end of its period
	}
	var dates []calendar.Date
	if v.direct == nil {
		dates = v.missing(first, ahead)
	}
	facts, err := s.askCalendar(ctx, v, dates, today, !v.asked)
	changed := err == nil && v.asked && facts.version != v.version
	if changed && v.direct == nil {
		dates = datesOf(first, ahead)
		facts, err = s.askCalendar(ctx, v, dates, today, false)
	}
	if err != nil && ctx.Err() != nil {
		return // that nobody waits for the answer says nothing of the calendar
	}
	if err == nil && !slices.Equal(v.phases.names, facts.phases.names) {
		s.sched.revision = "" // rows may have become good or bad: read them again
	}
	switch {
	case err != nil:
		v.unknown(dates, err)
	case changed && s.sched.loaded:
		s.calendarChanged(v, facts, first, last, now)
	default:
		v.take(facts)
	}
	v.forget(first)
	if err == nil && !v.asked {
		v.asked = true
		s.tellCoverage(v, facts, today)
	}
	if s.sched.loaded {
		v.askAgain = calendar.EndOfDay.On(today, v.loc)
		s.checkCalendar(v, facts, today, err)
	}
}

func (s *UnifiedTaskScheduler) askCalendar(ctx context.Context, v *calendarView, dates []calendar.Date, today calendar.Date, count bool) (calendarFacts, error) {
	s.mu.Unlock()
	defer s.mu.Lock()
	return quiet.Call(ctx, v.lane, pollBound, func(context.Context) (calendarFacts, error) {
		return factsOf(v.source, dates, today, count), nil
	})
}

// neededDates are the dates around now, and back to the last plan, to the start of an
// account that lies behind it and to what is to run again, that planning may ask for.
// The caller holds mu.
func (s *UnifiedTaskScheduler) neededDates(v *calendarView, now time.Time) (first, last calendar.Date) {
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
		b, a := s.sched.plan.Reach(v)
		back, ahead = max(b, 1), max(a, 1)
	}
	first, last = calendar.DateOf(from.In(v.loc)).AddDays(-ahead), calendar.DateOf(now.In(v.loc)).AddDays(back+plan.HorizonDays+1)
	if s.sched.loaded {
		first, last = s.sched.plan.FilterDates(v, first, last)
	}
	return first, last
}

func datesOf(first, last calendar.Date) []calendar.Date {
	var dates []calendar.Date
	for d := first; !d.After(last); d = d.AddDays(1) {
		dates = append(dates, d)
	}
	return dates
}

// tellCoverage logs at the start what the calendar covers, as a warning if the
// end is in sight.
func (s *UnifiedTaskScheduler) tellCoverage(v *calendarView, facts calendarFacts, today calendar.Date) {
	attrs := []any{"calendar", v.name, "version", facts.version, "zone", v.loc.String()}
	if !facts.covered {
		s.log.Info("calendar", attrs...)
		return
	}
	attrs = append(attrs, "covers_to", facts.last.String(), "sessions_left", facts.left)
	if facts.last.After(today.AddDays(coverageNotice)) {
		s.log.Info("calendar", attrs...)
		return
	}
	s.log.Warn("the calendar's coverage ends soon: newer data are needed by then", attrs...)
}

// checkCalendar keeps the conditions of a calendar: that it does not know today,
// only guesses it, or failed to answer; that the end of its coverage is near; and
// what it says is wrong with its data.
func (s *UnifiedTaskScheduler) checkCalendar(v *calendarView, facts calendarFacts, today calendar.Date, failed error) {
	condition, coverage := "", ""
	session, err := v.Session(today)
	switch {
	case err != nil:
		condition = "tasks are skipped: " + plan.NotKnown(v.name, today, err)
	case failed != nil:
		condition = fmt.Sprintf("calendar %s does not answer: %v", v.name, failed)
	case session.Assumed:
		session.Assumed = false // which Describe would say once more
		condition = fmt.Sprintf("calendar %s does not know %v and assumes a %s", v.name, today, session.Describe())
	case facts.covered && !facts.last.After(today.AddDays(coverageWarning)):
		coverage = fmt.Sprintf("calendar %s ends on %v, with %s left", v.name, facts.last, said.Counted(facts.left, "session"))
	}
	s.setCondition("calendar "+v.name, condition)
	if v.failing { // what it has learnt is planned at once
		s.engine.LookAgain()
	}
	v.noteFailing(failed != nil || err != nil && !errors.Is(err, calendar.ErrUnknownDate), s.clock.Now())
	if failed == nil {
		s.setCondition("coverage "+v.name, coverage)
		v.trouble = said.TextOf(facts.trouble)
		s.setCondition("data "+v.name, prefixed(fmt.Sprintf("calendar %s: ", v.name), v.trouble))
		s.checkAhead(v, facts, today)
	}
}

func prefixed(prefix, text string) string {
	if text == "" {
		return ""
	}
	return prefix + text
}
