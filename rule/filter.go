package rule

import (
	"errors"
	"fmt"
	"time"

	"github.com/tradeclock/tradeclock/calendar"
)

// Filter leaves a rule some of its sessions: those of weekdays or months, one session,
// day or weekday of each week, month, quarter or year, every other session or week, or
// several of these at once. The zero value is no filter and leaves it all. Filters are
// comparable, and equal if they mean the same.
type Filter struct {
	days   weekdaySet
	months monthSet
	nth    nth
	cycle  cycle
	roll   roll
	// doubled is what And was given twice, which no filter can have.
	doubled string
}

// OnWeekdays returns the filter of the sessions whose dates are on the given
// weekdays. It must be one at least, and not all seven.
func OnWeekdays(days ...time.Weekday) Filter {
	f := Filter{days: setGiven}
	for _, day := range days {
		f.days = f.days.with(day)
	}
	return f
}

// InMonths returns the filter of the sessions whose dates are in the given months. It
// must be one at least, and not all twelve.
func InMonths(months ...time.Month) Filter {
	f := Filter{months: setGiven}
	for _, month := range months {
		f.months = f.months.with(month)
	}
	return f
}

// NthSession returns the filter of one session of each period: the first for 1,
// the second for 2, the last for -1, the last but one for -2. A period that has
// fewer sessions has none that the filter admits. The sessions that are counted
// are those of the kinds that the schedule runs on, see Schedule.Sessions, which
// therefore cannot be EveryDay. Where the calendar does not know a date that it
// depends on, the runs are skipped with that reason.
func NthSession(n int, of calendar.Period) Filter { return Filter{nth: nth{n, unitSession, of}} }

// NthDay returns the filter of one calendar date of each period, counted as NthSession
// counts: the 15th of a month is 15. A period that is shorter has none, and a date
// without a session has no run, unless the filter goes on to another: see OrSession.
func NthDay(n int, of calendar.Period) Filter { return Filter{nth: nth{n, unitDay, of}} }

// NthWeekday returns the filter of one date of each month, quarter or year: its first
// Friday, its last Thursday. It counts calendar dates, with a session or without, and
// is as NthDay for the rest.
func NthWeekday(n int, day time.Weekday, of calendar.Period) Filter {
	return Filter{nth: nth{n, unitOf(day), of}}
}

// EveryNthSession returns the filter of each n-th session, of which the first one on a
// date or after it is the first: every other session for 2. The sessions that are counted
// are those that NthSession counts. The date should not be years ago, as the calendar must
// know all dates from it on.
func EveryNthSession(n int, from calendar.Date) Filter {
	return Filter{cycle: cycle{n, unitSession, from}}
}

// EveryNthWeek returns the filter of the sessions of each n-th week, of which that of a
// date is the first, from that date on: every other week for 2. A week is the market's own: it begins on Monday for most, see calendar.WorkweekKeeper.
func EveryNthWeek(n int, from calendar.Date) Filter {
	return Filter{cycle: cycle{n, unitWeek, from}}
}

// And returns the filter of the sessions that both admit: on fri in jan,apr. Of each sort
// (weekdays, months, one of a period, every other) a filter takes one.
func (f Filter) And(g Filter) Filter {
	both := f
	both.doubled = firstOf(f.doubled, g.doubled)
	double := func(sort string, inF, inG bool) bool {
		if inF && inG {
			both.doubled = firstOf(both.doubled, sort)
		}
		return inG
	}
	if double("weekdays", f.days != 0, g.days != 0) {
		both.days = g.days
	}
	if double("months", f.months != 0, g.months != 0) {
		both.months = g.months
	}
	if double("one of a period", f.nth != nth{}, g.nth != nth{}) {
		both.nth = g.nth
	}
	if double("every other", f.cycle != cycle{}, g.cycle != cycle{}) {
		both.cycle = g.cycle
	}
	if double("or session", f.roll != rollNone, g.roll != rollNone) {
		both.roll = g.roll
	}
	return both
}

func firstOf(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

// OrSessionBefore returns the filter that, where a date of f is closed, admits the last
// session before it. See OrSessionAfter.
func (f Filter) OrSessionBefore() Filter { return f.And(Filter{roll: rollBefore}) }

// OrSessionAfter returns the filter that, where a date of f is closed, admits the first
// session after it: the 15th of a month or the next session. Closed is a date on which the
// schedule does not run, such as a special session that it does not name; it therefore
// cannot run on every day. A session is looked for within a month. What f is a filter of
// must be dates, as a session is never closed.
func (f Filter) OrSessionAfter() Filter { return f.And(Filter{roll: rollAfter}) }

// On returns the rule r without the occurrences of the sessions that f does not
// admit, as in daily close+30m on last session of month. A rule that has a filter has
// both then, see Filter.And. A once rule takes none, as it has its date. Its slots and its
// kind are those of r. Without a filter or a rule it is r.
//
// The text form is that of r and that of f, with the word on between them unless f begins
// with in. A store that reads the texts of a user's own rules can give what follows that
// to ParseFilter.
func On(r Rule, f Filter) Rule {
	if r == nil || f == (Filter{}) {
		return r
	}
	if filtered, ok := r.(filtered); ok {
		r, f = filtered.rule, filtered.filter.And(f)
	}
	return filtered{r, f}
}

// filtered is a rule with a filter. The scheduler takes it apart with
// Split, since only it knows which sessions count.
type filtered struct {
	rule   Rule
	filter Filter
}

// Split returns what a rule is without its filter, and the filter, which
// is zero if it has none.
func Split(r Rule) (bare Rule, f Filter) {
	if r, ok := r.(filtered); ok {
		return r.rule, r.filter
	}
	return r, Filter{}
}

func (r filtered) kind() string                 { return KindOf(r.rule) }
func (r filtered) moments() []Moment            { return Moments(r.rule) }
func (r filtered) String() string               { return r.rule.String() + " " + r.filter.clauses() }
func (r filtered) MarshalText() ([]byte, error) { return Marshal(r) }
func (r filtered) Occurrences(s calendar.Session, loc *time.Location) ([]Occurrence, error) {
	return occurrences(r, s, loc)
}

func (r filtered) check() error {
	switch rule := r.rule.(type) {
	case once:
		return errors.New("a once rule takes no filter, as it has its date")
	case builtin:
		if err := rule.check(); err != nil {
			return err
		}
	}
	return r.filter.check()
}

// spans applies a filter of dates. What depends on other sessions cannot be told from
// one alone.
func (r filtered) spans(s calendar.Session, loc *time.Location) ([]Span, error) {
	if r.filter.AsksSessions() {
		return nil, fmt.Errorf("the rule %q has no occurrences by itself: they depend on other sessions", r)
	}
	if !r.filter.dated(nil, s.Date) {
		return nil, nil
	}
	return Compile(r.rule, s, loc)
}

// AsksSessions reports whether it depends on other sessions of the calendar what the
// filter admits.
func (f Filter) AsksSessions() bool { return f.countsSessions() || f.roll != rollNone }

// countsSessions reports whether the filter counts sessions, which are never closed.
func (f Filter) countsSessions() bool {
	return f.nth.unit == unitSession || f.cycle.unit == unitSession
}

// check reports what is wrong with the filter.
func (f Filter) check() error {
	if f.doubled != "" {
		return f.doubledError()
	}
	var errs []error
	for _, err := range []error{f.days.check(), f.nth.check(), f.cycle.check(), f.months.check(), f.checkRoll()} {
		if err != nil {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

func (f Filter) doubledError() error {
	switch f.doubled {
	case "weekdays":
		return errors.New("weekdays are named twice: want one list, as in on mon,tue")
	case "months":
		return errors.New("months are named twice: want one list, as in in jan,apr")
	}
	return fmt.Errorf("a rule takes one filter of each sort, and has two of %q", f.doubled)
}

// checkRoll refuses to go on from what is never closed, and from all days of a month or
// week.
func (f Filter) checkRoll() error {
	const instead = "as in on 15th day of month or session after"
	switch {
	case f.roll == rollNone:
		return nil
	case f.countsSessions():
		return fmt.Errorf("a session is never closed: %s is for dates, %s", f.roll, instead)
	case f.days == 0 && f.nth == nth{}:
		return fmt.Errorf("%s needs the dates that may be closed, %s", f.roll, instead)
	}
	return nil
}

// String returns the text form, which ParseFilter reads: "mon,wed,fri", "last
// session of month", "3rd fri of month in mar,jun or session before". That of no filter
// is empty.
func (f Filter) String() string { return trimWord(f.clauses(), wordOn) }

// MarshalText returns the text form, and an error for a filter that is not valid.
func (f Filter) MarshalText() ([]byte, error) {
	if err := f.check(); err != nil {
		return nil, fmt.Errorf("filter: %w", err)
	}
	return []byte(f.String()), nil
}

// UnmarshalText parses what MarshalText wrote.
func (f *Filter) UnmarshalText(text []byte) (err error) {
	*f, err = ParseFilter(string(text))
	return err
}
