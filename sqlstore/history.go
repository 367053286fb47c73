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
	where, args := conditions(q)
	order := " ORDER BY due, account, task, slot, scheduler"
	if q.NewestFirst {
		order = " ORDER BY due DESC, account DESC, task DESC, slot DESC, scheduler DESC"
	}
	query := selectRuns + where + order
	if q.Limit > 0 {
		args = append(args, q.Limit)
		limit := fmt.Sprintf(" LIMIT $%d", len(args))
		query += limit
		if !s.dialect.server { // SQLite sorts all that it is to return, and runs of one instant are many
			query = selectRuns + "WHERE rowid IN (SELECT rowid FROM tradeclock_runs " + where + order + limit + ")" + order
		}
	}
	err = s.read(ctx, "read runs", func(conn *sql.Conn) error {
		runs, err = s.runs(ctx, conn, query, args...)
		return err
	})
	return runs, err
}

// conditions returns the WHERE clause of a query and its arguments.
func conditions(q store.Query) (where string, args []any) {
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
	add("session >=", dateText(q.From))
	add("session <=", dateText(q.To))
	if len(q.Outcomes) > 0 {
		terms = append(terms, outcomeIn(q.Outcomes, &args))
	}
	if !q.From.IsZero() || !q.To.IsZero() {
		terms = append(terms, ofSessions(q, &args))
	}
	if !q.After.IsZero() {
		terms = append(terms, after(q, &args))
	}
	return "WHERE " + strings.Join(terms, " AND "), args
}

// ofSessions is the condition that a row is of a slot which the tallies of the query's
// sessions have: by it the runs of a session are found, and those of one account or with
// rare outcomes without the others.
func ofSessions(q store.Query, args *[]any) string {
	where := tallyConditions(store.TallyQuery{Scheduler: q.Scheduler, Task: q.Task, Outcomes: q.Outcomes, From: q.From, To: q.To}, args)
	return "(scheduler, slot, task) IN (SELECT scheduler, slot, task FROM tradeclock_tallies " + where + ")"
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
