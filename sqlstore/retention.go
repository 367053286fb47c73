package sqlstore

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/tradeclock/tradeclock/store"
)

// pruneBatch is the number of rows that Prune removes in one transaction, so
// that no claim waits for long.
const pruneBatch = 500

// Prune removes the final rows that are due before before. A range stays until
// all of it is due before. If it fails half-way it returns the number of rows
// that are gone, and may be called again.
func (s *Store) Prune(ctx context.Context, scheduler string, before time.Time) (int, error) {
	limit := instantText(before)
	// The floor comes first: what is removed must not be free to be claimed again.
	err := s.write(ctx, "prune "+scheduler, func(conn *sql.Conn) error {
		row, err := s.ensureLedger(ctx, conn, scheduler)
		if err != nil {
			return err
		}
		watermark, err := parseInstant(row.watermark)
		if err != nil {
			return err
		}
		if last := watermark.Add(-store.MinRetention); before.After(last) {
			return fmt.Errorf("before %v: what is due after %v may still be needed", before, last)
		}
		if err := s.exec(ctx, conn, dropEmpty, scheduler); err != nil {
			return err
		}
		err = s.exec(ctx, conn, "DELETE FROM tradeclock_requests WHERE scheduler = $1 AND answered <> '' AND answered < $2", scheduler, limit)
		if err != nil {
			return err
		}
		err = s.exec(ctx, conn, "DELETE FROM tradeclock_overrides WHERE scheduler = $1 AND session < $2", scheduler, before.UTC().Format(time.DateOnly))
		if err != nil {
			return err
		}
		return s.exec(ctx, conn, `
			UPDATE tradeclock_schedulers SET pruned_before = $1 WHERE pruned_before < $1 AND scheduler = $2`, limit, scheduler)
	})
	removed, from := 0, ""
	for last := 1; err == nil && last > 0; removed += last {
		last, from, err = s.pruneSome(ctx, scheduler, from, limit)
	}
	return removed, err
}

// pruneSome removes the rows of one transaction, the first that are due at from or
// later. It returns their number and the last due time among them, where the next
// transaction begins: to find what is left it need not pass what is gone.
func (s *Store) pruneSome(ctx context.Context, scheduler, from, limit string) (removed int, last string, err error) {
	err = s.write(ctx, "prune "+scheduler, func(conn *sql.Conn) error {
		removed, last = 0, from
		changed := make(tallies)
		scan := func(rows *sql.Rows) error {
			row, err := scanTallied(rows, scheduler)
			changed.add(&row, -1)
			removed, last = removed+1, max(last, row.Due)
			return err
		}
		if err := s.each(ctx, conn, scan, removeSome, scheduler, from, limit, pruneBatch); err != nil {
			return err
		}
		return s.countTallies(ctx, conn, changed)
	})
	if err != nil {
		return 0, from, err
	}
	return removed, last, nil
}

// ResetWatermark sets the watermark back to an instant, or to before the ranges
// that go on beyond it.
func (s *Store) ResetWatermark(ctx context.Context, t store.Term, to time.Time, reason, actor string) error {
	end := instantText(to)
	return s.write(ctx, "reset the watermark of "+t.Scheduler, func(conn *sql.Conn) error {
		row, err := s.fence(ctx, conn, lockLedger, t)
		if err != nil {
			return err
		}
		if end > row.watermark {
			return fmt.Errorf("it is at %q, and can only be set back", row.watermark)
		}
		mark, err := s.beforeRanges(ctx, conn, t.Scheduler, end)
		if err != nil {
			return err
		}
		if err := s.removeUnstarted(ctx, conn, t.Scheduler, end); err != nil {
			return err
		}
		for _, statement := range []string{
			`UPDATE tradeclock_schedulers SET watermark = $1 WHERE watermark > $1 AND scheduler = $2`,
			`UPDATE tradeclock_terms SET watermark = $1 WHERE watermark > $1 AND scheduler = $2`,
			`UPDATE tradeclock_enrolments SET served_from = $1 WHERE served_from > $1 AND scheduler = $2`,
		} {
			if err := s.exec(ctx, conn, statement, mark, t.Scheduler); err != nil {
				return err
			}
		}
		now, err := s.now(ctx, conn)
		if err != nil {
			return err
		}
		return s.note(ctx, conn, t.Scheduler, store.AuditEntry{Action: "reset", Actor: actor, Reason: reason, At: now})
	})
}

const (
	// What is claimed again meanwhile is seen by the outer condition alone.
	removeSome = `
		DELETE FROM tradeclock_runs WHERE outcome NOT ` + isOpen + ` AND (scheduler, slot, task, account) IN (
			SELECT scheduler, slot, task, account FROM tradeclock_runs AS r
			WHERE scheduler = $1 AND due >= $2 AND due < $3 AND through < $3 AND outcome NOT ` + isOpen + `
			  AND NOT EXISTS (
				SELECT 1 FROM tradeclock_enrolments AS e
				WHERE e.scheduler = r.scheduler AND e.account = r.account AND e.returned_at <> '' AND r.through > e.served_from)
			ORDER BY due LIMIT $4)
		RETURNING ` + tallied

	removeUnstarted = `
		DELETE FROM tradeclock_runs AS own
		WHERE (own.due > $1 OR own.count > 1 AND own.through > $1) AND own.scheduler = $2 AND ` + neverStarted + `
		RETURNING ` + tallied

	earliestRange = `
		SELECT coalesce(min(own.due), '') FROM tradeclock_runs AS own
		WHERE own.count > 1 AND own.through > $1 AND own.due <= $1 AND own.scheduler = $2 AND ` + neverStarted
)

// removeUnstarted removes the rows of runs that never started and end later than end.
func (s *Store) removeUnstarted(ctx context.Context, conn *sql.Conn, scheduler, end string) error {
	changed := make(tallies)
	scan := func(rows *sql.Rows) error {
		row, err := scanTallied(rows, scheduler)
		changed.add(&row, -1)
		return err
	}
	if err := s.each(ctx, conn, scan, removeUnstarted, end, scheduler); err != nil {
		return err
	}
	return s.countTallies(ctx, conn, changed)
}

// beforeRanges returns the instant end, or the second before the earliest range
// begins that removeUnstarted removes and that begins at or before end.
func (s *Store) beforeRanges(ctx context.Context, conn *sql.Conn, scheduler, end string) (string, error) {
	var due string
	if err := s.one(ctx, conn, earliestRange, end, scheduler).Scan(&due); err != nil || due == "" {
		return end, err
	}
	first, err := parseInstant(due)
	return instantText(first.Add(-time.Second)), err
}
