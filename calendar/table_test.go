package calendar

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestTable(t *testing.T) {
	c, err := NewTable(diwali(t))
	require.NoError(t, err)
	assert.Equal(t, "XNSE", c.Name())
	assert.Equal(t, "Asia/Kolkata", c.Location().String())
	assert.Equal(t, "2026.1", c.(Versioned).Version())
	first, last := c.(Covered).Coverage()
	assert.Equal(t, []Date{{2026, 11, 2}, {2026, 11, 15}}, []Date{first, last})
	assert.ElementsMatch(t, []string{PhasePreOpen, PhaseRegular, PhasePostClose, PhaseClosingAuction}, c.(PhaseLister).PhaseNames())

	session := func(day int) Session {
		s, err := c.Session(Date{2026, 11, day})
		require.NoError(t, err)
		assert.Equal(t, Date{2026, 11, day}, s.Date)
		return s
	}
	t.Run("a day of the base", func(t *testing.T) {
		want, err := Weekdays(c.Location(), nseHours...).Session(Date{2026, 11, 2})
		require.NoError(t, err)
		assert.Equal(t, want, session(2))
		assert.Equal(t, Closed, session(15).Kind, "a Sunday")
	})
	t.Run("a holiday", func(t *testing.T) {
		assert.Equal(t, Session{Date: Date{2026, 11, 10}, Kind: Closed, Reason: "Balipratipada"}, session(10))
	})
	t.Run("hours to come", func(t *testing.T) {
		assert.Equal(t, Session{Date: Date{2026, 11, 8}, Kind: Special, HoursUnknown: true, Reason: "Diwali Muhurat"}, session(8))
	})
	t.Run("listed hours, put in order", func(t *testing.T) {
		at := func(h, m int) time.Time { return Wall(h, m).On(Date{2026, 11, 13}, c.Location()) }
		assert.Equal(t, Session{Date: Date{2026, 11, 13}, Kind: Shortened, Phases: []Phase{
			{PhasePreOpen, at(9, 0), at(9, 15)},
			{PhaseRegular, at(9, 15), at(12, 0)},
			{PhaseRegular, at(13, 0), at(15, 30)},
			{PhaseClosingAuction, at(15, 20), at(15, 30)},
		}}, session(13))
	})
	t.Run("a session without hours", func(t *testing.T) {
		assert.Equal(t, Session{Date: Date{2026, 11, 14}, Kind: Regular}, session(14))
	})
	t.Run("outside the coverage", func(t *testing.T) {
		for _, d := range []Date{{2026, 11, 1}, {2026, 11, 16}, {1, 1, 1}, {9999, 12, 31}, {}} {
			_, err := c.Session(d)
			require.ErrorIs(t, err, ErrUnknownDate)
			assert.ErrorContains(t, err, "calendar XNSE: "+d.String()+": date is outside the calendar's coverage, 2026-11-02 to 2026-11-15")
		}
	})
	t.Run("without allocation", func(t *testing.T) {
		allocs := testing.AllocsPerRun(100, func() { _, _ = c.Session(Date{2026, 11, 13}) })
		assert.Zero(t, allocs)
	})
}

func TestTableWithoutBase(t *testing.T) {
	table := diwali(t)
	table.Base = nil
	c, err := NewTable(table)
	require.NoError(t, err)
	s, err := c.Session(Date{2026, 11, 2})
	require.NoError(t, err)
	assert.Equal(t, Session{Date: Date{2026, 11, 2}, Kind: Closed, Reason: "no session is listed"}, s)
}

// A base may go on to use the phases that it answered with.
func TestTableKeepsThePhasesOfItsBase(t *testing.T) {
	phases := []Phase{{PhaseRegular, Wall(9, 0).On(Date{2026, 11, 2}, time.UTC), Wall(10, 0).On(Date{2026, 11, 2}, time.UTC)}}
	c, err := NewTable(Table{Name: "X", Location: time.UTC, First: Date{2026, 11, 2}, Last: Date{2026, 11, 2}, Base: sharedPhases{Weekdays(time.UTC), phases}})
	require.NoError(t, err)
	phases[0].Name = "other"
	s, err := c.Session(Date{2026, 11, 2})
	require.NoError(t, err)
	assert.Equal(t, PhaseRegular, s.Phases[0].Name)
}

type sharedPhases struct {
	Calendar
	phases []Phase
}

func (c sharedPhases) Session(d Date) (Session, error) {
	return Session{Date: d, Kind: Regular, Phases: c.phases}, nil
}

func TestTableEndsWithinADayOfItsStart(t *testing.T) {
	for end, wrong := range map[WallTime]bool{EndOfDay: false, EndOfDay + 1: false, Wall(33, 0): false, Wall(33, 0) + 1: true} {
		_, err := NewTable(Table{Name: "X", Location: time.UTC, First: Date{2026, 11, 2}, Last: Date{2026, 11, 2}, Days: []TableDay{
			{Date: Date{2026, 11, 2}, Kind: Regular, Hours: []Hours{{PhaseRegular, Wall(9, 0), end}}},
		}})
		assert.Equal(t, wrong, err != nil, "%v: %v", end, err)
	}
}

func TestTableKeepsWhatItWasGiven(t *testing.T) {
	table := diwali(t)
	c, err := NewTable(table)
	require.NoError(t, err)
	before, err := c.Session(Date{2026, 11, 13})
	require.NoError(t, err)
	table.Days[2].Hours[0] = Hours{PhaseRegular, 0, 1}
	table.Days[2].Kind = Closed
	c.(PhaseLister).PhaseNames()[0] = "other"
	after, err := c.Session(Date{2026, 11, 13})
	require.NoError(t, err)
	assert.Equal(t, before, after)
	assert.NotContains(t, c.(PhaseLister).PhaseNames(), "other")
}

func TestTableNamesThePhaseOfHoursToCome(t *testing.T) {
	c, err := NewTable(Table{
		Name: "X", Location: time.UTC, First: Date{2026, 1, 1}, Last: Date{2026, 1, 1},
		Days: []TableDay{{Date: Date{2026, 1, 1}, Kind: Special, HoursUnknown: true}},
	})
	require.NoError(t, err)
	assert.Equal(t, []string{PhaseRegular}, c.(PhaseLister).PhaseNames())
}

func TestNewTableRefuses(t *testing.T) {
	with := func(change func(*Table)) Table {
		table := diwali(t)
		change(&table)
		return table
	}
	day := func(d TableDay) Table {
		d.Date = Date{2026, 11, 4}
		return with(func(t *Table) { t.Days = append(t.Days, d) })
	}
	hours := func(list ...Hours) Table { return day(TableDay{Kind: Regular, Hours: list}) }
	tests := []struct {
		name  string
		table Table
		want  []string
	}{
		{"nothing given", Table{}, []string{"Name: a name is required", "Location: ", "First: a date is required", "Last: a date is required"}},
		{"a coverage that ends before it begins", with(func(t *Table) { t.First = Date{2026, 12, 1} }), []string{"Last: 2026-11-15 is before First, 2026-12-01"}},
		{"a coverage of ages", with(func(t *Table) { t.Last = Date{9999, 12, 31} }), []string{"longer than 200 years"}},
		{"a date that is none", with(func(t *Table) { t.Days[0].Date.Day = 31 }), []string{"day 0: a date is required"}},
		{"all that is wrong with the dates", with(func(t *Table) {
			t.Days[0].Date = Date{2026, 11, 1}
			t.Days[1].Date = Date{2026, 11, 16}
			t.Days[2].Date = t.Days[3].Date
		}), []string{"2026-11-01: outside the coverage, 2026-11-02 to 2026-11-15", "2026-11-16: outside the coverage", "2026-11-14: listed twice"}},
		{"a kind that is none", day(TableDay{Kind: 9}), []string{"2026-11-04: SessionKind(9) is no kind of session"}},
		{"hours of a closed day", day(TableDay{Hours: nseHours}), []string{"2026-11-04: a closed day has no hours"}},
		{"unknown hours of a closed day", day(TableDay{HoursUnknown: true}), []string{"2026-11-04: a closed day has no hours"}},
		{"hours known and unknown", day(TableDay{Kind: Regular, HoursUnknown: true, Hours: nseHours}), []string{"2026-11-04: the hours are given and said to be unknown"}},
		{"all that is wrong with the hours", hours(
			Hours{PhaseRegular, Wall(15, 30), Wall(9, 15)},
			Hours{PhasePreOpen, Wall(9, 0), Wall(9, 0)},
			Hours{PhasePostClose, Wall(47, 0), Wall(49, 0)},
			Hours{PhasePostClose, -1, Wall(1, 0)},
			Hours{PhasePostClose, Wall(23, 0), Wall(25, 0)},
			Hours{"", Wall(9, 0), Wall(10, 0)},
			Hours{"close", Wall(9, 0), Wall(10, 0)},
			Hours{"pre_open.end", Wall(9, 0), Wall(10, 0)},
		), []string{
			"2026-11-04: regular from 15:30 to 09:15: end is not after start",
			"2026-11-04: pre_open from 09:00 to 09:00: end is not after start",
			"2026-11-04: post_close from 23:00+1d to 01:00+2d: not within the day and those beside it",
			"2026-11-04: post_close from 23:59:59-1d to 01:00+2d: longer than a day",
			`2026-11-04: "" cannot be the name of a phase`,
			`2026-11-04: "close" cannot be the name of a phase`,
			`2026-11-04: "pre_open.end" cannot be the name of a phase`,
		}},
		{"windows that overlap", hours(
			Hours{PhaseRegular, Wall(11, 0), Wall(15, 30)},
			Hours{PhaseRegular, Wall(9, 15), Wall(11, 1)},
		), []string{"2026-11-04: two windows of regular overlap"}},
		{"a window inside another", hours(
			Hours{PhaseRegular, Wall(9, 0), Wall(15, 0)},
			Hours{PhaseRegular, Wall(10, 0), Wall(11, 0)},
			Hours{PhaseRegular, Wall(12, 0), Wall(13, 0)},
		), []string{"two windows of regular overlap"}},
		{"a window in a gap of the clocks", Table{
			Name: "X", Location: zone(t, "America/New_York"), First: Date{2026, 3, 8}, Last: Date{2026, 3, 8},
			Days: []TableDay{{Date: Date{2026, 3, 8}, Kind: Regular, Hours: []Hours{{PhaseRegular, Wall(2, 0), Wall(2, 30)}}}},
		}, []string{"2026-03-08: regular from 02:00 to 02:30: end is not after start"}},
		{"a base that knows less", with(func(t *Table) {
			base, _ := NewTable(Table{Name: "B", Location: t.Location, First: t.First, Last: t.Last.AddDays(-1)})
			t.Base = base
		}), []string{"base calendar: 2026-11-15: calendar B: 2026-11-15: date is outside"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			c, err := NewTable(test.table)
			assert.Nil(t, c)
			for _, want := range test.want {
				assert.ErrorContains(t, err, want)
			}
		})
	}
}
