package tradeclock

import (
	"github.com/tradeclock/tradeclock/calendar"
	"github.com/tradeclock/tradeclock/internal/vet"
	"github.com/tradeclock/tradeclock/store"
)

// What a schedule says, and who has it. The package store has these words, and more of them
// for who edits schedules or writes a store.
type (
	// Schedule is a stored row that says when a task runs.
	Schedule = store.Schedule
	// ScheduleStore has the schedules.
	ScheduleStore = store.ScheduleStore
	// Overlap is what becomes of an occurrence that is due while another of its task runs.
	Overlap = store.Overlap
	// Delivery is how often a run starts at most, or at least.
	Delivery = store.Delivery
	// Retry says how a failed attempt is made again.
	Retry = store.Retry
	// StartLimit bounds how many runs may start in a time.
	StartLimit = store.StartLimit
)

// The policies of a Schedule.
const (
	OverlapSkip   = store.OverlapSkip
	OverlapQueue  = store.OverlapQueue
	OverlapCancel = store.OverlapCancel
	OverlapAllow  = store.OverlapAllow

	AtMostOnce  = store.AtMostOnce
	AtLeastOnce = store.AtLeastOnce
)

// FixedSchedules returns a ScheduleStore of rows that never change.
func FixedSchedules(rows ...Schedule) ScheduleStore { return store.Fixed(rows) }

// ValidateSchedules reports everything that is wrong with a set of rows, which
// is what an editor of schedules should refuse: what Validate reports of each,
// duplicates, an after rule whose task has no row, cycles of after rules, and
// anchors that the calendar has not. None is checked if it is nil, nor are those
// of rows that name another calendar. Start limits are not checked: a configuration
// has them. The error is a *QuarantineError that names each row, or nil.
func ValidateSchedules(rows []Schedule, cal calendar.Calendar) error { return vet.Validate(rows, cal) }
