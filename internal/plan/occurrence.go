package plan

import (
	"cmp"
	"slices"
	"time"

	"github.com/tradeclock/tradeclock/calendar"
)

// Occurrence is one due instant of a row, for every account that the row holds
// for. One with a Skip is recorded with that as the reason, and not run.
type Occurrence struct {
	Row     *Row
	Due     time.Time
	Slot    string
	Session calendar.Date
	Skip    string
	// Awaits is what it waits for from Due on, or nil.
	Awaits *Await
	// Repeats is true if of several late occurrences of the row only the newest runs.
	Repeats bool
	// Moved is true if a calendar that changed or came to know more has moved it into
	// the past.
	Moved bool
	// Planned is when the slot was due as it was planned before, if it was.
	Planned time.Time
	// HasMoved is true if a person has moved it to the instant at which it is due, for some
	// or all accounts, and By says, of one that For returns, who and why.
	HasMoved bool
	By       string
	// Away is true, of one that For returns, if it is due at another instant instead.
	Away bool

	said words // what people have said of it
}

// Sorted puts occurrences into the order in which they are to be claimed: by due time,
// priority, task and account. It returns found.
func Sorted(found []Occurrence) []Occurrence {
	slices.SortStableFunc(found, Occurrence.compare)
	return found
}

func (o Occurrence) compare(p Occurrence) int {
	return cmp.Or(
		o.Due.Compare(p.Due),
		cmp.Compare(o.Row.Policy.Priority, p.Row.Policy.Priority),
		cmp.Compare(o.Row.Policy.Task, p.Row.Policy.Task),
		cmp.Compare(o.Row.Account, p.Row.Account),
		cmp.Compare(o.Slot, p.Slot),
	)
}
