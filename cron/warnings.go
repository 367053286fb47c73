package cron

import (
	"fmt"
	"strings"
	"time"

	"github.com/tradeclock/tradeclock/rule"
)

// Warnings says what of a rule often is not what was meant, for an editor or a check of
// schedules to show: two day fields of which either is enough, days that not every month
// has, and steps that begin anew before they are over. Of a rule that is no Rule it says
// nothing.
func Warnings(r rule.Rule) []string {
	bare, _ := rule.Split(r)
	c, ok := bare.(Rule)
	if !ok || c == (Rule{}) {
		return nil
	}
	var found []string
	if c.dom&star == 0 && c.dow&star == 0 {
		found = append(found, fmt.Sprintf("it is due on day %s of the month and also on every %s: either is enough",
			domField.text(c.dom), weekdays(c.dow)))
	}
	if c.rare() {
		found = append(found, fmt.Sprintf("not every one of its months has a day %s: "+
			"their ends are named by on last day of month, and on last session of month", domField.text(c.dom)))
	}
	for _, of := range []struct {
		field
		set  uint64
		anew string
	}{{minuteField, c.minute, "hour"}, {hourField, c.hour, "day"}} {
		step, left := of.remainder(of.set)
		if left != 0 {
			found = append(found, fmt.Sprintf("%s of the %s begins anew with each %s: the last step is %d and not %d",
				of.text(of.set), of.name, of.anew, left, step))
		}
	}
	return found
}

// rare reports whether the rule is due on a day of the month alone that one of its months
// may lack.
func (r Rule) rare() bool {
	first := domField.values(r.dom)[0]
	if first <= 28 || r.dow&star == 0 {
		return false
	}
	for _, month := range monthField.values(r.month) {
		if month == int(time.February) || first > daysOfMonth[month] {
			return true
		}
	}
	return false
}

// remainder returns the step of a set that is written with a star and a step, and how much
// shorter the last one is, or zero.
func (f field) remainder(set uint64) (step, left int) {
	if !strings.HasPrefix(f.text(set), "*/") {
		return 0, 0
	}
	values := f.values(set)
	step = values[1] - values[0]
	return step, (f.max - f.min + 1) % step
}

// weekdays names the days of a set.
func weekdays(set uint64) string {
	var names []string
	for _, day := range dowField.values(set) {
		names = append(names, time.Weekday(day).String())
	}
	return strings.Join(names, ", ")
}
