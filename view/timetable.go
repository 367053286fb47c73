package view

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/tradeclock/tradeclock/calendar"
	"github.com/tradeclock/tradeclock/internal/naming"
	"github.com/tradeclock/tradeclock/internal/plan"
	"github.com/tradeclock/tradeclock/internal/vet"
	"github.com/tradeclock/tradeclock/rule"
	"github.com/tradeclock/tradeclock/store"
)

// ErrNothingDue is wrapped by the error of Timetable.Next and Timetable.Previous if nothing
// is due in the 28 years that they look at, in which all weekdays have met all dates.
var ErrNothingDue = plan.ErrNothingDue

// Timetable tells when a schedule is due by a calendar, for what shows it to people,
// checks an edit or needs a rule of trading days outside of a scheduler. It agrees
// with what a scheduler plans. Make one with NewTimetable; it never changes, and is safe
// for concurrent use.
type Timetable struct{ of *plan.Timetable }

// NewTimetable returns when a schedule is due by a calendar, in the calendar's zone. The
// instants of an after rule are those of another schedule, which must be among others with
// all that it follows itself; the rest of them do not matter. It is an error if the
// schedule is not valid, if the calendar lacks the anchors of the rule or has no location,
// or if the schedule, or one that it follows, names another calendar.
func NewTimetable(s store.Schedule, cal calendar.Calendar, others ...store.Schedule) (*Timetable, error) {
	row, err := timetableRow(s, cal, others)
	if err != nil {
		return nil, fmt.Errorf("timetable of %s: %w", naming.Row(s.Task, s.Account), err)
	}
	return &Timetable{plan.NewTimetable(row)}, nil
}

func timetableRow(s store.Schedule, cal calendar.Calendar, others []store.Schedule) (*plan.Row, error) {
	switch {
	case cal == nil:
		return nil, errors.New("a calendar is required")
	case cal.Location() == nil:
		return nil, fmt.Errorf("calendar %s has no location", cal.Name())
	}
	chain := []store.Schedule{s}
	for {
		last := chain[len(chain)-1]
		if _, _, ok := rule.Follows(last.Prior); ok {
			return nil, fmt.Errorf("the rule %q, which holds until the next session, has the instants of another schedule", last.Prior)
		}
		if last.Calendar != "" && last.Calendar != cal.Name() {
			return nil, fmt.Errorf("%s is read by calendar %s, not %s", who(len(chain), last), last.Calendar, cal.Name())
		}
		task, _, follows := rule.Follows(last.Rule)
		base, found := holding(others, s.Account, task)
		again := slices.ContainsFunc(chain, func(r store.Schedule) bool { return r.Key() == base.Key() })
		if !follows || !found || again { // what is wrong then is found below
			break
		}
		chain = append(chain, base)
	}
	var wrong *store.QuarantineError
	if errors.As(vet.Validate(chain, cal), &wrong) {
		if first := wrong.Rows[0]; first.Task != s.Task {
			return nil, first
		}
		return nil, wrong.Rows[0].Err // the row is named already
	}
	return linked(chain, cal), nil
}

// who names a row in a sentence about the first of them.
func who(place int, s store.Schedule) string {
	if place == 1 {
		return "it"
	}
	return s.Task + ", which it follows,"
}

// holding returns the row of a task that holds for an account: its own, or else that of all
// who have none.
func holding(rows []store.Schedule, account, task string) (held store.Schedule, found bool) {
	for _, r := range rows {
		if r.Task == task && (r.Account == account || r.Account == "" && !found) {
			held, found = r, true
		}
	}
	return held, found
}

// linked returns the first of rows of which each follows the next.
func linked(chain []store.Schedule, cal calendar.Calendar) (row *plan.Row) {
	for _, s := range slices.Backward(chain) {
		row = vet.PlannedRow(s, cal, row)
	}
	return row
}

// Next returns the first instant after an instant, in UTC, at which the schedule is
// due to run. Occurrences that a scheduler would skip, such as those of a session that
// lacks the rule's phase, are passed over. It does not guess: if the first depends on
// what the calendar does not know, the error wraps calendar.ErrUnknownDate. It wraps
// ErrNothingDue if there is none, as for a schedule that is disabled, or was due once.
func (t *Timetable) Next(after time.Time) (time.Time, error) { return t.of.Next(after) }

// Previous returns the last instant before an instant, in UTC, at which the schedule was due
// to run by the row as it is now, which holds from its Since on. It fails as Next does.
func (t *Timetable) Previous(before time.Time) (time.Time, error) { return t.of.Previous(before) }

// Between returns what the schedule is due to run in (from, to], in order, with its slots,
// but for what a scheduler would skip. If some of it depends on what the calendar does not
// know, it returns what is due before that, with an error that wraps calendar.ErrUnknownDate.
func (t *Timetable) Between(from, to time.Time) ([]rule.Occurrence, error) {
	return t.of.Between(from, to)
}
