package sqlstore

import (
	"context"
	"database/sql"
	"fmt"
	"strings"

	"github.com/tradeclock/tradeclock/store"
)

// Runs returns the selected runs by due time, then account, task, slot and scheduler, or
// in the opposite order.
func (s *Store) Runs(ctx context.Context, q store.Query) (runs []store.Run, err error) {
	query, args := s.query(q)
	err = s.read(ctx, "read runs", func(conn *sql.Conn) error {
		runs, err = s.runs(ctx, conn, query, args...)
		return err
	})
	return runs, err
}

// query returns the statement of a query, and its arguments.
func (s *Store) query(q store.Query) (query string, args []any) {
	from := " FROM " + tables(q, &args) + " " + conditions(q, &args)
	order := " ORDER BY due, account, task, slot, scheduler"
	if q.NewestFirst {
		order = " ORDER BY due DESC, account DESC, task DESC, slot DESC, scheduler DESC"
	}
	query = "SELECT " + strings.Join(readColumns, ", ") + from + order
	if q.Limit > 0 {
		args = append(args, q.Limit)
		limit := fmt.Sprintf(" LIMIT $%d", len(args))
		query += limit
		if !s.dialect.server { // SQLite sorts all that it is to return, and runs of one instant are many
			query = selectRuns + "WHERE rowid IN (SELECT tradeclock_runs.rowid" + from + order + limit + ")" + order
		}
	}
	return query, args
}

// conditions returns the WHERE clause of a query, and adds its arguments.
func conditions(q store.Query, args *[]any) (where string) {
	terms := []string{"true"}
	if !q.From.IsZero() || !q.To.IsZero() {
		terms[0] = "scheduler = its_scheduler AND slot = its_slot AND task = its_task"
	}
	add := func(condition, value string) {
		if value != "" {
			*args = append(*args, value)
			terms = append(terms, fmt.Sprintf("%s $%d", condition, len(*args)))
		}
	}
	add("scheduler =", q.Scheduler)
	add("account =", q.Account)
	add("task =", q.Task)
	add("slot =", q.Slot)
	add("session >=", dateText(q.From))
	add("session <=", dateText(q.To))
	if len(q.Outcomes) > 0 {
		terms = append(terms, outcomeIn(q.Outcomes, args))
	}
	if !q.After.IsZero() {
		terms = append(terms, after(q, args))
	}
	return "WHERE " + strings.Join(terms, " AND ")
}

// tables are those that a query of some sessions reads: the rows of the slots which their
// tallies have, and so those of one account without the others. SQLite keeps the order of a
// CROSS JOIN, and would else read all runs of the scheduler in the order that is asked for.
func tables(q store.Query, args *[]any) string {
	if q.From.IsZero() && q.To.IsZero() {
		return "tradeclock_runs"
	}
	where := tallyConditions(store.TallyQuery{Scheduler: q.Scheduler, Task: q.Task, Outcomes: q.Outcomes, From: q.From, To: q.To}, args)
	return `(SELECT DISTINCT scheduler AS its_scheduler, slot AS its_slot, task AS its_task FROM tradeclock_tallies ` + where + `) AS tallied
		CROSS JOIN tradeclock_runs`
}

// after is the condition that a row comes after the query's cursor. That it is due no
// earlier is said apart, as an index knows.
func after(q store.Query, args *[]any) string {
	n, c := len(*args), q.After
	*args = append(*args, instantText(c.Due), c.Account, c.Task, c.Slot, c.Scheduler)
	beyond := ">"
	if q.NewestFirst {
		beyond = "<"
	}
	return fmt.Sprintf("due %[1]s= $%[2]d AND (due, account, task, slot, scheduler) %[1]s ($%[2]d, $%[3]d, $%[4]d, $%[5]d, $%[6]d)",
		beyond, n+1, n+2, n+3, n+4, n+5)
}

func (s *Store) runs(ctx context.Context, conn *sql.Conn, query string, args ...any) (runs []store.Run, err error) {
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
