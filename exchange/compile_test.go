package exchange_test

import (
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tradeclock/tradeclock/calendar"
	"github.com/tradeclock/tradeclock/exchange"
)

func TestCompileGivesTheQueriesToAnyCalendar(t *testing.T) {
	loc, err := time.LoadLocation("America/New_York")
	require.NoError(t, err)
	table, err := calendar.NewTable(calendar.Table{
		Name: "desk", Version: "7", Location: loc, First: ymd("2026-01-01"), Last: ymd("2026-12-31"),
		Base: calendar.Weekdays(loc, calendar.Hours{Phase: "regular", Start: wall("09:30"), End: wall("16:00")}),
		Days: []calendar.TableDay{{Date: ymd("2026-03-09"), Reason: "moving house"}},
	})
	require.NoError(t, err)
	c, err := exchange.Compile(table, ymd("2026-02-01"), ymd("2026-12-31"))
	require.NoError(t, err)

	assert.Equal(t, "desk", c.Name())
	assert.Equal(t, "7", c.Version())
	assert.Equal(t, "compiled from the calendar desk", c.Basis())
	next, err := c.NextOpen(local(t, c, "2026-03-06 12:00")) // the clocks are moved on the 8th
	require.NoError(t, err)
	assert.Equal(t, local(t, c, "2026-03-10 09:30").UTC(), next)
	_, err = c.Session(ymd("2026-01-31"))
	assert.EqualError(t, err, "calendar desk: 2026-01-31 is unknown: the coverage begins on 2026-02-01")
	_, err = c.With()
	assert.ErrorContains(t, err, "it was compiled from another one")

	s, err := c.AssumeWeekdays().Session(ymd("2027-06-01"))
	require.NoError(t, err)
	assert.Equal(t, "regular 09:30-16:00", describe(c, s)[len(s.Describe())+3:])

	_, err = exchange.Compile(table, ymd("2026-12-30"), ymd("2027-01-02"))
	assert.ErrorContains(t, err, "calendar desk: 2027-01-01: ")
	assert.ErrorContains(t, err, "\n2027-01-02: ", "each date that is not known is named")
	assert.ErrorIs(t, err, calendar.ErrUnknownDate)
	_, err = exchange.Compile(table, ymd("2026-12-30"), ymd("2026-12-29"))
	assert.ErrorContains(t, err, "calendar desk: to: 2026-12-29 is before from, 2026-12-30")
}

func TestCompileAMarketThatNeverCloses(t *testing.T) {
	loc, err := time.LoadLocation("Europe/London")
	require.NoError(t, err)
	c, err := exchange.Compile(calendar.AlwaysOpen(loc), ymd("2026-01-01"), ymd("2026-12-31"))
	require.NoError(t, err)
	for d, want := range map[string]int{"2026-03-28": 24 * 60, "2026-03-29": 23 * 60, "2026-10-25": 25 * 60} {
		minutes, err := c.Minutes(ymd(d))
		require.NoError(t, err)
		assert.Equal(t, want, minutes, d)
	}
	open, err := c.IsOpen(local(t, c, "2026-10-25 23:59:59"))
	require.NoError(t, err)
	assert.True(t, open)
	s, err := c.AssumeWeekdays().Session(ymd("2027-01-01"))
	require.NoError(t, err)
	assert.Equal(t, 24*time.Hour, s.Phases[0].End.Sub(s.Phases[0].Start))
}

// custom is a calendar whose sessions a test makes up.
type custom struct {
	session func(d calendar.Date) (calendar.Session, error)
}

func (custom) Name() string                                        { return "custom" }
func (custom) Location() *time.Location                            { return time.UTC }
func (c custom) Session(d calendar.Date) (calendar.Session, error) { return c.session(d) }

func TestCompileRefusesWhatIsNotOfOneDate(t *testing.T) {
	day := ymd("2026-06-01")
	at := func(hour int) time.Time { return time.Date(2026, 6, 1, hour, 0, 0, 0, time.UTC) }
	phase := func(start, end time.Time) calendar.Phase {
		return calendar.Phase{Name: "regular", Start: start, End: end}
	}
	tests := []struct {
		name    string
		session calendar.Session
		err     error
		want    string
	}{
		{"the session of another date", calendar.Session{Date: ymd("2026-06-02")}, nil, "2026-06-01: the session is one of 2026-06-02"},
		{"a closed day with hours", calendar.Session{Date: day, Phases: []calendar.Phase{phase(at(9), at(12))}}, nil, "2026-06-01: the date is closed"},
		{"a session from two days before", calendar.Session{Date: day, Kind: calendar.Regular, Phases: []calendar.Phase{phase(at(-25), at(12))}}, nil,
			"2026-06-01: regular: a window that is not within the date and those beside it"},
		{"a window upside down", calendar.Session{Date: day, Kind: calendar.Regular, Phases: []calendar.Phase{phase(at(12), at(9))}}, nil,
			"2026-06-01: regular: a window that ends before it starts"},
		{"parts of a second", calendar.Session{Date: day, Kind: calendar.Regular, Phases: []calendar.Phase{phase(at(9).Add(time.Millisecond), at(12))}}, nil,
			"2026-06-01: regular: a window that is not in whole seconds"},
		{"windows that overlap", calendar.Session{Date: day, Kind: calendar.Regular, Phases: []calendar.Phase{phase(at(11), at(13)), phase(at(9), at(12))}}, nil,
			"2026-06-01: regular: windows that overlap"},
		{"a kind that there is not", calendar.Session{Date: day, Kind: 9}, nil, "2026-06-01: SessionKind(9) is no kind of session"},
		{"a closed day of unknown hours", calendar.Session{Date: day, HoursUnknown: true}, nil, "2026-06-01: the date is closed, and its hours are unknown"},
		{"an error", calendar.Session{}, errors.New("down"), "2026-06-01: down"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := exchange.Compile(custom{func(calendar.Date) (calendar.Session, error) { return tt.session, tt.err }}, day, day)
			assert.ErrorContains(t, err, "calendar custom: "+tt.want)
		})
	}
}

// snapshots is a calendar that is what its snapshot is.
type snapshots struct {
	custom
	snapshot func() calendar.Calendar
}

func (s snapshots) Snapshot() calendar.Calendar { return s.snapshot() }

func TestCompileRefusesACalendarThatIsNone(t *testing.T) {
	var live *exchange.Live
	tests := map[string]struct {
		cal  calendar.Calendar
		want string
	}{
		"nil":                 {nil, "compile: there is no calendar"},
		"a nil pointer":       {live, "compile: the calendar panicked: "},
		"a nil snapshot":      {snapshots{snapshot: func() calendar.Calendar { return nil }}, "compile: there is no calendar"},
		"no location":         {calendar.Weekdays(nil), "compile: the calendar weekdays has no location"},
		"a panic of one date": {custom{func(calendar.Date) (calendar.Session, error) { panic("down") }}, "calendar custom: 2026-06-01: the calendar panicked: down"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			c, err := exchange.Compile(tt.cal, ymd("2026-06-01"), ymd("2026-06-01"))
			assert.ErrorContains(t, err, tt.want)
			assert.Nil(t, c)
		})
	}
}

func TestCompileNamesTheFirstDatesThatAreNotKnown(t *testing.T) {
	_, err := exchange.Compile(oneCalendar(t), ymd("2027-01-01"), ymd("2027-12-31"))
	require.ErrorContains(t, err, "2027-01-10: ")
	assert.NotContains(t, err.Error(), "2027-01-11")
	assert.ErrorContains(t, err, "\nand 355 more")
	assert.ErrorIs(t, err, calendar.ErrUnknownDate)
}

func TestCompileKeepsItsOwnPhasesInOrder(t *testing.T) {
	day := ymd("2026-06-01")
	phases := []calendar.Phase{
		{Name: "regular", Start: time.Date(2026, 6, 1, 13, 0, 0, 0, time.UTC), End: time.Date(2026, 6, 1, 15, 0, 0, 0, time.UTC)},
		{Name: "regular", Start: time.Date(2026, 6, 1, 9, 0, 0, 0, time.UTC), End: time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)},
	}
	c, err := exchange.Compile(custom{func(d calendar.Date) (calendar.Session, error) {
		return calendar.Session{Date: d, Kind: calendar.Regular, Phases: phases}, nil
	}}, day, day)
	require.NoError(t, err)
	s, err := c.Session(day)
	require.NoError(t, err)
	assert.Equal(t, 9, s.Phases[0].Start.Hour())
	assert.Equal(t, 13, phases[0].Start.Hour(), "the other calendar's phases stay as they are")
}

func TestCompileAssumesTheHoursOfTheNearestRegularSession(t *testing.T) {
	c := oneCalendar(t)
	early, err := exchange.Compile(c, ymd("2025-10-21"), ymd("2025-12-24")) // from one hour of Muhurat to Christmas Eve
	require.NoError(t, err)
	for _, d := range []string{"2025-10-20", "2025-12-29"} {
		_, end, err := early.AssumeWeekdays().OpenClose(ymd(d))
		require.NoError(t, err)
		assert.Equal(t, "15:30", end.In(c.Location()).Format("15:04"), d)
	}

	holiday, err := exchange.Compile(c, ymd("2026-01-15"), ymd("2026-01-15"))
	require.NoError(t, err)
	s, err := holiday.AssumeWeekdays().Session(ymd("2026-01-16"))
	require.NoError(t, err)
	assert.True(t, s.Open())
	assert.Empty(t, s.Phases, "a calendar that has no regular session knows no hours")
}
