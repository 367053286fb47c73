package faces

import (
	"cmp"
	"time"

	"github.com/tradeclock/tradeclock/store"
)

// Mark is what became of an occurrence, as a sign, a word and a kind, by which a face has
// its colours and shapes.
type Mark struct {
	Sign, Word string
	Kind       string // a name of letters alone
	Weight     int    // which of several in one cell is shown: the heaviest
}

// The marks.
var (
	markDue         = Mark{"○", "due", "due", 1}
	markWaits       = Mark{"○", "waits", "due", 1}
	markNoRecord    = Mark{"?", "no record", "norecord", 4}
	markWillSkip    = Mark{"·", "will be skipped", "not", 1}
	markNotRun      = Mark{"·", "not run", "not", 1}
	markArmed       = Mark{"◔", "armed", "armed", 4}
	markRunning     = Mark{"◐", "running", "running", 5}
	markSucceeded   = Mark{"●", "succeeded", "succeeded", 2}
	markSkipped     = Mark{"–", "skipped", "skipped", 3}
	markMissed      = Mark{"△", "missed", "missed", 9}
	markFailed      = Mark{"✕", "failed", "failed", 8}
	markTimedOut    = Mark{"⧗", "timed out", "timedout", 7}
	markInterrupted = Mark{"⌁", "interrupted", "interrupted", 6}
)

// Outcomes are those that a record can have, the worst first.
var Outcomes = []store.Outcome{
	store.Missed, store.Failed, store.TimedOut, store.Interrupted, store.Running, store.Armed,
	store.Skipped, store.Succeeded,
}

// Trouble are the outcomes that nobody wanted.
var Trouble = Outcomes[:4]

// MarkOf returns the mark of an item at an instant.
func MarkOf(item store.AgendaItem, now time.Time) Mark {
	switch {
	case item.Run.Outcome != store.NoOutcome:
		return MarkOfOutcome(item.Run.Outcome)
	case item.Skip != "" && item.Due.After(now):
		return markWillSkip
	case item.Skip != "":
		return markNotRun
	case item.Awaits != "" && now.Before(item.Until):
		return markWaits
	case item.Due.After(now):
		return markDue
	}
	return markNoRecord
}

// MarkOfOutcome returns the mark of a record.
func MarkOfOutcome(o store.Outcome) Mark {
	switch o {
	case store.Armed:
		return markArmed
	case store.Running:
		return markRunning
	case store.Succeeded:
		return markSucceeded
	case store.Failed:
		return markFailed
	case store.TimedOut:
		return markTimedOut
	case store.Skipped:
		return markSkipped
	case store.Missed:
		return markMissed
	case store.Interrupted:
		return markInterrupted
	}
	return markDue
}

// Stretch is a number of items of one task that became the same, one after the other.
type Stretch struct {
	store.AgendaItem
	Last  time.Time
	Count int
}

// Stretches puts together what is due again and again and became the same, in the order of
// the first of each. With each it puts nothing together.
func Stretches(items []store.AgendaItem, each bool) []Stretch {
	var all []Stretch
	open := make(map[string]int) // of each account and task
	for _, item := range items {
		key := item.Account + "\x00" + item.Task
		at, known := open[key]
		if known && !each && became(all[at].AgendaItem) == became(item) {
			all[at].Count += item.Run.Occurrences()
			all[at].Last = Through(item)
			continue
		}
		open[key] = len(all)
		all = append(all, Stretch{item, Through(item), item.Run.Occurrences()})
	}
	return all
}

// Through is when the last occurrence of an item is due.
func Through(item store.AgendaItem) time.Time {
	if item.Run.Outcome == store.NoOutcome {
		return item.Due
	}
	return item.Run.Through()
}

// became is what became of an item, as far as it is told of many together.
func became(item store.AgendaItem) string {
	return item.Run.Outcome.String() + "\x00" + Why(item)
}

// Why is the reason of an item, or why it will not run, or what it waits for, or empty.
func Why(item store.AgendaItem) string {
	switch {
	case item.Run.Outcome != store.NoOutcome:
		return item.Run.Reason
	case item.Skip == "" && item.Awaits != "":
		return "waits for " + item.Awaits
	}
	return cmp.Or(item.Skip, item.Moved)
}
