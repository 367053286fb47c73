package tradeclock_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/tradeclock/tradeclock"
	"github.com/tradeclock/tradeclock/calendar"
	"github.com/tradeclock/tradeclock/rule"
	"github.com/tradeclock/tradeclock/view"
)

// eve is a user's rule of the last session before one or more closed days.
type eve struct{}

func (eve) String() string { return "eve" }

func (eve) Occurrences(calendar.Session, *time.Location) ([]rule.Occurrence, error) {
	panic("it is asked with the calendar")
}

func (eve) OccurrencesBy(s calendar.Session, cal calendar.Calendar) ([]rule.Occurrence, error) {
	next, err := cal.Session(s.Date.AddDays(1))
	if err != nil || next.Open() {
		return nil, err
	}
	return []rule.Occurrence{{Due: calendar.Wall(15, 0).On(s.Date, cal.Location()), Slot: rule.DateSlot(s.Date)}}, nil
}

func (eve) DatesBy(d calendar.Date) (first, last calendar.Date) { return d, d.AddDays(1) }

// slowWeek is a calendar that does not say that it answers from memory, and knows no date
// from one on until it is told.
type slowWeek struct {
	calendar.Calendar
	known *calendar.Date
}

func (c slowWeek) Session(d calendar.Date) (calendar.Session, error) {
	if !d.Before(*c.known) {
		return calendar.Session{}, calendar.ErrUnknownDate
	}
	return c.Calendar.Session(d)
}

func (c slowWeek) Location() *time.Location { return kolkata }

var _ rule.CalendarRule = eve{}

// TestRule06_ARuleAsksTheCalendar runs a rule that looks at the date after its session,
// which the calendar comes to know on Thursday at noon.
func TestRule06_ARuleAsksTheCalendar(t *testing.T) {
	w := newWorld(t, "2026-11-24 08:00:00")
	known := day("2026-11-27")
	eves := row("eve", "daily 09:00")
	eves.Rule = eve{}
	cfg := w.config(eves)
	cfg.Calendar = slowWeek{calendar.Weekdays(kolkata), &known}
	_, d := w.drive(cfg)
	d.Until(at("2026-11-26 12:00:00"))
	assert.Empty(t, w.runs("eve"), "the day after Wednesday is a session, and that after Thursday is not known")
	known = day("2026-12-24")
	d.Until(at("2026-11-30 08:00:00"))
	assert.Equal(t, []string{"2026-11-27 succeeded"}, tell(w.runs("eve")))

	timetable, err := view.NewTimetable(tradeclock.Schedule{Task: "eve", Rule: eve{}}, slowWeek{calendar.Weekdays(kolkata), &known})
	assert.NoError(t, err)
	next, err := timetable.Next(at("2026-11-30 08:00:00"))
	assert.NoError(t, err)
	assert.Equal(t, at("2026-12-04 15:00:00").UTC(), next)
	_, err = timetable.Next(at("2026-12-20 08:00:00"))
	assert.ErrorIs(t, err, calendar.ErrUnknownDate)
}
