package main

import (
	"strconv"
	"time"

	"github.com/tradeclock/tradeclock/calendar"
	"github.com/tradeclock/tradeclock/internal/faces"
	"github.com/tradeclock/tradeclock/store"
)

// sheet is how an item is one record of a CSV file, where it has more columns than a table:
// whole instants, and words without signs.
type sheet[T any] struct {
	header []string
	record func(T) []string
}

var runHeader = []string{
	"session", "due", "through", "account", "task", "slot", "count", "outcome", "started", "finished", "attempt", "term", "by", "why", "run_id",
}

// runRecord is a run as a record, with the word for what became of it.
func (s *service) runRecord(r store.Run, word string) []string {
	count := func(n int64) string {
		if n == 0 {
			return ""
		}
		return strconv.FormatInt(n, 10)
	}
	return []string{
		r.Session.String(), s.instant(r.Due), s.instant(r.Through()), r.Account, r.Task, r.Slot, count(int64(r.Occurrences())), word,
		s.instant(r.Started), s.instant(r.Finished), count(int64(r.Attempt)), count(r.Term), r.Actor, r.Reason, r.ID,
	}
}

// instant is a time in full, where the service is.
func (s *service) instant(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.In(s.loc).Format(time.RFC3339Nano)
}

// itemRecord is an item of a date's plan as a record.
func (s *service) itemRecord(date calendar.Date, item store.AgendaItem) []string {
	run := item.Run
	if run.Outcome == store.NoOutcome {
		run = store.Run{Account: item.Account, Task: item.Task, Slot: item.Slot, Session: date, Due: item.Due, Reason: faces.Why(item)}
	}
	return s.runRecord(run, faces.MarkOf(item, s.now()).Word)
}
