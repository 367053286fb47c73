package cron

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/tradeclock/tradeclock/calendar"
	"github.com/tradeclock/tradeclock/rule"
)

// refused reports what an expression has that means nothing here, with the text of the
// rule that is meant, as far as there is one.
func refused(text string) error {
	first, rest, _ := strings.Cut(text, " ")
	switch {
	case strings.HasPrefix(first, "TZ="), strings.HasPrefix(first, "CRON_TZ="):
		return fmt.Errorf("the zone is that of the schedule's calendar: leave out %s%s", first, instead(rest))
	case text == "@reboot":
		return errors.New("@reboot is no time of day: let the executor be a tradeclock.Starter, which is started before its first run")
	case first == "@every":
		return refusedEvery(strings.TrimSpace(rest))
	case strings.HasPrefix(text, "@"):
		return nil
	}
	fields := strings.Fields(text)
	switch {
	case len(fields) == 6:
		return refusedSeconds(text)
	case len(fields) != len(allFields):
		return fmt.Errorf("want five fields, for minute, hour, day of month, month and day of week, and not %d", len(fields))
	}
	for i, f := range allFields {
		for part := range strings.SplitSeq(fields[i], ",") {
			if err := f.refused(part, i, fields); err != nil {
				return err
			}
		}
	}
	return nil
}

// instead says which rule a text is, if it is one.
func instead(text string) string {
	r, err := ParseRule(text)
	if err != nil {
		return ""
	}
	return fmt.Sprintf("; here it would be %q", r)
}

func refusedEvery(interval string) error {
	d, err := time.ParseDuration(interval)
	if err != nil || d >= 24*time.Hour {
		return errors.New("@every has no time of day to begin at: want one, as in every 90s 00:00-24:00 or daily 09:00")
	}
	return errors.New("@every has no time of day to begin at" + instead("every "+interval+" 00:00-24:00"))
}

func refusedSeconds(text string) error {
	native, ok := rule.FromCron(text)
	if !ok {
		return errors.New("six fields: want five, without seconds, or a native rule such as daily 09:01:15 or every 20s open-close")
	}
	return fmt.Errorf("six fields: want five, without seconds; here it would be %q", native)
}

var (
	lastDay     = regexp.MustCompile(`^(?i)L(-\d{1,2})?(W?)$`)
	nearestDay  = regexp.MustCompile(`^(?i)(\d{1,2})W$`)
	lastWeekday = regexp.MustCompile(`^(?i)([0-7]|[a-z]{3})L$`)
	nthWeekday  = regexp.MustCompile(`^(?i)([0-7]|[a-z]{3})#([1-5])$`)
	stepAndMore = regexp.MustCompile(`^(.*)/(\d+)$`)
)

// refused reports what one part of a field has that means nothing here.
func (f field) refused(part string, i int, fields []string) error {
	with := func(text string) string { // the expression with another text in this field
		changed := append([]string(nil), fields...)
		changed[i] = text
		return strings.Join(changed, " ")
	}
	switch {
	case strings.HasPrefix(part, "?"):
		return fmt.Errorf("the %s is %q, which is of other crons: want *%s", f.name, fields[i], instead(strings.ReplaceAll(strings.Join(fields, " "), "?", "*")))
	case isHash(part) || strings.Contains(part, "~"):
		return fmt.Errorf("the %s has %q, which is of other crons: the Spread of a schedule shifts the start of each account's run", f.name, part)
	case strings.HasPrefix(part, "*-"):
		return fmt.Errorf("the %s has %q: want a number before the dash", f.name, part)
	}
	if filter, ok := f.counted(part); ok && rule.Validate(filtered(with("*"), filter)) == nil {
		return fmt.Errorf("the %s has %q, which is of other crons: write it as in %q", f.name, part, filtered(with("*"), filter))
	}
	return f.refusedStep(part)
}

// counted returns the filter of a part of a day field by which other crons count days. A
// weekday there is a session here.
func (f field) counted(part string) (rule.Filter, bool) {
	if f == domField {
		if last := lastDay.FindStringSubmatch(part); last != nil {
			n, _ := strconv.Atoi(last[1]) // zero, or below
			if last[2] != "" {
				return rule.NthSession(n-1, calendar.Month), true
			}
			return rule.NthDay(n-1, calendar.Month), true
		}
		if nearest := nearestDay.FindStringSubmatch(part); nearest != nil {
			n, _ := strconv.Atoi(nearest[1])
			return rule.NthDay(n, calendar.Month).OrSessionAfter(), true
		}
	}
	if f != dowField {
		return rule.Filter{}, false
	}
	if strings.EqualFold(part, "L") {
		return rule.OnWeekdays(time.Saturday), true
	}
	n := -1
	match := lastWeekday.FindStringSubmatch(part)
	if nth := nthWeekday.FindStringSubmatch(part); nth != nil {
		match = nth
		n, _ = strconv.Atoi(nth[2])
	}
	if match == nil {
		return rule.Filter{}, false
	}
	day, err := parseWeekday(match[1])
	return rule.NthWeekday(n, day, calendar.Month), err == nil
}

// parseWeekday reads one weekday as the expression has it, 7 for Sunday too.
func parseWeekday(text string) (time.Weekday, error) {
	r, err := Parse("0 0 * * " + text)
	if err != nil {
		return 0, err
	}
	return time.Weekday(dowField.values(r.dow)[0]), nil
}

// filtered returns an expression's rule with one more filter.
func filtered(expression string, filter rule.Filter) rule.Rule {
	r, err := ParseRule(expression)
	if err != nil {
		r = rule.MustParse("daily 09:00")
	}
	bare, has := rule.Split(r)
	return rule.On(bare, has.And(filter))
}

// isHash reports whether a part of a field is one that other crons choose by the name of
// the job.
func isHash(part string) bool {
	return part == "H" || strings.HasPrefix(part, "H/") || strings.HasPrefix(part, "H(")
}

// refusedStep refuses a step that leaves but one value, as in */90 for each 90 minutes.
func (f field) refusedStep(part string) error {
	stepped := stepAndMore.FindStringSubmatch(part)
	if stepped == nil {
		return nil
	}
	step, err := strconv.Atoi(stepped[2])
	if err == nil && step <= f.max-f.min {
		return nil
	}
	native := ""
	if f == minuteField && err == nil && step < 24*60 {
		native = instead("every " + (time.Duration(step) * time.Minute).String() + " 00:00-24:00")
	}
	return fmt.Errorf("the step of %q is more than the %s has%s", part, f.name, native)
}
