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

func TestFilterText(t *testing.T) {
	jan5 := calendar.Date{Year: 2026, Month: 1, Day: 5}
	const mon, tue, wed, thu, fri, sat, sun = time.Monday, time.Tuesday, time.Wednesday, time.Thursday, time.Friday, time.Saturday, time.Sunday
	tests := []struct {
		text   string
		filter Filter
	}{
		{"", Filter{}},
		{"mon", OnWeekdays(mon)},
		{"sun", OnWeekdays(sun)},
		{"mon,wed,fri", OnWeekdays(fri, mon, wed, fri)},
		{"mon,tue,wed,thu,sun", OnWeekdays(sun, mon, tue, wed, thu)},
		{"mon,tue,wed,thu,fri,sat", OnWeekdays(mon, tue, wed, thu, fri, sat)},
		{"first session of week", NthSession(1, calendar.Week)},
		{"last session of month", NthSession(-1, calendar.Month)},
		{"2nd session of quarter", NthSession(2, calendar.Quarter)},
		{"3rd session of year", NthSession(3, calendar.Year)},
		{"4th session of week", NthSession(4, calendar.Week)},
		{"11th session of month", NthSession(11, calendar.Month)},
		{"12th session of month", NthSession(12, calendar.Month)},
		{"13th session of month", NthSession(13, calendar.Month)},
		{"21st session of month", NthSession(21, calendar.Month)},
		{"111th session of year", NthSession(111, calendar.Year)},
		{"366th session of year", NthSession(366, calendar.Year)},
		{"2nd last session of year", NthSession(-2, calendar.Year)},
		{"in jan,apr,jul,oct", InMonths(time.October, time.January, time.April, time.July)},
		{"first day of month", NthDay(1, calendar.Month)},
		{"15th day of month", NthDay(15, calendar.Month)},
		{"2nd last day of quarter", NthDay(-2, calendar.Quarter)},
		{"3rd fri of month", NthWeekday(3, fri, calendar.Month)},
		{"last thu of month", NthWeekday(-1, thu, calendar.Month)},
		{"14th sun of quarter", NthWeekday(14, sun, calendar.Quarter)},
		{"every other week from 2026-01-05", EveryNthWeek(2, jan5)},
		{"every 3rd session from 2026-01-05", EveryNthSession(3, jan5)},
		{"3rd fri of month in mar,jun,sep,dec", NthWeekday(3, fri, calendar.Month).And(InMonths(time.March, time.June, time.September, time.December))},
		{"mon on every other week from 2026-01-05 in dec", InMonths(time.December).And(EveryNthWeek(2, jan5)).And(OnWeekdays(mon))},
		{"mon on last session of month", NthSession(-1, calendar.Month).And(OnWeekdays(mon))},
		{"15th day of month or session after", NthDay(15, calendar.Month).OrSessionAfter()},
		{"fri on every other week from 2026-01-05 or session before", OnWeekdays(fri).OrSessionBefore().And(EveryNthWeek(2, jan5))},
		{"last thu of month in jan or session before", NthWeekday(-1, thu, calendar.Month).And(InMonths(time.January)).OrSessionBefore()},
		{"7th last session of week", NthSession(-7, calendar.Week)},
	}
	for _, test := range tests {
		t.Run(test.text, func(t *testing.T) {
			parsed, err := ParseFilter(test.text)
			require.NoError(t, err)
			assert.True(t, test.filter == parsed, "filters are compared by their values")
			assert.Equal(t, test.text, test.filter.String())
			assert.NoError(t, test.filter.check())
		})
	}
}

func TestParseFilterTolerates(t *testing.T) {
	tests := map[string]string{
		"mon-fri":                      "mon,tue,wed,thu,fri",
		"monday":                       "mon",
		"monday - wednesday , sunday":  "mon,tue,wed,sun",
		"sun-thu":                      "mon,tue,wed,thu,sun",
		"fri-mon,wed":                  "mon,wed,fri,sat,sun",
		"tue-tue":                      "tue",
		"sat,mon,sat":                  "mon,sat",
		"  last   session\tof  month ": "last session of month",
		"1st session of week":          "first session of week",
		"1st last session of week":     "last session of week",
		"MON,Wednesday,fRi":            "mon,wed,fri",
		"3rd FRIDAY of month":          "3rd fri of month",
		"in Jan-Mar,DECEMBER":          "in jan,feb,mar,dec",
		"in nov-feb":                   "in jan,feb,nov,dec",
		"on mon":                       "mon",
		"on mon in jan":                "mon in jan",
		"in jan on mon":                "mon in jan",
		"15th day of month or session after in jan": "15th day of month in jan or session after",
		"every 2nd week from 2026-01-05":            "every other week from 2026-01-05",
	}
	for text, want := range tests {
		f, err := ParseFilter(text)
		if assert.NoError(t, err, text) {
			assert.Equal(t, want, f.String())
		}
	}
}

func TestParseFilterRefuses(t *testing.T) {
	tests := []struct{ text, want string }{
		{" ", "want weekdays such as mon-fri, or a day such as last session of month or 3rd fri of month, at the end"},
		{"month", `or a day such as last session of month or 3rd fri of month, at "month"`},
		{"Mond", `want weekdays such as mon-fri, or a day such as last session of month or 3rd fri of month, at "Mond"`},
		{"mon,", "want a weekday such as mon at the end"},
		{"mon,,tue", `want a weekday such as mon at ",tue"`},
		{"mon-", "want a weekday such as mon at the end"},
		{"mon-fri-sun", `want nothing more at "-sun"`},
		{"mon tue", `want nothing more at "tue"`},
		{"mon-sun", "all seven weekdays are no filter"},
		{"tue-mon", "all seven weekdays are no filter"},
		{"first", "want session, day or a weekday, as in last session of month or 15th day of month, at the end"},
		{"first sessions of week", `want session, day or a weekday, as in last session of month or 15th day of month, at "sessions of week"`},
		{"15th of month", `want session, day or a weekday, as in last session of month or 15th day of month, at "of month"`},
		{"first session week", `want of, and a period, as in last session of month, at "week"`},
		{"last thu", "want of, and a period, as in last session of month, at the end"},
		{"last thrusday of month", `at "thrusday of month": did you mean "thursday"?`},
		{"first last session of week", `want session, day or a weekday, as in last session of month or 15th day of month, at "last session of week"`},
		{"jan", "jan is a month: want in jan"},
		{"in fri", "fri is a weekday: want on fri"},
		{"in", "want months such as jan,apr at the end"},
		{"in jan,", "want months such as jan,apr at the end"},
		{"in jan-dec", "all twelve months are no filter"},
		{"in janury", `want months such as jan,apr at "janury": did you mean "january"?`},
		{"every week", `want every other or every 3rd, with session or week and a date, as in every other week from 2026-01-05, at "week"`},
		{"every other fri", `want every other or every 3rd, with session or week and a date, as in every other week from 2026-01-05, at "other fri"`},
		{"every other week", `as in every other week from 2026-01-05, at "other week"`},
		{"every other session from monday", `date "monday"`},
		{"every 1st week from 2026-01-05", "every 1st week: want every other for 2, or every 3rd and so on, up to 366th"},
		{"every other session from 1999-12-31", "the sessions from 1999-12-31 are too many to count: want a date after 1999"},
		{"0th day of month", "day 0 is no day: want 1 for the first, or -1 for the last"},
		{"32nd day of month", "a month has no 32nd day"},
		{"6th fri of month", "a month has no 6th fri"},
		{"last fri of week", "a week has one fri: want on fri"},
		{"mon on tue", "weekdays are named twice: want one list, as in on mon,tue"},
		{"in jan in feb", "months are named twice: want one list, as in in jan,apr"},
		{"3rd fri of month on last session of month", `a rule takes one filter of each sort, and has two of "one of a period"`},
		{"15th day of month or session before or session after", `has two of "or session"`},
		{"15th day of month or before", `want session before or session after at "before"`},
		{"or session after", "or session after needs the dates that may be closed, as in on 15th day of month or session after"},
		{"in jan or session after", "or session after needs the dates that may be closed"},
		{"every other week from 2026-01-05 or session after", "or session after needs the dates that may be closed"},
		{"last session of month or session before", "a session is never closed: or session before is for dates, as in on 15th day of month or session after"},
		{"fri on every other session from 2026-01-05 or session before", "a session is never closed"},
		{"last session of", "want week, month, quarter or year at the end"},
		{"last session of decade", `want week, month, quarter or year at "decade"`},
		{"last session of month and year", `want nothing more at "and year"`},
		{"2th session of week", `at "2th session of week"`},
		{"02nd session of week", `at "02nd session of week"`},
		{"2 session of week", `at "2 session of week"`},
		{"-2nd session of week", `at "-2nd session of week"`},
		{"99999999999999999999th session of year", "want weekdays"},
		{"0th session of week", "session 0 is no session"},
		{"8th session of week", "a week has no 8th session"},
		{"32nd last session of month", "a month has no 32nd last session"},
		{"93rd session of quarter", "a quarter has no 93rd session"},
		{"367th session of year", "a year has no 367th session"},
	}
	for _, test := range tests {
		t.Run(test.text, func(t *testing.T) {
			f, err := ParseFilter(test.text)
			require.ErrorContains(t, err, test.want)
			assert.ErrorContains(t, err, fmt.Sprintf("filter %q: ", test.text))
			assert.Zero(t, f)
		})
	}
}

func TestFilteredRuleText(t *testing.T) {
	lastOfMonth := NthSession(-1, calendar.Month)
	tests := []struct {
		text string
		rule Rule
	}{
		{"daily 09:01 on mon,wed,fri", On(Daily(At(9, 1)), OnWeekdays(time.Monday, time.Wednesday, time.Friday))},
		{"daily 09:01 in jan,jul", On(Daily(At(9, 1)), InMonths(time.January, time.July))},
		{"daily 09:01 on mon in jan", On(On(Daily(At(9, 1)), OnWeekdays(time.Monday)), InMonths(time.January))},
		{"after in 5m 5m in jan", On(After("in 5m", 5*time.Minute), InMonths(time.January))},
		{"daily close+30m on last session of month", On(Daily(AtAnchor("close", 30*time.Minute)), lastOfMonth)},
		{"daily each open on sat", On(Daily(AtAnchor("open", 0).In(EachWindow)), OnWeekdays(time.Saturday))},
		{"hourly 09:30-15:30 on fri", On(Hourly(At(9, 30), At(15, 30)), OnWeekdays(time.Friday))},
		{"every 1m open-close on first session of week", On(Every(time.Minute, AtAnchor("open", 0), AtAnchor("close", 0)), NthSession(1, calendar.Week))},
		{"after premarket_retry 5m on last session of month", On(After("premarket_retry", 5*time.Minute), lastOfMonth)},
		{"after on call on 5m on mon", On(After("on call on", 5*time.Minute), OnWeekdays(time.Monday))},
		{"after x on mon 5m", After("x on mon", 5*time.Minute)},
		{"after x on mon succeeds on fri", On(AfterSuccess("x on mon", 0), OnWeekdays(time.Friday))},
		{"after analysis succeeds 5m until 17:30 on last session of month", On(AfterSuccessUntil("analysis", 5*time.Minute, At(17, 30)), lastOfMonth)},
		{"daily 09:01", On(Daily(At(9, 1)), Filter{})},
	}
	for _, test := range tests {
		t.Run(test.text, func(t *testing.T) {
			parsed, err := Parse(test.text)
			require.NoError(t, err)
			assert.True(t, test.rule == parsed, "rules are compared by their values")
			assert.Equal(t, test.text, test.rule.String())
			assert.NoError(t, Validate(test.rule))
		})
	}
	assert.Equal(t, "own on mon", On(userRule{}, OnWeekdays(time.Monday)).String())
	assert.NoError(t, Validate(On(userRule{}, OnWeekdays(time.Monday))))
	assert.Nil(t, On(nil, lastOfMonth), "no rule is still none")
}

func TestFilteredRulesThatAreRefused(t *testing.T) {
	lastOfMonth := NthSession(-1, calendar.Month)
	tests := []struct {
		rule Rule
		want string
	}{
		{On(On(Daily(At(9, 1)), lastOfMonth), NthSession(1, calendar.Week)), "a rule takes one filter of each sort"},
		{On(Daily(At(9, 1)), InMonths()), "a filter of months needs one"},
		{On(Daily(At(9, 1)), InMonths(0)), "a filter of months has one that is none"},
		{On(Daily(At(9, 1)), InMonths(13)), "a filter of months has one that is none"},
		{On(Daily(At(9, 1)), NthWeekday(1, 7, calendar.Month)), "a filter of weekdays has one that is none"},
		{On(Daily(At(9, 1)), EveryNthSession(2, calendar.Date{})), "0000-00-00 is no date"},
		{On(Once(calendar.Date{Year: 2026, Month: 11, Day: 23}, At(9, 15)), lastOfMonth), "a once rule takes no filter, as it has its date"},
		{On(Every(time.Minute, At(15, 30), At(9, 15)), lastOfMonth), "end is not after start"},
		{On(After("", time.Minute), lastOfMonth), "task: a name is required"},
		{On(Daily(At(9, 1)), OnWeekdays()), "a filter of weekdays needs one"},
		{On(Daily(At(9, 1)), OnWeekdays(time.Monday, 7)), "a filter of weekdays has one that is none"},
		{On(Daily(At(9, 1)), OnWeekdays(-1)), "a filter of weekdays has one that is none"},
		{On(Daily(At(9, 1)), NthSession(0, calendar.Month)), "session 0 is no session: want 1 for the first, or -1 for the last"},
		{On(Daily(At(9, 1)), NthSession(1, calendar.Period(9))), "Period(9) is none of week, month, quarter, year"},
		{On(userRule{}, NthSession(-8, calendar.Week)), "a week has no 8th last session"},
		{On(panicking{}, lastOfMonth), "String panicked: no text"},
	}
	for _, test := range tests {
		t.Run(test.want, func(t *testing.T) {
			assert.ErrorContains(t, Validate(test.rule), test.want)
		})
	}
}

func TestParseRuleRefusesFilters(t *testing.T) {
	tests := []struct{ text, want string }{
		{"daily 09:01 on", "want weekdays such as mon-fri, or a day such as last session of month or 3rd fri of month, at the end"},
		{"daily 09:01 on mon on tue", "weekdays are named twice: want one list, as in on mon,tue"},
		{"daily 09:01 mon", `want nothing more at "mon": did you mean "on mon"?`},
		{"daily 09:01 March", `want nothing more at "March": did you mean "in March"?`},
		{"daily on mon", `want an anchor such as open, close, pre_open or pre_open.end at "on mon"`},
		{"hourly 09:30 on mon", `want a dash and the end of the window at "on mon"`},
		{"once 2026-11-23 09:15 on mon", "a once rule takes no filter"},
		{"every 1m 09:15-15:30 on 8th session of week", "a week has no 8th session"},
		{"after x 5m on", "want weekdays"},
		{"after x five on mon", `as in analysis succeeds, at "x five on mon"`},
		{"after x on mon", `as in analysis succeeds, at "x on mon"`},
	}
	for _, test := range tests {
		t.Run(test.text, func(t *testing.T) {
			rule, err := Parse(test.text)
			require.ErrorContains(t, err, test.want)
			assert.Nil(t, rule)
		})
	}
}

// A rule is what it is without its filter, but for the text.
func TestFilterChangesNoFacts(t *testing.T) {
	f := OnWeekdays(time.Monday)
	for _, rule := range []Rule{
		MustParse("daily close-15m"), MustParse("daily each open"), MustParse("every 1m open-15:30"),
		MustParse("after x 25h"), userRule{},
	} {
		filtered := On(rule, f)
		bare, split := Split(filtered)
		assert.Equal(t, rule, bare)
		assert.Equal(t, f, split)
		assert.Equal(t, KindOf(rule), KindOf(filtered))
		assert.Equal(t, Moments(rule), Moments(filtered))
		back, ahead := Reach(rule)
		filteredBack, filteredAhead := Reach(filtered)
		assert.Equal(t, []int{back, ahead}, []int{filteredBack, filteredAhead})
	}
	bare, none := Split(MustParse("daily 09:01"))
	assert.Equal(t, MustParse("daily 09:01"), bare)
	assert.Zero(t, none)
}

func TestOccurrencesOfFilteredRules(t *testing.T) {
	monday, loc := nse(t, nseHours...)
	own := userRule{list: []Occurrence{{calendar.Wall(9, 15).On(monday.Date, loc), "own"}}}
	onMonday, onTuesday := OnWeekdays(time.Monday), OnWeekdays(time.Tuesday)

	list, err := On(MustParse("every 1m open-close"), onMonday).Occurrences(monday, loc)
	require.NoError(t, err)
	assert.Len(t, list, 375)
	list, err = On(own, onMonday).Occurrences(monday, loc)
	require.NoError(t, err)
	assert.Equal(t, []Occurrence{{own.list[0].Due.UTC(), "own"}}, list)
	list, err = On(MustParse("daily 09:01"), onTuesday).Occurrences(monday, loc)
	assert.NoError(t, err)
	assert.Empty(t, list)

	_, err = MustParse("daily 09:01 on last session of month").Occurrences(monday, loc)
	assert.ErrorContains(t, err, "has no occurrences by itself: they depend on other sessions")
	_, err = MustParse("after x 5m on mon").Occurrences(monday, loc)
	assert.ErrorContains(t, err, "they are those of the schedule of x")
}

// filterDays are dates with what a calendar says of them: R regular, S shortened,
// . closed, ? unknown. Filters count the regular ones alone.
type filterDays struct {
	first calendar.Date
	days  string
}

var errNotPublished = errors.New("not published")

func (f filterDays) session(d calendar.Date) (calendar.Session, error) {
	i := int(d.UTC().Sub(f.first.UTC()) / (24 * time.Hour))
	if i < 0 || i >= len(f.days) || f.days[i] == '?' {
		return calendar.Session{}, fmt.Errorf("%v: %w", d, errNotPublished)
	}
	return calendar.Session{Date: d, Kind: map[byte]calendar.SessionKind{'R': calendar.Regular, 'S': calendar.Shortened, '.': calendar.Closed}[f.days[i]]}, nil
}

func onlyRegular(s calendar.Session) bool { return s.Kind == calendar.Regular }

func TestFilterAdmits(t *testing.T) {
	monday := calendar.Date{Year: 2026, Month: 11, Day: 23}
	tests := []struct {
		name   string
		days   string // of the week, from Monday
		filter Filter
		want   string // for each regular day: y for admitted, n for not, ? for an error
	}{
		{"no filter", "RRRRR..", Filter{}, "yyyyy"},
		{"weekdays", "RRRRR..", OnWeekdays(time.Tuesday, time.Friday), "nynny"},
		{"weekdays ask nothing", "R???R??", OnWeekdays(time.Friday), "ny"},
		{"the first", "RRRRR..", NthSession(1, calendar.Week), "ynnnn"},
		{"the first after a holiday", ".RRRR..", NthSession(1, calendar.Week), "ynnn"},
		{"the first that counts", "SRRRR..", NthSession(1, calendar.Week), "ynnn"},
		{"the last", "RRRRR..", NthSession(-1, calendar.Week), "nnnny"},
		{"the last before a holiday", "RRRR...", NthSession(-1, calendar.Week), "nnny"},
		{"the last is on a weekend", "RRRRRR.", NthSession(-1, calendar.Week), "nnnnny"},
		{"the last that counts", "RRRRS..", NthSession(-1, calendar.Week), "nnny"},
		{"the third", "R.RRR..", NthSession(3, calendar.Week), "nnyn"},
		{"the last but one", "RR.RR..", NthSession(-2, calendar.Week), "nnyn"},
		{"a week without a fifth", "RR.RR..", NthSession(5, calendar.Week), "nnnn"},
		{"a week without a fifth last", "RR.RR..", NthSession(-5, calendar.Week), "nnnn"},
		{"the only one", "..R....", NthSession(1, calendar.Week), "y"},
		{"an unknown day before the first", "?RRRR..", NthSession(1, calendar.Week), "?nnn"},
		{"an unknown day before the second", "?RRRR..", NthSession(2, calendar.Week), "??nn"},
		{"a day after matters to none but the last", "RRR????", NthSession(1, calendar.Week), "ynn"},
		{"unknown days after the last", "RRRR???", NthSession(-1, calendar.Week), "nnn?"},
		{"unknown days after the last but one", "RRRR???", NthSession(-2, calendar.Week), "nn??"},
		{"the session after a closed day", "R.RRR..", OnWeekdays(time.Tuesday).OrSessionAfter(), "?ynn"}, // a week before, all is unknown
		{"the session after some closed days", "RR..R..", OnWeekdays(time.Wednesday).OrSessionAfter(), "?ny"},
		{"no session after an open day", "RRRRR..", OnWeekdays(time.Tuesday).OrSessionAfter(), "?ynnn"},
		{"the session after one that does not count", "RSRRR..", OnWeekdays(time.Tuesday).OrSessionAfter(), "?ynn"},
		{"the session before a closed day", "RR.RR..", OnWeekdays(time.Wednesday).OrSessionBefore(), "nyn?"},
		{"the session before an unknown day", "RR?RR..", OnWeekdays(time.Wednesday).OrSessionBefore(), "n?n?"},
		{"an unknown day between", "R?.RR..", OnWeekdays(time.Wednesday).OrSessionBefore(), "?n?"},
		{"every other session", "R.RRR..", EveryNthSession(2, monday), "ynyn"},
		{"every other session from a closed date", "R.RRR..", EveryNthSession(2, monday.AddDays(1)), "nyny"},
		{"every other session after an unknown day", "R?RRR..", EveryNthSession(2, monday), "y???"},
		{"every third session after an unknown day", "R?RRR..", EveryNthSession(3, monday), "yn??"},
		{"a Monday that is the first session", ".RRRR..", OnWeekdays(time.Monday).And(NthSession(1, calendar.Week)), "nnnn"},
		{"a Tuesday that is the first session", ".RRRR..", OnWeekdays(time.Tuesday).And(NthSession(1, calendar.Week)), "ynnn"},
		{"too few days, known or not", "R?RRR..", NthSession(4, calendar.Week), "nn??"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			days := filterDays{monday, test.days}
			got := ""
			for i, day := range test.days {
				if day != 'R' {
					continue
				}
				admitted, err := test.filter.Admits(nil, monday.AddDays(i), onlyRegular, days.session)
				switch {
				case err != nil:
					assert.ErrorIs(t, err, errNotPublished)
					assert.False(t, admitted)
					got += "?"
				case admitted:
					got += "y"
				default:
					got += "n"
				}
			}
			assert.Equal(t, test.want, got)
		})
	}
	days := filterDays{monday, "RRRR??."}
	_, err := NthSession(-1, calendar.Week).Admits(nil, monday.AddDays(3), onlyRegular, days.session)
	assert.EqualError(t, err, "whether 2026-11-26 is the last session of week depends on 2026-11-28: 2026-11-28: not published")
	_, err = NthDay(29, calendar.Month).OrSessionBefore().Admits(nil, monday.AddDays(3), onlyRegular, days.session)
	assert.EqualError(t, err, "whether 2026-11-26 takes the place of a closed date of 29th day of month or session before depends on 2026-11-27: 2026-11-27: not published")
}

// Through a leap year, a filter admits the session that a list of the period's
// sessions has at its place, and looks at no dates but those that it says.
func TestFilterAdmitsThroughTheYear(t *testing.T) {
	session := func(d calendar.Date) calendar.Session {
		if d.Weekday() == time.Sunday || d.Day%7 == 3 {
			return calendar.Session{Date: d, Kind: calendar.Closed}
		}
		return calendar.Session{Date: d, Kind: calendar.Regular}
	}
	for _, f := range []Filter{
		NthSession(1, calendar.Week), NthSession(5, calendar.Week), NthSession(-2, calendar.Week), NthSession(1, calendar.Month), NthSession(-3, calendar.Month),
		NthSession(2, calendar.Quarter), NthSession(-1, calendar.Quarter), NthSession(100, calendar.Year), NthSession(-1, calendar.Year),
	} {
		for d := (calendar.Date{Year: 2024, Month: 1, Day: 1}); d.Year == 2024; d = d.AddDays(1) {
			if !session(d).Open() {
				continue
			}
			first, last := f.Dates(nil, d)
			got, err := f.Admits(nil, d, calendar.Session.Open, func(at calendar.Date) (calendar.Session, error) {
				require.False(t, at == d || at.Before(first) || at.After(last), "%v asks for %v on %v", f, at, d)
				return session(at), nil
			})
			require.NoError(t, err)
			var open []calendar.Date
			begin, end := f.nth.of.Bounds(d)
			for at := begin; !at.After(end); at = at.AddDays(1) {
				if session(at).Open() {
					open = append(open, at)
				}
			}
			place := f.nth.n - 1
			if f.nth.n < 0 {
				place = len(open) + f.nth.n
			}
			require.Equal(t, place >= 0 && place < len(open) && open[place] == d, got, "%v on %v", f, d)
		}
	}
	d := calendar.Date{Year: 2026, Month: 11, Day: 25}
	first, last := OnWeekdays(time.Monday).Dates(nil, d)
	assert.Equal(t, []calendar.Date{d, d}, []calendar.Date{first, last})
}
