package rule

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tradeclock/tradeclock/calendar"
)

// beats is a user's rule that is due at a step through the whole date.
type beats struct {
	step time.Duration
	slot func(due time.Time, loc *time.Location) string
}

func (b beats) String() string { return fmt.Sprint("each ", b.step) }

func (b beats) Occurrences(s calendar.Session, loc *time.Location) (list []Occurrence, err error) {
	begin, end := calendar.Wall(0, 0).On(s.Date, loc), calendar.EndOfDay.On(s.Date, loc)
	for due := begin; due.Before(end); due = due.Add(b.step) {
		list = append(list, Occurrence{due, b.slot(due, loc)})
	}
	return list, nil
}

// What is due each second is kept as one span if its slots are those of the helper, on days
// whose clocks change too, and is due as the rule says.
func TestSecondsOfAUsersRuleAreOneSpan(t *testing.T) {
	loc := zone(t, "America/New_York")
	named := func(due time.Time, _ *time.Location) string { return fmt.Sprint("beat ", due.Unix()) }
	for _, test := range []struct {
		name  string
		rule  beats
		date  calendar.Date
		n     int
		spans int
	}{
		{"each second", beats{time.Second, TimeSlot}, calendar.Date{Year: 2026, Month: 11, Day: 23}, 86400, 1},
		{"on the day of 25 hours", beats{time.Second, TimeSlot}, calendar.Date{Year: 2026, Month: 11, Day: 1}, 90000, 1},
		{"each hour", beats{time.Hour, HourSlot}, calendar.Date{Year: 2026, Month: 3, Day: 8}, 23, 1},
		{"once", beats{24 * time.Hour, TimeSlot}, calendar.Date{Year: 2026, Month: 11, Day: 23}, 1, 1},
		{"with slots of its own", beats{time.Hour, named}, calendar.Date{Year: 2026, Month: 11, Day: 23}, 24, 24},
	} {
		t.Run(test.name, func(t *testing.T) {
			session := calendar.Session{Date: test.date, Kind: calendar.Regular}
			spans, err := Compile(test.rule, session, loc)
			require.NoError(t, err)
			assert.Len(t, spans, test.spans)
			want, err := test.rule.Occurrences(session, loc)
			require.NoError(t, err)
			require.Len(t, want, test.n)
			var got []Occurrence
			for _, sp := range spans {
				for i := range sp.N {
					got = append(got, Occurrence{sp.Due(i).In(want[0].Due.Location()), sp.SlotAt(i, test.date, loc)})
				}
			}
			assert.True(t, assert.ObjectsAreEqual(want, got), "they are those of the rule")
		})
	}
}

// A rule whose times are not equally far apart, or that mixes slots, keeps its own.
func TestSpansOfUnevenTimes(t *testing.T) {
	s, loc := nse(t)
	at := func(minute int) time.Time { return calendar.Wall(9, minute).On(s.Date, loc) }
	slots := func(minutes ...int) (list []Occurrence) {
		for _, m := range minutes {
			list = append(list, Occurrence{at(m), TimeSlot(at(m), loc)})
		}
		return list
	}
	for name, test := range map[string]struct {
		list  []Occurrence
		spans int
	}{
		"uneven":             {slots(0, 1, 2, 10, 20), 2},
		"backwards":          {slots(2, 1, 0), 3},
		"with one of a name": {append(slots(0, 1), Occurrence{at(2), "mine"}, Occurrence{at(3), TimeSlot(at(3), loc)}), 3},
	} {
		spans, err := Compile(userRule{list: test.list}, s, loc)
		require.NoError(t, err, name)
		assert.Len(t, spans, test.spans, name)
		var got []string
		for _, sp := range spans {
			for i := range sp.N {
				got = append(got, sp.SlotAt(i, s.Date, loc))
			}
		}
		var want []string
		for _, o := range test.list {
			want = append(want, o.Slot)
		}
		assert.ElementsMatch(t, want, got, name)
	}
}

// asking is a user's rule that may ask for dates around that of the session.
type asking struct {
	userRule
	back, ahead int
	panics      bool
}

func (r asking) OccurrencesBy(s calendar.Session, cal calendar.Calendar) ([]Occurrence, error) {
	if r.panics {
		panic("no idea")
	}
	next, err := cal.Session(s.Date.AddDays(1))
	if err != nil || next.Open() {
		return nil, err
	}
	return []Occurrence{{calendar.Wall(9, 0).On(s.Date, cal.Location()), DateSlot(s.Date)}}, nil
}

func (r asking) DatesBy(d calendar.Date) (first, last calendar.Date) {
	if r.panics {
		panic("no idea")
	}
	return d.AddDays(r.back), d.AddDays(r.ahead)
}

func TestARuleIsGivenTheCalendar(t *testing.T) {
	loc := zone(t, "Asia/Kolkata")
	week := calendar.Weekdays(loc)
	friday := calendar.Date{Year: 2026, Month: 11, Day: 27}
	session, err := week.Session(friday)
	require.NoError(t, err)
	spans, err := CompileBy(asking{}, session, week)
	require.NoError(t, err)
	require.Len(t, spans, 1)
	assert.Equal(t, "2026-11-27", spans[0].SlotAt(0, friday, loc))

	session, err = week.Session(friday.AddDays(-1))
	require.NoError(t, err)
	spans, err = CompileBy(asking{}, session, week)
	assert.NoError(t, err)
	assert.Empty(t, spans, "what follows Thursday is a session")

	_, err = Compile(asking{userRule: userRule{err: errors.New("it needs a calendar")}}, session, loc)
	assert.ErrorContains(t, err, "it needs a calendar", "where there is none")
	_, err = CompileBy(asking{panics: true}, session, week)
	assert.ErrorContains(t, err, "the rule of type rule.asking panicked for session 2026-11-26: no idea")

	for _, test := range []struct {
		rule        Rule
		back, ahead int
	}{
		{asking{back: -3, ahead: 10}, -3, 10},
		{asking{back: 1, ahead: -1}, 0, 0},
		{asking{back: -1000, ahead: 1000}, 0, 0},
		{asking{panics: true}, 0, 0},
		{userRule{}, 0, 0},
	} {
		first, last := DatesBy(test.rule, friday)
		assert.Equal(t, []calendar.Date{friday.AddDays(test.back), friday.AddDays(test.ahead)}, []calendar.Date{first, last})
	}
}
