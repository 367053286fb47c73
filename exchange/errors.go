package exchange

import (
	"errors"
	"fmt"

	"github.com/tradeclock/tradeclock/calendar"
)

// ErrNoSession is wrapped by the error of a query for a session of a period that
// has none, or not as many: a week of holidays, a ninth session of a week.
var ErrNoSession = errors.New("no such session")

// ErrNoSettlement is wrapped by the error of Settles if nothing is known of the
// days without settlement of a calendar.
var ErrNoSettlement = errors.New("no settlement holidays are known")

// CoverageError says that a calendar knows nothing of a date. It wraps
// calendar.ErrUnknownDate.
type CoverageError struct {
	// Calendar is the calendar's name.
	Calendar string
	// Date is the first date that the answer needed and the calendar does not cover.
	Date calendar.Date
	// First and Last are the coverage, both included.
	First, Last calendar.Date
}

// Error names the calendar, the date and the coverage.
func (e *CoverageError) Error() string {
	edge := fmt.Sprintf("ends on %s", e.Last)
	if e.Date.Before(e.First) {
		edge = fmt.Sprintf("begins on %s", e.First)
	}
	return fmt.Sprintf("calendar %s: %s is unknown: the coverage %s", e.Calendar, e.Date, edge)
}

// Unwrap returns calendar.ErrUnknownDate.
func (e *CoverageError) Unwrap() error { return calendar.ErrUnknownDate }

// HoursUnknownError says that an answer depends on the hours of a session that is
// certain, and whose hours are not announced yet.
type HoursUnknownError struct {
	// Calendar is the calendar's name.
	Calendar string
	// Session is the session without hours.
	Session calendar.Session
}

// Error names the calendar and the session.
func (e *HoursUnknownError) Error() string {
	return fmt.Sprintf("calendar %s: the hours of %s are not known: %s", e.Calendar, e.Session.Date, e.Session.Describe())
}

// ClosedError says that there is no session on a date of which an open, a close
// or a phase was asked.
type ClosedError struct {
	// Calendar is the calendar's name.
	Calendar string
	// Session is the closed date, which says why.
	Session calendar.Session
}

// Error names the calendar, the date and the reason.
func (e *ClosedError) Error() string {
	return fmt.Sprintf("calendar %s: %s is %s", e.Calendar, e.Session.Date, e.Session.Describe())
}

// PhaseError says that a session lacks a phase, or that no session of the
// calendar can have it.
type PhaseError struct {
	// Calendar is the calendar's name.
	Calendar string
	// Phase is the phase that was asked for.
	Phase string
	// Date is the session's. It is zero if no session of the calendar has the phase.
	Date calendar.Date
}

// Error names the calendar, the phase and the date.
func (e *PhaseError) Error() string {
	if e.Date.IsZero() {
		return fmt.Sprintf("calendar %s: no session has the phase %q", e.Calendar, e.Phase)
	}
	return fmt.Sprintf("calendar %s: the session of %s has no %s", e.Calendar, e.Date, e.Phase)
}
