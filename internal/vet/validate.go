package vet

import (
	"github.com/tradeclock/tradeclock/calendar"
	"github.com/tradeclock/tradeclock/store"
)

// Validate reports everything that is wrong with a set of rows, which
// is what an editor of schedules should refuse: what Validate reports of each,
// duplicates, an after rule whose task has no row, cycles of after rules, and
// anchors that the calendar has not. None is checked if it is nil, nor are those
// of rows that name another calendar. Start limits are not checked: a configuration
// has them. The error is a *QuarantineError that names each row, or nil.
func Validate(rows []store.Schedule, cal calendar.Calendar) error {
	views := make(map[string]*Calendar)
	if cal != nil {
		own := &Calendar{name: cal.Name(), phases: phasesOf(cal)}
		views[""], views[own.name] = own, own
	}
	_, bad := Rows(rows, func(name string) (*Calendar, error) {
		if views[name] == nil {
			views[name] = &Calendar{name: name}
		}
		return views[name], nil
	}, func(string) error { return nil })
	if len(bad) == 0 {
		return nil
	}
	return &store.QuarantineError{Rows: bad}
}
