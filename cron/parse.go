package cron

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	robfig "github.com/robfig/cron/v3"

	"github.com/tradeclock/tradeclock/rule"
)

const (
	wordCron   = "cron"
	longestOne = 1000 // of what a person would write
)

// ErrNoNative is wrapped by the error of Translate for an expression that is valid, and
// that no native rule means.
var ErrNoNative = errors.New("no native rule means that")

// Parse parses an expression: minute, hour, day of month, month and day of week, as
// robfig/cron and crontab have them, or a name such as @daily. 7 is Sunday too. If both
// day fields are set, either is enough.
//
// What has no meaning here is refused with the native text that is meant: a zone before
// the expression, @every and @reboot, a field of seconds, the signs L, W, #, ? and H of
// other crons, and dates that never come.
func Parse(expression string) (Rule, error) {
	if len(expression) > longestOne {
		return Rule{}, fmt.Errorf("cron expression of %d bytes: want five fields", len(expression))
	}
	r, err := parse(strings.TrimSpace(expression))
	if err != nil {
		return Rule{}, fmt.Errorf("cron expression %q: %w", expression, err)
	}
	return r, nil
}

// Translate returns the text of the native rule that is due at the wall times of an
// expression: of a few times of day, of a range of hours, or of minutes at a step that
// divides the hour, on all days, on some weekdays or on one day of the month, in some
// months. The error wraps ErrNoNative if there
// is none, and is that of Parse for what is refused.
//
// Where the clocks change, the hourly and every rules that come of it count absolute
// time, and so go on through an hour that comes twice. A Rule has each wall time once.
func Translate(expression string) (string, error) {
	r, err := Parse(expression)
	if err != nil {
		return "", err
	}
	native, ok := r.native()
	if !ok {
		return "", fmt.Errorf("cron expression %q: %w: it stays %q", expression, ErrNoNative, r)
	}
	return native.String(), nil
}

// native returns the native rule that means the same.
func (r Rule) native() (rule.Rule, bool) { return rule.FromCron(r.expression()) }

// ParseRule parses the text form of a rule: all that rule.Parse does, an expression, and
// the text of a Rule, which begins with the word cron. Of an expression it makes the
// native rule that means the same, if there is one; the word keeps it as it is. A filter
// may follow either, as in
//
//	cron */7 9-15 * * * on last session of month
//
// It is what sqlstore.WithRuleParser and tradeclock.Schedule.ReadJSON take.
func ParseRule(text string) (rule.Rule, error) {
	expression, kept := strings.CutPrefix(strings.TrimSpace(text), wordCron+" ")
	if !kept && !isExpression(expression) {
		return rule.Parse(text)
	}
	expression, filter, err := cutFilter(expression)
	if err != nil {
		return nil, fmt.Errorf("rule %q: %w", text, err)
	}
	r, err := Parse(expression)
	if err != nil {
		return nil, err
	}
	if native, ok := r.native(); ok && !kept && filter == (rule.Filter{}) {
		return native, nil
	}
	return rule.On(r, filter), nil
}

// isExpression reports whether a text is meant as an expression: native texts begin with
// a word.
func isExpression(text string) bool {
	first, _, _ := strings.Cut(text, " ")
	return strings.HasPrefix(first, "TZ=") || strings.HasPrefix(first, "CRON_TZ=") ||
		first != "" && strings.Contains("0123456789*@?", first[:1]) || isHash(first)
}

// cutFilter takes the filter off the end of a text, if it has one.
func cutFilter(text string) (expression string, f rule.Filter, err error) {
	cut := len(text)
	for _, word := range []string{" on ", " in ", " or "} {
		if at := strings.Index(text, word); at >= 0 {
			cut = min(cut, at)
		}
	}
	f, err = rule.ParseFilter(strings.TrimSpace(text[cut:]))
	return text[:cut], f, err
}

var parser = robfig.NewParser(robfig.Minute | robfig.Hour | robfig.Dom | robfig.Month | robfig.Dow | robfig.Descriptor)

// parse is Parse without the expression in the error.
func parse(text string) (Rule, error) {
	if err := refused(text); err != nil {
		return Rule{}, err
	}
	fields := strings.Fields(text)
	if len(fields) == len(allFields) {
		fields[4] = withSunday(fields[4])
	}
	schedule, err := parser.Parse(strings.Join(fields, " "))
	if err != nil {
		return Rule{}, err
	}
	spec, ok := schedule.(*robfig.SpecSchedule)
	if !ok {
		return Rule{}, fmt.Errorf("it is of a kind that has no fields, %T", schedule)
	}
	r := Rule{minute: spec.Minute, hour: spec.Hour, dom: spec.Dom, month: spec.Month, dow: spec.Dow}.normal()
	for i, set := range [...]uint64{r.minute, r.hour, r.dom, r.month, r.dow} {
		if set == 0 {
			return Rule{}, fmt.Errorf("the %s names nothing: %q", allFields[i].name, fields[i])
		}
	}
	if !r.comes() {
		return Rule{}, errors.New("that date never comes: the end of a month is daily 09:00 on last day of month")
	}
	return r, nil
}

// withSunday writes the weekdays that name Sunday as 7 with the 0 that the parser knows.
func withSunday(field string) string {
	parts := strings.Split(field, ",")
	for i, part := range parts {
		days, step, stepped := strings.Cut(part, "/")
		first, last, isRange := strings.Cut(days, "-")
		from, errFrom := strconv.Atoi(first)
		by, errBy := strconv.Atoi(step)
		switch {
		case part == "7":
			parts[i] = "0"
			continue
		case !isRange || last != "7" || errFrom != nil || from < 0 || from > 7:
			continue
		case !stepped:
			by = 1
		case errBy != nil || by < 1:
			continue
		}
		var names []string
		for day := from; day <= 7; day += min(by, 8) {
			names = append(names, strconv.Itoa(day%7))
		}
		parts[i] = strings.Join(names, ",")
	}
	return strings.Join(parts, ",")
}
