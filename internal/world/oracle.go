package world

import (
	"time"

	"github.com/tradeclock/tradeclock"
)

// occurrence is what the world expects of a task on a session.
type occurrence struct {
	task string
	slot string
	due  time.Time
	skip bool // it is recorded, and must not run
}

// occurrencesOn lists what is due of a task on a session, by the documentation of
// rules and not by the scheduler's plan.
func occurrencesOn(tasks []task, t task, date tradeclock.Date, is session) []occurrence {
	if t.Disabled {
		return nil
	}
	everyDay := t.Sessions&tradeclock.EveryDay != 0
	if !is.unknown && !is.runs(t) {
		return nil
	}
	found := occurrencesAt(tasks, t, date, is)
	for i := range found {
		found[i].task = t.Task
		found[i].skip = found[i].skip || is.unknown && !everyDay
	}
	return found
}

func occurrencesAt(tasks []task, t task, date tradeclock.Date, is session) (found []occurrence) {
	switch t.kind {
	case "daily":
		return []occurrence{{slot: date.String(), due: instant(date, t.from)}}
	case "close":
		at := occurrence{slot: date.String(), due: instant(date, is.close-t.every)}
		if is.unknown {
			at.due, at.skip = instant(date, 24*time.Hour), true
		}
		return []occurrence{at}
	case "hourly":
		for at := t.from; at <= t.to; at += time.Hour {
			due := instant(date, at)
			found = append(found, occurrence{slot: due.Format("2006-01-02T15-07:00"), due: due})
		}
	case "every":
		for at := t.from; at < t.to; at += t.every {
			due := instant(date, at)
			found = append(found, occurrence{slot: due.Format("2006-01-02T15:04:05-07:00"), due: due})
		}
	case "after":
		found = occurrencesAt(tasks, tasks[t.base], date, is)
		for i := range found {
			found[i].due = found[i].due.Add(t.every)
		}
	}
	return found
}
