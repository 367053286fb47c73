package exchange_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tradeclock/tradeclock/calendar"
	"github.com/tradeclock/tradeclock/exchange"
)

func TestSessionsOfAPeriod(t *testing.T) {
	c := oneCalendar(t)
	tests := []struct {
		name   string
		period calendar.Period
		date   string
		n      int
		want   string
	}{
		{"first of a week", calendar.Week, "2025-01-09", 1, "2025-01-06"},
		{"first of a week, asked on its Sunday", calendar.Week, "2025-01-12", 1, "2025-01-06"},
		{"last of a week that ends on a Saturday", calendar.Week, "2025-01-27", -1, "2025-02-01"},
		{"last of a week that ends on a Sunday", calendar.Week, "2026-11-02", -1, "2026-11-08"},
		{"last of a month that ends on a holiday", calendar.Month, "2025-03-01", -1, "2025-03-28"},
		{"second last of it", calendar.Month, "2025-03-31", -2, "2025-03-27"},
		{"first of a quarter", calendar.Quarter, "2025-06-30", 1, "2025-04-01"},
		{"last of a quarter", calendar.Quarter, "2025-01-15", -1, "2025-03-28"},
		{"first of a year", calendar.Year, "2026-07-01", 1, "2026-01-01"},
		{"last of the last year", calendar.Year, "2026-07-01", -1, "2026-12-31"},
		{"the 23rd of a month", calendar.Month, "2025-01-01", 23, "2025-01-31"},
		{"first of the week in which the coverage ends", calendar.Week, "2026-12-31", 1, "2026-12-28"},
		{"third of the week in which it begins, from the back", calendar.Week, "2025-01-02", -3, "2025-01-01"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s, err := c.NthOf(tt.period, ymd(tt.date), tt.n)
			require.NoError(t, err)
			assert.Equal(t, ymd(tt.want), s.Date)
		})
	}
}

func TestAPeriodAtTheEdgeOfTheCoverageIsUnknown(t *testing.T) {
	c := oneCalendar(t)
	_, err := c.Last(calendar.Week, ymd("2026-12-31")) // a Thursday
	var coverage *exchange.CoverageError
	require.ErrorAs(t, err, &coverage)
	assert.Equal(t, ymd("2027-01-03"), coverage.Date)
	_, err = c.First(calendar.Week, ymd("2025-01-01")) // a Wednesday
	require.ErrorAs(t, err, &coverage)
	assert.Equal(t, ymd("2024-12-30"), coverage.Date)
	_, err = c.NthOf(calendar.Week, ymd("2026-12-31"), 5)
	assert.ErrorIs(t, err, calendar.ErrUnknownDate)
}

func TestAPeriodWithoutASession(t *testing.T) {
	m := oneMarket()
	for d := ymd("2026-02-16"); d != ymd("2026-02-21"); d = d.AddDays(1) {
		m.Days = append(m.Days, exchange.Day{Date: d, Status: exchange.StatusClosed, Name: "Lunar New Year"})
	}
	c := build(t, m)[0]
	for _, n := range []int{1, -1, 8, -8} {
		_, err := c.NthOf(calendar.Week, ymd("2026-02-18"), n)
		assert.ErrorIs(t, err, exchange.ErrNoSession)
		assert.NotErrorIs(t, err, calendar.ErrUnknownDate)
	}
	_, err := c.NthOf(calendar.Week, ymd("2026-02-25"), 6)
	assert.EqualError(t, err, "session 6 of the week of 2026-02-25: calendar XONE: no such session up to 2026-03-01")
	_, err = c.NthOf(calendar.Week, ymd("2026-12-21"), 6)
	assert.ErrorIs(t, err, exchange.ErrNoSession, "the next week is known, and counts for nothing")
	_, err = c.NthOf(calendar.Year+1, ymd("2026-02-25"), 1)
	assert.ErrorContains(t, err, "Period(4) is no period")
	_, err = c.NthOf(calendar.Year, ymd("2026-02-25"), 0)
	assert.ErrorContains(t, err, "begins at 1 or -1")
}

func TestTheWeekIsTheMarketsOwn(t *testing.T) {
	riyadh, telAviv := nightMarkets["TADX"].build(t, "TADX"), nightMarkets["TASX"].build(t, "TASX")
	for _, test := range []struct {
		name, asked string
		c           *exchange.Sessions
		n           int
		want        string
	}{
		{"the first of a week that begins on a Sunday", "2026-11-24", riyadh, 1, "2026-11-22"},
		{"the last, on a Thursday", "2026-11-24", riyadh, -1, "2026-11-26"},
		{"asked on its Saturday", "2026-11-28", riyadh, 1, "2026-11-22"},
		{"before the week changed", "2025-12-30", telAviv, 1, "2025-12-28"},
		{"after it changed", "2026-01-06", telAviv, 1, "2026-01-05"},
		{"after it changed, the last", "2026-01-06", telAviv, -1, "2026-01-09"},
	} {
		t.Run(test.name, func(t *testing.T) {
			s, err := test.c.NthOf(calendar.Week, ymd(test.asked), test.n)
			require.NoError(t, err)
			assert.Equal(t, test.want, s.Date.String())
		})
	}
	s, err := telAviv.First(calendar.Week, ymd("2026-01-04"))
	require.NoError(t, err)
	assert.Equal(t, "2025-12-28", s.Date.String(), "the Sunday on which there was no trading any more is still of the old week")
	grid, err := calendar.MonthGrid(riyadh, ymd("2026-11-01"))
	require.NoError(t, err)
	assert.Contains(t, grid, "TADX, November 2026\n Su  Mo  Tu  We  Th  Fr  Sa\n  1   2   3   4   5   6-  7-\n  8   9  10- 11")
}
