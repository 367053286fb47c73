package cron

import (
	"errors"
	"math/bits"
	"time"

	"github.com/tradeclock/tradeclock/calendar"
	"github.com/tradeclock/tradeclock/rule"
)

// Rule is a cron expression as a rule.Rule. Make one with Parse: the zero value is none,
// and has no occurrences but an error. Rules are comparable, and equal if they are due at
// the same times.
//
// A rule that names one time of day is like a daily one (see rule.DailyRule): its slot is
// the date. Of any other the slots are the local times, as those of an every rule, and
// only the newest of several late occurrences runs. An edit in the database by hand that
// makes the one of the other takes effect at once, and not at the next session.
type Rule struct {
	// The bit sets of robfig/cron: a bit for each value, and star where the field
	// leaves it open.
	minute, hour, dom, month, dow uint64
}

const star = 1 << 63

var _ rule.DailyRule = Rule{}

var errNoExpression = errors.New("a rule of no cron expression: make it with cron.Parse")

// String returns the text form, which ParseRule reads: the word cron and the expression
// in its shortest form, as in cron */7 9-15 1,15 * *.
func (r Rule) String() string {
	if r == (Rule{}) {
		return wordCron + " (no expression)"
	}
	return wordCron + " " + r.expression()
}

// MarshalText returns the text form, and an error for the zero value.
func (r Rule) MarshalText() ([]byte, error) {
	if r == (Rule{}) {
		return nil, errNoExpression
	}
	return []byte(r.String()), nil
}

// Daily reports whether the rule names one time of day, and so has one occurrence at most
// on a session.
func (r Rule) Daily() bool {
	return bits.OnesCount64(r.minute) == 1 && bits.OnesCount64(r.hour) == 1
}

// Occurrences returns the wall times of the session's date, if that is one of the rule's.
// Where the clocks skip the rest of a date, what is left of it is due on no other.
func (r Rule) Occurrences(s calendar.Session, loc *time.Location) ([]rule.Occurrence, error) {
	if r == (Rule{}) {
		return nil, errNoExpression
	}
	if !r.on(s.Date) {
		return nil, nil
	}
	var found []rule.Occurrence
	for hours := r.hour &^ star; hours != 0; hours &= hours - 1 {
		for minutes := r.minute &^ star; minutes != 0; minutes &= minutes - 1 {
			due := calendar.Wall(bits.TrailingZeros64(hours), bits.TrailingZeros64(minutes)).On(s.Date, loc)
			if r.Daily() {
				return []rule.Occurrence{{Due: due, Slot: s.Date.String()}}, nil
			}
			local := due.In(loc)
			if calendar.DateOf(local) != s.Date {
				return found, nil
			}
			if len(found) > 0 && due.Equal(found[len(found)-1].Due) {
				continue // both are times of one gap
			}
			found = append(found, rule.Occurrence{Due: due, Slot: rule.TimeSlot(due, loc)})
		}
	}
	return found, nil
}

// on reports whether a date is one of the rule's. As cron has it, either of two day
// fields is enough if neither is left open.
func (r Rule) on(d calendar.Date) bool {
	onDay, onWeekday := has(r.dom, d.Day), has(r.dow, int(d.Weekday()))
	if r.dom&star != 0 || r.dow&star != 0 {
		return has(r.month, int(d.Month)) && onDay && onWeekday
	}
	return has(r.month, int(d.Month)) && (onDay || onWeekday)
}

func has(set uint64, value int) bool { return set&(1<<value) != 0 }

// daysOfMonth are how many days each month has, in a leap year.
var daysOfMonth = [...]int{1: 31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31}

// comes reports whether there is a date that is one of the rule's.
func (r Rule) comes() bool {
	if r.dow&star == 0 {
		return true
	}
	for month := 1; month <= 12; month++ {
		days := uint64(1)<<(daysOfMonth[month]+1) - 1
		if has(r.month, month) && r.dom&days != 0 {
			return true
		}
	}
	return false
}
