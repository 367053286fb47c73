package exchange_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tradeclock/tradeclock/calendar"
	"github.com/tradeclock/tradeclock/exchange"
)

func TestOutsideTheCoverageNothingIsKnown(t *testing.T) {
	c := oneCalendar(t)
	before, after := ymd("2024-12-31"), ymd("2027-01-01")
	at := func(d calendar.Date) time.Time { return calendar.Wall(12, 0).On(d, c.Location()) }
	queries := map[string]func(d calendar.Date) error{
		"Session":        func(d calendar.Date) error { _, err := c.Session(d); return err },
		"IsSession":      func(d calendar.Date) error { _, err := c.IsSession(d); return err },
		"Sessions from":  func(d calendar.Date) error { _, err := c.Sessions(d, ymd("2026-01-01")); return err },
		"Sessions to":    func(d calendar.Date) error { _, err := c.Sessions(ymd("2026-01-01"), d); return err },
		"Next":           func(d calendar.Date) error { _, err := c.Next(d); return err },
		"Previous":       func(d calendar.Date) error { _, err := c.Previous(d); return err },
		"Nth":            func(d calendar.Date) error { _, err := c.Nth(d, 1); return err },
		"Nth back":       func(d calendar.Date) error { _, err := c.Nth(d, -1); return err },
		"OpenClose":      func(d calendar.Date) error { _, _, err := c.OpenClose(d); return err },
		"Bounds":         func(d calendar.Date) error { _, _, err := c.Bounds(d, "pre_open"); return err },
		"Minutes":        func(d calendar.Date) error { _, err := c.Minutes(d); return err },
		"Settles":        func(d calendar.Date) error { _, err := c.Settles(d); return err },
		"First":          func(d calendar.Date) error { _, err := c.First(calendar.Year, d); return err },
		"Last":           func(d calendar.Date) error { _, err := c.Last(calendar.Month, d); return err },
		"SessionAt":      func(d calendar.Date) error { _, err := c.SessionAt(at(d)); return err },
		"IsOpen":         func(d calendar.Date) error { _, err := c.IsOpen(at(d)); return err },
		"InPhase":        func(d calendar.Date) error { _, err := c.InPhase("pre_open", at(d)); return err },
		"NextOpen":       func(d calendar.Date) error { _, err := c.NextOpen(at(d)); return err },
		"NextClose":      func(d calendar.Date) error { _, err := c.NextClose(at(d)); return err },
		"PreviousOpen":   func(d calendar.Date) error { _, err := c.PreviousOpen(at(d)); return err },
		"PreviousClose":  func(d calendar.Date) error { _, err := c.PreviousClose(at(d)); return err },
		"PreviousWindow": func(d calendar.Date) error { _, err := c.PreviousWindow("pre_open", at(d)); return err },
		"AddTrading":     func(d calendar.Date) error { _, err := c.AddTrading(at(d), time.Hour); return err },
		"TradingBetween": func(d calendar.Date) error { _, err := c.TradingBetween(at(d), at(ymd("2026-01-01"))); return err },
		"NextWindow":     func(d calendar.Date) error { _, err := c.NextWindow("pre_open", at(d)); return err },
	}
	// One step from a date outside may lead to one inside, whose session is known.
	known := map[string]string{"Next": "2024-12-31", "Previous": "2027-01-01"}
	for name, query := range queries {
		for _, d := range []calendar.Date{before, after} {
			t.Run(name+" "+d.String(), func(t *testing.T) {
				err := query(d)
				if known[name] == d.String() {
					require.NoError(t, err)
					return
				}
				var coverage *exchange.CoverageError
				require.ErrorAs(t, err, &coverage)
				assert.ErrorIs(t, err, calendar.ErrUnknownDate)
				assert.Contains(t, coverage.Calendar, "XONE")
				assert.False(t, coverage.Date.After(coverage.First) && coverage.Date.Before(coverage.Last))
			})
		}
	}
}

func TestWhatACoverageErrorSays(t *testing.T) {
	c := oneCalendar(t)
	_, err := c.Session(ymd("2027-01-26"))
	assert.EqualError(t, err, "calendar XONE: 2027-01-26 is unknown: the coverage ends on 2026-12-31")
	_, err = c.Session(ymd("2024-01-26"))
	assert.EqualError(t, err, "calendar XONE: 2024-01-26 is unknown: the coverage begins on 2025-01-01")
}

func TestADateThatDoesNotExistHasNoSession(t *testing.T) {
	c := oneCalendar(t)
	for _, d := range []calendar.Date{
		{}, {Year: 2026, Month: 2, Day: 31}, {Year: 2025, Month: 13, Day: 5}, {Year: 2026, Month: 3, Day: 0}, {Year: 10000, Month: 1, Day: 1},
	} {
		_, err := c.Session(d)
		assert.Error(t, err, "Session %#v", d)
		_, err = c.Next(d)
		assert.Error(t, err, "Next %#v", d)
		_, err = c.Last(calendar.Month, d)
		assert.Error(t, err, "Last %#v", d)
		_, err = c.AssumeWeekdays().Session(d)
		assert.Error(t, err, "assumed %#v", d)
	}
	_, err := c.Session(calendar.Date{Year: 2026, Month: 2, Day: 31})
	assert.EqualError(t, err, "calendar XONE: 2026-02-31 is no date")
	assert.NotErrorIs(t, err, calendar.ErrUnknownDate)
}

// A date of any year that no calendar covers is answered like one next to the
// coverage.
func TestDatesOfFarYearsAreNotCovered(t *testing.T) {
	c := oneCalendar(t)
	for _, year := range []int{-200, 0, 1, 9999, 10000, 12026} {
		d := calendar.Date{Year: year, Month: 6, Day: 1}
		for _, asked := range []*exchange.Sessions{c, c.AssumeWeekdays()} {
			if year >= 1 && year <= 9999 && asked != c {
				continue // it assumes those
			}
			_, err := asked.Session(d)
			var coverage *exchange.CoverageError
			require.ErrorAs(t, err, &coverage, "Session of %d", year)
			assert.Equal(t, d, coverage.Date)
			_, err = asked.Next(d)
			assert.ErrorAs(t, err, &coverage, "Next of %d", year)
			_, err = asked.Last(calendar.Month, d)
			assert.ErrorAs(t, err, &coverage, "Last of %d", year)
			_, err = asked.IsOpen(time.Date(year, 6, 1, 12, 0, 0, 0, time.UTC))
			assert.ErrorAs(t, err, &coverage, "IsOpen of %d", year)
		}
	}
}

func TestNextPreviousAndNth(t *testing.T) {
	c := oneCalendar(t)
	tests := []struct {
		name string
		ask  func() (calendar.Session, error)
		want string // empty if the coverage ends first
	}{
		{"next, over an ordinary weekend", func() (calendar.Session, error) { return c.Next(ymd("2025-01-03")) }, "2025-01-06"},
		{"next, a Saturday with a session", func() (calendar.Session, error) { return c.Next(ymd("2025-01-31")) }, "2025-02-01"},
		{"next, over a holiday after a weekend", func() (calendar.Session, error) { return c.Next(ymd("2025-03-28")) }, "2025-04-01"},
		{"next, of unknown hours", func() (calendar.Session, error) { return c.Next(ymd("2026-11-06")) }, "2026-11-08"},
		{"next, at the end", func() (calendar.Session, error) { return c.Next(ymd("2026-12-30")) }, "2026-12-31"},
		{"next, past the end", func() (calendar.Session, error) { return c.Next(ymd("2026-12-31")) }, ""},
		{"previous, over the holiday", func() (calendar.Session, error) { return c.Previous(ymd("2025-04-01")) }, "2025-03-28"},
		{"previous, at the beginning", func() (calendar.Session, error) { return c.Previous(ymd("2025-01-02")) }, "2025-01-01"},
		{"previous, past the beginning", func() (calendar.Session, error) { return c.Previous(ymd("2025-01-01")) }, ""},
		{"first on or after a session", func() (calendar.Session, error) { return c.Nth(ymd("2025-01-03"), 1) }, "2025-01-03"},
		{"first on or after a closed day", func() (calendar.Session, error) { return c.Nth(ymd("2025-01-04"), 1) }, "2025-01-06"},
		{"second", func() (calendar.Session, error) { return c.Nth(ymd("2025-01-03"), 2) }, "2025-01-06"},
		{"last on or before a session", func() (calendar.Session, error) { return c.Nth(ymd("2025-01-06"), -1) }, "2025-01-06"},
		{"last on or before a closed day", func() (calendar.Session, error) { return c.Nth(ymd("2025-01-05"), -1) }, "2025-01-03"},
		{"the one before that", func() (calendar.Session, error) { return c.Nth(ymd("2025-01-05"), -2) }, "2025-01-02"},
		{"the second of all", func() (calendar.Session, error) { return c.Nth(ymd("2026-12-31"), -522) }, "2025-01-02"},
		{"more than there are", func() (calendar.Session, error) { return c.Nth(ymd("2025-01-01"), 600) }, ""},
		{"far more than there are", func() (calendar.Session, error) { return c.Nth(ymd("2025-01-01"), 1<<62) }, ""},
		{"far more back", func() (calendar.Session, error) { return c.Nth(ymd("2025-01-01"), -1<<63) }, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s, err := tt.ask()
			if tt.want == "" {
				assert.ErrorIs(t, err, calendar.ErrUnknownDate)
				assert.Zero(t, s)
				return
			}
			require.NoError(t, err)
			assert.Equal(t, ymd(tt.want), s.Date)
		})
	}
	_, err := c.Nth(ymd("2025-01-03"), 0)
	assert.EqualError(t, err, "calendar XONE: a count of sessions begins at 1 or -1, not at 0")
}

func TestSessionsOfARange(t *testing.T) {
	c := oneCalendar(t)
	sessions, err := c.Sessions(ymd("2025-01-31"), ymd("2025-02-04"))
	require.NoError(t, err)
	var dates []string
	for _, s := range sessions {
		dates = append(dates, s.Date.String())
	}
	assert.Equal(t, []string{"2025-01-31", "2025-02-01", "2025-02-03", "2025-02-04"}, dates)

	sessions, err = c.Sessions(ymd("2025-02-04"), ymd("2025-01-31"))
	require.NoError(t, err)
	assert.Empty(t, sessions, "dates in the wrong order")

	sessions, err = c.Sessions(ymd("2025-01-01"), ymd("2026-12-31"))
	require.NoError(t, err)
	assert.Equal(t, 522-2+3, len(sessions), "the weekdays of two years without two holidays, and three weekend sessions")
}

func TestOpenCloseAndBounds(t *testing.T) {
	c := oneCalendar(t)
	tests := []struct{ date, phase, want string }{
		{"2025-01-01", "regular", "09:15-15:30"},
		{"2025-01-01", "pre_open", "09:00-09:15"},
		{"2025-01-01", "closing_auction", "calendar XONE: the session of 2025-01-01 has no closing_auction"},
		{"2026-08-03", "closing_auction", "15:15-15:35"},
		{"2026-03-07", "regular", "09:15-12:30"},
		{"2026-01-15", "regular", "calendar XONE: 2026-01-15 is closed: Municipal elections, announced 2026-01-12"},
		{"2026-11-08", "regular", "calendar XONE: the hours of 2026-11-08 are not known: special session: Muhurat trading"},
	}
	for _, tt := range tests {
		t.Run(tt.date+" "+tt.phase, func(t *testing.T) {
			start, end, err := c.Bounds(ymd(tt.date), tt.phase)
			if err != nil {
				assert.EqualError(t, err, tt.want)
				assert.Zero(t, start)
				assert.Zero(t, end)
				return
			}
			assert.Equal(t, tt.want, start.In(c.Location()).Format("15:04")+"-"+end.In(c.Location()).Format("15:04"))
		})
	}

	_, _, err := c.OpenClose(ymd("2026-01-15"))
	var closed *exchange.ClosedError
	require.ErrorAs(t, err, &closed)
	assert.Equal(t, "Municipal elections", closed.Session.Reason)
	_, _, err = c.OpenClose(ymd("2026-11-08"))
	var unknown *exchange.HoursUnknownError
	require.ErrorAs(t, err, &unknown)
	assert.Equal(t, ymd("2026-11-08"), unknown.Session.Date)
	_, _, err = c.Bounds(ymd("2025-01-01"), "closing_auction")
	var phase *exchange.PhaseError
	require.ErrorAs(t, err, &phase)
	assert.Equal(t, "closing_auction", phase.Phase)
}

func TestMinutes(t *testing.T) {
	c := oneCalendar(t)
	for d, want := range map[string]int{
		"2025-01-01": 375,
		"2025-10-21": 60,
		"2025-12-24": 225,
		"2026-03-07": 105, // two windows, without the break between them
		"2026-08-03": 360,
	} {
		minutes, err := c.Minutes(ymd(d))
		require.NoError(t, err)
		assert.Equal(t, want, minutes, d)
	}
	_, err := c.Minutes(ymd("2026-01-15"))
	assert.ErrorContains(t, err, "is closed")
	_, err = c.Minutes(ymd("2026-11-08"))
	assert.ErrorContains(t, err, "are not known")
}

func TestSettles(t *testing.T) {
	c := oneCalendar(t)
	for d, want := range map[string]bool{
		"2026-03-31": true,
		"2026-04-01": false, // trading without settlement
		"2026-01-15": false, // closed
		"2026-03-07": false, // a session on a Saturday
		"2025-03-31": false, // closed, which is known without the list
	} {
		settles, err := c.Settles(ymd(d))
		require.NoError(t, err)
		assert.Equal(t, want, settles, d)
	}
	_, err := c.Settles(ymd("2025-04-01"))
	assert.EqualError(t, err, "calendar XONE (settlement): 2025-04-01 is unknown: the coverage begins on 2026-01-01")
	assert.ErrorIs(t, err, calendar.ErrUnknownDate)

	m := oneMarket()
	m.Settlement = nil
	_, err = build(t, m)[0].Settles(ymd("2026-03-31"))
	assert.ErrorIs(t, err, exchange.ErrNoSettlement)
}

func TestASettlementListIsForTheCalendarsThatItNames(t *testing.T) {
	m := oneMarket()
	m.Settlement.Calendars = []string{"XONE"}
	calendars := build(t, m)
	m.Settlement.Calendars[0] = "XONE.FO" // after Build, which keeps a copy
	settles, err := calendars[0].Settles(ymd("2026-04-01"))
	require.NoError(t, err)
	assert.False(t, settles)
	for _, d := range []string{"2026-04-01", "2026-03-31", "2026-01-15", "2031-01-01"} {
		_, err = calendars[1].Settles(ymd(d))
		assert.ErrorIs(t, err, exchange.ErrNoSettlement)
		assert.ErrorContains(t, err, "calendar XONE.FO")
	}
	with, err := calendars[1].With(exchange.Day{Date: ymd("2026-12-24"), Status: exchange.StatusClosed})
	require.NoError(t, err)
	_, err = with.Settles(ymd("2026-03-31"))
	assert.ErrorIs(t, err, exchange.ErrNoSettlement, "further days do not change what the list is for")

	m.Settlement.Calendars = nil
	for _, c := range build(t, m) {
		settles, err := c.Settles(ymd("2026-03-31"))
		require.NoError(t, err)
		assert.True(t, settles, "a list that names none is for all")
	}
}

func TestASettlementHolidayThatIsClosedLaterIsNoMistake(t *testing.T) {
	c, err := oneCalendar(t).With(exchange.Day{Date: ymd("2026-04-01"), Status: exchange.StatusClosed, Name: "Elections"})
	require.NoError(t, err)
	settles, err := c.Settles(ymd("2026-04-01"))
	require.NoError(t, err)
	assert.False(t, settles)
}

// The finders of a scheduler's configuration also find what needs no data.
func TestLookupFindsCalendarsWithoutData(t *testing.T) {
	set, err := exchange.LoadDir(t.TempDir())
	require.NoError(t, err)
	for _, find := range []func(string) (calendar.Calendar, error){exchange.Lookup, set.Lookup} {
		for _, name := range []string{"always-open", "weekdays:Asia/Kolkata", "XNYS"} {
			cal, err := find(name)
			require.NoError(t, err)
			assert.Equal(t, name, cal.Name())
		}
		_, err := find("weekdays")
		assert.ErrorContains(t, err, "needs a zone")
		_, err = find("XNYZ")
		assert.ErrorIs(t, err, exchange.ErrUnknownCalendar)
	}
}
