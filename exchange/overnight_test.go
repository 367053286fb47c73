package exchange_test

import (
	"maps"
	"math/rand/v2"
	"slices"
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

// nightMarket is the pattern of a market whose sessions cross midnight, or whose week is
// its own, over 2024 to 2027. Its holidays are made up.
type nightMarket struct {
	zone  string
	weeks map[string]string // by the date from which they hold
	hours []exchange.PhaseHours
}

var always = map[string]string{"2024-01-01": "mon-fri"}

var nightMarkets = map[string]nightMarket{
	"GLBX": {"America/Chicago", always, []exchange.PhaseHours{win("regular", "17:00-1d", "16:00")}},
	"FXFX": {"America/New_York", always, []exchange.PhaseHours{win("regular", "17:00-1d", "17:00")}},
	"NIFX": {"Asia/Kolkata", always, []exchange.PhaseHours{
		win("pre_open", "06:15", "06:25"), win("regular", "06:30", "15:40"), win("pre_open", "16:25", "16:31"), win("regular", "16:35", "02:45+1d"),
	}},
	"MCXX": {"Asia/Kolkata", always, []exchange.PhaseHours{
		win("regular", "09:00", "23:30"), win("morning", "09:00", "17:00"), win("evening", "17:00", "23:30"),
	}},
	"OSEX": {"Asia/Tokyo", always, []exchange.PhaseHours{
		win("regular", "08:45", "15:40"), win("closing_auction", "15:40", "15:45"), win("regular", "17:00", "05:55+1d"),
	}},
	"SHFX": {"Asia/Shanghai", always, []exchange.PhaseHours{
		win("regular", "09:00", "10:15"), win("regular", "10:30", "11:30"), win("regular", "13:30", "15:00"), win("regular", "21:00", "02:30+1d"),
	}},
	"TADX": {"Asia/Riyadh", map[string]string{"2024-01-01": "sun-thu"}, []exchange.PhaseHours{win("regular", "10:00", "15:00")}},
	"TASX": {"Asia/Jerusalem", map[string]string{"2024-01-01": "sun-thu", "2026-01-04": "mon-fri"}, []exchange.PhaseHours{win("regular", "10:00", "17:15")}},
}

// nightHolidays are closed in each of the markets.
var nightHolidays = []string{"2024-12-25", "2025-05-01", "2026-11-10", "2027-06-16"}

func (m nightMarket) build(t testing.TB, mic string) *exchange.Sessions {
	t.Helper()
	market := exchange.Market{MIC: mic, Name: mic, Timezone: m.zone, Version: "1", From: ymd("2024-01-01"), To: ymd("2027-12-31")}
	var eras []exchange.Era
	for _, from := range slices.Sorted(maps.Keys(m.weeks)) {
		era := exchange.Era{From: ymd(from), Hours: m.hours}
		require.NoError(t, era.Week.UnmarshalText([]byte(m.weeks[from])))
		eras = append(eras, era)
	}
	market.Segments = []exchange.Segment{{Calendar: mic, Eras: eras}}
	for _, d := range nightHolidays {
		market.Days = append(market.Days, exchange.Day{Date: ymd(d), Status: exchange.StatusClosed, Name: "Holiday"})
	}
	return build(t, market)[0]
}

func eachNightMarket(t *testing.T, test func(t *testing.T, m nightMarket, c *exchange.Sessions)) {
	for mic, m := range nightMarkets {
		t.Run(mic, func(t *testing.T) { test(t, m, m.build(t, mic)) })
	}
}

// opens says independently of the calendar whether there is a session on a date.
func (m nightMarket) opens(d calendar.Date) bool {
	week := m.weeks["2024-01-01"]
	if changed, ok := m.weeks["2026-01-04"]; ok && !d.Before(ymd("2026-01-04")) {
		week = changed
	}
	off := map[string][]time.Weekday{"mon-fri": {time.Saturday, time.Sunday}, "sun-thu": {time.Friday, time.Saturday}}[week]
	return !slices.Contains(off, d.Weekday()) && !slices.Contains(nightHolidays, d.String())
}

// windows are those of a phase on a date. No clock of these zones is moved at such a time,
// so that a bare time.Date is right.
func (m nightMarket) windows(d calendar.Date, phase string, loc *time.Location) (windows []calendar.Phase) {
	at := func(w calendar.WallTime) time.Time {
		return time.Date(d.Year, d.Month, d.Day, 0, 0, int(w), 0, loc).UTC()
	}
	for _, h := range m.hours {
		if h.Phase == phase {
			windows = append(windows, calendar.Phase{Name: phase, Start: at(h.Start), End: at(h.End)})
		}
	}
	return windows
}

// dues returns when rules are due on a session of these windows, written anew.
var dues = map[string]func(windows []calendar.Phase) []time.Time{
	"daily open+5m": func(w []calendar.Phase) []time.Time { return []time.Time{w[0].Start.Add(5 * time.Minute)} },
	"daily close-15m": func(w []calendar.Phase) []time.Time {
		return []time.Time{w[len(w)-1].End.Add(-15 * time.Minute)}
	},
	"daily each open+1m": func(w []calendar.Phase) (at []time.Time) {
		for _, p := range w {
			at = append(at, p.Start.Add(time.Minute))
		}
		return at
	},
	"every 37m open-close": func(w []calendar.Phase) (at []time.Time) {
		for _, p := range w {
			for t := p.Start; t.Before(p.End); t = t.Add(37 * time.Minute) {
				at = append(at, t)
			}
		}
		return at
	},
	"hourly open-close": func(w []calendar.Phase) (at []time.Time) {
		for t := w[0].Start; !t.After(w[len(w)-1].End); t = t.Add(time.Hour) {
			at = append(at, t)
		}
		return at
	},
}

// unfit reports a rule that is not for the market: an hourly rule includes both of its
// ends, and where the close is the next open, that instant would be one of two sessions.
func (m nightMarket) unfit(text string) bool {
	return text == "hourly open-close" && m.hours[0].End-m.hours[0].Start == calendar.EndOfDay
}

// Labels, phases and rules of each date of four years, through every change of the clocks.
func TestSessionsAndRulesOfNightMarkets(t *testing.T) {
	eachNightMarket(t, func(t *testing.T, m nightMarket, c *exchange.Sessions) {
		loc := c.Location()
		slots := make(map[string]map[string]bool)
		for d := ymd("2024-01-01"); d.Year < 2028; d = d.AddDays(1) {
			s, err := c.Session(d)
			require.NoError(t, err)
			require.Equal(t, d, s.Date)
			require.Equal(t, m.opens(d), s.Open(), d)
			if !s.Open() {
				continue
			}
			windows := m.windows(d, "regular", loc)
			require.Equal(t, windows, s.Windows("regular"), d)
			for text, due := range dues {
				if m.unfit(text) {
					continue
				}
				found, err := rule.MustParse(text).Occurrences(s, loc)
				require.NoError(t, err, "%s on %s", text, d)
				want := due(windows)
				require.Len(t, found, len(want), "%s on %s", text, d)
				if slots[text] == nil {
					slots[text] = make(map[string]bool)
				}
				for i, o := range found {
					require.Equal(t, want[i], o.Due, "%s on %s", text, d)
					require.False(t, slots[text][o.Slot], "%s: the slot %s is given twice", text, o.Slot)
					slots[text][o.Slot] = true
				}
			}
		}
	})
}

// What a scheduler plans over weekends and changes of the clocks is what the sessions say.
func TestPlansOfNightMarkets(t *testing.T) {
	eachNightMarket(t, func(t *testing.T, m nightMarket, c *exchange.Sessions) {
		for _, text := range []string{"daily open+5m", "daily close-15m", "daily each open+1m", "hourly open-close"} {
			for _, from := range []string{"2024-03-07", "2025-10-24", "2026-01-01", "2026-10-30"} {
				if m.unfit(text) {
					continue
				}
				var want []time.Time
				first, last := ymd(from), ymd(from).AddDays(11)
				for d := first.AddDays(-2); !d.After(last.AddDays(2)); d = d.AddDays(1) {
					if m.opens(d) {
						want = append(want, dues[text](m.windows(d, "regular", c.Location()))...)
					}
				}
				begin, end := calendar.WallTime(0).On(first, c.Location()), calendar.WallTime(0).On(last, c.Location())
				slices.SortFunc(want, time.Time.Compare)
				want = slices.DeleteFunc(want, func(at time.Time) bool { return !at.After(begin) || at.After(end) })

				timetable, err := view.NewTimetable(tradeclock.Schedule{Task: "t", Rule: rule.MustParse(text)}, c)
				require.NoError(t, err)
				var got []time.Time
				for at := begin; ; {
					at, err = timetable.Next(at)
					require.NoError(t, err)
					if at.After(end) {
						break
					}
					got = append(got, at)
				}
				require.Equal(t, want, got, "%s from %s", text, from)
			}
		}
	})
}

func TestQueriesOfInstantsOfNightMarketsAgreeWithAnOracle(t *testing.T) {
	eachNightMarket(t, func(t *testing.T, m nightMarket, c *exchange.Sessions) {
		o := newOracleOf(t, c)
		o.reach = 1
		for _, at := range o.instants(rand.New(rand.NewPCG(13, 1)), 150) {
			if d := calendar.DateOf(at.In(c.Location())); d.Before(ymd("2024-01-03")) || d.After(ymd("2027-12-29")) {
				continue // the ends have a test of their own
			}
			open, err := c.IsOpen(at)
			require.NoError(t, err)
			require.Equal(t, o.open(at), open, at)
			for query, edge := range map[string]struct {
				ask  func(time.Time) (time.Time, error)
				step int
				pick func(calendar.Session) (time.Time, bool)
			}{
				"NextOpen": {c.NextOpen, 1, openOf}, "NextClose": {c.NextClose, 1, closeOf},
				"PreviousOpen": {c.PreviousOpen, -1, openOf}, "PreviousClose": {c.PreviousClose, -1, closeOf},
			} {
				want, known := o.edge(at, edge.step, edge.pick)
				got, err := edge.ask(at)
				require.Equal(t, known, err == nil, "%s %s: %v", query, at, err)
				require.Equal(t, want, got, "%s %s", query, at)
			}
			until := at.Add(50 * time.Hour)
			between, err := c.TradingBetween(at, until)
			require.NoError(t, err)
			require.Equal(t, o.trading(at, until), between)
			reached, err := c.AddTrading(at, between)
			require.NoError(t, err)
			require.Zero(t, o.trading(reached, until))
		}
	})
}

func TestTheSessionThatGoesOnAtAnInstant(t *testing.T) {
	globex, night := nightMarkets["GLBX"].build(t, "GLBX"), nightMarkets["SHFX"].build(t, "SHFX")
	for _, test := range []struct {
		name, at string
		c        *exchange.Sessions
		want     string
	}{
		{"on Sunday evening, that of Monday", "2026-11-22 18:00", globex, "2026-11-23"},
		{"on Sunday noon, none", "2026-11-22 12:00", globex, "2026-11-22"},
		{"in the daily break, the one before", "2026-11-23 16:30", globex, "2026-11-23"},
		{"on Friday evening, none", "2026-11-20 18:00", globex, "2026-11-20"},
		{"after midnight, that of the evening", "2026-11-21 01:00", night, "2026-11-20"},
		{"in the break before the night, that of the day", "2026-11-20 18:00", night, "2026-11-20"},
		{"after the night, none", "2026-11-21 02:30", night, "2026-11-21"},
	} {
		t.Run(test.name, func(t *testing.T) {
			s, err := test.c.SessionAt(local(t, test.c, test.at))
			require.NoError(t, err)
			assert.Equal(t, test.want, s.Date.String())
		})
	}
}

// At its ends a coverage lacks the sessions that would go on in its first and last hours.
func TestTheEndsOfACoverageWithNights(t *testing.T) {
	globex, night := nightMarkets["GLBX"].build(t, "GLBX"), nightMarkets["SHFX"].build(t, "SHFX")
	open, err := globex.IsOpen(local(t, globex, "2027-12-31 12:00"))
	require.NoError(t, err)
	assert.True(t, open)
	_, err = globex.IsOpen(local(t, globex, "2027-12-31 18:00"))
	require.ErrorIs(t, err, calendar.ErrUnknownDate, "the session of 2028-01-01 is not known")
	_, err = night.IsOpen(local(t, night, "2024-01-01 01:00"))
	require.ErrorIs(t, err, calendar.ErrUnknownDate, "that of 2023-12-31 is not known")
	open, err = night.IsOpen(local(t, night, "2024-01-01 03:00"))
	require.NoError(t, err)
	assert.False(t, open)
}

func TestSessionsThatOverlapAreRefused(t *testing.T) {
	m := nightMarkets["FXFX"]
	market := exchange.Market{
		MIC: "FXFX", Name: "FX", Timezone: m.zone, Version: "1", From: ymd("2026-01-01"), To: ymd("2026-12-31"),
		Segments: []exchange.Segment{{Calendar: "FXFX", Eras: []exchange.Era{{From: ymd("2026-01-01"), Hours: m.hours}}}},
		Days: []exchange.Day{{Date: ymd("2026-11-24"), Status: exchange.StatusSpecial, Name: "Longer",
			Hours: []exchange.PhaseHours{win("regular", "20:00-1d", "18:00")}}},
	}
	_, err := market.Build()
	assert.EqualError(t, err, "segments: FXFX: 2026-11-25: the session begins before that of 2026-11-24 has ended")
	market.Days[0].Hours[0].Start = wall("17:00-1d")
	_, err = market.Build()
	assert.EqualError(t, err, "days: 2026-11-24: regular from 17:00-1d to 18:00: longer than a day")

	_, err = exchange.Compile(custom{func(d calendar.Date) (calendar.Session, error) {
		s, err := calendar.Weekdays(time.UTC, calendar.Hours{Phase: "regular", Start: wall("17:00-1d"), End: wall("17:00")}).Session(d)
		if d == ymd("2026-11-24") {
			s.Phases = []calendar.Phase{{Name: "regular", Start: s.Phases[0].Start.Add(-time.Hour), End: s.Phases[0].End}}
		}
		return s, err
	}}, ymd("2026-11-01"), ymd("2026-11-30"))
	assert.EqualError(t, err, "calendar custom: 2026-11-24: the session begins before that of 2026-11-23 has ended")
}

// What is assumed after the coverage has the week and the nights of the last era.
func TestAssumedNights(t *testing.T) {
	globex := nightMarkets["GLBX"].build(t, "GLBX").AssumeWeekdays()
	open, err := globex.IsOpen(local(t, globex, "2028-01-02 18:00")) // a Sunday
	require.NoError(t, err)
	assert.True(t, open)
	compiled, err := exchange.Compile(nightMarkets["TADX"].build(t, "TADX"), ymd("2026-01-01"), ymd("2026-01-31"))
	require.NoError(t, err)
	s, err := compiled.AssumeWeekdays().Session(ymd("2026-02-01")) // a Sunday
	require.NoError(t, err)
	assert.True(t, s.Open() && s.Assumed)
	s, err = compiled.AssumeWeekdays().Session(ymd("2026-02-06")) // a Friday
	require.NoError(t, err)
	assert.False(t, s.Open())
	night, err := exchange.Compile(nightMarkets["SHFX"].build(t, "SHFX"), ymd("2026-01-01"), ymd("2026-01-31"))
	require.NoError(t, err)
	s, err = night.AssumeWeekdays().Session(ymd("2026-02-02"))
	require.NoError(t, err)
	assert.Equal(t, nightMarkets["SHFX"].windows(ymd("2026-02-02"), "regular", night.Location()), s.Windows("regular"))
}

// A desk on Globex over a weekend on which the clocks go forward: Monday begins on Sunday.
func TestADeskOverTheWeekendOfASundayOpen(t *testing.T) {
	globex := nightMarkets["GLBX"].build(t, "GLBX")
	d := newDesk(t, globex, "2026-03-06 12:00", row("prepare", "daily open-15m"), row("monitor", "every 30m open-close"), row("flat", "daily close-10m"))
	d.until("2026-03-09 18:00")
	assert.Equal(t, map[string][]string{
		"prepare": {"2026-03-08 16:45", "2026-03-09 16:45"},
		"monitor": {"2026-03-06 12:30-15:30 x7", "2026-03-08 17:00-15:30 x46", "2026-03-09 17:00-18:00 x3"},
		"flat":    {"2026-03-06 15:50", "2026-03-09 15:50"},
	}, d.timetable())
	runs := d.runs("prepare")
	assert.Equal(t, []string{"2026-03-09", "2026-03-10"}, []string{runs[0].Slot, runs[1].Slot}, "the slots are the sessions' labels")
	assert.Contains(t, d.explain("prepare", "2026-03-09"), "succeeded")
	assert.Contains(t, d.explain("prepare", "2026-03-08"), "closed: Sunday")
}

// The week of a filter is the market's own, in what a scheduler plans, too.
func TestFiltersGoByTheWeekOfTheMarket(t *testing.T) {
	for _, test := range []struct {
		mic, rule, from string
		want            []string
	}{
		{"TADX", "daily 10:30 on first session of week", "2026-11-01", []string{"2026-11-01", "2026-11-08", "2026-11-15"}},
		{"TADX", "daily 10:30 on last session of week", "2026-11-01", []string{"2026-11-05", "2026-11-12", "2026-11-19"}},
		{"TADX", "daily 10:30 on 3rd session of week", "2026-11-01", []string{"2026-11-03", "2026-11-11", "2026-11-17"}}, // the 10th is closed
		{"TADX", "daily 10:30 on every other week from 2026-11-05", "2026-11-02", []string{"2026-11-05", "2026-11-15", "2026-11-16"}},
		{"TASX", "daily 10:30 on first session of week", "2025-12-27", []string{"2025-12-28", "2026-01-05", "2026-01-12"}},
		{"TASX", "daily 10:30 on last session of week", "2025-12-27", []string{"2026-01-01", "2026-01-09", "2026-01-16"}},
		{"GLBX", "daily open+1h on first session of week", "2026-11-06", []string{"2026-11-08", "2026-11-15", "2026-11-22"}}, // Sunday, of Monday's session
	} {
		t.Run(test.mic+" "+test.rule, func(t *testing.T) {
			c := nightMarkets[test.mic].build(t, test.mic)
			timetable, err := view.NewTimetable(tradeclock.Schedule{Task: "t", Rule: rule.MustParse(test.rule)}, c)
			require.NoError(t, err)
			var got []string
			at := calendar.WallTime(0).On(ymd(test.from), c.Location())
			for range test.want {
				at, err = timetable.Next(at)
				require.NoError(t, err)
				got = append(got, calendar.DateOf(at.In(c.Location())).String())
			}
			assert.Equal(t, test.want, got)
		})
	}
}

// A desk in Riyadh, which asks its calendar through the scheduler's view of it.
func TestADeskWhoseWeekBeginsOnSunday(t *testing.T) {
	d := newDesk(t, nightMarkets["TADX"].build(t, "TADX"), "2026-11-13 12:00", row("weekly", "daily 10:30 on first session of week"))
	d.until("2026-11-23 12:00")
	assert.Equal(t, []string{"2026-11-15 10:30", "2026-11-22 10:30"}, d.ran("weekly"))
}
