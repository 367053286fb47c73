package rule_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tradeclock/tradeclock"
	"github.com/tradeclock/tradeclock/calendar"
	"github.com/tradeclock/tradeclock/exchange"
	"github.com/tradeclock/tradeclock/rule"
	"github.com/tradeclock/tradeclock/view"
)

// The years of the table, which XNYS covers.
var (
	tableFirst = calendar.Date{Year: 2024, Month: time.January, Day: 1}
	tableLast  = calendar.Date{Year: 2027, Month: time.December, Day: 31}
)

// tableDay is a date of the table with what the calendar says of it.
type tableDay struct {
	calendar.Date
	open bool
}

// tableDays are all dates of the table. They begin a year before it and end one after, so
// that what rolls and counts has something to look at.
func tableDays(t *testing.T, cal calendar.Calendar) (days []tableDay) {
	t.Helper()
	for d := tableFirst.AddDays(-365); !d.After(tableLast.AddDays(366)); d = d.AddDays(1) {
		s, err := cal.Session(d)
		require.NoError(t, err)
		days = append(days, tableDay{d, s.Open()})
	}
	return days
}

// on keeps the dates on which there is a session and that are chosen.
func on(days []tableDay, chosen func(calendar.Date) bool) (dates []calendar.Date) {
	for _, d := range days {
		if d.open && chosen(d.Date) {
			dates = append(dates, d.Date)
		}
	}
	return dates
}

// before keeps the chosen dates, each as the last session on it or before.
func before(days []tableDay, chosen func(calendar.Date) bool) (dates []calendar.Date) {
	var open calendar.Date
	for _, d := range days {
		if d.open {
			open = d.Date
		}
		if chosen(d.Date) {
			dates = append(dates, open)
		}
	}
	return slices.Compact(dates)
}

// after keeps the chosen dates, each as the first session on it or after.
func after(days []tableDay, chosen func(calendar.Date) bool) (dates []calendar.Date) {
	waits := false
	for _, d := range days {
		waits = waits || chosen(d.Date)
		if d.open && waits {
			dates, waits = append(dates, d.Date), false
		}
	}
	return dates
}

// ofMonths keeps one session of each month, counted from the front or, below zero, from
// the back.
func ofMonths(days []tableDay, n int, months ...time.Month) (dates []calendar.Date) {
	byMonth := make(map[string][]calendar.Date)
	for _, d := range on(days, func(calendar.Date) bool { return true }) {
		key := d.String()[:7]
		byMonth[key] = append(byMonth[key], d)
	}
	for _, sessions := range byMonth {
		at := n - 1
		if n < 0 {
			at = len(sessions) + n
		}
		if at >= 0 && at < len(sessions) && (len(months) == 0 || slices.Contains(months, sessions[at].Month)) {
			dates = append(dates, sessions[at])
		}
	}
	slices.SortFunc(dates, calendar.Date.Compare)
	return dates
}

// TestRulesOverFourYears tries each form of date on the New York Stock Exchange from 2024
// to 2027. What is wanted is listed from the calendar's dates in another way than rules
// find theirs, and some dates were looked up in calendars on paper.
func TestRulesOverFourYears(t *testing.T) {
	nyse := exchange.MustGet("XNYS")
	days := tableDays(t, nyse)
	weekday := func(day time.Weekday, first, last int) func(calendar.Date) bool {
		return func(d calendar.Date) bool { return d.Weekday() == day && d.Day >= first && d.Day <= last }
	}
	in := func(of func(calendar.Date) bool, months ...time.Month) func(calendar.Date) bool {
		return func(d calendar.Date) bool { return of(d) && slices.Contains(months, d.Month) }
	}
	theDay := func(n int) func(calendar.Date) bool { return func(d calendar.Date) bool { return d.Day == n } }
	lastDay := func(d calendar.Date) bool { return d.AddDays(1).Day == 1 }
	lastThursday := func(d calendar.Date) bool { return d.Weekday() == time.Thursday && d.AddDays(7).Month != d.Month }
	fortnight := func(d calendar.Date) bool {
		return d.Weekday() == time.Friday && int(d.UTC().Sub(tableFirst.UTC()).Hours()/24)%14 == 4 && !d.Before(tableFirst)
	}
	tests := []struct {
		text string
		want []calendar.Date
		// paper are dates that are due, and not those that are not.
		paper, not string
	}{
		{"on mon,wed", on(days, func(d calendar.Date) bool { return d.Weekday() == time.Monday || d.Weekday() == time.Wednesday }),
			"2024-01-03 2027-12-29", "2024-01-15 2024-12-25"},
		{"in jan,apr,jul,oct", on(days, func(d calendar.Date) bool { return d.Month%3 == 1 }), "2024-01-02 2027-10-29", "2024-07-04 2025-02-03"},
		{"on last session of month", ofMonths(days, -1), "2024-03-28 2024-11-29 2026-10-30", "2024-03-29"},
		{"on first session of month in jan,apr,jul,oct", ofMonths(days, 1, 1, 4, 7, 10), "2024-01-02 2026-01-02 2027-01-04 2027-07-01", "2024-02-01"},
		{"on 3rd fri of month", on(days, weekday(time.Friday, 15, 21)), "2024-01-19 2025-05-16", "2025-04-18 2026-06-19 2027-06-18"},
		{"on 3rd fri of month or session before", before(days, weekday(time.Friday, 15, 21)), "2024-01-19 2025-04-17 2026-06-18 2027-06-17", "2025-04-18"},
		{"on 3rd fri of month in mar,jun,sep,dec or session before", before(days, in(weekday(time.Friday, 15, 21), 3, 6, 9, 12)),
			"2024-03-15 2026-06-18 2027-12-17", "2025-04-17"},
		{"on last thu of month or session before", before(days, lastThursday), "2024-10-31 2024-11-27 2025-11-26 2025-12-24 2026-12-31", "2025-12-26"},
		{"on 5th mon of month", on(days, weekday(time.Monday, 29, 31)), "2024-01-29 2024-04-29 2025-12-29", "2027-05-31"},
		{"on 15th day of month", on(days, theDay(15)), "2024-02-15", "2024-01-15 2024-06-15"},
		{"on 15th day of month or session after", after(days, theDay(15)), "2024-01-16 2024-06-17 2025-02-18 2027-02-16", "2024-01-17"},
		{"on last day of month or session before", before(days, lastDay), "2024-02-29 2024-03-28 2024-08-30 2027-10-29", "2024-04-01"},
		{"on last day of quarter", on(days, in(lastDay, 3, 6, 9, 12)), "2024-12-31 2025-03-31", "2024-03-31"},
		{"on first day of month in jan or session after", after(days, in(theDay(1), 1)), "2024-01-02 2025-01-02 2026-01-02 2027-01-04", "2024-02-01"},
		{"on fri or session before", before(days, weekday(time.Friday, 1, 31)), "2024-03-28 2025-07-03 2026-04-02", "2025-07-04"},
		{"on fri on every other week from 2024-01-01", on(days, fortnight), "2024-01-05 2024-01-19 2027-12-31", "2024-01-12 2024-03-29"},
		{"on fri on every other week from 2024-01-01 or session before", before(days, fortnight), "2024-01-05 2024-03-28", "2024-01-12"},
		{"on mon on first session of month", slices.DeleteFunc(ofMonths(days, 1), func(d calendar.Date) bool { return d.Weekday() != time.Monday }),
			"2024-04-01 2024-07-01", "2024-01-08"},
		{"on every other session from 2024-01-01", slices.Collect(alternate(on(days, func(d calendar.Date) bool { return !d.Before(tableFirst) }), 2)),
			"2024-01-02 2024-01-04 2024-01-08", "2024-01-03"},
		{"on every 3rd session from 2024-01-06", slices.Collect(alternate(on(days, func(d calendar.Date) bool { return d.Compare(tableFirst.AddDays(5)) >= 0 }), 3)),
			"2024-01-08 2024-01-11 2024-01-17", "2024-01-12"},
	}
	for _, test := range tests {
		t.Run(test.text, func(t *testing.T) {
			got := dueDates(t, tradeclock.Schedule{Task: "roll", Rule: rule.MustParse("daily 09:00 " + test.text)}, nyse)
			want := slices.DeleteFunc(test.want, func(d calendar.Date) bool { return d.Before(tableFirst) || d.After(tableLast) })
			assert.Equal(t, want, got)
			for _, date := range strings.Fields(test.paper) {
				assert.Contains(t, got, dateOf(t, date))
			}
			for _, date := range strings.Fields(test.not) {
				assert.NotContains(t, got, dateOf(t, date))
			}
		})
	}

	t.Run("each first of a month, session or not", func(t *testing.T) {
		row := tradeclock.Schedule{Task: "statement", Sessions: calendar.EveryDay, Rule: rule.MustParse("daily 06:00 on first day of month")}
		got := dueDates(t, row, nyse)
		var want []calendar.Date
		for _, d := range days {
			if d.Day == 1 && d.Year >= 2024 && d.Year <= 2027 {
				want = append(want, d.Date)
			}
		}
		assert.Equal(t, want, got)
		assert.Len(t, got, 48)
	})
}

// alternate leaves each n-th, beginning with the first.
func alternate(dates []calendar.Date, n int) func(yield func(calendar.Date) bool) {
	return func(yield func(calendar.Date) bool) {
		for i, d := range dates {
			if i%n == 0 && !yield(d) {
				return
			}
		}
	}
}

func dateOf(t *testing.T, text string) calendar.Date {
	t.Helper()
	d, err := calendar.ParseDate(text)
	require.NoError(t, err)
	return d
}

// dueDates lists the dates of the table on which a schedule is due.
func dueDates(t *testing.T, row tradeclock.Schedule, cal calendar.Calendar) (dates []calendar.Date) {
	t.Helper()
	timetable, err := view.NewTimetable(row, cal)
	require.NoError(t, err)
	end := calendar.EndOfDay.On(tableLast, cal.Location())
	for at := calendar.Wall(0, 0).On(tableFirst, cal.Location()).Add(-time.Second); ; {
		at, err = timetable.Next(at)
		require.NoError(t, err)
		if at.After(end) {
			return dates
		}
		dates = append(dates, calendar.DateOf(at.In(cal.Location())))
	}
}

// TestTimesOverFourYears tries the rules of several times, and of windows of which some are
// left out, on each session of four years, short ones too, against times that are counted
// minute by minute.
func TestTimesOverFourYears(t *testing.T) {
	nyse := exchange.MustGet("XNYS")
	wall := func(at time.Time) string { return at.In(nyse.Location()).Format("15:04") }
	type hours struct{ open, end string }
	tests := []struct {
		text string
		due  func(at string, h hours) bool
		// full and half are how many a full and a half day have.
		full, half int
	}{
		{"daily 10:00,14:00", func(at string, _ hours) bool { return at == "10:00" || at == "14:00" }, 2, 2},
		{"daily 09:45,close-15m", func(at string, h hours) bool { return at == "09:45" || at == quarterBefore(h.end) }, 2, 2},
		{"daily 12:45,close-15m", func(at string, h hours) bool { return at == "12:45" || at == quarterBefore(h.end) }, 2, 1},
		{"every 1m open-close except 11:30-12:30", func(at string, h hours) bool {
			return at >= h.open && at < h.end && (at < "11:30" || at >= "12:30")
		}, 330, 150},
		{"every 15m open-close except 12:00-close", func(at string, h hours) bool {
			return at >= h.open && at < "12:00" && strings.Contains("00 15 30 45", at[3:])
		}, 10, 10},
		{"hourly 09:30-15:30 except 11:00-13:00,15:30-15:31", func(at string, _ hours) bool {
			return at[3:] == "30" && at >= "09:30" && at < "15:30" && (at < "11:00" || at >= "13:00")
		}, 4, 4},
	}
	for _, test := range tests {
		t.Run(test.text, func(t *testing.T) {
			timetable, err := view.NewTimetable(tradeclock.Schedule{Task: "watch", Rule: rule.MustParse(test.text)}, nyse)
			require.NoError(t, err)
			sessions, err := nyse.Sessions(tableFirst, tableLast)
			require.NoError(t, err)
			for _, s := range sessions {
				begin, end := calendar.Wall(0, 0).On(s.Date, nyse.Location()), calendar.EndOfDay.On(s.Date, nyse.Location())
				got, err := timetable.Between(begin.Add(-time.Second), end.Add(-time.Second))
				require.NoError(t, err)
				opens, closes, _ := s.Bounds(calendar.PhaseRegular)
				var want []string
				for at := opens; at.Before(closes.Add(3 * time.Hour)); at = at.Add(time.Minute) {
					if test.due(wall(at), hours{wall(opens), wall(closes)}) {
						want = append(want, wall(at))
					}
				}
				var due []string
				for _, o := range got {
					due = append(due, wall(o.Due))
				}
				require.Equal(t, want, due, "%v", s.Date)
				n := test.full
				if s.Kind == calendar.Shortened {
					n = test.half
				}
				require.Len(t, due, n, "%v", s.Date)
			}
		})
	}
}

func quarterBefore(at string) string {
	return map[string]string{"16:00": "15:45", "13:00": "12:45"}[at]
}
