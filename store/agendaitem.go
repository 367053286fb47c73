package store

import "time"

// AgendaItem is one occurrence of a day for one account, or the record of a
// range of them, with what became of it.
type AgendaItem struct {
	Account string    `json:"account"`
	Task    string    `json:"task"`
	Slot    string    `json:"slot"`
	Due     time.Time `json:"due"`
	// Offset is how long after Due the account's run may start, as its schedule's
	// Spread has it.
	Offset time.Duration `json:"offset,omitzero"`
	// Run is the row of the ledger. Its Outcome is NoOutcome if there is none.
	Run Run `json:"run,omitzero"`
	// Skip is why the occurrence will not run, if that is known already.
	Skip string `json:"skip,omitzero"`
	// Awaits is the task whose success it waits for, from Due on and until Until, which is not
	// included: when it is due is not known before. It is empty once there is a record.
	Awaits string    `json:"awaits,omitzero"`
	Until  time.Time `json:"until,omitzero"`
	// Moved is who has moved it to when it is due, and why, if somebody has.
	Moved string `json:"moved,omitzero"`
	// Version is that of the task's row in its store, as it is now, or zero if there is
	// none any more.
	Version int64 `json:"version,omitzero"`
}

// Cursor returns the item's place in a plan, by which view.View.Plan goes on.
func (i AgendaItem) Cursor() Cursor {
	return Cursor{Due: i.Due.UTC(), Account: i.Account, Task: i.Task, Slot: i.Slot}
}
