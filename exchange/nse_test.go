package exchange

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tradeclock/tradeclock/calendar"
)

// nseList returns the exchange's JSON with the given rows, "2026-01-26 Republic
// Day", for shares, and one other row for currencies.
func nseList(t testing.TB, rows ...string) string {
	t.Helper()
	type row struct {
		TradingDate string  `json:"tradingDate"`
		WeekDay     string  `json:"weekDay"`
		Description string  `json:"description"`
		Morning     *string `json:"morning_session"`
		Number      int     `json:"Sr_no"`
	}
	list := map[string][]row{"CD": {{TradingDate: "19-Feb-2027", WeekDay: "Friday", Description: "Shivaji Jayanti"}}}
	for i, text := range rows {
		day, name, _ := strings.Cut(text, " ")
		when := time.Date(date(t, day).Year, date(t, day).Month, date(t, day).Day, 0, 0, 0, 0, time.UTC)
		list["CM"] = append(list["CM"], row{when.Format("02-Jan-2006"), when.Weekday().String(), name, nil, i + 1})
	}
	text, err := json.MarshalIndent(list, "", " ")
	require.NoError(t, err)
	return string(text)
}

// list2027 has the holidays of the year after the frozen data, made up by the
// pattern of the years before, weekend rows and Laxmi Pujan included.
var list2027 = []string{
	"2027-01-26 Republic Day", "2027-03-08 Mahashivratri", "2027-03-22 Holi", "2027-03-26 Good Friday",
	"2027-04-14 Dr. Baba Saheb Ambedkar Jayanti", "2027-05-01 Maharashtra Day", "2027-05-17 Bakri Id",
	"2027-06-15 Muharram", "2027-08-15 Independence Day", "2027-09-06 Ganesh Chaturthi",
	"2027-10-12 Dussehra", "2027-10-29 Diwali Laxmi Pujan*", "2027-11-01 Diwali Balipratipada", "2027-12-25 Christmas",
}

// applied returns the frozen XNSE calendar with a list of holidays.
func applied(t testing.TB, rows ...string) *Sessions {
	t.Helper()
	m, err := readNSE(t, rows...).Apply(Frozen(t), "NSE/CMTR/99999", date(t, "2026-12-11"))
	require.NoError(t, err)
	return find(t, m, "XNSE")
}

func readNSE(t testing.TB, rows ...string) NSEHolidays {
	t.Helper()
	h, err := ReadNSEHolidays(strings.NewReader(nseList(t, rows...)), "CM")
	require.NoError(t, err)
	return h
}

func TestNSEListExtendsTheCoverageByAYear(t *testing.T) {
	c := applied(t, list2027...)
	first, last := c.Coverage()
	assert.Equal(t, date(t, "2019-01-01"), first)
	assert.Equal(t, date(t, "2027-12-31"), last)
	assert.Equal(t, "closed: Mahashivratri, announced 2026-12-11", describe(t, c, "2027-03-08"))
	assert.Equal(t, "closed: Saturday", describe(t, c, "2027-12-25"), "a weekend row says nothing new")
	assert.Equal(t, "special session: Diwali Laxmi Pujan: Muhurat trading, announced 2026-12-11 | hours unknown",
		describe(t, c, "2027-10-29"), "the day is listed as a holiday, and has a session")
	s, err := c.Session(date(t, "2027-10-29"))
	require.NoError(t, err)
	assert.Equal(t, "NSE/CMTR/99999", s.Source)
	assert.Equal(t, describe(t, c, "2026-12-31"), describe(t, c, "2027-03-09"), "an ordinary day has the hours of the last era")
	assert.Equal(t, describe(t, FrozenCalendar(t, "XNSE"), "2026-11-24"), describe(t, c, "2026-11-24"), "the year before stays")
}

func TestNSEListOnAWeekendHasItsMuhurat(t *testing.T) {
	for _, name := range []string{"Diwali-Laxmi Pujan", "Diwali Lakshmi Puja"} {
		rows := append([]string{"2027-10-30 " + name}, list2027[:10]...)
		assert.Equal(t, "special session: "+name+": Muhurat trading, announced 2026-12-11 | hours unknown",
			describe(t, applied(t, rows...), "2027-10-30"))
	}
}

// list2026 returns the closed weekdays of the frozen data as a list, with the
// Muhurat day, so that it changes nothing.
func list2026(t testing.TB) []string {
	t.Helper()
	rows := []string{"2026-11-08 Diwali Laxmi Pujan*", "2026-02-15 Mahashivratri"}
	for _, d := range Frozen(t).Days {
		if d.Date.Year == 2026 && d.Status == StatusClosed {
			rows = append(rows, d.Date.String()+" "+d.Name)
		}
	}
	return rows
}

func TestNSEListThatSaysNothingNewChangesNothing(t *testing.T) {
	assert.Equal(t, FrozenCalendar(t, "XNSE").Version(), applied(t, list2026(t)...).Version())
}

func TestNSEListIsTheTruthForItsYear(t *testing.T) {
	var rows []string
	for _, row := range list2026(t) {
		switch row[:10] {
		case "2026-12-25": // Christmas is taken back
		case "2026-01-15": // so is a closure that was announced before the list
		case "2026-11-24":
			rows = append(rows, "2026-11-25 Guru Nanak Jayanti") // moved
		default:
			rows = append(rows, row)
		}
	}
	c := applied(t, rows...)
	regular := describe(t, c, "2026-12-24")
	assert.Contains(t, regular, "regular session")
	assert.Equal(t, regular, describe(t, c, "2026-12-25"))
	assert.Equal(t, regular, describe(t, c, "2026-11-24"))
	assert.Contains(t, describe(t, c, "2026-01-15"), "regular session")
	assert.Equal(t, "closed: Guru Nanak Jayanti, announced 2026-12-11", describe(t, c, "2026-11-25"))
	assert.Equal(t, "closed: Republic Day, announced 2025-12-12", describe(t, c, "2026-01-26"), "known days keep their source")
	assert.Equal(t, describe(t, FrozenCalendar(t, "XNSE"), "2026-02-01"), describe(t, c, "2026-02-01"), "the Budget Sunday stays")
	assert.Equal(t, describe(t, FrozenCalendar(t, "XNSE"), "2026-11-08"), describe(t, c, "2026-11-08"), "so does the Muhurat day")
	assert.Equal(t, describe(t, FrozenCalendar(t, "XNSE"), "2025-12-25"), describe(t, c, "2025-12-25"), "other years are not touched")
}

func TestNSEListKeepsClosuresThatWereAnnouncedAfterIt(t *testing.T) {
	var rows []string
	for _, row := range list2026(t) {
		if row[:10] != "2026-01-15" {
			rows = append(rows, row)
		}
	}
	m, err := readNSE(t, rows...).Apply(Frozen(t), "NSE/CMTR/71775", date(t, "2025-12-12"))
	require.NoError(t, err)
	assert.Equal(t, "closed: Maharashtra municipal elections, announced 2026-01-12", describe(t, find(t, m, "XNSE"), "2026-01-15"))
}

func TestNSEListKeepsMuhuratHoursThatAreKnown(t *testing.T) {
	var rows []string
	for _, d := range Frozen(t).Days {
		if d.Date.Year == 2025 && d.Status == StatusClosed {
			rows = append(rows, d.Date.String()+" "+d.Name)
		}
	}
	c := applied(t, append(rows, "2025-10-21 Diwali Laxmi Pujan*")...)
	assert.Equal(t, FrozenCalendar(t, "XNSE").Version(), c.Version())
	assert.Contains(t, describe(t, c, "2025-10-21"), "regular 13:45-14:45")
}

func TestNSEListMovesTheMuhuratSession(t *testing.T) {
	var rows []string
	for _, row := range list2026(t) {
		if row[:10] != "2026-11-08" {
			rows = append(rows, row)
		}
	}
	embedded := describe(t, FrozenCalendar(t, "XNSE"), "2026-11-08")
	c := applied(t, append(rows, "2026-11-09 Diwali Laxmi Pujan*")...)
	assert.Equal(t, "closed: Sunday", describe(t, c, "2026-11-08"), "there is one Muhurat session in a year")
	assert.Equal(t, "special session: Diwali Laxmi Pujan: Muhurat trading, announced 2026-12-11 | hours unknown",
		describe(t, c, "2026-11-09"))

	c = applied(t, rows...)
	assert.Equal(t, embedded, describe(t, c, "2026-11-08"), "a list without a Muhurat day moves none")
	c = applied(t, append(rows, "2026-11-08 Diwali Laxmi Pujan*", "2026-11-09 Muhurat trading")...)
	assert.Equal(t, embedded, describe(t, c, "2026-11-08"), "it is in the list")

	m := Frozen(t)
	moved := readNSE(t, append(rows, "2026-11-09 Diwali Laxmi Pujan*")...)
	older, err := moved.Apply(m, "", date(t, "2025-12-11"))
	require.NoError(t, err)
	assert.Equal(t, embedded, describe(t, find(t, older, "XNSE"), "2026-11-08"), "it was announced after the list")

	// What has hours, and what is no Muhurat session, is for a person to say.
	drill := Day{Date: date(t, "2026-11-14"), Status: StatusHoursUnknown, Name: "Disaster-recovery Saturday"}
	hour := Day{Date: date(t, "2026-11-08"), Status: StatusSpecial, Name: "Muhurat trading",
		Hours: []PhaseHours{{Phase: "regular", Start: calendar.Wall(18, 0), End: calendar.Wall(19, 0)}}}
	known, err := moved.Apply(m.With(drill, hour), "", date(t, "2026-12-11"))
	require.NoError(t, err)
	assert.Contains(t, describe(t, find(t, known, "XNSE"), "2026-11-14"), "hours unknown")
	assert.Contains(t, describe(t, find(t, known, "XNSE"), "2026-11-08"), "regular 18:00-19:00")
}

func TestNSEListMayCloseTheDayFromWhichMuhuratWasMoved(t *testing.T) {
	m, err := readNSE(t, list2027...).Apply(Frozen(t), "first list", date(t, "2026-12-11"))
	require.NoError(t, err)
	rows := append([]string{"2027-10-29 Diwali", "2027-10-30 Diwali Laxmi Pujan*"}, list2027[:11]...)
	m, err = readNSE(t, rows...).Apply(m, "second list", date(t, "2027-10-01"))
	require.NoError(t, err)
	assert.Equal(t, "closed: Diwali, announced 2027-10-01", describe(t, find(t, m, "XNSE"), "2027-10-29"))
	assert.Contains(t, describe(t, find(t, m, "XNSE"), "2027-10-30"), "hours unknown")
}

func TestNSEListIsRefused(t *testing.T) {
	m := Frozen(t)
	before, err := json.Marshal(m)
	require.NoError(t, err)
	tests := map[string]struct {
		rows []string
		want string
	}{
		"a gap":            {[]string{"2028-01-26 Republic Day"}, "year 2028: does not join the coverage, 2019-01-01 to 2026-12-31"},
		"before coverage":  {[]string{"2018-01-26 Republic Day"}, "year 2018: does not join the coverage"},
		"cut off":          {list2027[:4], "year 2027: lists 4 closed weekdays, and the market has 16 in 2026: cut off"},
		"only a Muhurat":   {[]string{"2027-10-29 Laxmi Pujan"}, "lists 0 closed weekdays"},
		"one year cut off": {append(list2026(t), "2025-12-25 Christmas"), "year 2025: lists 1 closed weekdays"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			next, err := readNSE(t, tt.rows...).Apply(m, "", calendar.Date{})
			assert.ErrorContains(t, err, tt.want)
			assert.Zero(t, next)
			after, err := json.Marshal(m)
			require.NoError(t, err)
			assert.Equal(t, string(before), string(after), "the market stays as it was")
		})
	}

	busy := m.With(Day{
		Date: date(t, "2026-10-20"), Status: StatusSpecial, Name: "Drill",
		Hours: []PhaseHours{{Phase: "regular", Start: calendar.Wall(10, 0), End: calendar.Wall(11, 0)}},
	})
	_, err = readNSE(t, list2026(t)...).Apply(busy, "", calendar.Date{})
	assert.EqualError(t, err, "year 2026: 2026-10-20: a holiday, Dussehra, and a session in the market's data")
	_, err = NSEHolidays{}.Apply(m, "", calendar.Date{})
	assert.Error(t, err)
	_, err = readNSE(t, list2026(t)...).Apply(m, "", calendar.Date{Year: 2026, Month: time.February, Day: 31})
	assert.EqualError(t, err, "announced: 2026-02-31 is no date")
	_, err = readNSE(t, list2026(t)...).Apply(m, "two\nlines", calendar.Date{})
	assert.ErrorContains(t, err, "source: ")
}

func TestNSEListMayHaveSeveralYearsAndExtendAPartOfOne(t *testing.T) {
	m := Frozen(t)
	next, err := readNSE(t, append(list2026(t), list2027...)...).Apply(m, "list", date(t, "2026-12-11"))
	require.NoError(t, err)
	assert.Equal(t, date(t, "2027-12-31"), next.To)

	m.To = date(t, "2026-10-31")
	m.Days = m.With().Days[:len(m.Days)-5] // those after it
	m.Settlement = nil
	next, err = readNSE(t, list2026(t)...).Apply(m, "list", date(t, "2026-12-11"))
	require.NoError(t, err)
	c := find(t, next, "XNSE")
	assert.Equal(t, "closed: Christmas, announced 2026-12-11", describe(t, c, "2026-12-25"))
}

func TestReadNSEHolidaysRefusesWithSegmentAndRow(t *testing.T) {
	good := nseList(t, "2027-01-26 Republic Day", "2027-03-08 Mahashivratri")
	tests := map[string]struct{ old, new, want string }{
		"no such date":        {"08-Mar-2027", "31-Feb-2027", `CM[1].tradingDate: "31-Feb-2027" is no date of the form 26-Jan-2027`},
		"date of other form":  {"08-Mar-2027", "2027-03-08", `CM[1].tradingDate: "2027-03-08" is no date`},
		"wrong weekday":       {"Monday", "Tuesday", `CM[1].weekDay: 08-Mar-2027 is a Monday, and the list says "Tuesday"`},
		"date listed twice":   {`"08-Mar-2027",` + "\n   " + `"weekDay": "Monday"`, `"26-Jan-2027",` + "\n   " + `"weekDay": "Tuesday"`, "CM[1]: 2027-01-26 is listed twice"},
		"no name":             {"Mahashivratri", " * ", "CM[1].description: a text is required"},
		"number for a date":   {`"08-Mar-2027"`, "20270308", "CM[1].tradingDate: want a string"},
		"no date":             {"08-Mar-2027", "", `CM[1].tradingDate: "" is no date`},
		"key missing":         {`"weekDay": "Monday"`, `"weekday": "Monday"`, `CM[1].weekDay: 08-Mar-2027 is a Monday, and the list says ""`},
		"segment is no list":  {`"CM": [`, `"CM": 3, "X": [`, "CM: want a list"},
		"segment twice":       {`"CD": [`, `"CM": [`, "CM: the key is given twice"},
		"other segment alone": {`"CM": [`, `"FO": [`, `no segment "CM": there are CD, FO`},
		"cut off":             {"\n}", "", "unexpected end of JSON input"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			require.Contains(t, good, tt.old)
			h, err := ReadNSEHolidays(strings.NewReader(strings.Replace(good, tt.old, tt.new, 1)), "CM")
			assert.ErrorContains(t, err, tt.want)
			assert.Zero(t, h)
		})
	}
	_, err := ReadNSEHolidays(strings.NewReader(`{"CM": []}`), "CM")
	assert.EqualError(t, err, "segment CM: no holiday is listed")
	_, err = ReadNSEHolidays(strings.NewReader(`[]`), "CM")
	assert.ErrorContains(t, err, "want an object")
}
