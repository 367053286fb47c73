package tradeclock

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/tradeclock/tradeclock/calendar"
	"github.com/tradeclock/tradeclock/internal/naming"
	"github.com/tradeclock/tradeclock/internal/said"
)

// span is a run of due instants at one step: the compiled form of a rule, or of
// a part of it, on one session. Times are in seconds of Unix time.
type span struct {
	first int64
	step  int64 // zero if n is 1
	n     int
	label slotLabel
	slot  string // of labelText
	// window is the number of a window of a phase, from 1, of labelWindow.
	window int
	// shift is how much of first after rules have added. Slots are named without
	// it, since they are those of the task that is followed.
	shift int64
	// skip is why the occurrences are skipped, if they are.
	skip string
}

// slotLabel says how the slots of a span are named.
type slotLabel uint8

const (
	labelDate   slotLabel = iota // the session's date
	labelWindow                  // the session's date and the window's number
	labelHour                    // the local hour and offset
	labelTime                    // the local time and offset
	labelText                    // as the user's rule said
)

const (
	hourSlot = "2006-01-02T15-07:00"
	timeSlot = "2006-01-02T15:04:05-07:00"
)

// due returns the i-th due instant, in UTC.
func (sp span) due(i int) time.Time {
	return time.Unix(sp.first+int64(i)*sp.step, 0).UTC()
}

// slotAt returns the slot of the i-th due instant.
func (sp span) slotAt(i int, session calendar.Date, loc *time.Location) string {
	named := time.Unix(sp.first+int64(i)*sp.step-sp.shift, 0)
	switch sp.label {
	case labelHour:
		return named.In(loc).Format(hourSlot)
	case labelTime:
		return named.In(loc).Format(timeSlot)
	case labelText:
		return sp.slot
	case labelWindow:
		return session.String() + "#" + strconv.Itoa(sp.window)
	}
	return session.String()
}

// after returns the index of the first due instant later than t, in Unix time, or
// n. Due instants are whole seconds, so that what t has beyond one does not count.
func (sp span) after(t int64) int {
	passed := t - sp.first
	switch {
	case passed < 0:
		return 0
	case sp.n == 1:
		return 1
	}
	return int(min(passed/sp.step+1, int64(sp.n)))
}

// spansOf compiles a rule for one session, in order of the first due instants.
// The spans of a rule of this package do not overlap. A user's rule is not
// trusted: its panic becomes an error, and so does an occurrence that breaks the
// contract of Rule.
func spansOf(r Rule, s calendar.Session, loc *time.Location) ([]span, error) {
	if b, ok := r.(builtin); ok {
		return b.spans(s, loc)
	}
	found, err := userOccurrences(r, s, loc)
	if err != nil {
		return nil, err
	}
	spans := make([]span, 0, len(found))
	slots := make(map[string]bool, len(found))
	for _, o := range found {
		if err := checkOccurrence(o, s, loc); err != nil {
			return nil, err
		}
		if slots[o.Slot] {
			return nil, fmt.Errorf("the rule gave slot %q twice for session %s", o.Slot, s.Date)
		}
		slots[o.Slot] = true
		spans = append(spans, span{first: o.Due.Unix(), n: 1, label: labelText, slot: o.Slot})
	}
	sortSpans(spans)
	return spans, nil
}

// sortSpans orders spans by their first due instants.
func sortSpans(spans []span) {
	slices.SortStableFunc(spans, func(a, b span) int { return cmp.Compare(a.first, b.first) })
}

func userOccurrences(r Rule, s calendar.Session, loc *time.Location) (found []Occurrence, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("the rule of type %T panicked for session %s: %s", r, s.Date, said.Panic(p))
		}
	}()
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

// occurrences lists what a rule compiles to. An Occurrence cannot say that it is
// skipped, so that a rule with such a one has none that can be told.
func occurrences(r builtin, s calendar.Session, loc *time.Location) ([]Occurrence, error) {
	spans, err := r.spans(s, loc)
	if err != nil {
		return nil, err
	}
	var list []Occurrence
	for _, sp := range spans {
		if sp.skip != "" {
			return nil, errors.New(sp.skip)
		}
		for i := range sp.n {
			list = append(list, Occurrence{Due: sp.due(i), Slot: sp.slotAt(i, s.Date, loc)})
		}
	}
	return list, nil
}
