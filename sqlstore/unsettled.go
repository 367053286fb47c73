package sqlstore

import (
	"context"
	"database/sql"
)

// The runs that are not settled are found by their occurrences: tradeclock_unsettled
// has for each the number of its rows that are running. An index of these rows would
// be written twice for each run, and PostgreSQL would write the entries of all other
// indexes again when a run is settled. The number is written in the transaction that
// makes it change, so that it is right after every crash.

// occurrence is one of a task, for all accounts, with a number of runs.
type occurrence struct {
	Scheduler string `json:"scheduler"`
	Slot      string `json:"slot"`
	Task      string `json:"task"`
	Runs      int    `json:"runs"`
}

// tally has by how many the runs of occurrences that are not settled become more, or
// fewer. The numbers of its keys are zero.
type tally map[occurrence]int

func (t tally) add(row *runRow, runs int) {
	t[occurrence{Scheduler: row.Scheduler, Slot: row.Slot, Task: row.Task}] += runs
}

// runs is the sum of all.
func (t tally) runs() (sum int) {
	for _, n := range t {
		sum += n
	}
	return sum
}

const (
	// All transactions take the rows in one order, so that none waits for another that
	// waits for it.
	upsertUnsettled = `
		WITH batch AS ({elements $1 scheduler slot task runs})
		INSERT INTO tradeclock_unsettled AS own (scheduler, slot, task, runs)
		SELECT scheduler, slot, task, runs FROM batch WHERE true
		ORDER BY scheduler, slot, task
		ON CONFLICT (scheduler, slot, task) DO UPDATE SET runs = own.runs + excluded.runs`

	// dropSettled is for a transaction that has locked the scheduler's row, so that
	// nothing is claimed meanwhile.
	dropSettled = `DELETE FROM tradeclock_unsettled WHERE scheduler = $1 AND runs = 0`
)

// countUnsettled writes the numbers. It comes after all other writes of a
// transaction, as it locks what others count too.
func (s *Store) countUnsettled(ctx context.Context, conn *sql.Conn, runs tally) error {
	var all []occurrence
	for o, n := range runs {
		if n != 0 {
			o.Runs = n
			all = append(all, o)
		}
	}
	if len(all) == 0 {
		return nil
	}
	text, err := jsonText(all)
	if err != nil {
		return err
	}
	return s.exec(ctx, conn, upsertUnsettled, text)
}
