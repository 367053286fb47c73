package memstore

import (
	"iter"
	"maps"

	"github.com/tradeclock/tradeclock/store"
)

// ledgerRows are the rows of a ledger, found by their slot and then their account:
// the runs of one batch have a slot in common.
type ledgerRows struct {
	slots map[slotOfTask]rowsOfSlot
	// last is the slot that was looked for last, and found its rows.
	last  slotOfTask
	found rowsOfSlot
}

type slotOfTask struct{ task, slot string }

// rowsOfSlot are the rows of one slot. Of many schedulers it is that of one account,
// and a map for each slot would take as much memory as the row.
type rowsOfSlot struct {
	first  *store.Run
	others map[string]*store.Run // by account
}

// of returns the row of the run's slot, or nil.
func (rows *ledgerRows) of(run *store.Run) *store.Run {
	return rows.slot(run).of(run.Account)
}

func (at rowsOfSlot) of(account string) *store.Run {
	if at.first != nil && at.first.Account == account {
		return at.first
	}
	return at.others[account]
}

func (rows *ledgerRows) slot(run *store.Run) rowsOfSlot {
	if key := (slotOfTask{run.Task, run.Slot}); key != rows.last {
		rows.last, rows.found = key, rows.slots[key]
	}
	return rows.found
}

// add adds a row, whose slot has none.
func (rows *ledgerRows) add(row *store.Run) {
	at := rows.slot(row)
	switch {
	case at.first == nil:
		at.first = row
	case at.others == nil:
		at.others = map[string]*store.Run{row.Account: row}
	default:
		at.others[row.Account] = row
		return
	}
	rows.slots[rows.last], rows.found = at, at
}

// ofTask yields the rows of an account's task, or of all its tasks if it has no name, in no
// order. It looks at every slot.
func (rows *ledgerRows) ofTask(account, task string) iter.Seq[*store.Run] {
	return func(yield func(*store.Run) bool) {
		for key, at := range rows.slots {
			if task != "" && key.task != task {
				continue
			}
			if row := at.of(account); row != nil && !yield(row) {
				return
			}
		}
	}
}

// all yields every row, in no order.
func (rows *ledgerRows) all() iter.Seq[*store.Run] { return rows.ofTasks("") }

// ofTasks yields the rows of a task, or of all if it has no name, in no order.
func (rows *ledgerRows) ofTasks(task string) iter.Seq[*store.Run] {
	return func(yield func(*store.Run) bool) {
		for key, at := range rows.slots {
			if (task == "" || key.task == task) && !at.each(yield) {
				return
			}
		}
	}
}

// each yields the rows of the slot, and reports whether all were wanted.
func (at rowsOfSlot) each(yield func(*store.Run) bool) bool {
	if at.first != nil && !yield(at.first) {
		return false
	}
	for _, row := range at.others {
		if !yield(row) {
			return false
		}
	}
	return true
}

// drop removes one row.
func (rows *ledgerRows) drop(row *store.Run) {
	at := rows.slot(row)
	if at.first == row {
		at.first = nil
	} else {
		delete(at.others, row.Account)
	}
	rows.slots[rows.last], rows.found = at, at
	if at.first == nil && len(at.others) == 0 {
		delete(rows.slots, rows.last)
		rows.found = rowsOfSlot{}
	}
}

// within yields the rows among which those of a query are, in no order.
func (rows *ledgerRows) within(q store.Query) iter.Seq[*store.Run] {
	if q.Account != "" {
		return rows.ofTask(q.Account, q.Task)
	}
	return rows.ofTasks(q.Task)
}

// remove removes the rows that match and returns their number.
func (rows *ledgerRows) remove(match func(*store.Run) bool) (removed int) {
	for slot, at := range rows.slots {
		before := len(at.others)
		maps.DeleteFunc(at.others, func(_ string, row *store.Run) bool { return match(row) })
		removed += before - len(at.others)
		if at.first != nil && match(at.first) {
			at.first = nil
			removed++
			rows.slots[slot] = at
		}
		if at.first == nil && len(at.others) == 0 {
			delete(rows.slots, slot)
		}
	}
	rows.found = rows.slots[rows.last]
	return removed
}
