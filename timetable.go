package tradeclock

import (
	"errors"
	"fmt"
	"time"

	"github.com/tradeclock/tradeclock/calendar"
	"github.com/tradeclock/tradeclock/internal/plan"
	"github.com/tradeclock/tradeclock/rule"
)

// ErrNothingDue is wrapped by the error of Timetable.Next if nothing is due in the
// two years that it looks ahead.
var ErrNothingDue = plan.ErrNothingDue

// Timetable tells when a schedule is due by a calendar, for what shows it to people,
// checks an edit or needs a rule of trading days outside of a scheduler. It agrees
// with what a scheduler plans. Get one from Schedule.Timetable; it never changes, and
// is safe for concurrent use.
type Timetable struct{ of *plan.Timetable }

// Timetable returns when the schedule is due by a calendar, in the calendar's zone. It
// is an error if the schedule is not valid, if the calendar lacks the anchors of the
// rule or has no location, if the schedule names another calendar, and for an after
// rule, whose instants are those of another schedule: a scheduler's Agenda tells them.
func (s Schedule) Timetable(cal calendar.Calendar) (*Timetable, error) {
	if err := s.checkTimetable(cal); err != nil {
		return nil, fmt.Errorf("timetable of %s: %w", rowName(s.Task, s.Account), err)
	}
	p := newPolicy(s)
	return &Timetable{plan.NewTimetable(&plan.Row{Policy: &p.plan, Account: s.Account, Since: s.Since, Calendar: cal})}, nil
}

func (s Schedule) checkTimetable(cal calendar.Calendar) error {
	switch {
	case cal == nil:
		return errors.New("a calendar is required")
	case cal.Location() == nil:
		return fmt.Errorf("calendar %s has no location", cal.Name())
	case s.Calendar != "" && s.Calendar != cal.Name():
		return fmt.Errorf("it is read by calendar %s, not %s", s.Calendar, cal.Name())
	}
	for _, r := range []rule.Rule{s.Rule, s.Prior} {
		if _, _, ok := rule.Follows(r); ok {
			return fmt.Errorf("the instants of the rule %q are those of another schedule", r)
		}
	}
	var wrong *QuarantineError
	if errors.As(ValidateSchedules([]Schedule{s}, cal), &wrong) {
		return wrong.Rows[0].Err // the row is named already
	}
	return nil
}

// Next returns the first instant after an instant, in UTC, at which the schedule is
// due to run. Occurrences that a scheduler would skip, such as those of a session that
// lacks the rule's phase, are passed over. It does not guess: if the first depends on
// what the calendar does not know, the error wraps ErrUnknownDate. It wraps
// ErrNothingDue if there is none, as for a schedule that is disabled, or was due once.
func (t *Timetable) Next(after time.Time) (time.Time, error) { return t.of.Next(after) }
