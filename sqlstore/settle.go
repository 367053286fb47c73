package sqlstore

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/tradeclock/tradeclock/store"
)

var (
	insertRecords = batchOf(runColumns...) + `
		INSERT INTO tradeclock_runs AS own (` + strings.Join(runColumns, ", ") + `, first, resumed)
		SELECT ` + strings.Join(runColumns, ", ") + `, 0, 0 FROM batch AS b
		WHERE b.count > 1
		   OR NOT EXISTS (SELECT 1 FROM tradeclock_runs AS r WHERE r.slot <> b.slot AND ` + covering + ` ` + oneByOne + `)
		ORDER BY b.n
		ON CONFLICT (scheduler, slot, task, account) DO UPDATE
		SET count = excluded.count, last_slot = excluded.last_slot, through = excluded.through
		WHERE excluded.count > own.count AND excluded.count > 1 AND ` + neverStarted + `
		  AND own.outcome = excluded.outcome AND own.reason = excluded.reason
		RETURNING id`

	// recordedRanges are the rows that records of ranges may extend.
	recordedRanges = batchOf("scheduler", "account", "task", "slot", "count") + `
		SELECT own.id, own.count FROM batch AS b JOIN tradeclock_runs AS own ON ` + ownRow + `
		WHERE b.count > 1`

	// takenRanges are the records of ranges whose slot has a row that leaves out some
	// of their occurrences.
	takenRanges = batchOf("scheduler", "account", "task", "slot", "count", "through") + `
		SELECT own.id FROM batch AS b JOIN tradeclock_runs AS own ON ` + ownRow + `
		WHERE b.count > 1 AND own.through < b.through
		ORDER BY b.n`

	settleRuns = batchOf("scheduler", "account", "task", "slot", "token", "outcome", "reason", "started", "finished", "attempt", "details", "rerun_until", "first") + `
		UPDATE tradeclock_runs AS own
		SET outcome = b.outcome, reason = b.reason, started = b.started, finished = b.finished,
		    attempt = b.attempt, details = b.details, rerun_until = b.rerun_until,
		    first = CASE WHEN own.outcome = 'armed' THEN b.first ELSE own.first END, first_success = CASE WHEN b.outcome = 'succeeded' THEN own.first ELSE 0 END
		FROM batch AS b
		WHERE ` + ownRow + ` AND own.token = b.token AND own.token <> '' AND own.outcome = $3
		RETURNING id`

	// settlePart is settleRuns for the rows of one part. The batch is materialized,
	// and its columns are those by which a row is found, so that SQLite looks for the
	// row of each and does not look through the batch for each row.
	settlePart = `
		WITH batch AS MATERIALIZED (
			SELECT CAST($1 AS TEXT) AS scheduler, CAST($2 AS TEXT) AS task, CAST($3 AS TEXT) AS slot, account, token,
			       coalesce(started, '') AS started, coalesce(finished, '') AS finished
			FROM ({elements $4 account token started finished}) AS row_of)
		UPDATE tradeclock_runs AS own
		SET outcome = $5, reason = $6, started = b.started, finished = b.finished, attempt = $7, details = $8, rerun_until = $9,
		    first = CASE WHEN own.outcome = 'armed' THEN $10 ELSE own.first END,
		    first_success = CASE WHEN CAST($5 AS TEXT) = 'succeeded' THEN own.first ELSE 0 END
		FROM batch AS b
		WHERE ` + ownRow + ` AND own.token = b.token AND own.token <> '' AND own.outcome = $11`

	answerSettled = batchOf("scheduler", "account", "task", "slot", "token", "outcome") + `
		SELECT CASE WHEN own.token = b.token AND own.token <> '' AND own.outcome = b.outcome THEN 1 ELSE 0 END
		FROM batch AS b LEFT JOIN tradeclock_runs AS own ON ` + ownRow + `
		ORDER BY b.n`

	keepEvidence = batchOf("scheduler", "account", "task", "slot", "token", "outcome", "reason", "finished") + `
		UPDATE tradeclock_runs AS own
		SET late_outcome = b.outcome, late_reason = b.reason, late_finished = b.finished
		FROM batch AS b
		WHERE ` + ownRow + ` AND NOT (own.token = b.token AND own.token <> '' AND own.outcome = b.outcome)`
)

// Record adds the rows of runs that never started and moves the watermark.
func (s *Store) Record(ctx context.Context, t store.Term, outcomes []store.Run, to time.Time) error {
	rows := make([]runRow, len(outcomes))
	for i := range outcomes {
		if err := checkFinal(&outcomes[i]); err != nil {
			return fmt.Errorf("record %w", err)
		}
		rows[i] = rowOf(t.Scheduler, &outcomes[i])
		rows[i].Term, rows[i].Token = t.Number, ""
	}
	parts := distinct(rows)
	var batches []batch
	for _, some := range parts {
		batches = append(batches, newBatch(some))
	}
	ranges := slices.ContainsFunc(outcomes, func(r store.Run) bool { return r.Count > 1 })
	return s.fenced(ctx, "record runs", t, func(conn *sql.Conn, _ ledgerRow) error {
		changed := make(tallies)
		for i, batch := range batches {
			if err := s.insertRecords(ctx, conn, parts[i], batch, ranges, changed); err != nil {
				return err
			}
			if !ranges {
				continue
			}
			if err := s.checkTaken(ctx, conn, batch, rows, outcomes); err != nil {
				return err
			}
		}
		if err := s.countTallies(ctx, conn, changed); err != nil {
			return err
		}
		return s.exec(ctx, conn, `
			UPDATE tradeclock_schedulers SET watermark = $1 WHERE watermark < $1 AND scheduler = $2`,
			instantText(to), t.Scheduler)
	})
}

// insertRecords makes the rows of a batch, or extends those of ranges, and counts them.
func (s *Store) insertRecords(ctx context.Context, conn *sql.Conn, rows []runRow, batch batch, ranges bool, changed tallies) error {
	known := make(map[string]int) // by id, how many occurrences a row had
	if ranges {
		scan := func(rows *sql.Rows) error {
			var id string
			var count int
			err := rows.Scan(&id, &count)
			known[id] = max(count, 1)
			return err
		}
		if err := s.eachOfBatch(ctx, conn, scan, recordedRanges, batch); err != nil {
			return err
		}
	}
	return s.eachRow(ctx, conn, rows, insertRecords, batch, func(row *runRow) {
		if before, extended := known[row.ID]; extended {
			changed.extend(row, before)
		} else {
			changed.add(row, 1)
		}
	})
}

// checkTaken refuses a batch with ranges that it could not keep. The runs are those
// of the rows.
func (s *Store) checkTaken(ctx context.Context, conn *sql.Conn, batch batch, rows []runRow, runs []store.Run) error {
	ids := make(map[string]bool)
	scan := func(found *sql.Rows) error {
		var id string
		err := found.Scan(&id)
		ids[id] = true
		return err
	}
	if err := s.eachOfBatch(ctx, conn, scan, takenRanges, batch); err != nil || len(ids) == 0 {
		return err
	}
	taken := new(store.TakenError)
	for i := range rows {
		if ids[rows[i].ID] && rows[i].Count > 1 {
			taken.Runs = append(taken.Runs, runs[i])
		}
	}
	return taken
}

// distinct returns the rows in parts, in order, none of which has an id twice: no
// statement may both insert a row and extend it. Mostly it is one part.
func distinct(rows []runRow) (parts [][]runRow) {
	seen := make(map[string]int, len(rows)) // in how many parts an id is
	for _, row := range rows {
		n := seen[row.ID]
		seen[row.ID]++
		if n == len(parts) {
			parts = append(parts, nil)
		}
		parts[n] = append(parts[n], row)
	}
	return parts
}

// Settle stores the outcomes of runs.
func (s *Store) Settle(ctx context.Context, runs []store.Run) ([]store.SettleResult, error) {
	rows := make([]runRow, len(runs))
	for i := range runs {
		if err := checkFinal(&runs[i]); err != nil {
			return nil, fmt.Errorf("settle %w", err)
		}
		rows[i] = rowOf(runs[i].Scheduler, &runs[i])
	}
	batch, err := newBatch(rows).parted()
	if err != nil {
		return nil, err
	}
	results := make([]store.SettleResult, len(runs))
	err = s.writeAgain(ctx, "settle runs", func(conn *sql.Conn) error {
		changed, stored, err := s.updateSettled(ctx, conn, batch)
		if err != nil {
			return err
		}
		for i := range results {
			results[i].Accepted = true
		}
		if stored < len(runs) {
			if err := s.answerSettled(ctx, conn, batch, results); err != nil {
				return err
			}
		}
		changed.lateness(batch, results)
		return s.countTallies(ctx, conn, changed)
	})
	if err != nil {
		return nil, err
	}
	return results, nil
}

// updateSettled stores the outcomes of the runs that go on with their tokens. It returns
// how the tallies change, and how many these runs are. Most were Running, and it does not
// look for others then.
func (s *Store) updateSettled(ctx context.Context, conn *sql.Conn, batch batch) (changed tallies, stored int, err error) {
	changed = make(tallies)
	settle := s.settleEach
	if len(batch.own) > 0 {
		settle = s.settleByPart
	}
	for _, was := range []store.Outcome{store.Running, store.Armed} {
		if stored == len(batch.rows) {
			break
		}
		n, err := settle(ctx, conn, batch, was, changed)
		if err != nil {
			return nil, 0, err
		}
		stored += n
	}
	return changed, stored, nil
}

func (s *Store) settleByPart(ctx context.Context, conn *sql.Conn, batch batch, was store.Outcome, changed tallies) (stored int, err error) {
	for i, part := range batch.parts {
		n, err := s.change(ctx, conn, settlePart,
			part.Scheduler, part.Task, part.Slot, batch.own[i], part.Outcome, part.Reason, part.Attempt, part.Details, part.RerunUntil, part.First, was.String())
		if err != nil {
			return 0, err
		}
		changed.begun(&part.runRow, was, n)
		stored += n
	}
	return stored, nil
}

func (s *Store) settleEach(ctx context.Context, conn *sql.Conn, batch batch, was store.Outcome, changed tallies) (stored int, err error) {
	parts := make(map[string]int, len(batch.rows))
	for _, row := range batch.rows {
		parts[row.ID] = row.Part
	}
	scan := func(rows *sql.Rows) error {
		var id string
		if err := rows.Scan(&id); err != nil {
			return err
		}
		changed.begun(&batch.parts[parts[id]].runRow, was, 1)
		stored++
		return nil
	}
	err = s.eachOfBatch(ctx, conn, scan, settleRuns, batch, was.String())
	return stored, err
}

// lateness notes how late those of the batch were whose rows have its outcomes.
func (t tallies) lateness(batch batch, results []store.SettleResult) {
	worst := make([]time.Duration, len(batch.parts))
	for i, row := range batch.rows {
		if results[i].Accepted {
			worst[row.Part] = max(worst[row.Part], row.Lateness)
		}
	}
	for i, part := range batch.parts {
		if worst[i] > 0 {
			t.late(part.tallyKey(), worst[i])
		}
	}
}

// answerSettled says of each run of the batch whether its row has its outcome,
// and keeps the outcomes that came too late.
func (s *Store) answerSettled(ctx context.Context, conn *sql.Conn, batch batch, results []store.SettleResult) error {
	n := 0
	scan := func(rows *sql.Rows) error {
		n++
		return rows.Scan(&results[n-1].Accepted)
	}
	if err := s.eachOfBatch(ctx, conn, scan, answerSettled, batch); err != nil {
		return err
	}
	_, err := s.changeBatch(ctx, conn, keepEvidence, batch)
	return err
}

// checkFinal refuses to store an outcome that would leave the row open.
func checkFinal(run *store.Run) error {
	if run.Outcome.Final() {
		return nil
	}
	return fmt.Errorf("%s of account %q, slot %s: the outcome %q is not final", run.Task, run.Account, run.Slot, run.Outcome)
}
