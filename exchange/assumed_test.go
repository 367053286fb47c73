package exchange_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tradeclock/tradeclock/calendar"
	"github.com/tradeclock/tradeclock/exchange"
)

func TestAssumedSessionsSaySo(t *testing.T) {
	c := oneCalendar(t)
	guess := c.AssumeWeekdays()
	tests := []struct{ date, want string }{
		{"2027-01-01", "regular session (assumed): outside the coverage, which ends on 2026-12-31 / pre_open 09:00-09:15 / regular 09:15-15:15 / closing_auction 15:15-15:35"},
		{"2027-01-02", "closed (assumed): outside the coverage, which ends on 2026-12-31"},
		{"2024-12-31", "regular session (assumed): outside the coverage, which begins on 2025-01-01 / pre_open 09:00-09:15 / regular 09:15-15:30 / post_close 15:40-16:00"},
		{"2024-12-29", "closed (assumed): outside the coverage, which begins on 2025-01-01"},
		{"2026-01-15", "closed: Municipal elections, announced 2026-01-12"},
	}
	for _, tt := range tests {
		s, err := guess.Session(ymd(tt.date))
		require.NoError(t, err)
		assert.Equal(t, tt.want, describe(guess, s))
		assert.Equal(t, ymd(tt.date), s.Date)
	}
	_, err := c.Session(ymd("2027-01-01"))
	assert.ErrorIs(t, err, calendar.ErrUnknownDate, "the calendar itself never guesses")

	first, last := guess.Coverage()
	assert.Equal(t, []calendar.Date{ymd("2025-01-01"), ymd("2026-12-31")}, []calendar.Date{first, last})
	assert.Equal(t, c.Version()+"+assumed", guess.Version())
	assert.Same(t, guess, guess.AssumeWeekdays())
}

func TestQueriesOnAssumedDates(t *testing.T) {
	c := oneCalendar(t).AssumeWeekdays()
	session := func(s calendar.Session, err error) string {
		require.NoError(t, err)
		return s.Date.String()
	}
	assert.Equal(t, "2027-01-01", session(c.Next(ymd("2026-12-31"))))
	assert.Equal(t, "2024-12-31", session(c.Previous(ymd("2025-01-01"))))
	assert.Equal(t, "2027-01-04", session(c.Nth(ymd("2026-12-31"), 3)))
	assert.Equal(t, "2024-12-30", session(c.Nth(ymd("2025-01-01"), -3)))
	assert.Equal(t, "2025-01-01", session(c.Nth(ymd("2024-12-30"), 3)), "from outside into the coverage")
	assert.Equal(t, "2026-12-31", session(c.Nth(ymd("2027-01-03"), -2)))
	assert.Equal(t, "2027-01-01", session(c.Last(calendar.Week, ymd("2026-12-31"))))
	assert.Equal(t, "2027-12-31", session(c.Last(calendar.Year, ymd("2027-05-01"))))

	open, err := c.IsOpen(local(t, c, "2027-01-01 15:14"))
	require.NoError(t, err)
	assert.True(t, open)
	open, err = c.IsOpen(local(t, c, "2027-01-01 15:15"))
	require.NoError(t, err)
	assert.False(t, open)
	next, err := c.NextOpen(local(t, c, "2027-01-01 10:00"))
	require.NoError(t, err)
	assert.Equal(t, local(t, c, "2027-01-04 09:15").UTC(), next)
	previous, err := c.PreviousClose(local(t, c, "2027-01-01 10:00"))
	require.NoError(t, err)
	assert.Equal(t, local(t, c, "2026-12-31 15:15").UTC(), previous)
	minutes, err := c.Minutes(ymd("2027-01-01"))
	require.NoError(t, err)
	assert.Equal(t, 360, minutes)
	sessions, err := c.Sessions(ymd("2026-12-31"), ymd("2027-01-05"))
	require.NoError(t, err)
	assert.Len(t, sessions, 4)
}

func TestAssumingEndsWithTheYear9999(t *testing.T) {
	c := oneCalendar(t).AssumeWeekdays()
	_, err := c.Next(ymd("9999-12-31"))
	assert.EqualError(t, err, "calendar XONE: 10000-01-01 is unknown: the coverage ends on 2026-12-31")
	_, err = c.Previous(calendar.Date{Year: 1, Month: 1, Day: 1})
	assert.EqualError(t, err, "calendar XONE: 0000-12-31 is unknown: the coverage begins on 2025-01-01")
	_, err = c.Nth(ymd("2026-01-01"), 1<<62)
	assert.ErrorIs(t, err, calendar.ErrUnknownDate)
	_, err = c.IsOpen(time.Date(12026, 1, 5, 10, 0, 0, 0, time.UTC))
	assert.ErrorIs(t, err, calendar.ErrUnknownDate)
}

func TestAssumingSessionsForTwoHundredYears(t *testing.T) {
	c := oneCalendar(t).AssumeWeekdays()
	sessions, err := c.Sessions(ymd("2030-01-01"), ymd("2209-12-31"))
	require.NoError(t, err)
	assert.Greater(t, len(sessions), 180*260)
	_, err = c.Sessions(ymd("0001-01-01"), ymd("9999-12-31"))
	assert.EqualError(t, err, "calendar XONE: 0001-01-01 to 9999-12-31 is longer than 200 years")
	sessions, err = c.Sessions(ymd("9999-12-31"), ymd("0001-01-01"))
	require.NoError(t, err)
	assert.Empty(t, sessions)
}

func TestAPhaseThatNoAssumedSessionHasIsNotSoughtForEver(t *testing.T) {
	c := oneCalendar(t).AssumeWeekdays()
	_, err := c.NextWindow("post_close", local(t, c, "2026-12-31 12:00"))
	var phase *exchange.PhaseError
	assert.ErrorAs(t, err, &phase)
	w, err := c.NextWindow("closing_auction", local(t, c, "2024-06-01 12:00"))
	require.NoError(t, err, "it is passed over on the way to the coverage")
	assert.Equal(t, local(t, c, "2026-08-03 15:15").UTC(), w.Start)

	days, err := exchange.Compile(calendar.Weekdays(c.Location()), ymd("2026-01-01"), ymd("2026-12-31"))
	require.NoError(t, err)
	_, err = days.AssumeWeekdays().NextOpen(local(t, c, "2026-06-01 12:00"))
	assert.ErrorAs(t, err, &phase)
}

func TestOtherDaysKeepTheAssumption(t *testing.T) {
	c := oneCalendar(t).AssumeWeekdays()
	with, err := c.With(exchange.Day{Date: ymd("2026-12-24"), Status: exchange.StatusClosed, Name: "Storm"})
	require.NoError(t, err)
	s, err := with.Session(ymd("2027-01-01"))
	require.NoError(t, err)
	assert.True(t, s.Assumed)
}
