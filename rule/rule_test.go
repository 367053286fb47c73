package rule

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tradeclock/tradeclock/calendar"
)

// nse is a session of the day on which the tests of anchors look.
func nse(t *testing.T, hours ...calendar.Hours) (calendar.Session, *time.Location) {
	t.Helper()
	loc := zone(t, "Asia/Kolkata")
	s, err := calendar.Weekdays(loc, hours...).Session(calendar.Date{Year: 2026, Month: 11, Day: 23})
	require.NoError(t, err)
	return s, loc
}

var nseHours = []calendar.Hours{
	{Phase: calendar.PhasePreOpen, Start: calendar.Wall(9, 0), End: calendar.Wall(9, 15)},
	{Phase: calendar.PhaseRegular, Start: calendar.Wall(9, 15), End: calendar.Wall(15, 30)},
	{Phase: calendar.PhasePostClose, Start: calendar.Wall(15, 40), End: calendar.Wall(16, 0)},
}

// dueTimes are what a rule yields on a session, as the clocks of loc show it.
func dueTimes(t *testing.T, rule string, s calendar.Session, loc *time.Location) []string {
	t.Helper()
	list, err := MustParse(rule).Occurrences(s, loc)
	require.NoError(t, err)
	var times []string
	for _, o := range list {
		times = append(times, o.Due.In(loc).Format("2006-01-02 15:04:05"))
	}
	return times
}

func TestOccurrencesAtOneMoment(t *testing.T) {
	s, loc := nse(t, nseHours...)
	tests := map[string]string{
		"daily 09:01":                  "2026-11-23 09:01:00",
		"daily 02:00+1d":               "2026-11-24 02:00:00",
		"daily 18:00":                  "2026-11-23 18:00:00", // not clipped by the hours
		"daily open":                   "2026-11-23 09:15:00",
		"daily close":                  "2026-11-23 15:30:00",
		"daily open-15m":               "2026-11-23 09:00:00",
		"daily close+30m":              "2026-11-23 16:00:00",
		"daily close-6h15m":            "2026-11-23 09:15:00",
		"daily open+6h15m":             "2026-11-23 15:30:00",
		"daily regular.end-15m":        "2026-11-23 15:15:00",
		"daily pre_open+5m":            "2026-11-23 09:05:00",
		"daily pre_open.end-10m":       "2026-11-23 09:05:00", // the anchor is at the open, not after it
		"daily post_close+1h":          "2026-11-23 16:40:00",
		"daily post_close.end":         "2026-11-23 16:00:00",
		"once 2026-11-23 close-15m":    "2026-11-23 15:15:00",
		"once 2026-11-23 09:15:30":     "2026-11-23 09:15:30",
		"hourly 15:30-16:00":           "2026-11-23 15:30:00",
		"every 20m close-10m-close+5m": "2026-11-23 15:20:00",
	}
	for rule, want := range tests {
		assert.Equal(t, []string{want}, dueTimes(t, rule, s, loc), rule)
	}
	list, err := MustParse("daily 02:00+1d").Occurrences(s, loc)
	require.NoError(t, err)
	assert.Equal(t, "2026-11-23", list[0].Slot, "the slot is the session's, on the day after too")
	assert.Equal(t, time.UTC, list[0].Due.Location())
	assert.Empty(t, dueTimes(t, "once 2026-11-24 09:15", s, loc))
}

func TestOccurrencesOfTheMonitors(t *testing.T) {
	s, loc := nse(t, nseHours...)

	sell, err := MustParse("every 1m 09:15-15:30").Occurrences(s, loc)
	require.NoError(t, err)
	require.Len(t, sell, 375)
	assert.Equal(t, "2026-11-23T09:15:00+05:30", sell[0].Slot)
	assert.Equal(t, "2026-11-23T15:29:00+05:30", sell[374].Slot)
	for i := 1; i < len(sell); i++ {
		require.Equal(t, time.Minute, sell[i].Due.Sub(sell[i-1].Due))
	}

	positions, err := MustParse("hourly 09:30-15:30").Occurrences(s, loc)
	require.NoError(t, err)
	require.Len(t, positions, 7)
	assert.Equal(t, "2026-11-23T09+05:30", positions[0].Slot)
	assert.Equal(t, "2026-11-23T15+05:30", positions[6].Slot)
	assert.Equal(t, At(15, 30).Wall.On(s.Date, loc), positions[6].Due)

	utc, err := MustParse("every 1m 09:15-09:16").Occurrences(s, time.UTC)
	require.NoError(t, err)
	assert.Equal(t, "2026-11-23T09:15:00+00:00", utc[0].Slot, "an offset, and no Z")
}

func TestOccurrencesSkipBreaks(t *testing.T) {
	loc := zone(t, "Asia/Tokyo")
	tokyo, err := calendar.Weekdays(loc,
		calendar.Hours{Phase: calendar.PhasePreOpen, Start: calendar.Wall(8, 0), End: calendar.Wall(9, 0)},
		calendar.Hours{Phase: calendar.PhaseRegular, Start: calendar.Wall(9, 0), End: calendar.Wall(11, 30)},
		calendar.Hours{Phase: calendar.PhasePreOpen, Start: calendar.Wall(12, 5), End: calendar.Wall(12, 30)},
		calendar.Hours{Phase: calendar.PhaseRegular, Start: calendar.Wall(12, 30), End: calendar.Wall(15, 30)},
	).Session(calendar.Date{Year: 2026, Month: 11, Day: 23})
	require.NoError(t, err)
	tests := []struct {
		name string
		rule string
		want []string
	}{
		{"the grid begins anew after lunch", "every 2h open-close", []string{"09:00", "11:00", "12:30", "14:30"}},
		{"offsets at both ends", "every 1h open+30m-close-1h", []string{"09:30", "10:30", "12:30", "13:30"}},
		{"a start in the break", "every 1h open+3h-close", []string{"12:30", "13:30", "14:30"}},
		{"an end in the break", "every 1h open-close-3h30m", []string{"09:00", "10:00", "11:00"}},
		{"the breaks of the phase that both name", "every 30m pre_open-pre_open.end", []string{"08:00", "08:30", "12:05"}},
		{"the regular breaks, if they name two", "every 1h pre_open-close", []string{"08:00", "09:00", "10:00", "11:00", "12:30", "13:30", "14:30"}},
		{"a start before the session", "every 1h open-1h-open+1h", []string{"08:00", "09:00"}},
		{"an end after the session", "every 1h close-1h-close+1h", []string{"14:30", "15:30"}},
		{"wall times know no breaks", "every 1h 11:00-14:00", []string{"11:00", "12:00", "13:00"}},
		{"nor does one wall time", "every 1h 11:00-close-2h", []string{"11:00", "12:00", "13:00"}},
		{"nor does an hourly rule", "hourly open+2h-close-2h", []string{"11:00", "12:00", "13:00"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var want []string
			for _, clock := range test.want {
				want = append(want, "2026-11-23 "+clock+":00")
			}
			assert.Equal(t, want, dueTimes(t, test.rule, tokyo, loc))
		})
	}
}

func TestWindowsThatMeetBeginAnew(t *testing.T) {
	s, loc := nse(t, calendar.Hours{Phase: calendar.PhaseRegular, Start: calendar.Wall(9, 0), End: calendar.Wall(10, 10)}, calendar.Hours{Phase: calendar.PhaseRegular, Start: calendar.Wall(10, 10), End: calendar.Wall(11, 0)})
	assert.Equal(t, []string{"2026-11-23 09:00:00", "2026-11-23 09:30:00", "2026-11-23 10:00:00", "2026-11-23 10:10:00", "2026-11-23 10:40:00"},
		dueTimes(t, "every 30m open-close", s, loc))
}

// split is a Saturday with two windows of the pre-open and of the regular phase.
func split(t *testing.T) (calendar.Session, *time.Location) {
	t.Helper()
	loc := zone(t, "Asia/Kolkata")
	day := calendar.TableDay{Date: calendar.Date{Year: 2024, Month: 3, Day: 2}, Kind: calendar.Special, Hours: []calendar.Hours{
		{Phase: calendar.PhasePreOpen, Start: calendar.Wall(9, 0), End: calendar.Wall(9, 8)},
		{Phase: calendar.PhaseRegular, Start: calendar.Wall(9, 15), End: calendar.Wall(10, 0)},
		{Phase: calendar.PhasePreOpen, Start: calendar.Wall(11, 15), End: calendar.Wall(11, 23)},
		{Phase: calendar.PhaseRegular, Start: calendar.Wall(11, 30), End: calendar.Wall(12, 30)},
	}}
	s, err := day.Session(loc)
	require.NoError(t, err)
	return s, loc
}

func TestOccurrencesInWindows(t *testing.T) {
	s, loc := split(t)
	tests := []struct {
		rule string
		want []string // times and slots
	}{
		{"daily open", []string{"09:15:00 2024-03-02"}},
		{"daily close", []string{"12:30:00 2024-03-02"}},
		{"daily last open+5m", []string{"11:35:00 2024-03-02"}},
		{"daily first close", []string{"10:00:00 2024-03-02"}},
		{"daily last pre_open", []string{"11:15:00 2024-03-02"}},
		{"daily first pre_open.end-1m", []string{"09:07:00 2024-03-02"}},
		{"daily last open-2h", []string{"09:30:00 2024-03-02"}},
		{"once 2024-03-02 last open", []string{"11:30:00 2024-03-02"}},
		{"daily each open", []string{"09:15:00 2024-03-02#1", "11:30:00 2024-03-02#2"}},
		{"daily each close-1m", []string{"09:59:00 2024-03-02#1", "12:29:00 2024-03-02#2"}},
		{"daily each pre_open.end+7m", []string{"09:15:00 2024-03-02#1", "11:30:00 2024-03-02#2"}},
		{"daily each open on sat", []string{"09:15:00 2024-03-02#1", "11:30:00 2024-03-02#2"}},
		{"every 40m open-last open", []string{"09:15:00 2024-03-02T09:15:00+05:30", "09:55:00 2024-03-02T09:55:00+05:30"}},
		{"hourly first close-last open", []string{"10:00:00 2024-03-02T10+05:30", "11:00:00 2024-03-02T11+05:30"}},
	}
	for _, test := range tests {
		t.Run(test.rule, func(t *testing.T) {
			list, err := MustParse(test.rule).Occurrences(s, loc)
			require.NoError(t, err)
			var got []string
			for _, o := range list {
				got = append(got, o.Due.In(loc).Format(time.TimeOnly)+" "+o.Slot)
			}
			assert.Equal(t, test.want, got)
		})
	}
	whole, loc := nse(t, nseHours...)
	list, err := MustParse("daily each open").Occurrences(whole, loc)
	require.NoError(t, err)
	assert.Equal(t, []Occurrence{{calendar.Wall(9, 15).On(whole.Date, loc), "2026-11-23#1"}}, list, "a single window has its number too")
}

// A window that the rule cannot have on a session does not take the others with
// it.
func TestWindowsThatAreSkipped(t *testing.T) {
	s, loc := split(t)
	tests := []struct {
		rule string
		want []string // in the order of their due times
	}{
		{"daily each open+2h", []string{
			"2024-03-02 11:15 2024-03-02#1",
			"2024-03-03 00:00 2024-03-02#2 window 2: each open+2h is after the close of session 2024-03-02",
		}},
		{"daily each close-1h", []string{
			"2024-03-02 11:30 2024-03-02#2",
			"2024-03-03 00:00 2024-03-02#1 window 1: each close-1h is before the open of session 2024-03-02",
		}},
		{"daily each open+4h", []string{
			"2024-03-03 00:00 2024-03-02#1 window 1: each open+4h is after the close of session 2024-03-02",
			"2024-03-03 00:00 2024-03-02#2 window 2: each open+4h is after the close of session 2024-03-02",
		}},
	}
	for _, test := range tests {
		t.Run(test.rule, func(t *testing.T) {
			spans, err := Compile(MustParse(test.rule), s, loc)
			require.NoError(t, err)
			var got []string
			for _, sp := range spans {
				require.Equal(t, 1, sp.N)
				text := sp.Due(0).In(loc).Format("2006-01-02 15:04") + " " + sp.SlotAt(0, s.Date, loc)
				if sp.Skip != "" {
					text += " " + sp.Skip
				}
				got = append(got, text)
			}
			assert.Equal(t, test.want, got)
			_, err = MustParse(test.rule).Occurrences(s, loc)
			assert.ErrorContains(t, err, "of session 2024-03-02", "an Occurrence cannot say that it is skipped")
		})
	}
	for rule, want := range map[string]string{
		"daily each closing_auction": "session 2024-03-02 has no closing_auction",
		"daily first close-1h":       "first close-1h is before the open of session 2024-03-02",
		"daily last open+2h":         "last open+2h is after the close of session 2024-03-02",
	} {
		_, err := MustParse(rule).Occurrences(s, loc)
		assert.EqualError(t, err, want)
	}
	_, err := MustParse("daily each open").Occurrences(calendar.Session{Date: s.Date, Kind: calendar.Special, HoursUnknown: true}, loc)
	assert.EqualError(t, err, "the hours of session 2024-03-02 are not known")
}

func TestOccurrencesThatCannotBeTold(t *testing.T) {
	muhurat, loc := nse(t, calendar.Hours{Phase: calendar.PhaseRegular, Start: calendar.Wall(18, 0), End: calendar.Wall(19, 0)})
	lunch, _ := nse(t, calendar.Hours{Phase: calendar.PhaseRegular, Start: calendar.Wall(9, 0), End: calendar.Wall(9, 10)}, calendar.Hours{Phase: calendar.PhaseRegular, Start: calendar.Wall(11, 0), End: calendar.Wall(11, 10)})
	unknown := calendar.Session{Date: calendar.Date{Year: 2026, Month: 11, Day: 8}, Kind: calendar.Special, HoursUnknown: true}
	daysOnly := calendar.Session{Date: calendar.Date{Year: 2026, Month: 11, Day: 8}, Kind: calendar.Regular}
	tests := []struct {
		rule string
		s    calendar.Session
		want string
	}{
		{"daily close-90m", muhurat, "close-1h30m is before the open of session 2026-11-23"},
		{"daily open+61m", muhurat, "open+1h1m is after the close of session 2026-11-23"},
		{"every 1m open+15m-close-90m", muhurat, "close-1h30m is before the open of session 2026-11-23"},
		{"daily closing_auction.end", muhurat, "session 2026-11-23 has no closing_auction"},
		{"once 2026-11-23 pre_open", muhurat, "session 2026-11-23 has no pre_open"},
		{"every 1m open+30m-close-45m", muhurat, "end close-45m (2026-11-23 18:15:00) is not after start open+30m (2026-11-23 18:30:00) in session 2026-11-23"},
		{"hourly open+30m-close-45m", muhurat, "end close-45m (2026-11-23 18:15:00) is before start open+30m (2026-11-23 18:30:00) in session 2026-11-23"},
		{"every 1m 09:15-open-9h", muhurat, "is not after start 09:15"},
		{"every 1m open-24h-close+1h", muhurat, "is longer than a day"},
		{"daily open", unknown, "the hours of session 2026-11-08 are not known"},
		{"every 1m open-15:30", unknown, "the hours of session 2026-11-08 are not known"},
		{"hourly 09:15-close", unknown, "the hours of session 2026-11-08 are not known"},
		{"daily open", daysOnly, "session 2026-11-08 has no open"},
		{"every 1m open+10m-close-80m", lunch, "the window open+10m-close-1h20m lies in a break of session 2026-11-23"},
		{"after premarket_retry 5m", muhurat, "they are those of the schedule of premarket_retry"},
	}
	for _, test := range tests {
		t.Run(test.rule+" "+test.s.Kind.String(), func(t *testing.T) {
			list, err := MustParse(test.rule).Occurrences(test.s, loc)
			assert.ErrorContains(t, err, test.want)
			assert.Empty(t, list)
		})
	}
	assert.Equal(t, []string{"2026-11-08 09:01:00"}, dueTimes(t, "daily 09:01", unknown, loc), "wall times need no hours")
	assert.Equal(t, []string{"2026-11-23 17:45:00"}, dueTimes(t, "daily open-15m", muhurat, loc), "nothing is crossed")
	early, _ := nse(t, calendar.Hours{Phase: calendar.PhasePreOpen, Start: calendar.Wall(9, 0), End: calendar.Wall(9, 15)})
	assert.Equal(t, []string{"2026-11-23 10:00:00"}, dueTimes(t, "daily pre_open+1h", early, loc), "there is no close to cross")
	assert.Equal(t, []string{"2026-11-23 19:30:00"}, dueTimes(t, "daily close+30m", muhurat, loc))
}

// On the days on which the clocks change, a daily task is due once, and the
// others count absolute time between their ends.
func TestOccurrencesOnChangeOverDays(t *testing.T) {
	tests := []struct {
		name string
		zone string
		date calendar.Date
		rule string
		want []string
	}{
		{"daily in the gap", "America/New_York", calendar.Date{Year: 2026, Month: 3, Day: 8}, "daily 02:30", []string{"03:00-04:00"}},
		{"daily in what is twice", "America/New_York", calendar.Date{Year: 2026, Month: 11, Day: 1}, "daily 01:30", []string{"01:30-04:00"}},
		{"hourly over the gap", "America/New_York", calendar.Date{Year: 2026, Month: 3, Day: 8}, "hourly 00:30-04:30", []string{"00:30-05:00", "01:30-05:00", "03:30-04:00", "04:30-04:00"}},
		{"hourly over what is twice", "America/New_York", calendar.Date{Year: 2026, Month: 11, Day: 1}, "hourly 00:30-02:30", []string{"00:30-04:00", "01:30-04:00", "01:30-05:00", "02:30-05:00"}},
		{"every over what is twice", "Europe/London", calendar.Date{Year: 2026, Month: 10, Day: 25}, "every 30m 01:00-02:00", []string{"01:00+01:00", "01:30+01:00", "01:00+00:00", "01:30+00:00"}},
		{"every over the gap", "Europe/London", calendar.Date{Year: 2026, Month: 3, Day: 29}, "every 30m 00:30-02:30", []string{"00:30+00:00", "02:00+01:00"}},
		{"half an hour twice", "Australia/Lord_Howe", calendar.Date{Year: 2026, Month: 4, Day: 5}, "hourly 00:45-02:45", []string{"00:45+11:00", "01:45+11:00", "02:15+10:30"}},
		{"half an hour's gap", "Australia/Lord_Howe", calendar.Date{Year: 2026, Month: 10, Day: 4}, "hourly 01:15-03:45", []string{"01:15+10:30", "02:45+11:00", "03:45+11:00"}},
		{"no change in Kolkata", "Asia/Kolkata", calendar.Date{Year: 2026, Month: 3, Day: 29}, "hourly 01:00-03:00", []string{"01:00+05:30", "02:00+05:30", "03:00+05:30"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			loc := zone(t, test.zone)
			list, err := MustParse(test.rule).Occurrences(calendar.Session{Date: test.date, Kind: calendar.Regular}, loc)
			require.NoError(t, err)
			var got []string
			for _, o := range list {
				got = append(got, o.Due.In(loc).Format("15:04-07:00"))
			}
			assert.Equal(t, test.want, got)
		})
	}

	loc := zone(t, "America/New_York")
	_, err := MustParse("every 1m 02:00-02:30").Occurrences(calendar.Session{Date: calendar.Date{Year: 2026, Month: 3, Day: 8}, Kind: calendar.Regular}, loc)
	assert.ErrorContains(t, err, "is not after start 02:00", "a window that lies in a gap")
	_, err = MustParse("every 1m 09:15-15:30").Occurrences(calendar.Session{Date: calendar.Date{Year: 2011, Month: 12, Day: 30}, Kind: calendar.Regular}, zone(t, "Pacific/Apia"))
	assert.ErrorContains(t, err, "is not after start 09:15", "a date that was left out")
}

// TestRule03_WindowsOnDatesThatBeginWithAChange is about clocks that skip from
// midnight to one, and about a whole date that was skipped.
func TestRule03_WindowsOnDatesThatBeginWithAChange(t *testing.T) {
	tests := []struct {
		name, rule, zone, date string
		count                  int
		first, last            string
	}{
		{"a window that begins when the gap ends", "hourly 01:00-24:00", "Africa/Cairo", "2026-04-24", 24, "24 01:00", "25 00:00"},
		{"a whole day without its first hour", "hourly 00:00-24:00", "Africa/Cairo", "2026-04-24", 23, "24 01:00", "24 23:00"},
		{"the whole day before a date that was skipped", "hourly 00:00-24:00", "Pacific/Apia", "2011-12-29", 24, "29 00:00", "29 23:00"},
		{"the whole day after it", "every 1h 00:00-24:00", "Pacific/Apia", "2011-12-31", 24, "31 00:00", "31 23:00"},
		{"the skipped date itself", "hourly 00:00-24:00", "Pacific/Apia", "2011-12-30", 0, "", ""},
		{"a window that ends at the midnight that is skipped", "hourly 01:00-24:00", "Africa/Cairo", "2026-04-23", 23, "23 01:00", "23 23:00"},
		{"a window whose end is skipped up to midnight", "hourly 00:30-23:30", "Asia/Pyongyang", "2018-05-04", 23, "04 00:30", "04 22:30"},
		{"a daily task of the skipped date", "daily 09:00", "Pacific/Apia", "2011-12-30", 1, "31 00:00", "31 00:00"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			loc := zone(t, test.zone)
			date, err := calendar.ParseDate(test.date)
			require.NoError(t, err)
			session := calendar.Session{Date: date, Kind: calendar.Regular}
			found, err := MustParse(test.rule).Occurrences(session, loc)
			require.NoError(t, err)
			require.Len(t, found, test.count)
			if test.count > 0 {
				assert.Equal(t, test.first, found[0].Due.In(loc).Format("02 15:04"))
				assert.Equal(t, test.last, found[len(found)-1].Due.In(loc).Format("02 15:04"))
			}
		})
	}
}

// Through a year with both change-overs, instants grow, and no slot and no
// instant comes twice, with windows that fill the whole day too.
func TestSlotsAreUniqueThroughTheYear(t *testing.T) {
	rules := []string{
		"daily 02:30", "hourly 00:00-24:00", "hourly 00:30-23:30", "hourly open-close", "hourly 17:00-24:00",
		"every 30m 00:00-24:00", "every 45m 01:00-03:10", "every 30m open-close", "every 1h 22:00+1d-24:00+1d",
	}
	zones := []string{"America/New_York", "Europe/London", "Australia/Lord_Howe", "Asia/Kolkata", "Asia/Beirut", "America/Asuncion", "America/Havana"}
	for _, name := range zones {
		loc := zone(t, name)
		open := calendar.AlwaysOpen(loc)
		for _, text := range rules {
			t.Run(name+" "+text, func(t *testing.T) {
				rule := MustParse(text)
				slots := make(map[string]bool)
				var last time.Time
				for d := (calendar.Date{Year: 2022, Month: 1, Day: 1}); d.Year == 2022; d = d.AddDays(1) {
					s, err := open.Session(d)
					require.NoError(t, err)
					list, err := rule.Occurrences(s, loc)
					require.NoError(t, err)
					require.NotEmpty(t, list)
					for _, o := range list {
						require.False(t, slots[o.Slot], "slot %s comes twice", o.Slot)
						require.True(t, o.Due.After(last), "%s is not after %s", o.Due, last)
						slots[o.Slot], last = true, o.Due
					}
				}
			})
		}
	}
}

// The end of a whole day is the beginning of the next, and its occurrence.
func TestHourlyThroughTheDay(t *testing.T) {
	loc := zone(t, "America/New_York")
	tests := map[string]int{"2026-06-01": 24, "2026-03-08": 23, "2026-11-01": 25}
	for text, want := range tests {
		d, err := calendar.ParseDate(text)
		require.NoError(t, err)
		s, err := calendar.AlwaysOpen(loc).Session(d)
		require.NoError(t, err)
		assert.Len(t, dueTimes(t, "hourly open-close", s, loc), want, text)
	}
}

// overnight is a session from 17:00 on the day before to 17:00, as currencies
// have.
func TestSessionsThatBeginTheEveningBefore(t *testing.T) {
	loc := zone(t, "America/New_York")
	session := func(d calendar.Date) calendar.Session {
		return calendar.Session{Date: d, Kind: calendar.Regular, Phases: []calendar.Phase{{Name: calendar.PhaseRegular, Start: calendar.Wall(17, 0).On(d.AddDays(-1), loc), End: calendar.Wall(17, 0).On(d, loc)}}}
	}
	first := dueTimes(t, "hourly open-close", session(calendar.Date{Year: 2026, Month: 6, Day: 2}), loc)
	second := dueTimes(t, "hourly open-close", session(calendar.Date{Year: 2026, Month: 6, Day: 3}), loc)
	assert.Len(t, first, 24)
	assert.Equal(t, "2026-06-01 17:00:00", first[0])
	assert.NotContains(t, first, second[0])
}

func TestRuleFacts(t *testing.T) {
	tests := []struct {
		rule        Rule
		kind        string
		back, ahead int
		moments     int
	}{
		{MustParse("daily 09:15"), "daily", 0, 1, 1},
		{MustParse("daily 02:00+3d"), "daily", 0, 4, 1},
		{MustParse("daily close-15m"), "daily", 2, 2, 1},
		{MustParse("daily each close-15m"), "daily each", 2, 2, 1},
		{MustParse("hourly 09:30-15:30"), "hourly", 0, 1, 2},
		{MustParse("every 1m 09:15-24:00"), "every", 0, 2, 2},
		{MustParse("every 1m open-15:30"), "every", 2, 2, 2},
		{MustParse("once 2026-11-23 09:15"), "once", 0, 1, 1},
		{MustParse("after x 0s"), "after", 0, 0, 0},
		{MustParse("after x 25h"), "after", 0, 2, 0},
		{userRule{}, "rule.userRule", 1, 8, 0},
	}
	for _, test := range tests {
		back, ahead := Reach(test.rule)
		assert.Equal(t, []int{test.back, test.ahead}, []int{back, ahead}, "reach of %s", test.rule)
		assert.Equal(t, test.kind, KindOf(test.rule))
		assert.Len(t, Moments(test.rule), test.moments, "moments of %s", test.rule)
	}
}

func TestOnceIsPast(t *testing.T) {
	loc := zone(t, "Asia/Kolkata")
	tests := map[string]string{
		"once 2026-11-23 09:15":     "2026-11-23T09:15:00+05:30",
		"once 2026-11-23 02:00+1d":  "2026-11-24T02:00:00+05:30",
		"once 2026-11-23 close-15m": "2026-11-24T00:00:00+05:30",
		"once 2026-11-23 close+9h":  "2026-11-24T09:00:00+05:30",
	}
	for text, over := range tests {
		at, err := time.Parse(time.RFC3339, over)
		require.NoError(t, err)
		rule := MustParse(text).(once)
		assert.False(t, rule.past(at, loc), text)
		assert.True(t, rule.past(at.Add(time.Second), loc), text)
	}
}
