package tradeclock

import (
	"iter"
	"maps"
)

// memoryRows are the rows of a ledger, found by their slot and then their account:
// the runs of one batch have a slot in common.
type memoryRows struct {
	slots map[slotOfTask]map[string]*Run
	// last is the slot that was looked for last, and found its rows.
	last  slotOfTask
	found map[string]*Run
}

type slotOfTask struct{ task, slot string }

// of returns the row of the run's slot, or nil.
func (rows *memoryRows) of(run *Run) *Run { return rows.slot(run)[run.Account] }

func (rows *memoryRows) slot(run *Run) map[string]*Run {
	if key := (slotOfTask{run.Task, run.Slot}); rows.found == nil || key != rows.last {
		rows.last, rows.found = key, rows.slots[key]
	}
	return rows.found
}

// add adds a row, whose slot has none.
func (rows *memoryRows) add(row *Run) {
	accounts := rows.slot(row)
	if accounts == nil {
		accounts = make(map[string]*Run)
		rows.slots[rows.last], rows.found = accounts, accounts
	}
	accounts[row.Account] = row
}

// all yields every row, in no order.
func (rows *memoryRows) all() iter.Seq[*Run] {
	return func(yield func(*Run) bool) {
		for _, accounts := range rows.slots {
			for _, row := range accounts {
				if !yield(row) {
					return
				}
			}
		}
	}
}

// remove removes the rows that match and returns their number.
func (rows *memoryRows) remove(match func(*Run) bool) (removed int) {
	rows.found = nil
	for slot, accounts := range rows.slots {
		before := len(accounts)
		maps.DeleteFunc(accounts, func(_ string, row *Run) bool { return match(row) })
		removed += before - len(accounts)
		if len(accounts) == 0 {
			delete(rows.slots, slot)
		}
	}
	return removed
}
