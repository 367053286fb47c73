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

// looksLikeCron reports whether a text that is no rule is a cron expression: five
// fields, or six with the seconds before them, of which the first begins with a figure
// or a star.
func looksLikeCron(text string) bool {
	text, _ = withoutZone(text)
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

// withoutZone takes the zone off the front of an expression, if it has one.
func withoutZone(text string) (expression string, zoned bool) {
	first, rest, _ := strings.Cut(strings.TrimSpace(text), " ")
	if strings.HasPrefix(first, "CRON_TZ=") || strings.HasPrefix(first, "TZ=") {
		return rest, true
	}
	return text, false
}

func cronError(text string) error {
	text, zoned := withoutZone(text)
	rule, ok := ruleOfCron(text)
	switch {
	case !ok:
		return errors.New("that is a cron expression: want a rule such as daily 09:01 or every 5m 09:15-15:30")
	case zoned:
		return fmt.Errorf("that is a cron expression; here it would be %q, on the sessions of the calendar alone, and in its zone", rule)
	}
	return fmt.Errorf("that is a cron expression; here it would be %q, on the sessions of the calendar alone", rule)
}

// ruleOfCron returns the rule that is due when a cron expression is, on each date.
func ruleOfCron(text string) (rule string, ok bool) {
	if full, named := cronNames[strings.TrimSpace(text)]; named {
		text = full
	}
	fields := strings.Fields(text)
	second := 0
	if len(fields) == 6 {
		n, err := strconv.Atoi(fields[0])
		if err != nil || n > 59 || strings.ContainsAny(fields[5], digits) {
			return "", false // schedulers differ in the number of Sunday where there are seconds
		}
		second, fields = n, fields[1:]
	}
	if len(fields) != 5 || !cronAny(fields[2]) || !cronAny(fields[3]) {
		return "", false
	}
	rule, ok = cronTimes(second, fields[0], fields[1])
	if !cronAny(fields[4]) {
		rule += " " + wordOn + " " + cronWeekdays(fields[4])
	}
	parsed, err := Parse(rule)
	if !ok || err != nil {
		return "", false
	}
	return parsed.String(), true
}

// cronAny reports whether a field leaves open what it is about.
func cronAny(field string) bool { return field == "*" || field == "?" }

// cronTimes returns the rule of the times of a day.
func cronTimes(second int, minutes, hours string) (rule string, ok bool) {
	from, to, everyHours, ok := cronHours(hours)
	if !ok {
		return "", false
	}
	if minute, err := strconv.Atoi(minutes); err == nil {
		at := calendar.Wall(from, minute) + calendar.WallTime(second)
		switch {
		case from == to:
			return KindDaily + " " + at.String(), true
		case everyHours == 1:
			return fmt.Sprintf("%s %s-%s", KindHourly, at, at+calendar.Wall(to-from, 0)), true
		}
		return fmt.Sprintf("%s %dh %s-24:00", KindEvery, everyHours, at), true
	}
	step, ok := cronStep(minutes)
	if !ok || everyHours != 1 || second != 0 {
		return "", false
	}
	return fmt.Sprintf("%s %dm %s-%02d:00", KindEvery, step, calendar.Wall(from, 0), to+1), true
}

// cronHours returns the first and the last hour of a field, and how many lie between
// those that it names.
func cronHours(field string) (from, to, step int, ok bool) {
	if cronAny(field) {
		return 0, 23, 1, true
	}
	if every, ok := strings.CutPrefix(field, "*/"); ok {
		n, err := strconv.Atoi(every)
		return 0, 23, n, err == nil && n > 0 && 24%n == 0 && n < 24
	}
	first, last, isRange := strings.Cut(field, "-")
	if !isRange {
		last = first
	}
	from, errFrom := strconv.Atoi(first)
	to, errTo := strconv.Atoi(last)
	return from, to, 1, errFrom == nil && errTo == nil && from <= to && to <= 23
}

// cronStep returns the step of the minutes of a field that begins anew with each hour
// without being seen to: every minute, */5, and 0,30 or 0,15,30,45.
func cronStep(field string) (step int, ok bool) {
	if cronAny(field) {
		return 1, true
	}
	if every, ok := strings.CutPrefix(field, "*/"); ok {
		n, err := strconv.Atoi(every)
		return n, err == nil && n > 0 && 60%n == 0
	}
	minutes := strings.Split(field, ",")
	if 60%len(minutes) != 0 {
		return 0, false
	}
	step = 60 / len(minutes)
	for i, text := range minutes {
		if text != strconv.Itoa(i*step) {
			return 0, false
		}
	}
	return step, true
}

// cronWeekdays returns the weekdays of a field as a filter has them. What it does not
// know is left as it is, and so is no filter.
func cronWeekdays(field string) string {
	return strings.NewReplacer("0", "sun", "1", "mon", "2", "tue", "3", "wed", "4", "thu", "5", "fri", "6", "sat", "7", "sun").Replace(field)
}
