package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tradeclock/tradeclock/calendar"
	"github.com/tradeclock/tradeclock/exchange"
)

type holiday struct {
	TradingDate string `json:"tradingDate"`
	WeekDay     string `json:"weekDay"`
	Description string `json:"description"`
}

func newHoliday(d calendar.Date, description string) holiday {
	at := time.Date(d.Year, d.Month, d.Day, 0, 0, 0, 0, time.UTC)
	return holiday{at.Format("02-Jan-2006"), at.Weekday().String(), description}
}

// list returns holidays in the form of the exchange.
func list(t *testing.T, holidays []holiday) string {
	t.Helper()
	content, err := json.Marshal(map[string][]holiday{"CM": holidays})
	require.NoError(t, err)
	return string(content)
}

// frozen returns data of the market that do not change: they end with 2026.
func frozen(t *testing.T) exchange.Market {
	t.Helper()
	f, err := os.Open("../../testdata/XNSE.json")
	require.NoError(t, err)
	defer f.Close()
	m, err := exchange.ReadMarket(f)
	require.NoError(t, err)
	return m
}

// What the routine of the yearly refresh does: the rows of the list, and a year
// more of coverage, make the calendars of the next year.
func TestTheYearlyRefresh(t *testing.T) {
	m, err := exchange.EmbeddedMarket("XNSE")
	require.NoError(t, err)
	next := m.To.Year + 1
	var holidays []holiday
	weekdays := 0
	for _, d := range m.Days {
		if d.Date.Year == m.To.Year && d.Status == exchange.StatusClosed {
			day := calendar.Date{Year: next, Month: d.Date.Month, Day: d.Date.Day}
			holidays = append(holidays, newHoliday(day, d.Name))
			if day.Weekday() != time.Saturday && day.Weekday() != time.Sunday {
				weekdays++
			}
		}
	}
	muhurat := calendar.Date{Year: next, Month: time.October, Day: 31}
	holidays = append(holidays, newHoliday(muhurat, "Diwali Laxmi Pujan*"))
	announced := calendar.Date{Year: m.To.Year, Month: time.December, Day: 11}
	rows, dropped, _, err := nseRows(strings.NewReader(list(t, holidays)), m, "NSE/CMTR/77777", announced)
	require.NoError(t, err)
	assert.Empty(t, dropped)
	assert.Equal(t, weekdays+1, strings.Count(string(rows), "\n"), "a holiday on a weekend has no row")

	facts := copyFacts(t)
	facts["XNSE.csv"].Data = append(facts["XNSE.csv"].Data, rows...)
	coverage := regexp.MustCompile(`(?m)^(XNSE|XBOM),2019-01-01,\d{4}`)
	facts["coverage.csv"].Data = coverage.ReplaceAll(facts["coverage.csv"].Data, fmt.Appendf(nil, "$1,2019-01-01,%d", next))
	files, err := generate(facts)
	require.NoError(t, err)
	m, err = exchange.ReadMarket(bytes.NewReader(files["XBOM.json"]))
	require.NoError(t, err)
	calendars, err := m.Build()
	require.NoError(t, err)
	for _, c := range calendars {
		_, last := c.Coverage()
		assert.Equal(t, calendar.Date{Year: next, Month: time.December, Day: 31}, last)
		s, err := c.Session(muhurat)
		require.NoError(t, err)
		assert.True(t, s.HoursUnknown, "the day that is listed as a holiday is a session")
		assert.Equal(t, announced, s.Announced)
		assert.Equal(t, "NSE/CMTR/77777", s.Source)
	}
}

// A list that names a day no more tells which row has to go.
func TestNSERowsNameTheDaysThatAreTakenBack(t *testing.T) {
	m := frozen(t)
	var holidays []holiday
	for _, d := range m.Days {
		if d.Date.Year == 2026 && d.Status == exchange.StatusClosed && d.Name != "Dussehra" {
			holidays = append(holidays, newHoliday(d.Date, d.Name))
		}
	}
	holidays = append(holidays, newHoliday(calendar.Date{Year: 2026, Month: time.October, Day: 21}, "Dussehra"))
	holidays = append(holidays, newHoliday(calendar.Date{Year: 2026, Month: time.November, Day: 9}, "Diwali Laxmi Pujan"))
	announced := calendar.Date{Year: 2026, Month: time.October, Day: 15}
	rows, dropped, _, err := nseRows(strings.NewReader(list(t, holidays)), m, "NSE/CMTR/76666", announced)
	require.NoError(t, err)
	assert.Equal(t, "2026-10-21,closed,,,,,Dussehra,2026-10-15,NSE/CMTR/76666\n"+
		"2026-11-09,hours_unknown,,,,,Diwali Laxmi Pujan: Muhurat trading,2026-10-15,NSE/CMTR/76666\n", string(rows))
	require.Len(t, dropped, 2)
	assert.Equal(t, "2026-10-20", dropped[0].Date.String())
	assert.Equal(t, "2026-11-08", dropped[1].Date.String())
}

func TestNSERowsRefusesABadList(t *testing.T) {
	for name, list := range map[string]string{
		"no JSON":            "<html>",
		"no list for shares": `{"FO": []}`,
		"cut off":            `{"CM": [{"tradingDate": "26-Jan-2027", "weekDay": "Tuesday", "description": "Republic Day"}]}`,
	} {
		rows, dropped, _, err := nseRows(strings.NewReader(list), frozen(t), "", calendar.Date{})
		assert.Error(t, err, name)
		assert.Nil(t, rows, name)
		assert.Nil(t, dropped, name)
	}
}
