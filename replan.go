package tradeclock

import (
	"fmt"
	"time"

	"github.com/tradeclock/tradeclock/calendar"
	"github.com/tradeclock/tradeclock/internal/plan"
	"github.com/tradeclock/tradeclock/internal/said"
	"github.com/tradeclock/tradeclock/internal/vet"
)

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
