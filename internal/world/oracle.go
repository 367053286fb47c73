package world

import (
	"time"

	"github.com/tradeclock/tradeclock/calendar"
)

// occurrence is what the world expects of a task on a session.
type occurrence struct {
	task string
	slot string
	due  time.Time
	skip bool // it is recorded, and must not run
	late bool // its catch-up is over by then
	// ends is when its catch-up ends at the latest, whatever it is, if it can be told.
	ends  time.Time
	why   string // what a person who had it skipped has said
	moved bool   // by a person
	// until is when it has waited for another for long enough, if it is to.
	until time.Time
}

// occurrencesOn lists what is due of a task on a session, by the documentation of
// rules and not by the scheduler's plan.
func (x exchangePlace) occurrencesOn(tasks []task, account, name string, date calendar.Date, is session) []occurrence {
	t, ok := rowFor(tasks, account, name)
	closed := !is.unknown && !is.runs(t)
	if !ok || t.Disabled || closed && t.kind != "once" {
		return nil
	}
	found := x.occurrencesAt(tasks, account, t, date, is)
	everyDay := t.Sessions&calendar.EveryDay != 0
	for i := range found {
		found[i].task = t.Task
		found[i].skip = found[i].skip || is.unknown && !everyDay || closed
		if t.CatchUpUntil != nil {
			until, told := x.untilOf(t, date, is)
			found[i].late = told && !found[i].due.Before(until)
			if told {
				found[i].ends = until
			}
		}
	}
	return found
}

func (x exchangePlace) occurrencesAt(tasks []task, account string, t task, date calendar.Date, is session) []occurrence {
	if t.prior != nil && x.priorHolds(tasks, account, t, date, is) {
		t = *t.prior
	}
	daily := occurrence{slot: date.String(), due: x.instant(date, t.from)}
	switch t.kind {
	case "open", "close":
		daily.due = x.instant(date, is.close).Add(-t.every)
		if t.kind == "open" {
			daily.due = x.instant(date, is.open).Add(t.every)
		}
		if is.unknown || is.unsaid {
			daily.due, daily.skip = x.instant(date.AddDays(1), 0), true
		}
	case "once":
		if date != t.date {
			return nil
		}
	case "rounds":
		return grid(daily.due, x.instant(date, 14*time.Hour), 45*time.Minute, roundSlot)
	case "stuck":
		daily.slot = stuckSlot
	case "hourly":
		return grid(daily.due, x.instant(date, t.to).Add(time.Second), time.Hour, "2006-01-02T15-07:00")
	case "every":
		return grid(daily.due, x.instant(date, t.to), t.every, "2006-01-02T15:04:05-07:00")
	case "chain":
		return x.chainOn(tasks, account, t, date, is)
	case "after":
		base, ok := rowFor(tasks, account, taskNames[t.base])
		if !ok {
			return nil
		}
		found := x.occurrencesAt(tasks, account, base, date, is)
		for i := range found {
			found[i].due = found[i].due.Add(t.every)
		}
		return found
	}
	return []occurrence{daily}
}

// priorHolds reports whether a session began before the task got a rule of another kind:
// an earlier one, or one of which the old rule had brought up an occurrence.
func (x exchangePlace) priorHolds(tasks []task, account string, t task, date calendar.Date, is session) bool {
	edited := calendar.DateOf(t.edited.In(x.zone))
	if date != edited {
		return date.Before(edited)
	}
	found := x.occurrencesAt(tasks, account, *t.prior, date, is)
	return len(found) > 0 && !found[0].due.After(t.edited)
}

// grid lists the instants from first on, as long as they are before end.
func grid(first, end time.Time, step time.Duration, slot string) (found []occurrence) {
	for due := first; due.Before(end); due = due.Add(step) {
		found = append(found, occurrence{slot: due.Format(slot), due: due})
	}
	return found
}
