package sqlstore

import (
	"context"
	"database/sql"

	"github.com/tradeclock/tradeclock/store"
)

// countPage is how many runs eachCount counts at once.
const countPage = 10_000

// eachCount calls f with the counts of all runs, a page after the other.
func (s *Store) eachCount(ctx context.Context, conn *sql.Conn, f func(tallies) error) error {
	var last [4]string // scheduler, slot, task and account of the last that was counted
	for read := countPage; read == countPage; {
		read = 0
		counts := make(tallies)
		scan := func(rows *sql.Rows) error {
			row, err := scanTallied(rows, "", &last[0], &last[3])
			row.Scheduler, last[1], last[2] = last[0], row.Slot, row.Task
			counts.add(&row, 1)
			read++
			return err
		}
		err := s.each(ctx, conn, scan, "SELECT "+tallied+`, scheduler, account FROM tradeclock_runs
			WHERE (scheduler, slot, task, account) > ($1, $2, $3, $4)
			ORDER BY scheduler, slot, task, account LIMIT $5`, last[0], last[1], last[2], last[3], countPage)
		if err == nil {
			err = f(counts)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// fillTallies counts the runs of a database in which there are no tallies yet.
func (s *Store) fillTallies(ctx context.Context, conn *sql.Conn) error {
	return s.eachCount(ctx, conn, func(counts tallies) error { return s.countTallies(ctx, conn, counts) })
}

// TallyDifference is a tally that does not agree with the runs. The worst lateness is not
// compared.
type TallyDifference struct {
	// Told is the tally, and Counted what there is of its runs.
	Told, Counted store.Tally
}

// CheckTallies counts all runs, and returns the tallies that do not agree with them: there
// are none unless somebody has written to the tables by hand. It reads the whole ledger,
// which takes seconds for each million of runs, and locks nothing.
func (s *Store) CheckTallies(ctx context.Context) (differences []TallyDifference, err error) {
	err = s.read(ctx, "check tallies", func(conn *sql.Conn) error {
		counted := make(map[store.Tally]store.Tally)
		err := s.eachCount(ctx, conn, func(counts tallies) error {
			for key, n := range counts {
				t, err := tallyOf(key, n)
				if err != nil {
					return err
				}
				t.Add(counted[t.Key()])
				counted[t.Key()] = t
			}
			return nil
		})
		if err != nil {
			return err
		}
		differences, err = s.differences(ctx, conn, counted)
		return err
	})
	return differences, err
}

// differences compares the tallies with counts of the runs, of which it takes out those that
// have one.
func (s *Store) differences(ctx context.Context, conn *sql.Conn, counted map[store.Tally]store.Tally) (all []TallyDifference, err error) {
	query, args := tallyQuery(store.TallyQuery{BySlot: true})
	err = s.each(ctx, conn, func(rows *sql.Rows) error {
		told, err := scanTally(rows)
		if err != nil {
			return err
		}
		of := counted[told.Key()]
		if delete(counted, told.Key()); told.Runs != of.Runs || told.Occurrences != of.Occurrences {
			all = append(all, TallyDifference{told, of})
		}
		return nil
	}, query, args...)
	for _, of := range counted {
		all = append(all, TallyDifference{Counted: of})
	}
	return all, err
}

func tallyOf(key tallyKey, n counted) (store.Tally, error) {
	var p parser
	t := store.Tally{
		Scheduler: key.Scheduler, Task: key.Task, Slot: key.Slot, Outcome: p.outcome(key.Outcome), Class: key.Class,
		Runs: n.Runs, Occurrences: n.Occurrences,
	}
	p.keep(t.Session.UnmarshalText([]byte(key.Session)))
	return t, p.err
}
