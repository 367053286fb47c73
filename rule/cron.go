package rule

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/tradeclock/tradeclock/calendar"
)

// People who come from cron write its expressions where a rule is wanted. They are
// recognised, and those of the common forms are answered with the rule that means the
// same. Of any other nothing is suggested.

// cronNames are the shorthands of cron, with the expressions that they stand for.
var cronNames = map[string]string{
	"@hourly": "0 * * * *", "@daily": "0 0 * * *", "@midnight": "0 0 * * *", "@weekly": "0 0 * * 0",
	"@monthly": "0 0 1 * *", "@yearly": "0 0 1 1 *", "@annually": "0 0 1 1 *",
}

// wordCron begins the texts of the rules of the module cron, which keep an expression
// as it is.
const wordCron = "cron"

// looksLikeCron reports whether a text that is no rule is a cron expression: five
// fields, or six with the seconds before them, of which the first begins with a figure
// or a star.
func looksLikeCron(text string) bool {
	text, _ = bareCron(text)
	fields := strings.Fields(text)
	if len(fields) > 0 && (cronNames[fields[0]] != "" || fields[0] == "@every") {
		return true
	}
	if len(fields) != 5 && len(fields) != 6 {
		return false
	}
	return !slices.ContainsFunc(fields, func(f string) bool {
		return strings.Trim(f, digits+letters+capitals+"*/,-?#") != ""
	}) && strings.Contains(digits+"*", fields[0][:1])
}

// bareCron takes off what may stand before an expression: the word of the rules that
// keep one, and a zone.
func bareCron(text string) (expression string, zoned bool) {
	p := parser{rest: text}
	p.keyword(wordCron)
	p.skipBlanks()
	first, rest, _ := strings.Cut(p.rest, " ")
	if strings.HasPrefix(first, "CRON_TZ=") || strings.HasPrefix(first, "TZ=") {
		return rest, true
	}
	return p.rest, false
}

func cronError(text string) error {
	expression, zoned := bareCron(text)
	rule, ok := FromCron(expression)
	if !ok {
		return errors.New("that is a cron expression, which ParseRule of github.com/tradeclock/tradeclock/cron reads: " +
			"want a rule such as daily 09:01 or every 5m 09:15-15:30")
	}
	also := ""
	if zoned {
		also = ", and in its zone"
	}
	return fmt.Errorf("that is a cron expression, which ParseRule of github.com/tradeclock/tradeclock/cron reads; "+
		"here it would be %q, on the sessions of the calendar alone%s", rule, also)
}

// FromCron returns the rule of this package that is due at the wall times of a cron
// expression: five fields, six with the seconds before them, or a name such as @daily.
// It is ok for the common forms alone, as for
//
//	15 9 * * 1-5      daily 09:15 on mon,tue,wed,thu,fri
//	*/5 9-15 * * *    every 5m 09:00-16:00
//	30 9-15 * * *     hourly 09:30-15:30
//	0 9,15 1 1,7 *    daily 09:00,15:00 on first day of month in jan,jul
//
// and says nothing of another: the module cron reads them all. Where the clocks change,
// hourly and every count absolute time, so that they go on through an hour that comes
// twice.
func FromCron(expression string) (r Rule, ok bool) {
	if full, named := cronNames[strings.TrimSpace(expression)]; named {
		expression = full
	}
	fields := strings.Fields(expression)
	second := 0
	if len(fields) == 6 {
		n, err := strconv.Atoi(fields[0])
		if err != nil || n > 59 || strings.ContainsAny(fields[5], digits) {
			return nil, false // schedulers differ in the number of Sunday where there are seconds
		}
		second, fields = n, fields[1:]
	}
	if len(fields) != 5 {
		return nil, false
	}
	times, okTimes := cronTimes(second, fields[0], fields[1])
	days, okDays := cronDays(fields[2], fields[3], fields[4])
	if !okTimes || !okDays {
		return nil, false
	}
	r, err := Parse(times + days)
	return r, err == nil
}

// cronAny reports whether a field leaves open what it is about.
func cronAny(field string) bool { return field == "*" || field == "?" }

// mostCronTimes are as many times of a day as a person would list.
const mostCronTimes = 8

// cronTimes returns the rule of the times of a day.
func cronTimes(second int, minuteField, hourField string) (rule string, ok bool) {
	minutes, okMinutes := cronValues(minuteField, 0, 59)
	hours, okHours := cronValues(hourField, 0, 23)
	if !okMinutes || !okHours {
		return "", false
	}
	from, to := hours[0], hours[len(hours)-1]
	at := func(hour int) calendar.WallTime { return calendar.Wall(hour, minutes[0]) + calendar.WallTime(second) }
	isRange := to-from == len(hours)-1
	switch {
	case len(minutes) == 1 && isRange && from < to:
		return fmt.Sprintf("%s %s-%s", KindHourly, at(from), at(to)), true
	case len(minutes) == 1:
		var times []string
		for _, hour := range hours {
			times = append(times, at(hour).String())
		}
		return KindDaily + " " + strings.Join(times, ","), len(times) <= mostCronTimes
	}
	step := 60 / len(minutes)
	for i, minute := range minutes {
		if 60%len(minutes) != 0 || minute != minutes[0]+i*step || minutes[0] >= step {
			return "", false // it begins anew with each hour
		}
	}
	return fmt.Sprintf("%s %dm %s-%02d:00", KindEvery, step, at(from), to+1), isRange && second == 0
}

// cronDays returns what a rule leaves out of all dates. Either of two day fields is enough
// for cron, and no filter means that.
func cronDays(day, month, weekday string) (filter string, ok bool) {
	switch {
	case !cronAny(day) && !cronAny(weekday):
		return "", false
	case !cronAny(day):
		n, err := strconv.Atoi(day)
		if err != nil || n < 1 {
			return "", false
		}
		filter = fmt.Sprintf(" %s %s %s %s %s", wordOn, nthText(n), wordDay, wordOf, calendar.Month)
	case !cronAny(weekday):
		filter = " " + wordOn + " " + cronWeekdays(weekday)
	}
	if cronAny(month) {
		return filter, true
	}
	if numbers, ok := cronValues(month, 1, 12); ok {
		names := make([]string, len(numbers))
		for i, n := range numbers {
			names[i] = monthNames[n-1][:3]
		}
		month = strings.Join(names, ",")
	}
	return filter + " " + wordIn + " " + month, true
}

// cronValues returns the values of a field of numbers, in order.
func cronValues(field string, low, high int) (values []int, ok bool) {
	for part := range strings.SplitSeq(strings.ReplaceAll(field, "?", "*"), ",") {
		span, every, stepped := strings.Cut(part, "/")
		from, to, step := low, high, 1
		var errFrom, errTo, errStep error
		if span != "*" {
			first, last, isRange := strings.Cut(span, "-")
			if !isRange && !stepped {
				last = first
			}
			from, errFrom = strconv.Atoi(first)
			to, errTo = strconv.Atoi(last)
		}
		if stepped {
			step, errStep = strconv.Atoi(every)
		}
		if errFrom != nil || errTo != nil || errStep != nil || from < low || to > high || from > to || step < 1 || step > high-low {
			return nil, false
		}
		for v := from; v <= to; v += step {
			values = append(values, v)
		}
	}
	slices.Sort(values)
	return slices.Compact(values), true
}

// cronWeekdays returns the weekdays of a field as a filter has them. What it does not
// know is left as it is, and so is no filter.
func cronWeekdays(field string) string {
	return strings.NewReplacer("0", "sun", "1", "mon", "2", "tue", "3", "wed", "4", "thu", "5", "fri", "6", "sat", "7", "sun").Replace(field)
}
