package rule

import (
	"cmp"
	"errors"
	"slices"
	"strconv"
	"time"

	"github.com/tradeclock/tradeclock/calendar"
)

// Span is a run of due instants at one step: the compiled form of a rule, or of
// a part of it, on one session. Times are in seconds of Unix time.
type Span struct {
	First int64
	Step  int64 // zero if n is 1
	N     int
	label slotLabel
	slot  string // of labelText, or what of labelMoment has the date before it
	// window is the number of a window of a phase, from 1, of labelWindow.
	window int
	// Shift is how much of first after rules have added. Slots are named without
	// it, since they are those of the task that is followed.
	Shift int64
	// Skip is why the occurrences are skipped, if they are.
	Skip string
}

// slotLabel says how the slots of a span are named.
type slotLabel uint8

const (
	labelDate   slotLabel = iota // the session's date
	labelWindow                  // the session's date and the window's number
	labelHour                    // the local hour and offset
	labelTime                    // the local time and offset
	labelMoment                  // the session's date and a moment
	labelText                    // as the user's rule said
)

const (
	hourSlot = "2006-01-02T15-07:00"
	timeSlot = "2006-01-02T15:04:05-07:00"
)

// SkippedAt returns the span of one occurrence, whose slot is the session's date and which
// is skipped.
func SkippedAt(due time.Time, why string) Span {
	return Span{First: due.Unix(), N: 1, label: labelDate, Skip: why}
}

// Due returns the i-th due instant, in UTC.
func (sp Span) Due(i int) time.Time {
	return time.Unix(sp.First+int64(i)*sp.Step, 0).UTC()
}

// SlotAt returns the slot of the i-th due instant.
func (sp Span) SlotAt(i int, session calendar.Date, loc *time.Location) string {
	named := time.Unix(sp.First+int64(i)*sp.Step-sp.Shift, 0)
	switch sp.label {
	case labelHour:
		return named.In(loc).Format(hourSlot)
	case labelTime:
		return named.In(loc).Format(timeSlot)
	case labelText:
		return sp.slot
	case labelWindow:
		return session.String() + "#" + strconv.Itoa(sp.window)
	case labelMoment:
		return session.String() + "@" + sp.slot
	}
	return session.String()
}

// After returns the index of the first due instant later than t, in Unix time, or
// n. Due instants are whole seconds, so that what t has beyond one does not count.
func (sp Span) After(t int64) int {
	passed := t - sp.First
	switch {
	case passed < 0:
		return 0
	case sp.N == 1:
		return 1
	}
	return int(min(passed/sp.Step+1, int64(sp.N)))
}

// Compile compiles a rule for one session, in order of the first due instants.
// The spans of a rule of this package do not overlap, but for what is skipped. A user's
// rule is not trusted: its panic becomes an error, and so does an occurrence that breaks
// the contract of Rule.
func Compile(r Rule, s calendar.Session, loc *time.Location) ([]Span, error) {
	return compile(r, s, loc, nil)
}

// CompileBy compiles a rule for one session of a calendar, which a CalendarRule is asked
// with. Wall times are those of the calendar's location.
func CompileBy(r Rule, s calendar.Session, cal calendar.Calendar) ([]Span, error) {
	return compile(r, s, cal.Location(), cal)
}

func compile(r Rule, s calendar.Session, loc *time.Location, cal calendar.Calendar) ([]Span, error) {
	if b, ok := r.(builtin); ok {
		return b.spans(s, loc)
	}
	return compileUsers(r, s, loc, cal)
}

// sortSpans orders spans by their first due instants.
func sortSpans(spans []Span) {
	slices.SortStableFunc(spans, func(a, b Span) int { return cmp.Compare(a.First, b.First) })
}

// occurrences lists what a rule compiles to. An Occurrence cannot say that it is
// skipped, so that a rule with such a one has none that can be told.
func occurrences(r builtin, s calendar.Session, loc *time.Location) ([]Occurrence, error) {
	spans, err := r.spans(s, loc)
	if err != nil {
		return nil, err
	}
	var list []Occurrence
	for _, sp := range spans {
		if sp.Skip != "" {
			return nil, errors.New(sp.Skip)
		}
		for i := range sp.N {
			list = append(list, Occurrence{Due: sp.Due(i), Slot: sp.SlotAt(i, s.Date, loc)})
		}
	}
	return list, nil
}
