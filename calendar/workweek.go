package calendar

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Workweek is the run of weekdays on which a market trades unless there is a reason not
// to, and with the first of which its week begins. The zero value is Monday to Friday.
// Workweeks are comparable.
type Workweek struct {
	shift uint8 // of the first day, from Monday
	more  int8  // than five days
}

// NewWorkweek returns the week of a market that trades from one weekday to another, both
// included, as from Sunday to Thursday. From a Monday to a Sunday it is all days.
func NewWorkweek(first, last time.Weekday) Workweek {
	days := (int(last)-int(first)+7)%7 + 1
	return Workweek{shift: uint8((int(first) + 6) % 7), more: int8(days - 5)}
}

// First returns the weekday on which the week begins.
func (w Workweek) First() time.Weekday { return time.Weekday((int(w.shift) + 1) % 7) }

// Last returns the last weekday of trading.
func (w Workweek) Last() time.Weekday { return time.Weekday((int(w.First()) + int(w.more) + 4) % 7) }

// Has reports whether the market trades on a weekday.
func (w Workweek) Has(day time.Weekday) bool {
	return (int(day)-int(w.First())+7)%7 < int(w.more)+5
}

var shortWeekdays = []string{"sun", "mon", "tue", "wed", "thu", "fri", "sat"}

// String returns the week in the form mon-fri.
func (w Workweek) String() string {
	return shortWeekdays[w.First()] + "-" + shortWeekdays[w.Last()]
}

// MarshalText returns the form of String.
func (w Workweek) MarshalText() ([]byte, error) { return []byte(w.String()), nil }

// UnmarshalText parses what MarshalText wrote.
func (w *Workweek) UnmarshalText(text []byte) error {
	first, last, _ := strings.Cut(string(text), "-")
	from, to := slices.Index(shortWeekdays, first), slices.Index(shortWeekdays, last)
	if from < 0 || to < 0 {
		return fmt.Errorf("week %q: want a form as in sun-thu", text)
	}
	*w = NewWorkweek(time.Weekday(from), time.Weekday(to))
	return nil
}

// WorkweekKeeper is a Calendar that knows the week of its market, which may be another
// one from a date on. It answers at once, from memory. The week of any other Calendar is
// the zero Workweek.
type WorkweekKeeper interface {
	// Workweek returns the week that holds on a date, covered or not.
	Workweek(d Date) Workweek
}

// WorkweekOn returns the week that holds for a calendar's market on a date.
func WorkweekOn(cal Calendar, d Date) Workweek {
	if keeper, ok := cal.(WorkweekKeeper); ok {
		return keeper.Workweek(d)
	}
	return Workweek{}
}

// BoundsIn returns the first and the last date of the period that d lies in, where a
// week is the market's own: it begins on the first weekday of trading. Where the market
// has changed its week, one is as long as it takes to the beginning of the next.
func (p Period) BoundsIn(cal Calendar, d Date) (first, last Date) {
	if _, ok := cal.(WorkweekKeeper); p != Week || !ok {
		return p.Bounds(d)
	}
	begins := func(d Date) bool { return WorkweekOn(cal, d).First() == d.Weekday() }
	const longest = 13 // days: a week that changes to one which begins a day earlier
	for first = d; !begins(first) && first.AddDays(longest).After(d); {
		first = first.AddDays(-1)
	}
	for last = d; !begins(last.AddDays(1)) && last.Before(first.AddDays(longest)); {
		last = last.AddDays(1)
	}
	return first, last
}
