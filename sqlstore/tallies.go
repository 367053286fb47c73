package sqlstore

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
	"time"

	"github.com/tradeclock/tradeclock/store"
)

// How many runs an occurrence has of each outcome is counted in tradeclock_tallies, in the
// transactions that write the runs, so that it is right after every crash. By it pages
// tell a day, the history finds the runs of a session, and a new holder what is not settled:
// an index of any of these would be written for each run, and, if it depended on the
// outcome, PostgreSQL would write the entries of all others again when a run is settled.

// tallyKey is what a row of tradeclock_tallies counts.
type tallyKey struct {
	Scheduler string `json:"scheduler"`
	Session   string `json:"session"`
	Slot      string `json:"slot"`
	Task      string `json:"task"`
	Outcome   string `json:"outcome"`
	Class     string `json:"class"`
}

// counted are the numbers of one, or by how much they change.
type counted struct {
	Runs        int   `json:"runs"`
	Occurrences int   `json:"occurrences"`
	Lateness    int64 `json:"lateness"` // nanoseconds
}

// tallies has by how much each changes.
type tallies map[tallyKey]counted

// add counts n rows like the given one more, or fewer. They are as late as it is.
func (t tallies) add(row *runRow, n int) {
	if n == 0 {
		return
	}
	key := row.tallyKey()
	sum := t[key]
	sum.Runs += n
	sum.Occurrences += n * max(row.Count, 1)
	t[key] = sum
	if n > 0 {
		t.late(key, row.Lateness)
	}
}

// late notes how late a run of a tally was.
func (t tallies) late(key tallyKey, lateness time.Duration) {
	sum := t[key]
	sum.Lateness = max(sum.Lateness, int64(lateness))
	t[key] = sum
}

// extend counts the further occurrences of a row that stood for fewer.
func (t tallies) extend(row *runRow, before int) {
	sum := t[row.tallyKey()]
	sum.Occurrences += row.Count - before
	t[row.tallyKey()] = sum
}

// begun counts n rows that are like the given one now, and were Armed or Running.
func (t tallies) begun(row *runRow, was store.Outcome, n int) {
	t.add(row, n)
	before := *row
	before.Outcome, before.Class = was.String(), ""
	t.add(&before, -n)
}

func (r *runRow) tallyKey() tallyKey {
	return tallyKey{Scheduler: r.Scheduler, Session: r.Session, Slot: r.Slot, Task: r.Task, Outcome: r.Outcome, Class: r.Class}
}

const (
	// All transactions take the rows in one order, so that none waits for another that
	// waits for it.
	upsertTallies = `
		WITH batch AS ({elements $1 scheduler session slot task outcome class runs occurrences lateness})
		INSERT INTO tradeclock_tallies AS own (scheduler, session, slot, task, outcome, class, runs, occurrences, lateness)
		SELECT scheduler, session, slot, task, outcome, class, runs, occurrences, lateness FROM batch WHERE true
		ORDER BY scheduler, session, slot, task, outcome, class
		ON CONFLICT (scheduler, session, slot, task, outcome, class) DO UPDATE
		SET runs = own.runs + excluded.runs, occurrences = own.occurrences + excluded.occurrences,
		    lateness = CASE WHEN own.lateness < excluded.lateness THEN excluded.lateness ELSE own.lateness END`

	// dropEmpty is for a transaction that has locked the scheduler's row, so that
	// nothing is claimed meanwhile.
	dropEmpty = `DELETE FROM tradeclock_tallies WHERE scheduler = $1 AND runs = 0`
)

// countTallies writes the numbers. It comes after all other writes of a transaction, as
// it locks what others count too.
func (s *Store) countTallies(ctx context.Context, conn *sql.Conn, changed tallies) error {
	type row struct {
		tallyKey
		counted
	}
	var all []row
	for key, sum := range changed {
		if sum != (counted{}) {
			all = append(all, row{key, sum})
		}
	}
	if len(all) == 0 {
		return nil
	}
	text, err := jsonText(all)
	if err != nil {
		return err
	}
	return s.exec(ctx, conn, upsertTallies, text)
}

// Tallies returns the selected tallies.
func (s *Store) Tallies(ctx context.Context, q store.TallyQuery) (all []store.Tally, err error) {
	query, args := tallyQuery(q)
	err = s.read(ctx, "read tallies", func(conn *sql.Conn) error {
		all = nil
		return s.each(ctx, conn, func(rows *sql.Rows) error {
			t, err := scanTally(rows)
			all = append(all, t)
			return err
		}, query, args...)
	})
	return all, err
}

// tallyQuery returns the statement of a query, and its arguments.
func tallyQuery(q store.TallyQuery) (query string, args []any) {
	slot := "''"
	if q.BySlot {
		slot = "slot"
	}
	where := tallyConditions(q, &args)
	if a := q.After; a != nil {
		n := len(args)
		args = append(args, dateText(a.Session), a.Task, a.Slot, a.Outcome.String(), a.Class, a.Scheduler)
		where += fmt.Sprintf(" AND (session, task, %s, outcome, class, scheduler) > ($%d, $%d, $%d, $%d, $%d, $%d)", slot, n+1, n+2, n+3, n+4, n+5, n+6)
	}
	query = "SELECT session, task, " + slot + ` AS told, outcome, class, scheduler, sum(runs), sum(occurrences), max(lateness)
		FROM tradeclock_tallies ` + where + `
		GROUP BY session, task, told, outcome, class, scheduler
		ORDER BY session, task, told, outcome, class, scheduler`
	if q.Limit > 0 {
		args = append(args, q.Limit)
		query += fmt.Sprintf(" LIMIT $%d", len(args))
	}
	return query, args
}

func scanTally(rows *sql.Rows) (t store.Tally, err error) {
	var session, outcome string
	err = rows.Scan(&session, &t.Task, &t.Slot, &outcome, &t.Class, &t.Scheduler, &t.Runs, &t.Occurrences, &t.WorstLateness)
	if err != nil {
		return t, err
	}
	var p parser
	p.keep(t.Session.UnmarshalText([]byte(session)))
	t.Outcome = p.outcome(outcome)
	if p.err != nil {
		return t, fmt.Errorf("tally of %s, session %q: %w", t.Task, session, p.err)
	}
	return t, nil
}

// tallyConditions adds the arguments of the WHERE clause of a query, which it returns, but
// for its cursor.
func tallyConditions(q store.TallyQuery, args *[]any) (where string) {
	terms := []string{"runs <> 0"}
	add := func(condition, value string) {
		if value != "" {
			*args = append(*args, value)
			terms = append(terms, fmt.Sprintf("%s $%d", condition, len(*args)))
		}
	}
	add("scheduler =", q.Scheduler)
	add("task =", q.Task)
	add("session >=", dateText(q.From))
	add("session <=", dateText(q.To))
	if len(q.Outcomes) > 0 {
		terms = append(terms, outcomeIn(q.Outcomes, args))
	}
	return "WHERE " + strings.Join(terms, " AND ")
}

// outcomeIn is the condition that an outcome is one of some.
func outcomeIn(outcomes []store.Outcome, args *[]any) string {
	var places []string
	for _, o := range outcomes {
		*args = append(*args, o.String())
		places = append(places, fmt.Sprintf("$%d", len(*args)))
	}
	return "outcome IN (" + strings.Join(places, ", ") + ")"
}

// tallied is what of a run its tally is told from, as statements return it of rows that are
// gone or replaced.
const tallied = "task, slot, session, due, start_offset, count, outcome, reason, started"

// scanTallied scans the columns of tallied, and what follows them.
func scanTallied(rows *sql.Rows, scheduler string, further ...any) (runRow, error) {
	r := runRow{Scheduler: scheduler}
	columns := []any{&r.Task, &r.Slot, &r.Session, &r.Due, &r.StartOffset, &r.Count, &r.Outcome, &r.Reason, &r.Started}
	if err := rows.Scan(append(columns, further...)...); err != nil {
		return r, err
	}
	var p parser
	run := store.Run{
		Due: p.instant(r.Due), Offset: p.duration(r.StartOffset), Outcome: p.outcome(r.Outcome), Reason: r.Reason, Started: p.instant(r.Started),
	}
	r.tell(&run)
	return r, p.err
}

// tell notes what the tally of a run is told from, which no column has.
func (r *runRow) tell(run *store.Run) {
	tally := store.TallyOf(run)
	r.Class, r.Lateness = tally.Class, tally.WorstLateness
}
