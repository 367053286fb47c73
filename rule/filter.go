package rule

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/tradeclock/tradeclock/calendar"
)

// Filter leaves a rule the sessions of some weekdays, or one session of each
// week, month, quarter or year. The zero value is no filter and leaves it all.
// Filters are comparable, and equal if they mean the same.
type Filter struct {
	kind filterKind
	days weekdaySet      // of filterWeekdays
	n    int             // of filterNth
	of   calendar.Period // of filterNth
}

type filterKind uint8

const (
	filterNone filterKind = iota
	filterWeekdays
	filterNth
)

// OnWeekdays returns the filter of the sessions whose dates are on the given
// weekdays. It must be one at least, and not all seven.
func OnWeekdays(days ...time.Weekday) Filter {
	f := Filter{kind: filterWeekdays}
	for _, day := range days {
		f.days = f.days.with(day)
	}
	return f
}

// NthSession returns the filter of one session of each period: the first for 1,
// the second for 2, the last for -1, the last but one for -2. A period that has
// fewer sessions has none that the filter admits. The sessions that are counted
// are those of the kinds that the schedule runs on, see Schedule.Sessions, which
// therefore cannot be EveryDay. Where the calendar does not know a date that it
// depends on, the runs are skipped with that reason.
func NthSession(n int, of calendar.Period) Filter { return Filter{kind: filterNth, n: n, of: of} }

// On returns the rule r without the occurrences of the sessions that f does not
// admit, as in daily close+30m on last session of month. Any rule may have one
// filter, but not a once rule, which has its date. Its slots and its kind are
// those of r. Without a filter or a rule it is r.
//
// The text form is that of r, the word on, and that of f. A store that reads the
// texts of a user's own rules can give what follows the last on to ParseFilter.
func On(r Rule, f Filter) Rule {
	if r == nil || f == (Filter{}) {
		return r
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
func (r filtered) String() string               { return r.rule.String() + " " + wordOn + " " + r.filter.String() }
func (r filtered) MarshalText() ([]byte, error) { return Marshal(r) }
func (r filtered) Occurrences(s calendar.Session, loc *time.Location) ([]Occurrence, error) {
	return occurrences(r, s, loc)
}

func (r filtered) check() error {
	switch rule := r.rule.(type) {
	case filtered:
		return errors.New("a rule takes one filter")
	case once:
		return errors.New("a once rule takes no filter, as it has its date")
	case builtin:
		if err := rule.check(); err != nil {
			return err
		}
	}
	return r.filter.check()
}

// spans applies a filter of weekdays. The number of a session in its period
// cannot be told from the session alone.
func (r filtered) spans(s calendar.Session, loc *time.Location) ([]Span, error) {
	if r.filter.kind == filterNth {
		return nil, fmt.Errorf("the rule %q has no occurrences by itself: they depend on the other sessions of the %s", r, r.filter.of)
	}
	if !r.filter.days.has(s.Date.Weekday()) {
		return nil, nil
	}
	return Compile(r.rule, s, loc)
}

// String returns the text form, which ParseFilter reads: "mon,wed,fri", "last
// session of month", "2nd session of quarter". That of no filter is empty.
func (f Filter) String() string {
	switch f.kind {
	case filterWeekdays:
		return f.days.String()
	case filterNth:
		return nthText(f.n) + " session of " + f.of.String()
	}
	return ""
}

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

// mostSessions are how many sessions a period can have.
var mostSessions = [...]int{calendar.Week: 7, calendar.Month: 31, calendar.Quarter: 92, calendar.Year: 366}

// Nth returns which session of which period the filter admits, from the end if n is below
// zero. It is not ok for another filter than one of NthSession.
func (f Filter) Nth() (n int, of calendar.Period, ok bool) { return f.n, f.of, f.kind == filterNth }

// check reports what is wrong with the filter.
func (f Filter) check() error {
	switch f.kind {
	case filterNone:
		return nil
	case filterWeekdays:
		return f.days.check()
	}
	if int(f.of) >= len(mostSessions) {
		return fmt.Errorf("%v is none of %s", f.of, strings.Join(periodNames(), ", "))
	}
	if f.n == 0 {
		return errors.New("session 0 is no session: want 1 for the first, or -1 for the last")
	}
	if most := mostSessions[f.of]; f.n > most || f.n < -most {
		return fmt.Errorf("a %s has no %s session", f.of, nthText(f.n))
	}
	return nil
}

// Dates returns the first and the last date that Admits may look at to tell
// whether d is one of the filter's dates, d included.
func (f Filter) Dates(d calendar.Date) (first, last calendar.Date) {
	if f.kind != filterNth {
		return d, d
	}
	first, last = f.of.Bounds(d)
	if f.n > 0 {
		return first, d
	}
	return d, last
}

// Admits reports whether d is one of the filter's dates. The sessions that count
// are those for which counts is true; that of d is one of them. Where it depends
// on a date that session does not know, the error wraps what session said.
func (f Filter) Admits(d calendar.Date, counts func(calendar.Session) bool, session func(calendar.Date) (calendar.Session, error)) (bool, error) {
	switch f.kind {
	case filterNone:
		return true, nil
	case filterWeekdays:
		return f.days.has(d.Weekday()), nil
	}
	first, last := f.Dates(d)
	from, step, others := first, 1, f.n-1 // others are the sessions between d and that end of the period
	if f.n < 0 {
		from, step, others = last, -1, -f.n-1
	}
	counted, unknown := 0, 0
	var unsure error
	for date := from; date != d && counted <= others; date = date.AddDays(step) {
		s, err := session(date)
		switch {
		case err != nil:
			unknown++
			if unsure == nil {
				unsure = fmt.Errorf("whether %v is the %s depends on %v: %w", d, f, date, err)
			}
		case counts(s):
			counted++
		}
	}
	switch {
	case counted > others || counted+unknown < others:
		return false, nil
	case unknown > 0:
		return false, unsure
	}
	return true, nil
}

// nthText puts the number of a session into words: first, 2nd, last, 3rd last.
func nthText(n int) string {
	switch {
	case n == 1:
		return wordFirst
	case n == -1:
		return wordLast
	case n < 0:
		return ordinal(-n) + " " + wordLast
	}
	return ordinal(n)
}

// ordinal returns 1st, 2nd, 3rd, 4th, 11th, 21st.
func ordinal(n int) string {
	suffix := "th"
	if n/10%10 != 1 {
		switch n % 10 {
		case 1:
			suffix = "st"
		case 2:
			suffix = "nd"
		case 3:
			suffix = "rd"
		}
	}
	return strconv.Itoa(n) + suffix
}

// weekdaySet has a bit for each weekday that is in it.
type weekdaySet uint8

const (
	allWeekdays = 1<<7 - 1
	noWeekday   = 1 << 7 // stands for a value that is none
)

// with returns the set with one more weekday.
func (set weekdaySet) with(day time.Weekday) weekdaySet {
	if day < time.Sunday || day > time.Saturday {
		return set | noWeekday
	}
	return set | 1<<day
}

func (set weekdaySet) has(day time.Weekday) bool { return set&(1<<day) != 0 }

func (set weekdaySet) check() error {
	switch {
	case set == 0:
		return errors.New("a filter of weekdays needs one")
	case set&noWeekday != 0:
		return errors.New("a filter of weekdays has one that is none")
	case set == allWeekdays:
		return errors.New("all seven weekdays are no filter")
	}
	return nil
}

// weekdayNames are in the order in which they are printed, which is that of a
// Period's week.
var weekdayNames = [...]string{"monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"}

// String returns the names in short, from mon to sun.
func (set weekdaySet) String() string {
	var names []string
	for i, name := range weekdayNames {
		if set.has(time.Weekday((i + 1) % 7)) {
			names = append(names, name[:3])
		}
	}
	return strings.Join(names, ",")
}

const (
	wordOn    = "on"
	wordFirst = "first"
	wordLast  = "last"
	wordEach  = "each"
)
