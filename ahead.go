package tradeclock

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/tradeclock/tradeclock/calendar"
	"github.com/tradeclock/tradeclock/internal/plan"
	"github.com/tradeclock/tradeclock/internal/vet"
)

// What a calendar says of the days to come is told before it keeps tasks from running,
// while there is time to do something about it.

// checkAhead keeps the condition of a date of the next weeks that a calendar does not
// know, and finds the sessions that are to be told of. The caller holds mu.
func (s *UnifiedTaskScheduler) checkAhead(v *watchedCalendar, facts vet.Facts, today calendar.Date) {
	last := today.AddDays(vet.CoverageWarning)
	if facts.Covered && facts.Last.Before(last) {
		last = facts.Last // what comes after it is told as the end of the coverage
	}
	unknown := ""
	v.coming = v.coming[:0]
	for d := today; !d.After(last); d = d.AddDays(1) {
		session, err := v.Session(d)
		switch {
		case err == nil && (session.HoursUnknown || session.Kind == calendar.Special):
			v.coming = append(v.coming, session)
		case err != nil && d == today:
			last = today // which has a condition of its own
		case err != nil && unknown == "" && !d.After(today.AddDays(plan.HorizonDays)):
			unknown = fmt.Sprintf("tasks of %v are going to be skipped: %s", d, plan.NotKnown(v.Name(), d, err))
		}
	}
	s.setCondition("ahead "+v.Name(), unknown)
	s.tellComing(v)
}

// tellComing keeps the condition of the sessions that come and whose hours are not
// known, which somebody has to find out, and the notices of those on which tasks do
// not run, which may be as it was meant. The caller holds mu.
func (s *UnifiedTaskScheduler) tellComing(v *watchedCalendar) {
	if !s.sched.loaded {
		return
	}
	read := slices.Contains(s.viewsInUse(), v)
	var hours, notices []string
	for _, session := range v.coming {
		if !read {
			break // no row is read by it
		}
		hour, notice := s.comingSession(v, session)
		if hour != "" {
			hours = append(hours, hour)
		}
		if notice != "" {
			notices = append(notices, notice)
		}
	}
	if len(v.coming) > 0 || s.isDegraded("hours "+v.Name()) {
		s.setCondition("hours "+v.Name(), join("", hours))
	}
	s.setNotices(v.Name(), notices)
}

// comingSession says which tasks need the hours of a session, if they are not known,
// and which do not run on it as it is a special one.
func (s *UnifiedTaskScheduler) comingSession(v *watchedCalendar, session calendar.Session) (hours, notice string) {
	what := fmt.Sprintf("calendar %s: %v is a %s", v.Name(), session.Date, session.Describe())
	if session.HoursUnknown {
		what += ", whose hours are not known"
	}
	if tasks := s.sched.plan.InNeedOfHours(v.Calendar, session); len(tasks) > 0 {
		hours = fmt.Sprintf("%s: tasks that need them: %s", what, strings.Join(briefly(tasks), ", "))
	}
	if tasks := s.sched.plan.PassedOver(v.Calendar, session); len(tasks) > 0 {
		notice = fmt.Sprintf("%s: tasks that do not run on it: %s", what, strings.Join(briefly(tasks), ", "))
	}
	if hours+notice == "" && session.HoursUnknown {
		notice = what + ": no task needs them"
	}
	return hours, notice
}

// setNotices makes the notices of a calendar those that are shown, and logs each that
// is new.
func (s *UnifiedTaskScheduler) setNotices(calendar string, notices []string) {
	before := s.health.notices[calendar]
	for _, notice := range notices {
		if !slices.Contains(before, notice) {
			s.log.Warn("a session comes that is not like others", "notice", notice)
		}
	}
	if len(notices) == 0 {
		delete(s.health.notices, calendar)
		return
	}
	s.health.notices[calendar] = notices
}

// noticeList returns the notices of all calendars, in a stable order.
func (s *UnifiedTaskScheduler) noticeList() (all []string) {
	for _, calendar := range slices.Sorted(maps.Keys(s.health.notices)) {
		all = append(all, s.health.notices[calendar]...)
	}
	return all
}
