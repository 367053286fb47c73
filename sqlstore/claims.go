package sqlstore

import (
	"context"
	"database/sql"
	"slices"
	"strings"
	"time"

	"github.com/tradeclock/tradeclock/store"
)

// The facts of a run b that is about to start, for First and Resumed. A run that
// was claimed again under a later term no longer shows the older one, but says in
// its own resumed that there was one.
const (
	// anyOfSession asks for a run r of b's session. Of the runs of a repeating rule,
	// those that were first when they were claimed tell all that is asked: the earliest
	// that was claimed is one of them, and so is the earliest of those that succeeded.
	anyOfSession = `EXISTS (
			SELECT 1 FROM tradeclock_runs AS r
			WHERE r.scheduler = b.scheduler AND r.session = b.session AND r.task = b.task AND r.account = b.account AND `
	firstOf = `CASE WHEN b.repeating = 1
			AND NOT ` + anyOfSession + `r.first_success = 1 ` + oneByOne + `)
			AND NOT ` + anyOfSession + `r.repeating = 0 AND r.outcome = 'succeeded' ` + oneByOne + `) THEN 1 ELSE 0 END`
	resumedOf = `CASE WHEN b.repeating = 1 AND (
			` + anyOfSession + `r.resumed = 1 ` + oneByOne + `)
			OR ` + anyOfSession + `r.first = 1 AND r.term < b.term ` + oneByOne + `)
			OR ` + anyOfSession + `r.repeating = 0 AND r.term < b.term AND r.token <> '' ` + oneByOne + `)) THEN 1 ELSE 0 END`
	// covering is the condition under which the row r is a range in which b lies.
	covering = `r.scheduler = b.scheduler AND r.account = b.account AND r.task = b.task
		  AND r.count > 1 AND r.through >= b.due AND r.due <= b.due`
	// ownRow is the condition under which the row own is that of b's slot.
	ownRow = `own.scheduler = b.scheduler AND own.slot = b.slot AND own.task = b.task AND own.account = b.account`
	// oneByOne ends an EXISTS that is to be answered for each b by an index. Else
	// PostgreSQL may read all rows of such an index at once, if it had hardly any
	// when the table was last analysed: after an outage it has thousands.
	oneByOne = `LIMIT 1 OFFSET 0`
)

var (
	insertClaims = batchOf(runColumns...) + `
		INSERT INTO tradeclock_runs (` + strings.Join(runColumns, ", ") + `, first, resumed)
		SELECT ` + strings.Join(runColumns, ", ") + `, ` + firstOf + `, ` + resumedOf + `
		FROM batch AS b
		WHERE (b.manual = 1 OR b.due >= $3 AND (b.backdated = 1 OR b.due > $4))
		  AND NOT EXISTS (SELECT 1 FROM tradeclock_runs AS r WHERE ` + covering + ` ` + oneByOne + `)
		ORDER BY b.n
		ON CONFLICT (scheduler, slot, task, account) DO NOTHING`

	// insertPart makes the rows of one part, if nothing but the row of a slot could
	// keep one out. As it does not read the table that it fills, SQLite keeps no copy
	// of the rows meanwhile.
	insertPart = partOf(runColumns...) + `
		INSERT INTO tradeclock_runs (` + strings.Join(runColumns, ", ") + `, first, resumed)
		SELECT ` + strings.Join(runColumns, ", ") + `, 0, 0 FROM batch AS b WHERE true
		ON CONFLICT (scheduler, slot, task, account) DO NOTHING`

	// anyRange asks whether a range ends at $2 or later.
	anyRange = `
		SELECT EXISTS (SELECT 1 FROM tradeclock_runs AS r WHERE r.scheduler = $1 AND r.count > 1 AND r.through >= $2)`

	// answerClaims tells how each run stands to the row of its slot, or to a range that
	// it lies in, and what that row says.
	answerClaims = batchOf("scheduler", "account", "task", "slot", "due", "token") + `
		SELECT CASE WHEN own.outcome ` + isOpen + ` AND own.token = b.token THEN 1 ELSE 0 END,
		       coalesce(own.first, 0), coalesce(own.resumed, 0), ` + ownOrCovering("outcome") + `, ` + ownOrCovering("session") + `,
		       ` + ownOrCovering("due") + `, ` + ownOrCovering("reason") + `, ` + ownOrCovering("finished") + `
		FROM batch AS b LEFT JOIN tradeclock_runs AS own ON ` + ownRow + `
		ORDER BY b.n`

	// releaseClaims removes the rows of claims that were given back, and restoreRows
	// makes those that had taken the place of a row what that was.
	releaseClaims = batchOf("scheduler", "account", "task", "slot", "token", "outcome") + `
		DELETE FROM tradeclock_runs
		WHERE outcome ` + isOpen + ` AND (scheduler, slot, task, account, token) IN (
			SELECT scheduler, slot, task, account, token FROM batch WHERE batch.outcome = '' AND batch.token <> '')
		RETURNING ` + tallied
	restoreRows = batchOf("scheduler", "account", "task", "slot", "token", "outcome", "reason", "finished", "rerun_until") + `
		UPDATE tradeclock_runs AS own
		SET outcome = b.outcome, reason = b.reason, finished = b.finished, rerun_until = b.rerun_until, started = '', attempt = 0,
		    token = CASE WHEN b.outcome = 'interrupted' THEN own.token ELSE '' END,
		    manual = CASE WHEN b.outcome = 'interrupted' THEN own.manual ELSE 0 END,
		    actor = CASE WHEN b.outcome = 'interrupted' THEN own.actor ELSE '' END
		FROM batch AS b
		WHERE ` + ownRow + ` AND own.token = b.token AND own.token <> '' AND own.outcome = $3 AND b.outcome <> ''
		RETURNING id`

	// beginArmed makes rows Running that were armed.
	beginArmed = batchOf("scheduler", "account", "task", "slot", "token", "outcome", "started", "attempt", "deadline", "first", "repeating", "session") + `
		UPDATE tradeclock_runs AS own
		SET outcome = b.outcome, started = b.started, attempt = b.attempt, deadline = b.deadline,
		    first = CASE WHEN own.first = 1 AND (b.first = 1 OR ` + firstOf + ` = 1) THEN 1 ELSE 0 END
		FROM batch AS b
		WHERE ` + ownRow + ` AND own.token = b.token AND own.token <> '' AND own.outcome = 'armed' AND b.outcome = 'running'
		RETURNING id`

	// replaced is the row that replaceClaim replaces.
	replaced = "SELECT " + tallied + ` FROM tradeclock_runs AS own
		WHERE scheduler = $1 AND slot = $2 AND task = $3 AND account = $4 AND token = $5 AND count <= 1
		  AND (own.outcome = 'interrupted' OR ` + neverStarted + `)`

	replaceClaim = batchOf(runColumns...) + `
		UPDATE tradeclock_runs AS own
		SET ` + setColumns(runColumns) + `, first = ` + firstOf + `, resumed = ` + resumedOf + `
		FROM batch AS b
		WHERE ` + ownRow + ` AND own.token = $3 AND own.count <= 1
		  AND (own.outcome = 'interrupted' OR ` + neverStarted + `)`
)

// isOpen is the condition under which an outcome is of a run that is claimed and not
// settled.
const isOpen = `IN ('armed', 'running')`

// neverStarted is the condition under which the row own is of a run that never
// started.
const neverStarted = `own.outcome IN ('missed', 'skipped') AND own.token = '' AND own.started = ''`

// ownOrCovering is a column of the row of b's slot, or of a range in which b lies, or
// the empty text.
func ownOrCovering(column string) string {
	return "coalesce(own." + column + ", (SELECT r." + column + " FROM tradeclock_runs AS r WHERE " + covering + " ORDER BY r.slot LIMIT 1), '')"
}

func setColumns(columns []string) string {
	var sets []string
	for _, column := range columns {
		sets = append(sets, column+" = b."+column)
	}
	return strings.Join(sets, ", ")
}

// Claim makes a row that is Armed or Running for each run whose slot is free.
func (s *Store) Claim(ctx context.Context, t store.Term, runs []store.Run) (claims []store.Claim, err error) {
	rows := startingRows(t, runs)
	batch, err := newBatch(rows).parted()
	if err != nil {
		return nil, err
	}
	err = s.fenced(ctx, "claim runs", t, func(conn *sql.Conn, row ledgerRow) error {
		claims, err = s.insertClaims(ctx, conn, rows, batch, row)
		if err != nil || claims != nil {
			return err
		}
		if err := s.beginArmed(ctx, conn, rows, batch); err != nil {
			return err
		}
		claims, err = s.answers(ctx, conn, batch, len(rows))
		return err
	})
	if err != nil {
		return nil, err
	}
	return claims, nil
}

// beginArmed makes the rows Running that are Armed and of runs which start.
func (s *Store) beginArmed(ctx context.Context, conn *sql.Conn, rows []runRow, batch batch) error {
	changed := make(tallies)
	err := s.eachRow(ctx, conn, rows, beginArmed, batch, func(row *runRow) { changed.begun(row, store.Armed, 1) })
	if err != nil {
		return err
	}
	return s.countTallies(ctx, conn, changed)
}

// insertClaims makes the rows. It returns the claims if all slots were free, as
// they mostly are, and nil otherwise.
func (s *Store) insertClaims(ctx context.Context, conn *sql.Conn, rows []runRow, batch batch, ledger ledgerRow) ([]store.Claim, error) {
	if slices.ContainsFunc(rows, func(r runRow) bool { return r.Repeating == 1 }) {
		return s.insertEach(ctx, conn, rows, batch, ledger)
	}
	made, tried, err := s.insertFreely(ctx, conn, batch, ledger)
	if err == nil && !tried {
		return s.insertEach(ctx, conn, rows, batch, ledger)
	}
	if err != nil || made < len(rows) {
		return nil, err
	}
	claims := make([]store.Claim, made)
	for i := range claims {
		claims[i] = store.Claim{Held: true, Outcome: rows[i].starting()}
	}
	return claims, nil
}

// insertFreely makes the rows of a batch of few parts, none of which could be kept
// out by anything but the row of its slot. It returns the number of rows that it
// made, and reports whether it was such a batch.
func (s *Store) insertFreely(ctx context.Context, conn *sql.Conn, batch batch, ledger ledgerRow) (made int, tried bool, err error) {
	if len(batch.own) == 0 || !batch.inParts() {
		return 0, false, nil
	}
	scheduler, first := batch.parts[0].Scheduler, batch.parts[0].Due
	for _, part := range batch.parts {
		if !ledger.admits(part.runRow) {
			return 0, false, nil
		}
		first = min(first, part.Due)
	}
	var ranges bool
	if err := s.one(ctx, conn, anyRange, scheduler, first).Scan(&ranges); err != nil || ranges {
		return 0, false, err
	}
	changed := make(tallies)
	for i, part := range batch.parts {
		n, err := s.change(ctx, conn, insertPart, append([]any{batch.own[i]}, part.values()...)...)
		if err != nil {
			return 0, false, err
		}
		changed.add(&part.runRow, n)
		made += n
	}
	return made, true, s.countTallies(ctx, conn, changed)
}

// admits reports whether the run of the row may be claimed by its due time.
func (r ledgerRow) admits(run runRow) bool {
	return run.Manual == 1 || run.Due >= r.prunedBefore && (run.Backdated == 1 || run.Due > r.watermark)
}

// insertEach is insertClaims for all other runs. It reads back which rows were made,
// and their first and resumed.
func (s *Store) insertEach(ctx context.Context, conn *sql.Conn, rows []runRow, batch batch, ledger ledgerRow) ([]store.Claim, error) {
	byID := rowsByID(rows)
	made := make(map[string]store.Claim, len(rows))
	changed := make(tallies)
	scan := func(rows *sql.Rows) error {
		var id string
		var first, resumed bool
		if err := rows.Scan(&id, &first, &resumed); err != nil {
			return err
		}
		made[id] = store.Claim{Held: true, Outcome: byID[id].starting(), First: first, Resumed: resumed}
		changed.add(byID[id], 1)
		return nil
	}
	err := s.eachOfBatch(ctx, conn, scan, insertClaims+" RETURNING id, first, resumed", batch, ledger.prunedBefore, ledger.watermark)
	if err == nil {
		err = s.countTallies(ctx, conn, changed)
	}
	if err != nil || len(made) < len(rows) {
		return nil, err
	}
	claims := make([]store.Claim, len(rows))
	for i, row := range rows {
		claims[i] = made[row.ID]
	}
	return claims, nil
}

// Reclaim replaces the row of an interrupted run, or of one that never started,
// by run. A row that stands for a range is left: its other slots would be lost.
func (s *Store) Reclaim(ctx context.Context, t store.Term, old string, run store.Run) (claim store.Claim, err error) {
	rows := startingRows(t, []store.Run{run})
	batch := newBatch(rows)
	err = s.fenced(ctx, "claim run again", t, func(conn *sql.Conn, _ ledgerRow) error {
		if err := s.replace(ctx, conn, &rows[0], batch, old); err != nil {
			return err
		}
		claims, err := s.answers(ctx, conn, batch, 1)
		if err != nil {
			return err
		}
		claim = claims[0]
		return nil
	})
	if err != nil {
		return store.Claim{}, err
	}
	return claim, nil
}

// replace makes the row that has the token old, if it may be replaced, the one of the batch.
func (s *Store) replace(ctx context.Context, conn *sql.Conn, row *runRow, batch batch, old string) error {
	changed := make(tallies)
	scan := func(rows *sql.Rows) error {
		before, err := scanTallied(rows, row.Scheduler)
		changed.add(&before, -1)
		return err
	}
	if err := s.each(ctx, conn, scan, replaced, row.Scheduler, row.Slot, row.Task, row.Account, old); err != nil || len(changed) == 0 {
		return err
	}
	n, err := s.changeBatch(ctx, conn, replaceClaim, batch, old)
	if err != nil || n == 0 {
		return err
	}
	changed.add(row, n)
	return s.countTallies(ctx, conn, changed)
}

// taken is what a claim that is not held is told of the row.
func (r *runRow) taken() (run store.Run, err error) {
	var p parser
	run.Outcome, run.Reason = p.outcome(r.Outcome), r.Reason
	run.Due, run.Finished = p.instant(r.Due), p.instant(r.Finished)
	p.keep(run.Session.UnmarshalText([]byte(r.Session)))
	return run, p.err
}

// Release gives back the claims of runs that never started.
func (s *Store) Release(ctx context.Context, t store.Term, runs []store.Run) error {
	rows := make([]runRow, len(runs))
	for i, run := range runs {
		run.Started = time.Time{}
		rows[i] = rowOf(t.Scheduler, &run)
		if rows[i].Count = 0; !run.Outcome.Final() {
			rows[i].Outcome = ""
		}
	}
	batch := newBatch(rows)
	return s.fenced(ctx, "release runs", t, func(conn *sql.Conn, _ ledgerRow) error {
		changed := make(tallies)
		gone := func(rows *sql.Rows) error {
			row, err := scanTallied(rows, t.Scheduler)
			changed.add(&row, -1)
			return err
		}
		if err := s.eachOfBatch(ctx, conn, gone, releaseClaims, batch); err != nil {
			return err
		}
		for _, was := range []store.Outcome{store.Armed, store.Running} {
			restored := func(row *runRow) { changed.begun(row, was, 1) }
			if err := s.eachRow(ctx, conn, rows, restoreRows, batch, restored, was.String()); err != nil {
				return err
			}
		}
		return s.countTallies(ctx, conn, changed)
	})
}

// startingRows returns the rows of runs that are Armed or Running under the term.
func startingRows(t store.Term, runs []store.Run) []runRow {
	rows := make([]runRow, len(runs))
	for i := range runs {
		rows[i] = rowOf(t.Scheduler, &runs[i])
		rows[i].Term = t.Number
		rows[i].RerunUntil = ""
		rows[i].Class, rows[i].Lateness = "", 0
		if runs[i].Outcome != store.Armed {
			rows[i].Outcome = store.Running.String()
		}
	}
	return rows
}

// starting is the outcome of a row that startingRows has made.
func (r *runRow) starting() store.Outcome {
	if r.Outcome == store.Armed.String() {
		return store.Armed
	}
	return store.Running
}

// answers says for each run of the batch how the row of its slot stands to it.
func (s *Store) answers(ctx context.Context, conn *sql.Conn, batch batch, size int) ([]store.Claim, error) {
	claims := make([]store.Claim, 0, size)
	scan := func(rows *sql.Rows) error {
		var claim store.Claim
		var row runRow
		err := rows.Scan(&claim.Held, &claim.First, &claim.Resumed, &row.Outcome, &row.Session, &row.Due, &row.Reason, &row.Finished)
		if err != nil {
			return err
		}
		claim.First = claim.First && claim.Held
		claim.Resumed = claim.Resumed && claim.Held
		taken, err := row.taken()
		if claim.Outcome = taken.Outcome; claim.Outcome != store.NoOutcome && !claim.Held {
			claim.Taken = &taken
		}
		claims = append(claims, claim)
		return err
	}
	err := s.eachOfBatch(ctx, conn, scan, answerClaims, batch)
	return claims, err
}
