package tradeclock_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tradeclock/tradeclock"
	"github.com/tradeclock/tradeclock/calendar"
)

// TestRule09_CalendarsThatNeedNoData runs rows of calendars that are named beside those of
// the exchanges, with a finder of these and without, from a Friday to a Monday.
func TestRule09_CalendarsThatNeedNoData(t *testing.T) {
	for name, find := range map[string]func(string) (calendar.Calendar, error){"with exchanges": finder(calendarOf(t, nyse())), "without": nil} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, "2026-11-27 12:00:00")
			cfg := w.config(
				row("round_the_clock", "daily 09:00", onCalendar("always-open")),
				row("tokyo", "daily 09:00", onCalendar("weekdays:Asia/Tokyo")),
				row("close", "daily close", onCalendar("always-open:Asia/Kolkata")),
			)
			cfg.Calendars = find
			_, d := w.drive(cfg)
			d.Until(at("2026-11-30 12:00:00"))
			assert.Equal(t, []string{"2026-11-27 succeeded", "2026-11-28 succeeded", "2026-11-29 succeeded"}, tell(w.runs("round_the_clock")))
			assert.Equal(t, []string{"2026-11-30 succeeded"}, tell(w.runs("tokyo")))
			assert.Equal(t, at("2026-11-30 05:30:00").UTC(), w.runs("tokyo")[0].Due)
			assert.Equal(t, []string{"2026-11-27 succeeded", "2026-11-28 succeeded", "2026-11-29 succeeded"}, tell(w.runs("close")))
		})
	}

	w := newWorld(t, "2026-11-27 12:00:00")
	_, err := tradeclock.New(w.config(row("a", "daily 09:00", onCalendar("weekdays:Asia/Kolkatta"))))
	require.ErrorContains(t, err, "schedule of a: Calendar: calendar weekdays:Asia/Kolkatta: unknown time zone Asia/Kolkatta")
}
