package rule

import (
	"fmt"
	"time"

	"github.com/tradeclock/tradeclock/calendar"
	"github.com/tradeclock/tradeclock/internal/naming"
	"github.com/tradeclock/tradeclock/internal/said"
)

// CalendarRule is a Rule whose occurrences depend on other dates of the calendar than that
// of the session: the last session before a holiday, say. Where there is a calendar it is
// asked in place of Occurrences, which may return an error then.
type CalendarRule interface {
	Rule
	// OccurrencesBy returns what Occurrences does. Wall times are those of the
	// calendar's location. An error that wraps what the calendar said of a date that it
	// does not know is recorded as the reason of a skipped run, and the rule is asked
	// again while there is time.
	OccurrencesBy(s calendar.Session, cal calendar.Calendar) ([]Occurrence, error)
	// DatesBy returns the first and the last date that OccurrencesBy may ask the
	// calendar for, of the session of a date: at most a year before and after it. Of
	// others the calendar may know nothing.
	DatesBy(d calendar.Date) (first, last calendar.Date)
}

// DatesBy returns the first and the last date on which it depends what a rule is due at on
// the session of a date: that date alone, but for a CalendarRule.
func DatesBy(r Rule, d calendar.Date) (first, last calendar.Date) {
	asked, ok := r.(CalendarRule)
	if !ok {
		return d, d
	}
	return datesAsked(asked, d)
}

// datesAsked asks a user's rule, which is not trusted.
func datesAsked(asked CalendarRule, d calendar.Date) (first, last calendar.Date) {
	const most = 366
	err := said.Contain(func() error {
		first, last = asked.DatesBy(d)
		return nil
	})
	if err != nil || first.After(d) || first.Before(d.AddDays(-most)) {
		first = d
	}
	if err != nil || last.Before(d) || last.After(d.AddDays(most)) {
		last = d
	}
	return first, last
}

// DateSlot is the slot of a rule that is due once on a session, as that of a daily one:
// 2026-11-23.
func DateSlot(session calendar.Date) string { return session.String() }

// HourSlot is the slot of a rule that is due once in an hour, as that of an hourly one:
// 2026-11-23T09+05:30. The offset tells an hour that the clocks repeat from its first.
func HourSlot(due time.Time, loc *time.Location) string { return due.In(loc).Format(hourSlot) }

// TimeSlot is the slot of any rule, as that of an every rule: 2026-11-23T09:15:00+05:30.
// A rule that is due each second keeps least in memory with it, or with HourSlot: where the
// due times are equally far apart, their slots are not kept.
func TimeSlot(due time.Time, loc *time.Location) string { return due.In(loc).Format(timeSlot) }

// compileUsers compiles a user's rule, which is not trusted. The calendar may be nil.
func compileUsers(r Rule, s calendar.Session, loc *time.Location, cal calendar.Calendar) ([]Span, error) {
	found, err := userOccurrences(r, s, loc, cal)
	if err != nil {
		return nil, err
	}
	spans := make([]Span, 0, min(len(found), 16))
	slots := make(map[string]bool, len(found))
	for _, o := range found {
		if err := checkOccurrence(o, s, loc); err != nil {
			return nil, err
		}
		if slots[o.Slot] {
			return nil, fmt.Errorf("the rule gave slot %q twice for session %s", o.Slot, s.Date)
		}
		slots[o.Slot] = true
		next := spanOf(o, loc)
		if n := len(spans); n > 0 && spans[n-1].extend(next) {
			continue
		}
		spans = append(spans, next)
	}
	sortSpans(spans)
	return spans, nil
}

// spanOf returns the span of one occurrence. A slot that its time tells is not kept.
func spanOf(o Occurrence, loc *time.Location) Span {
	sp := Span{First: o.Due.Unix(), N: 1, label: labelText, slot: o.Slot}
	switch o.Slot {
	case TimeSlot(o.Due, loc):
		sp.label, sp.slot = labelTime, ""
	case HourSlot(o.Due, loc):
		sp.label, sp.slot = labelHour, ""
	}
	return sp
}

// extend adds a span of one occurrence to those of a span if it follows them at their step.
func (sp *Span) extend(next Span) bool {
	step := next.First - sp.First - int64(sp.N-1)*sp.Step
	if sp.label == labelText || sp.label != next.label || step <= 0 || sp.N > 1 && step != sp.Step {
		return false
	}
	sp.Step = step
	sp.N++
	return true
}

func userOccurrences(r Rule, s calendar.Session, loc *time.Location, cal calendar.Calendar) (found []Occurrence, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("the rule of type %T panicked for session %s: %s", r, s.Date, said.Panic(p))
		}
	}()
	if asking, ok := r.(CalendarRule); ok && cal != nil {
		return asking.OccurrencesBy(s, cal)
	}
	return r.Occurrences(s, loc)
}

// The days around a session's date in which a user's rule may be due.
const (
	userReachBack  = 1
	userReachAhead = 8
)

func checkOccurrence(o Occurrence, s calendar.Session, loc *time.Location) error {
	if err := naming.Check(o.Slot); err != nil {
		return fmt.Errorf("the rule gave a bad slot for session %s: %w", s.Date, err)
	}
	if o.Due.Nanosecond() != 0 {
		return fmt.Errorf("slot %q is due at %s, which is no whole second", o.Slot, o.Due.UTC().Format(time.RFC3339Nano))
	}
	on := calendar.DateOf(o.Due.In(loc))
	if on.Before(s.Date.AddDays(-userReachBack)) || on.After(s.Date.AddDays(userReachAhead)) {
		return fmt.Errorf("slot %q is due on %s, which is not within %d day before and %d days after session %s",
			o.Slot, on, userReachBack, userReachAhead, s.Date)
	}
	return nil
}
