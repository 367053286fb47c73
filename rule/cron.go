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
	if len(fields) != 5 || !cronAny(fields[2]) || !cronAny(fields[3]) {
		return nil, false
	}
	text, ok := cronTimes(second, fields[0], fields[1])
	if !ok {
		return nil, false
	}
	if !cronAny(fields[4]) {
		text += " " + wordOn + " " + cronWeekdays(fields[4])
	}
	r, err := Parse(text)
	return r, err == nil
}

// cronAny reports whether a field leaves open what it is about.
func cronAny(field string) bool { return field == "*" || field == "?" }

// cronTimes returns the rule of the times of a day.
func cronTimes(second int, minutes, hours string) (rule string, ok bool) {
	from, to, ok := cronHours(hours)
	if !ok {
		return "", false
	}
	if minute, err := strconv.Atoi(minutes); err == nil {
		at := calendar.Wall(from, minute) + calendar.WallTime(second)
		if from == to {
			return KindDaily + " " + at.String(), true
		}
		return fmt.Sprintf("%s %s-%s", KindHourly, at, at+calendar.Wall(to-from, 0)), true
	}
	first, step, ok := cronStep(minutes)
	if !ok || second != 0 {
		return "", false
	}
	return fmt.Sprintf("%s %dm %s-%02d:00", KindEvery, step, calendar.Wall(from, first), to+1), true
}

// cronHours returns the first and the last hour of a field that names all between them.
// Hours at a step are none: a rule that counts absolute time would leave them on a day
// whose clocks change.
func cronHours(field string) (from, to int, ok bool) {
	if cronAny(field) {
		return 0, 23, true
	}
	first, last, isRange := strings.Cut(field, "-")
	if !isRange {
		last = first
	}
	from, errFrom := strconv.Atoi(first)
	to, errTo := strconv.Atoi(last)
	return from, to, errFrom == nil && errTo == nil && from <= to && to <= 23
}

// cronStep returns the first of the minutes of a field and the step between them, which
// goes on over the hour: every minute, */5, 3-59/5, 0,15,30,45 and 10,40.
func cronStep(field string) (first, step int, ok bool) {
	if cronAny(field) {
		return 0, 1, true
	}
	from, every, ok := strings.Cut(strings.Replace(field, "*/", "0-59/", 1), "-59/")
	if ok {
		first, errFirst := strconv.Atoi(from)
		step, errStep := strconv.Atoi(every)
		ok = errFirst == nil && errStep == nil && 0 < step && step < 60 && 60%step == 0 && 0 <= first && first < step
		return first, step, ok
	}
	minutes := strings.Split(field, ",")
	if 60%len(minutes) != 0 {
		return 0, 0, false
	}
	first, err := strconv.Atoi(minutes[0])
	step = 60 / len(minutes)
	if err != nil || first < 0 || first >= step {
		return 0, 0, false
	}
	for i, text := range minutes {
		if n, err := strconv.Atoi(text); err != nil || n != first+i*step {
			return 0, 0, false
		}
	}
	return first, step, true
}

// cronWeekdays returns the weekdays of a field as a filter has them. What it does not
// know is left as it is, and so is no filter.
func cronWeekdays(field string) string {
	return strings.NewReplacer("0", "sun", "1", "mon", "2", "tue", "3", "wed", "4", "thu", "5", "fri", "6", "sat", "7", "sun").Replace(field)
}
