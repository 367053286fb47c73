package rule

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/tradeclock/tradeclock/calendar"
)

// unit is what a filter counts. Those from unitWeekday on are the weekdays.
type unit uint8

const (
	unitNone unit = iota
	unitSession
	unitDay
	unitWeek
	unitWeekday
)

// unitOf returns the unit of a weekday, which is not valid if that is none.
func unitOf(day time.Weekday) unit {
	if day < time.Sunday || day > time.Saturday {
		return unitWeekday + 7
	}
	return unitWeekday + unit(day)
}

// weekday returns the weekday that is counted. It is not ok for another unit.
func (u unit) weekday() (day time.Weekday, ok bool) {
	return time.Weekday(u - unitWeekday), u >= unitWeekday && u < unitWeekday+7
}

func (u unit) String() string {
	if day, ok := u.weekday(); ok {
		return weekdayName(day)[:3]
	}
	switch u {
	case unitSession:
		return wordSession
	case unitDay:
		return wordDay
	case unitWeek:
		return wordWeek
	}
	return "(no weekday)"
}

// nth is one session, day or weekday of each period, from the end if n is below zero.
type nth struct {
	n    int
	unit unit
	of   calendar.Period
}

// mostDays are how many days, and sessions, a period can have.
var mostDays = [...]int{calendar.Week: 7, calendar.Month: 31, calendar.Quarter: 92, calendar.Year: 366}

func (x nth) check() error {
	if x == (nth{}) {
		return nil
	}
	if int(x.of) >= len(mostDays) {
		return fmt.Errorf("%v is none of %s", x.of, strings.Join(periodNames(), ", "))
	}
	most := mostDays[x.of]
	if _, weekly := x.unit.weekday(); weekly {
		most = (most + 6) / 7
	}
	switch {
	case x.unit > unitWeekday+6:
		return errors.New("a filter of weekdays has one that is none")
	case x.n == 0:
		return fmt.Errorf("%[1]s 0 is no %[1]s: want 1 for the first, or -1 for the last", x.unit)
	case x.of == calendar.Week && x.unit >= unitWeekday:
		return fmt.Errorf("a week has one %[1]s: want on %[1]s", x.unit)
	case x.n > most || x.n < -most:
		return fmt.Errorf("a %s has no %s %s", x.of, nthText(x.n), x.unit)
	}
	return nil
}

// is reports whether a date is the one of its period. It does not look at sessions.
func (x nth) is(cal calendar.Calendar, d calendar.Date) bool {
	first, last := x.of.BoundsIn(cal, d)
	step := 1
	if day, ok := x.unit.weekday(); ok {
		if d.Weekday() != day {
			return false
		}
		step = 7
	}
	if x.n > 0 {
		return daysBetween(first, d)/step == x.n-1
	}
	return daysBetween(d, last)/step == -x.n-1
}

// cycle is every n-th session or week from a date on.
type cycle struct {
	n    int
	unit unit
	from calendar.Date
}

const (
	// mostCycles bounds a cycle to what can be meant.
	mostCycles = 366
	// firstYear is that from which sessions may be counted.
	firstYear = 2000
)

func (c cycle) check() error {
	if c == (cycle{}) {
		return nil
	}
	if err := c.from.Validate(); err != nil {
		return err
	}
	if c.unit == unitSession && c.from.Year < firstYear {
		return fmt.Errorf("the sessions from %s are too many to count: want a date after %d", c.from, firstYear-1)
	}
	if c.n < 2 || c.n > mostCycles {
		return fmt.Errorf("every %s %s: want every other for 2, or every 3rd and so on, up to %s", ordinal(c.n), c.unit, ordinal(mostCycles))
	}
	return nil
}

// is reports whether a date is in one of the weeks that a cycle of weeks has.
func (c cycle) is(cal calendar.Calendar, d calendar.Date) bool {
	if d.Before(c.from) {
		return false
	}
	begin, _ := calendar.Week.BoundsIn(cal, c.from)
	now, _ := calendar.Week.BoundsIn(cal, d)
	const half = 3 // days: where a market changed its week, one is some days shorter or longer
	return (daysBetween(begin, now)+half)/7%c.n == 0
}

func daysBetween(from, to calendar.Date) int {
	return int(to.UTC().Sub(from.UTC()) / (24 * time.Hour))
}

// roll says which session takes the place of a date that is closed.
type roll uint8

const (
	rollNone roll = iota
	rollBefore
	rollAfter
)

// rollDays is how far away a session may lie that takes a closed date's place.
const rollDays = 31

func (r roll) String() string { return wordOr + " " + wordSession + " " + rollWords[r] }

var rollWords = [...]string{rollBefore: "before", rollAfter: "after"}

// setGiven is in a set of weekdays or months that was named, if only as the empty one.
const setGiven = 1 << 15

// weekdaySet has a bit for each weekday that is in it.
type weekdaySet uint16

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

// has reports whether a weekday is in the set. In none that was named are all.
func (set weekdaySet) has(day time.Weekday) bool { return set == 0 || set&(1<<day) != 0 }

func (set weekdaySet) check() error {
	switch {
	case set == 0:
		return nil
	case set == setGiven:
		return errors.New("a filter of weekdays needs one")
	case set&noWeekday != 0:
		return errors.New("a filter of weekdays has one that is none")
	case set == setGiven|allWeekdays:
		return errors.New("all seven weekdays are no filter")
	}
	return nil
}

// weekdayNames are in the order in which they are printed, which is that of a
// Period's week.
var weekdayNames = []string{"monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"}

func weekdayName(day time.Weekday) string { return weekdayNames[(day+6)%7] }

// String returns the names in short, from mon to sun.
func (set weekdaySet) String() string {
	return listed(weekdayNames, func(i int) bool { return set != 0 && set.has(time.Weekday((i+1)%7)) })
}

// monthSet has a bit for each month that is in it.
type monthSet uint16

const (
	allMonths = 1<<13 - 1<<1
	noMonth   = 1 << 13 // stands for a value that is none
)

// with returns the set with one more month.
func (set monthSet) with(month time.Month) monthSet {
	if month < time.January || month > time.December {
		return set | noMonth
	}
	return set | 1<<month
}

// has reports whether a month is in the set. In none that was named are all.
func (set monthSet) has(month time.Month) bool { return set == 0 || set&(1<<month) != 0 }

func (set monthSet) check() error {
	switch {
	case set == 0:
		return nil
	case set == setGiven:
		return errors.New("a filter of months needs one")
	case set&noMonth != 0:
		return errors.New("a filter of months has one that is none")
	case set == setGiven|allMonths:
		return errors.New("all twelve months are no filter")
	}
	return nil
}

var monthNames = []string{
	"january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november", "december",
}

// String returns the names in short, from jan to dec.
func (set monthSet) String() string {
	return listed(monthNames, func(i int) bool { return set != 0 && set.has(time.Month(i+1)) })
}

// listed returns the names that are chosen, in short, between commas.
func listed(names []string, chosen func(i int) bool) string {
	var short []string
	for i, name := range names {
		if chosen(i) {
			short = append(short, name[:3])
		}
	}
	return strings.Join(short, ",")
}

// named returns the place of a name, in short or in full and in any case, or -1.
func named(names []string, word string) int {
	word = strings.ToLower(word)
	return slices.IndexFunc(names, func(name string) bool { return word == name || word == name[:3] })
}
