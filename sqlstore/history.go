package sqlstore

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"

	"github.com/tradeclock/tradeclock"
)

// sessionOfHistory is what tradeclock_runs_session has of a session. The column by
// itself would let PostgreSQL take that index for what a claim asks of one account's
// runs, while the table is small or was never analysed.
const sessionOfHistory = "session || ''"

// Runs returns the selected runs by due time, then account, task and slot.
func (s *Store) Runs(ctx context.Context, q tradeclock.Query) (runs []tradeclock.Run, err error) {
	where, args := conditions(q)
	query := selectRuns + where + " ORDER BY due DESC, account DESC, task DESC, slot DESC, scheduler DESC"
	if q.Limit > 0 {
		args = append(args, q.Limit)
		query += fmt.Sprintf(" LIMIT $%d", len(args))
	}
	err = s.read(ctx, "read runs", func(conn *sql.Conn) error {
		runs, err = s.runs(ctx, conn, query, args...)
		return err
	})
	slices.Reverse(runs) // the latest were wanted, if there is a limit
	return runs, err
}

// conditions returns the WHERE clause of a query and its arguments.
func conditions(q tradeclock.Query) (where string, args []any) {
	terms := []string{"true"}
	add := func(condition, value string) {
		if value != "" {
			args = append(args, value)
			terms = append(terms, fmt.Sprintf("%s $%d", condition, len(args)))
		}
	}
	add("scheduler =", q.Scheduler)
	add("account =", q.Account)
	add("task =", q.Task)
	add("slot =", q.Slot)
	add(sessionOfHistory+" >=", dateText(q.From))
	add(sessionOfHistory+" <=", dateText(q.To))
	if len(q.Outcomes) > 0 {
		var places []string
		for _, o := range q.Outcomes {
			args = append(args, o.String())
			places = append(places, fmt.Sprintf("$%d", len(args)))
		}
		terms = append(terms, "outcome IN ("+strings.Join(places, ", ")+")")
	}
	return "WHERE " + strings.Join(terms, " AND "), args
}

func (s *Store) runs(ctx context.Context, conn *sql.Conn, query string, args ...any) (runs []tradeclock.Run, err error) {
	scan := func(rows *sql.Rows) error {
		run, err := scanRun(rows)
		runs = append(runs, run)
		return err
	}
	if err := s.each(ctx, conn, scan, query, args...); err != nil {
		return nil, err
	}
	return runs, nil
}
