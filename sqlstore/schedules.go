package sqlstore

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strconv"

	"github.com/tradeclock/tradeclock"
)

// Schedules returns the rows by task, then account. The error is a
// *tradeclock.QuarantineError if some cannot be read; the others are returned
// with it.
func (s *Store) Schedules(ctx context.Context) (rows []tradeclock.Schedule, err error) {
	var set scheduleSet
	err = s.read(ctx, "read schedules", func(conn *sql.Conn) error {
		set, err = s.scheduleSet(ctx, conn, "")
		return err
	})
	if err != nil {
		return nil, err
	}
	return set.rows, set.quarantine()
}

// Revision changes with each change of a row, by the store or by hand.
func (s *Store) Revision(ctx context.Context) (string, error) {
	var revision int64
	err := s.read(ctx, "read the revision of the schedules", func(conn *sql.Conn) error {
		return s.one(ctx, conn, "SELECT revision FROM tradeclock_schedule_revision").Scan(&revision)
	})
	return strconv.FormatInt(revision, 10), err
}

// Changes returns the rows that changed since a revision, by the store or by hand. The
// database lists the last thousand changes. The error is a
// *tradeclock.QuarantineError if some of the rows cannot be read, and wraps
// tradeclock.ErrRevisionUnknown if too much has changed.
func (s *Store) Changes(ctx context.Context, since string) (changes tradeclock.ScheduleChanges, err error) {
	from, err := strconv.ParseInt(since, 10, 64)
	if err != nil {
		return changes, fmt.Errorf("changes since revision %q: %w", since, tradeclock.ErrRevisionUnknown)
	}
	var set scheduleSet
	err = s.read(ctx, "read the changes of the schedules", func(conn *sql.Conn) error {
		changes, set, err = s.changesSince(ctx, conn, from)
		return err
	})
	if err != nil {
		return tradeclock.ScheduleChanges{}, err
	}
	return changes, set.quarantine()
}

const (
	// listedSince are the revisions that are listed after $1. One that is not was
	// dropped with the oldest, or when the table was emptied.
	listedSince = `
		SELECT revision, (SELECT count(*) FROM tradeclock_schedule_changes AS c WHERE c.revision > $1)
		FROM tradeclock_schedule_revision`
	whereChanged  = "WHERE (task, account) IN (SELECT task, account FROM tradeclock_schedule_changes WHERE revision > $1)"
	selectRemoved = `
		SELECT DISTINCT task, account FROM tradeclock_schedule_changes AS c
		WHERE revision > $1
			AND NOT EXISTS (SELECT 1 FROM tradeclock_schedules AS s WHERE s.task = c.task AND s.account = c.account)
		ORDER BY task, account`
)

func (s *Store) changesSince(ctx context.Context, conn *sql.Conn, from int64) (changes tradeclock.ScheduleChanges, set scheduleSet, err error) {
	var revision, listed int64
	if err := s.one(ctx, conn, listedSince, from).Scan(&revision, &listed); err != nil {
		return changes, set, err
	}
	if from < 0 || listed != revision-from {
		return changes, set, fmt.Errorf("since revision %d, and the present one is %d: %w", from, revision, tradeclock.ErrRevisionUnknown)
	}
	if set, err = s.scheduleSet(ctx, conn, whereChanged, from); err != nil {
		return changes, set, err
	}
	removed := func(rows *sql.Rows) error {
		var key tradeclock.ScheduleKey
		err := rows.Scan(&key.Task, &key.Account)
		changes.Removed = append(changes.Removed, key)
		return err
	}
	err = s.each(ctx, conn, removed, selectRemoved, from)
	changes.Rows, changes.Revision = set.rows, strconv.FormatInt(revision, 10)
	return changes, set, err
}

// PutSchedule adds the row of a task and account, or replaces it whatever its
// version, and returns it with the Since, Prior and Version that
// tradeclock.Schedule.Edited gives it. It refuses a row that is wrong in itself
// or with the others, as tradeclock.ValidateSchedules reports it.
func (s *Store) PutSchedule(ctx context.Context, row tradeclock.Schedule) (put tradeclock.Schedule, err error) {
	err = s.edit(ctx, "put schedule", func(conn *sql.Conn, set scheduleSet) (err error) {
		put, err = s.put(ctx, conn, set, row)
		return err
	})
	return put, err
}

// UpdateSchedule makes an edit in the row of a task and account, and returns the
// row. The version is that of the row from which the edit was made: the error is
// a *tradeclock.ConflictError if the row has another, and wraps
// tradeclock.ErrNoSchedule if there is no row. It refuses what PutSchedule
// refuses, and a row that cannot be read: put that one.
func (s *Store) UpdateSchedule(ctx context.Context, account, task string, version int64, edit tradeclock.ScheduleEdit) (updated tradeclock.Schedule, err error) {
	err = s.edit(ctx, "update schedule", func(conn *sql.Conn, set scheduleSet) error {
		row, err := set.find(account, task)
		if err != nil {
			return err
		}
		if row.Version != version {
			return &tradeclock.ConflictError{Task: task, Account: account, Have: row.Version, Want: version}
		}
		edit.Apply(&row)
		updated, err = s.put(ctx, conn, set, row)
		return err
	})
	return updated, err
}

// SeedSchedules adds those of the default rows that are missing and returns
// their number. A row that exists stays as it is, edited or disabled. It adds
// none of them if it refuses one, for what PutSchedule refuses.
func (s *Store) SeedSchedules(ctx context.Context, defaults ...tradeclock.Schedule) (added int, err error) {
	err = s.edit(ctx, "seed schedules", func(conn *sql.Conn, set scheduleSet) error {
		var missing []tradeclock.Schedule
		for _, row := range defaults {
			if !set.has(row.Account, row.Task) {
				row.Prior = nil
				missing = append(missing, row)
			}
		}
		if err := set.refuse(slices.Concat(set.rows, missing), missing...); err != nil {
			return err
		}
		for _, row := range missing {
			if _, err := s.keep(ctx, conn, row, tradeclock.Schedule{}); err != nil {
				return err
			}
		}
		added = len(missing)
		return nil
	})
	if err != nil {
		return 0, err
	}
	return added, nil
}

// DeleteSchedule removes the row of a task and account. The error wraps
// tradeclock.ErrNoSchedule if there is none. It refuses to remove a row that an
// after rule of another needs.
func (s *Store) DeleteSchedule(ctx context.Context, account, task string) error {
	return s.edit(ctx, "delete schedule", func(conn *sql.Conn, set scheduleSet) error {
		if !set.has(account, task) {
			return fmt.Errorf("%s of account %q: %w", task, account, tradeclock.ErrNoSchedule)
		}
		if err := set.refuse(set.without(account, task)); err != nil {
			return err
		}
		return s.exec(ctx, conn, "DELETE FROM tradeclock_schedules WHERE task = $1 AND account = $2", task, account)
	})
}

// edit calls f with the rows in a transaction in which nobody else edits them.
func (s *Store) edit(ctx context.Context, doing string, f func(*sql.Conn, scheduleSet) error) error {
	return s.write(ctx, doing, func(conn *sql.Conn) error {
		if err := s.lock(ctx, conn, s.dialect.lockSchedules); err != nil {
			return err
		}
		set, err := s.scheduleSet(ctx, conn, "")
		if err != nil {
			return err
		}
		return f(conn, set)
	})
}

func (s *Store) put(ctx context.Context, conn *sql.Conn, set scheduleSet, row tradeclock.Schedule) (tradeclock.Schedule, error) {
	row.Prior = nil
	if err := set.refuse(append(set.without(row.Account, row.Task), row), row); err != nil {
		return tradeclock.Schedule{}, err
	}
	return s.keep(ctx, conn, row, set.old(row.Account, row.Task))
}

// keep stores the row in place of old, which is zero if there is none.
func (s *Store) keep(ctx context.Context, conn *sql.Conn, row, old tradeclock.Schedule) (tradeclock.Schedule, error) {
	if _, err := s.parseRule(row.Rule.String()); err != nil {
		return tradeclock.Schedule{}, fmt.Errorf("schedule of %s: Rule: the store cannot read it back: %w", row.Task, err)
	}
	now, err := s.now(ctx, conn)
	if err != nil {
		return tradeclock.Schedule{}, err
	}
	row = row.Edited(old, now)
	return row, s.exec(ctx, conn, upsertSchedule, scheduleValues(row)...)
}
