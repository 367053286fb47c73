package tradeclock

import "github.com/tradeclock/tradeclock/calendar"

// ValidateSchedules reports everything that is wrong with a set of rows, which
// is what an editor of schedules should refuse: what Validate reports of each,
// duplicates, an after rule whose task has no row, cycles of after rules, and
// anchors that the calendar has not. None is checked if it is nil, nor are those
// of rows that name another calendar. Start limits are not checked: a configuration
// has them. The error is a *QuarantineError that names each row, or nil.
func ValidateSchedules(rows []Schedule, cal calendar.Calendar) error {
	views := make(map[string]*calendarView)
	if cal != nil {
		own := &calendarView{name: cal.Name(), phases: phasesOf(cal)}
		views[""], views[own.name] = own, own
	}
	_, bad := vetRows(rows, func(name string) (*calendarView, error) {
		if views[name] == nil {
			views[name] = &calendarView{name: name}
		}
		return views[name], nil
	}, func(string) error { return nil })
	if len(bad) == 0 {
		return nil
	}
	return &QuarantineError{Rows: bad}
}
