package sqlstore

import (
	"cmp"
	"context"
	"database/sql"
	"slices"
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

// tally counts the runs of occurrences, whose own numbers are zero.
type tally map[occurrence]int

func (t tally) add(row *runRow, runs int) {
	t[occurrence{Scheduler: row.Scheduler, Slot: row.Slot, Task: row.Task}] += runs
}

const (
	addUnsettled = `
		WITH batch AS ({elements $1 scheduler slot task runs})
		INSERT INTO tradeclock_unsettled AS own (scheduler, slot, task, runs)
		SELECT scheduler, slot, task, runs FROM batch WHERE true
		ON CONFLICT (scheduler, slot, task) DO UPDATE SET runs = own.runs + excluded.runs`

	takeUnsettled = `
		WITH batch AS MATERIALIZED ({elements $1 scheduler slot task runs})
		UPDATE tradeclock_unsettled AS own SET runs = own.runs - b.runs FROM batch AS b
		WHERE own.scheduler = b.scheduler AND own.slot = b.slot AND own.task = b.task`

	// dropSettled is for a transaction that has locked the scheduler's row, so that
	// nothing is claimed meanwhile.
	dropSettled = `DELETE FROM tradeclock_unsettled WHERE scheduler = $1 AND runs <= 0`
)

// changeUnsettled runs one of the first two statements. The occurrences come in one
// order, so that two transactions seldom wait for each other.
func (s *Store) changeUnsettled(ctx context.Context, conn *sql.Conn, statement string, runs tally) error {
	var all []occurrence
	for o, n := range runs {
		if n > 0 {
			o.Runs = n
			all = append(all, o)
		}
	}
	if len(all) == 0 {
		return nil
	}
	slices.SortFunc(all, func(a, b occurrence) int {
		return cmp.Or(cmp.Compare(a.Scheduler, b.Scheduler), cmp.Compare(a.Slot, b.Slot), cmp.Compare(a.Task, b.Task))
	})
	text, err := jsonText(all)
	if err != nil {
		return err
	}
	return s.exec(ctx, conn, statement, text)
}
