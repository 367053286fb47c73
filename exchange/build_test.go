package exchange_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tradeclock/tradeclock/calendar"
	"github.com/tradeclock/tradeclock/exchange"
)

func TestBuildMakesACalendarForEachSegment(t *testing.T) {
	calendars := build(t, oneMarket())
	require.Len(t, calendars, 2)
	main, futures := calendars[0], calendars[1]

	assert.Equal(t, "XONE", main.Name())
	assert.Equal(t, "Exchange One, shares", main.Title())
	assert.Equal(t, "XONE", main.MIC())
	assert.Equal(t, "made up for a test", main.Basis())
	assert.Equal(t, "Asia/Kolkata", main.Location().String())
	assert.ElementsMatch(t, []string{"regular", "pre_open", "post_close", "closing_auction"}, main.PhaseNames())
	assert.Same(t, main, main.Snapshot())
	first, last := main.Coverage()
	assert.Equal(t, ymd("2025-01-01"), first)
	assert.Equal(t, ymd("2026-12-31"), last)

	assert.Equal(t, "XONE.FO", futures.Name())
	assert.Equal(t, "XONE", futures.MIC())
	assert.Equal(t, []string{"regular"}, futures.PhaseNames())
	assert.Equal(t, main.Version(), futures.Version(), "one market, one version")
	assert.Regexp(t, `^2026-11-22-[0-9a-f]{8}$`, main.Version())
}

func TestWhatADayIs(t *testing.T) {
	tests := []struct {
		date     string
		calendar int
		want     string // the session in words, then its phases
	}{
		{"2025-01-01", 0, "regular session / pre_open 09:00-09:15 / regular 09:15-15:30 / post_close 15:40-16:00"},
		{"2025-01-01", 1, "regular session / regular 09:15-15:30"},
		{"2025-01-04", 0, "closed: Saturday"},
		{"2025-01-05", 0, "closed: Sunday"},
		{"2025-02-01", 0, "regular session: Union Budget Saturday, announced 2024-12-23 / pre_open 09:00-09:15 / regular 09:15-15:30 / post_close 15:40-16:00"},
		{"2025-02-01", 1, "regular session: Union Budget Saturday, announced 2024-12-23 / regular 09:15-15:30"},
		{"2025-03-31", 1, "closed: Id-Ul-Fitr"},
		{"2025-10-21", 0, "special session: Muhurat trading / pre_open 13:30-13:45 / regular 13:45-14:45"},
		{"2025-10-21", 1, "special session: Muhurat trading / regular 13:45-14:45"},
		{"2025-12-24", 0, "shortened session (early close): Christmas Eve / regular 09:15-13:00"},
		{"2026-01-02", 1, "shortened session (late open): Storm / regular 11:00-15:30"},
		{"2026-01-15", 0, "closed: Municipal elections, announced 2026-01-12"},
		{"2026-03-07", 0, "special session: Disaster-recovery Saturday / regular 09:15-10:00 / regular 11:30-12:30"},
		{"2026-07-31", 0, "regular session / pre_open 09:00-09:15 / regular 09:15-15:30 / post_close 15:40-16:00"},
		{"2026-08-03", 0, "regular session / pre_open 09:00-09:15 / regular 09:15-15:15 / closing_auction 15:15-15:35"},
		{"2026-08-03", 1, "regular session / regular 09:15-15:40"},
		{"2026-11-08", 0, "special session: Muhurat trading / hours unknown"},
		{"2026-12-31", 1, "regular session / regular 09:15-15:40"},
	}
	calendars := build(t, oneMarket())
	for _, tt := range tests {
		c := calendars[tt.calendar]
		t.Run(c.Name()+" "+tt.date, func(t *testing.T) {
			s, err := c.Session(ymd(tt.date))
			require.NoError(t, err)
			assert.Equal(t, ymd(tt.date), s.Date)
			assert.Equal(t, tt.want, describe(c, s))
		})
	}
}

// describe returns a session in words, with its phases in local time.
func describe(c *exchange.Sessions, s calendar.Session) string {
	parts := []string{s.Describe()}
	if s.HoursUnknown {
		parts = append(parts, "hours unknown")
	}
	for _, p := range s.Phases {
		parts = append(parts, p.Name+" "+p.Start.In(c.Location()).Format("15:04")+"-"+p.End.In(c.Location()).Format("15:04"))
	}
	return strings.Join(parts, " / ")
}

func TestASessionKeepsItsSource(t *testing.T) {
	s, err := oneCalendar(t).Session(ymd("2026-01-15"))
	require.NoError(t, err)
	assert.Equal(t, "circular 7", s.Source)
	assert.Equal(t, ymd("2026-01-12"), s.Announced)
}

func TestBuildRefuses(t *testing.T) {
	day := func(date calendar.Date, status exchange.DayStatus, hours ...exchange.PhaseHours) func(*exchange.Market) {
		return func(m *exchange.Market) {
			m.Days = append(m.Days, exchange.Day{Date: date, Status: status, Hours: hours})
		}
	}
	tests := []struct {
		name string
		edit func(m *exchange.Market)
		want string
	}{
		{"a code of small letters", func(m *exchange.Market) { m.MIC = "xone" }, `mic: "xone" is no market identifier code`},
		{"no name", func(m *exchange.Market) { m.Name = " " }, "name: a text is required"},
		{"a version of two lines", func(m *exchange.Market) { m.Version = "1\n2" }, `version: "1\n2" has a control character`},
		{"a name that is no text", func(m *exchange.Market) { m.Name = "\xff" }, `name: "\xff" is not valid UTF-8`},
		{"a zone that is not there", func(m *exchange.Market) { m.Timezone = "Asia/Atlantis" }, "timezone: unknown time zone Asia/Atlantis"},
		{"the zone of the host", func(m *exchange.Market) { m.Timezone = "Local" }, `timezone: "Local" is no zone`},
		{"no zone", func(m *exchange.Market) { m.Timezone = "" }, `timezone: "" is no zone`},
		{"no beginning", func(m *exchange.Market) { m.From = calendar.Date{} }, "from: a date is required"},
		{"a date that is none", func(m *exchange.Market) { m.To.Month = 13 }, "to: 2026-13-31 is no date"},
		{"an end before the beginning", func(m *exchange.Market) { m.To = ymd("2024-12-31") }, "to: 2024-12-31 is before from, 2025-01-01"},
		{"three hundred years", func(m *exchange.Market) { m.To = ymd("2325-01-01") }, "to: the coverage is longer than 200 years"},
		{"no segments", func(m *exchange.Market) { m.Segments = nil }, "segments: there are 0, want 1 to 16"},
		{"the main segment last", func(m *exchange.Market) {
			m.Segments[0], m.Segments[1] = m.Segments[1], m.Segments[0]
		}, `segments: the first is "XONE.FO", want that of the market itself, "XONE"`},
		{"two segments of one name", func(m *exchange.Market) { m.Segments[1].Calendar = "XONE" }, "segments: XONE: listed twice"},
		{"a segment of another market", func(m *exchange.Market) { m.Segments[1].Calendar = "XTWO.FO" }, `segments: "XTWO.FO": not a name as in XONE.FO`},
		{"a segment of small letters", func(m *exchange.Market) { m.Segments[1].Calendar = "XONE.fo" }, `segments: "XONE.fo": not a name as in XONE.FO`},
		{"a segment without its market", func(m *exchange.Market) { m.Segments[1].Calendar = "FO" }, `segments: "FO": not a name as in XONE.FO`},
		{"no eras", func(m *exchange.Market) { m.Segments[1].Eras = nil }, "segments: XONE.FO: eras: at least one is required"},
		{"a first era that begins late", func(m *exchange.Market) { m.Segments[1].Eras[0].From = ymd("2025-01-02") },
			"segments: XONE.FO: eras: 2025-01-02: the first era begins with the coverage, on 2025-01-01"},
		{"eras in the wrong order", func(m *exchange.Market) { m.Segments[1].Eras[1].From = ymd("2025-01-01") },
			"segments: XONE.FO: eras: 2025-01-01: not after the era before it"},
		{"an era past the coverage", func(m *exchange.Market) { m.Segments[1].Eras[1].From = ymd("2027-01-01") },
			"segments: XONE.FO: eras: 2027-01-01: outside the coverage, 2025-01-01 to 2026-12-31"},
		{"an era without a regular phase", func(m *exchange.Market) {
			m.Segments[1].Eras[1].Hours = []exchange.PhaseHours{win("pre_open", "09:00", "09:15")}
		},
			"segments: XONE.FO: eras: 2026-08-03: the hours have no window of the phase regular"},
		{"an era with a window upside down", func(m *exchange.Market) {
			m.Segments[1].Eras[1].Hours = []exchange.PhaseHours{win("regular", "15:40", "09:15")}
		},
			"segments: XONE.FO: eras: 2026-08-03: regular from 15:40 to 09:15: end is not after start"},
		{"a day past the coverage", day(ymd("2027-01-26"), exchange.StatusClosed), "days: 2027-01-26: outside the coverage, 2025-01-01 to 2026-12-31"},
		{"a day without a date", day(calendar.Date{}, exchange.StatusClosed), "days: entry 10: date: a date is required"},
		{"a day that does not exist", day(calendar.Date{Year: 2026, Month: 2, Day: 31}, exchange.StatusClosed), "days: entry 10: date: 2026-02-31 is no date"},
		{"a day twice", day(ymd("2026-01-15"), exchange.StatusClosed), "days: 2026-01-15: XONE.FO is listed twice"},
		{"a status that is none", day(ymd("2026-01-19"), "open"), `days: 2026-01-19: status: "open" is none of`},
		{"a closed day with hours", day(ymd("2026-01-19"), exchange.StatusClosed, win("regular", "09:15", "10:00")), "days: 2026-01-19: a closed day has no hours"},
		{"unknown hours that are given", day(ymd("2026-01-19"), exchange.StatusHoursUnknown, win("regular", "09:15", "10:00")),
			"days: 2026-01-19: the hours are given and said to be unknown"},
		{"a special day without hours", day(ymd("2026-01-19"), exchange.StatusSpecial), "days: 2026-01-19: hours: a day that is special has at least one window of the phase regular"},
		{"a regular day with a pre-open alone", day(ymd("2026-01-19"), exchange.StatusRegular, win("pre_open", "09:00", "09:15")), "hours: a day that is regular has"},
		{"windows that overlap", day(ymd("2026-01-19"), exchange.StatusSpecial, win("regular", "09:15", "12:00"), win("regular", "11:00", "13:00")),
			"days: 2026-01-19: two windows of regular overlap"},
		{"a window upside down", day(ymd("2026-01-19"), exchange.StatusSpecial, win("regular", "15:30", "09:15")),
			"days: 2026-01-19: regular from 15:30 to 09:15: end is not after start"},
		{"a day of a thousand windows", day(ymd("2026-01-19"), exchange.StatusSpecial, make([]exchange.PhaseHours, 1000)...),
			"days: 2026-01-19: there are 1000 windows, the limit is 64"},
		{"a phase of no name", day(ymd("2026-01-19"), exchange.StatusSpecial, win("regular", "09:15", "12:00"), win("Pre Open", "09:00", "09:15")),
			`days: 2026-01-19: "Pre Open" cannot be the name of a phase`},
		{"an early close that opens late", day(ymd("2026-01-19"), exchange.StatusEarlyClose, win("regular", "10:00", "13:00")),
			"days: 2026-01-19: XONE: 10:00 to 13:00 is no early close of 09:15 to 15:30"},
		{"an early close after the era's", day(ymd("2026-08-04"), exchange.StatusEarlyClose, win("regular", "09:15", "15:30")),
			"days: 2026-08-04: XONE: 09:15 to 15:30 is no early close of 09:15 to 15:15"},
		{"a late open that closes early", day(ymd("2026-01-19"), exchange.StatusLateOpen, win("regular", "10:00", "13:00")),
			"days: 2026-01-19: XONE.FO: 10:00 to 13:00 is no late open of 09:15 to 15:30"},
		{"a day for a calendar that is not there", func(m *exchange.Market) { m.Days[0].Calendars = []string{"XONE.CD"} },
			`days: 2025-02-01: calendars: "XONE.CD" is none of the market's`},
		{"an announcement on no date", func(m *exchange.Market) { m.Days[0].Announced.Day = 40 }, "days: 2025-02-01: announced: 2024-12-40 is no date"},
		{"an era without a beginning", func(m *exchange.Market) { m.Segments[1].Eras[1].From = calendar.Date{} },
			"segments: XONE.FO: eras: era 2: from: a date is required"},
		{"a settlement list without an end", func(m *exchange.Market) { m.Settlement.To = calendar.Date{} }, "settlement: to: a date is required"},
		{"a settlement holiday without a date", func(m *exchange.Market) { m.Settlement.Holidays[0].Date = calendar.Date{} },
			"settlement: holidays: entry 1: date: a date is required"},
		{"a settlement holiday on a Sunday", func(m *exchange.Market) { m.Settlement.Holidays[0].Date = ymd("2026-04-05") },
			"settlement: holidays: 2026-04-05: a Sunday is without settlement in any case"},
		{"a settlement holiday twice", func(m *exchange.Market) {
			m.Settlement.Holidays = append(m.Settlement.Holidays, m.Settlement.Holidays[0])
		},
			"settlement: holidays: 2026-04-01: listed twice"},
		{"a settlement holiday outside the list", func(m *exchange.Market) { m.Settlement.From = ymd("2026-05-01") },
			"settlement: holidays: 2026-04-01: outside the list's coverage, 2026-05-01 to 2026-12-31"},
		{"a settlement list for a calendar of another market", func(m *exchange.Market) { m.Settlement.Calendars = []string{"XONE", "XNSE"} },
			`settlement: calendars: "XNSE" is none of the market's`},
		{"a settlement list for a calendar twice", func(m *exchange.Market) { m.Settlement.Calendars = []string{"XONE", "XONE.FO", "XONE"} },
			"settlement: calendars: XONE is listed twice"},
		{"a settlement list outside the coverage", func(m *exchange.Market) { m.Settlement.To = ymd("2027-12-31") },
			"settlement: 2026-01-01 to 2027-12-31 is outside the coverage, 2025-01-01 to 2026-12-31"},
		{"hours that the clocks skip", func(m *exchange.Market) {
			m.Timezone = "Pacific/Apia" // which had no 30th of December 2011, a Friday
			m.From, m.To, m.Days, m.Settlement = ymd("2011-12-01"), ymd("2011-12-31"), nil, nil
			m.Segments = m.Segments[:1]
			m.Segments[0].Eras = m.Segments[0].Eras[:1]
			m.Segments[0].Eras[0].From = m.From
		}, "segments: XONE: 2011-12-30: pre_open from 09:00 to 09:15: end is not after start"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			m := oneMarket()
			tt.edit(&m)
			calendars, err := m.Build()
			assert.ErrorContains(t, err, tt.want)
			assert.Nil(t, calendars)
		})
	}
}

func TestBuildReportsAllProblemsAtOnce(t *testing.T) {
	m := oneMarket()
	m.Name = ""
	m.Segments[1].Eras[1].From = ymd("2027-01-01")
	m.Days[0].Status = "open"
	m.Days[1].Hours = []exchange.PhaseHours{win("regular", "09:15", "15:30")}
	_, err := m.Build()
	require.Error(t, err)
	assert.Equal(t, []string{
		"name: a text is required",
		"segments: XONE.FO: eras: 2027-01-01: outside the coverage, 2025-01-01 to 2026-12-31",
		`days: 2025-02-01: status: "open" is none of closed, regular, early_close, late_open, special and hours_unknown`,
		"days: 2025-03-31: a closed day has no hours",
	}, strings.Split(err.Error(), "\n"))
}

func TestACalendarKeepsWhatItWasBuiltFrom(t *testing.T) {
	m := oneMarket()
	c := build(t, m)[0]
	version := c.Version()
	m.Days[6].Name = "changed"
	m.Segments[0].Eras[0].Hours[0].End = wall("15:00")
	m.Settlement.Holidays[0].Date = ymd("2026-05-01")

	rebuilt, err := c.With()
	require.NoError(t, err)
	assert.Equal(t, version, rebuilt.Version())
	s, err := rebuilt.Session(ymd("2026-01-15"))
	require.NoError(t, err)
	assert.Equal(t, "Municipal elections", s.Reason)
}

func TestAnyChangeOfTheDataIsAChangeOfVersion(t *testing.T) {
	version := oneCalendar(t).Version()
	edits := map[string]func(m *exchange.Market){
		"a name":   func(m *exchange.Market) { m.Days[1].Name = "Eid" },
		"a source": func(m *exchange.Market) { m.Days[1].Source = "circular 8" },
		"a close":  func(m *exchange.Market) { m.Segments[1].Eras[1].Hours[0].End = wall("15:45") },
		"a day":    func(m *exchange.Market) { m.Days = m.Days[1:] },
	}
	for name, edit := range edits {
		t.Run(name, func(t *testing.T) {
			m := oneMarket()
			edit(&m)
			assert.NotEqual(t, version, build(t, m)[0].Version())
		})
	}
	assert.Equal(t, version, oneCalendar(t).Version(), "the same data have the same version")
}

func TestWithReplacesTheEntryOfEachCalendarThatADayIsFor(t *testing.T) {
	closed := exchange.Day{Date: ymd("2026-03-07"), Status: exchange.StatusClosed, Name: "Called off"}
	tests := []struct {
		name          string
		calendars     []string
		shares, other string
	}{
		{"all", nil, "closed: Called off", "closed: Called off"},
		{"all by name", []string{"XONE.FO", "XONE"}, "closed: Called off", "closed: Called off"},
		{"one", []string{"XONE.FO"}, "special session: Disaster-recovery Saturday", "closed: Called off"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			day := closed
			day.Calendars = tt.calendars
			m := oneMarket()
			calendars := build(t, m.With(day))
			for i, want := range []string{tt.shares, tt.other} {
				s, err := calendars[i].Session(day.Date)
				require.NoError(t, err)
				assert.Equal(t, want, s.Describe())
			}
			assert.Equal(t, oneMarket(), m, "the market itself stays as it was")
		})
	}
}

func TestWithKeepsDaysInOrderAndDoesNotHideADateGivenTwice(t *testing.T) {
	first := exchange.Day{Date: ymd("2026-06-01"), Status: exchange.StatusClosed, Name: "one"}
	second := exchange.Day{Date: ymd("2025-06-02"), Status: exchange.StatusClosed, Name: "two"}
	m := oneMarket().With(first, second)
	for i, day := range m.Days[1:] {
		assert.False(t, day.Date.Before(m.Days[i].Date))
	}
	_, err := oneMarket().With(first, first).Build()
	assert.ErrorContains(t, err, "days: 2026-06-01: XONE is listed twice")
}

func TestACalendarWithOtherDays(t *testing.T) {
	c := build(t, oneMarket())[1]
	hours := exchange.Day{
		Date: ymd("2026-11-08"), Status: exchange.StatusSpecial, Name: "Muhurat trading",
		Hours: []exchange.PhaseHours{win("regular", "18:00", "19:00")},
	}
	with, err := c.With(hours)
	require.NoError(t, err)
	assert.Equal(t, "XONE.FO", with.Name())
	assert.NotEqual(t, c.Version(), with.Version())
	open, end, err := with.OpenClose(hours.Date)
	require.NoError(t, err)
	assert.Equal(t, local(t, c, "2026-11-08 18:00"), open.In(c.Location()))
	assert.Equal(t, local(t, c, "2026-11-08 19:00"), end.In(c.Location()))

	_, _, err = c.OpenClose(hours.Date)
	assert.Error(t, err, "the calendar itself never changes")

	hours.Hours = nil
	_, err = c.With(hours)
	assert.ErrorContains(t, err, "calendar XONE.FO: days: 2026-11-08: hours: ")
}

// What is called special is a regular session if it trades for nine tenths of the
// regular hours of its date and calendar, wherever they lie.
func TestASpecialDayOfFullLengthIsRegular(t *testing.T) {
	tests := []struct {
		name, date string
		hours      []exchange.PhaseHours
		want       [2]calendar.SessionKind // of XONE, which trades for 375 and then 360 minutes, and of XONE.FO, 375 and 385
	}{
		{"the whole day an hour later", "2026-03-10", []exchange.PhaseHours{win("regular", "10:15", "16:30")}, [2]calendar.SessionKind{calendar.Regular, calendar.Regular}},
		{"a close moved to 17:00", "2026-03-10", []exchange.PhaseHours{win("regular", "09:15", "17:00")}, [2]calendar.SessionKind{calendar.Regular, calendar.Regular}},
		{"on a Saturday too", "2026-03-14", []exchange.PhaseHours{win("regular", "10:15", "16:30")}, [2]calendar.SessionKind{calendar.Regular, calendar.Regular}},
		{"in two windows", "2026-03-10", []exchange.PhaseHours{win("regular", "09:15", "12:00"), win("regular", "13:00", "16:30")}, [2]calendar.SessionKind{calendar.Regular, calendar.Regular}},
		{"nine tenths", "2026-09-10", []exchange.PhaseHours{win("regular", "10:00", "15:24")}, [2]calendar.SessionKind{calendar.Regular, calendar.Special}},
		{"a minute less than nine tenths", "2026-09-10", []exchange.PhaseHours{win("regular", "10:00", "15:23")}, [2]calendar.SessionKind{calendar.Special, calendar.Special}},
		{"long with its auctions alone", "2026-03-10", []exchange.PhaseHours{win("pre_open", "09:00", "13:00"), win("regular", "13:00", "14:00"), win("closing_auction", "14:00", "18:00")}, [2]calendar.SessionKind{calendar.Special, calendar.Special}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			m := oneMarket()
			built, err := m.With(exchange.Day{Date: ymd(tt.date), Status: exchange.StatusSpecial, Name: "Exams", Hours: tt.hours}).Build()
			require.NoError(t, err)
			for i, c := range built {
				s, err := c.Session(ymd(tt.date))
				require.NoError(t, err)
				assert.Equal(t, tt.want[i], s.Kind, c.Name())
			}
		})
	}
}

// A day that is moved on the first or the last day of an era is held against the hours
// of that era.
func TestAnEarlyCloseAtTheEdgeOfAnEra(t *testing.T) {
	tests := []struct {
		date, start, end, want string
	}{
		{"2026-08-03", "09:15", "15:14", ""},
		{"2026-08-03", "09:15", "15:15", "days: 2026-08-03: XONE: 09:15 to 15:15 is no early close of 09:15 to 15:15"},
		{"2026-08-02", "09:15", "15:29", ""}, // the last day before it, by the hours of which 15:29 is early
		{"2026-08-02", "09:15", "15:30", "days: 2026-08-02: XONE: 09:15 to 15:30 is no early close of 09:15 to 15:30"},
		{"2025-01-01", "09:15", "15:29", ""},
	}
	for _, tt := range tests {
		m := oneMarket().With(exchange.Day{
			Date: ymd(tt.date), Calendars: []string{"XONE"}, Status: exchange.StatusEarlyClose, Name: "Storm",
			Hours: []exchange.PhaseHours{win("regular", tt.start, tt.end)},
		})
		_, err := m.Build()
		if tt.want == "" {
			assert.NoError(t, err, tt.date+" "+tt.end)
			continue
		}
		assert.ErrorContains(t, err, tt.want)
	}
}

// Each text of a market is refused if it would spoil the line of a log.
func TestBuildRefusesABrokenLineInEachText(t *testing.T) {
	tests := []struct {
		key  string
		text func(m *exchange.Market) *string
	}{
		{"name", func(m *exchange.Market) *string { return &m.Name }},
		{"version", func(m *exchange.Market) *string { return &m.Version }},
		{"basis", func(m *exchange.Market) *string { return &m.Basis }},
		{"segments: XONE.FO: name", func(m *exchange.Market) *string { return &m.Segments[1].Name }},
		{"segments: XONE: eras: 2026-08-03", func(m *exchange.Market) *string { return &m.Segments[0].Eras[1].Source }},
		{"segments: XONE: eras: 2026-08-03: regular: note", func(m *exchange.Market) *string { return &m.Segments[0].Eras[1].Hours[1].Note }},
		{"days: 2025-02-01: name", func(m *exchange.Market) *string { return &m.Days[0].Name }},
		{"days: 2025-02-01: source", func(m *exchange.Market) *string { return &m.Days[0].Source }},
		{"days: 2025-12-24: regular: note", func(m *exchange.Market) *string { return &m.Days[4].Hours[0].Note }},
		{"settlement: basis", func(m *exchange.Market) *string { return &m.Settlement.Basis }},
		{"settlement: holidays: 2026-04-01", func(m *exchange.Market) *string { return &m.Settlement.Holidays[0].Name }},
		{"settlement: holidays: 2026-04-01", func(m *exchange.Market) *string { return &m.Settlement.Holidays[0].Source }},
	}
	for _, tt := range tests {
		m := oneMarket()
		*tt.text(&m) = "two\nlines"
		_, err := m.Build()
		assert.EqualError(t, err, tt.key+`: "two\nlines" has a control character`)
	}
}

func TestBuildTakesWhatIsWithinItsBounds(t *testing.T) {
	year := func(first, last string) func(m *exchange.Market) {
		return func(m *exchange.Market) {
			m.From, m.To, m.Days, m.Settlement = ymd(first), ymd(last), nil, nil
			m.Segments = m.Segments[:1]
			m.Segments[0].Eras = m.Segments[0].Eras[:1]
			m.Segments[0].Eras[0].From = m.From
		}
	}
	for name, edit := range map[string]func(m *exchange.Market){
		"a single date":                                   year("2026-12-31", "2026-12-31"),
		"an era on the last date":                         func(m *exchange.Market) { m.Segments[1].Eras[1].From = m.To },
		"a day on the first date":                         func(m *exchange.Market) { m.Days = []exchange.Day{{Date: m.From, Status: exchange.StatusClosed}} },
		"a day on the last date":                          func(m *exchange.Market) { m.Days = []exchange.Day{{Date: m.To, Status: exchange.StatusClosed}} },
		"a settlement list of a date":                     func(m *exchange.Market) { m.Settlement.From, m.Settlement.To = ymd("2026-04-01"), ymd("2026-04-01") },
		"a settlement list from the beginning to the end": func(m *exchange.Market) { m.Settlement.From, m.Settlement.To = m.From, m.To },
		"sixteen segments": func(m *exchange.Market) {
			for _, name := range strings.Fields("A B C D E F G H I J K L M N") {
				s := m.Segments[1]
				s.Calendar = "XONE." + name
				m.Segments = append(m.Segments, s)
			}
		},
		"a day of 64 windows": func(m *exchange.Market) {
			hours := []exchange.PhaseHours{win("regular", "09:15", "15:29")}
			for i := range 63 {
				hours = append(hours, exchange.PhaseHours{Phase: "call", Start: calendar.WallTime(i * 60), End: calendar.WallTime(i*60 + 60)})
			}
			m.Days = []exchange.Day{{Date: ymd("2026-03-10"), Status: exchange.StatusEarlyClose, Hours: hours}}
		},
	} {
		m := oneMarket()
		edit(&m)
		_, err := m.Build()
		assert.NoError(t, err, name)
	}
	m := oneMarket()
	m.Segments = append(m.Segments, make([]exchange.Segment, 15)...)
	_, err := m.Build()
	assert.ErrorContains(t, err, "segments: there are 17, want 1 to 16")
}

// Of a coverage without a date nothing else is said, as it could not be true.
func TestBuildSaysOfAMissingDateThatAlone(t *testing.T) {
	m := oneMarket()
	m.To = calendar.Date{}
	_, err := m.Build()
	assert.EqualError(t, err, "to: a date is required")
}
