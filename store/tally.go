package store

import (
	"cmp"
	"context"
	"strings"
	"time"

	"github.com/tradeclock/tradeclock/calendar"
)

// Tally says how many runs of a task's session, or of one slot of it, have an outcome for
// reasons of one class.
type Tally struct {
	Scheduler string        `json:"scheduler"`
	Session   calendar.Date `json:"session"`
	Task      string        `json:"task"`
	// Slot is empty in a tally of all slots.
	Slot    string  `json:"slot,omitzero"`
	Outcome Outcome `json:"outcome"`
	// Class is what Run.ReasonClass says.
	Class string `json:"class,omitzero"`
	// Runs is how many rows of the ledger there are, and Occurrences how many these stand
	// for.
	Runs        int `json:"runs"`
	Occurrences int `json:"occurrences"`
	// WorstLateness is the longest Run.Lateness, and zero if none is positive or the outcome
	// is not final. A run that was removed meanwhile, or is run again, may count for it still.
	WorstLateness time.Duration `json:"worst_lateness,omitzero"`
}

// TallyQuery selects tallies. A zero field selects all.
type TallyQuery struct {
	Scheduler string    `json:"scheduler,omitzero"`
	Task      string    `json:"task,omitzero"`
	Outcomes  []Outcome `json:"outcomes,omitzero"`
	// From and To bound the session date, both included.
	From calendar.Date `json:"from,omitzero"`
	To   calendar.Date `json:"to,omitzero"`
	// BySlot tells the slots of a session apart.
	BySlot bool `json:"by_slot,omitzero"`
	// After selects what comes after a tally in the order of Compare: the last one of one
	// page begins the next. Nil selects all.
	After *Tally `json:"after,omitempty"`
	// Limit is the number of tallies at most, the first in the order. Zero is all of them.
	Limit int `json:"limit,omitzero"`
}

// Tallier is a Ledger that counts its runs as it writes them, so that no question about a
// day need read them one by one.
type Tallier interface {
	// Tallies returns the selected tallies of which there are any runs, in the order of
	// Compare. They agree with the runs, in the same transactions.
	Tallies(ctx context.Context, q TallyQuery) ([]Tally, error)
}

// Compare orders tallies by session, task, slot, the names of outcomes, class and scheduler.
func (t *Tally) Compare(o *Tally) int {
	return cmp.Or(
		t.Session.Compare(o.Session),
		strings.Compare(t.Task, o.Task),
		strings.Compare(t.Slot, o.Slot),
		strings.Compare(t.Outcome.String(), o.Outcome.String()),
		strings.Compare(t.Class, o.Class),
		strings.Compare(t.Scheduler, o.Scheduler),
	)
}

// TallyOf returns the tally of one run, for its slot.
func TallyOf(run *Run) Tally {
	t := Tally{
		Scheduler: run.Scheduler, Session: run.Session, Task: run.Task, Slot: run.Slot, Outcome: run.Outcome, Class: run.ReasonClass(),
		Runs: 1, Occurrences: run.Occurrences(),
	}
	if run.Outcome.Final() {
		t.WorstLateness = max(0, run.Lateness())
	}
	return t
}

// Key returns the tally without its numbers: what it counts.
func (t Tally) Key() Tally {
	t.Runs, t.Occurrences, t.WorstLateness = 0, 0, 0
	return t
}

// Add adds the numbers of another tally.
func (t *Tally) Add(o Tally) {
	t.Runs += o.Runs
	t.Occurrences += o.Occurrences
	t.WorstLateness = max(t.WorstLateness, o.WorstLateness)
}
