package sandbox

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/tradeclock/tradeclock/examples/realtrading/internal/wire"
	"github.com/tradeclock/tradeclock/internal/scaled"
)

// journal keeps beside the books what was asked for and what became of it, the highest
// term that was seen, and the clock. So a sandbox that is started again goes on.
type journal struct{ db *sql.DB }

func openJournal(ctx context.Context, db *sql.DB) (*journal, error) {
	_, err := db.ExecContext(ctx, `
		CREATE TABLE IF NOT EXISTS sandbox_change (
			at      TEXT NOT NULL,
			account TEXT NOT NULL,
			what    TEXT NOT NULL,
			key     TEXT NOT NULL,
			term    INTEGER NOT NULL,
			fate    TEXT NOT NULL,
			cause   TEXT NOT NULL
		) STRICT;
		CREATE TABLE IF NOT EXISTS sandbox_fence (
			one  INTEGER PRIMARY KEY CHECK (one = 1),
			term INTEGER NOT NULL
		) STRICT;
		CREATE TABLE IF NOT EXISTS sandbox_clock (
			one    INTEGER PRIMARY KEY CHECK (one = 1),
			epoch  TEXT NOT NULL,
			start  TEXT NOT NULL,
			factor INTEGER NOT NULL
		) STRICT`)
	if err != nil {
		return nil, fmt.Errorf("make the tables of the journal: %w", err)
	}
	return &journal{db}, nil
}

// add appends a change.
func (j *journal) add(ctx context.Context, c wire.Change) error {
	_, err := j.db.ExecContext(ctx, `INSERT INTO sandbox_change (at, account, what, key, term, fate, cause) VALUES (?, ?, ?, ?, ?, ?, ?)`,
		c.At.UTC().Format(time.RFC3339Nano), c.Account, c.What, c.Key, c.Term, c.Fate, c.Cause)
	if err != nil {
		return fmt.Errorf("write the journal: %w", err)
	}
	return nil
}

// changes are all of them, the oldest first.
func (j *journal) changes(ctx context.Context) ([]wire.Change, error) {
	rows, err := j.db.QueryContext(ctx, `SELECT at, account, what, key, term, fate, cause FROM sandbox_change ORDER BY rowid`)
	if err != nil {
		return nil, fmt.Errorf("read the journal: %w", err)
	}
	defer rows.Close()
	var all []wire.Change
	for rows.Next() {
		var c wire.Change
		var at string
		if err := rows.Scan(&at, &c.Account, &c.What, &c.Key, &c.Term, &c.Fate, &c.Cause); err != nil {
			return nil, fmt.Errorf("read the journal: %w", err)
		}
		if c.At, err = time.Parse(time.RFC3339Nano, at); err != nil {
			return nil, fmt.Errorf("read the journal: %w", err)
		}
		all = append(all, c)
	}
	return all, rows.Err()
}

// fence is the highest term that was seen, or zero.
func (j *journal) fence(ctx context.Context) (term int64, err error) {
	err = j.db.QueryRowContext(ctx, `SELECT term FROM sandbox_fence`).Scan(&term)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return 0, fmt.Errorf("read the fence: %w", err)
	}
	return term, nil
}

// admit raises the fence to a term, and reports whether none was higher.
func (j *journal) admit(ctx context.Context, term int64) (admitted bool, err error) {
	highest, err := j.fence(ctx)
	if err != nil || term <= highest {
		return err == nil && term == highest, err
	}
	_, err = j.db.ExecContext(ctx, `
		INSERT INTO sandbox_fence (one, term) VALUES (1, ?)
		ON CONFLICT DO UPDATE SET term = max(term, excluded.term)`, term)
	if err != nil {
		return false, fmt.Errorf("raise the fence: %w", err)
	}
	return true, nil
}

// ResumeClock returns the clock of the books in db, which goes on since they were
// begun. Books that have none begin with first.
func ResumeClock(ctx context.Context, db *sql.DB, first scaled.Clock) (*scaled.Clock, error) {
	if _, err := openJournal(ctx, db); err != nil {
		return nil, err
	}
	_, err := db.ExecContext(ctx, `INSERT INTO sandbox_clock (one, epoch, start, factor) VALUES (1, ?, ?, ?) ON CONFLICT DO NOTHING`,
		first.Epoch.UTC().Format(time.RFC3339Nano), first.Start.UTC().Format(time.RFC3339Nano), first.Factor)
	if err != nil {
		return nil, fmt.Errorf("keep the clock: %w", err)
	}
	clock := new(scaled.Clock)
	var epoch, start string
	if err := db.QueryRowContext(ctx, `SELECT epoch, start, factor FROM sandbox_clock`).Scan(&epoch, &start, &clock.Factor); err != nil {
		return nil, fmt.Errorf("read the clock: %w", err)
	}
	var errs [2]error
	clock.Epoch, errs[0] = time.Parse(time.RFC3339Nano, epoch)
	clock.Start, errs[1] = time.Parse(time.RFC3339Nano, start)
	return clock, errors.Join(errs[:]...)
}
