package sqlstore

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/tradeclock/tradeclock/rule"
	"github.com/tradeclock/tradeclock/store"
)

// Schedules returns the rows by task, then account. The error is a
// *store.QuarantineError if some cannot be read; the others are returned
// with it.
func (s *Store) Schedules(ctx context.Context) (rows []store.Schedule, err error) {
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

const selectRevision = "SELECT revision FROM tradeclock_schedule_revision"

// Revision changes with each change of a row, by the store or by hand.
func (s *Store) Revision(ctx context.Context) (string, error) {
	var revision int64
	err := s.read(ctx, "read the revision of the schedules", func(conn *sql.Conn) error {
		return s.one(ctx, conn, selectRevision).Scan(&revision)
	})
	if err != nil {
		return "", err
	}
	return strconv.FormatInt(revision, 10), nil
}

// Changes returns the rows that changed since a revision, by the store or by hand. The
// database lists the last thousand changes. The error is a
// *store.QuarantineError if some of the rows cannot be read, and wraps
// store.ErrRevisionUnknown if too much has changed.
func (s *Store) Changes(ctx context.Context, since string) (changes store.ScheduleChanges, err error) {
	from, err := strconv.ParseInt(since, 10, 64)
	if err != nil {
		return changes, fmt.Errorf("changes since revision %q: %w", since, store.ErrRevisionUnknown)
	}
	var set scheduleSet
	err = s.read(ctx, "read the changes of the schedules", func(conn *sql.Conn) error {
		changes, set, err = s.changesSince(ctx, conn, from)
		return err
	})
	if err != nil {
		return store.ScheduleChanges{}, err
	}
	return changes, set.quarantine()
}

// changesSince reads the rows that changed in one statement, as a poll is bounded.
func (s *Store) changesSince(ctx context.Context, conn *sql.Conn, from int64) (changes store.ScheduleChanges, set scheduleSet, err error) {
	revision, keys, err := s.changedKeys(ctx, conn, from)
	if err != nil {
		return changes, set, err
	}
	changed := make([]changedKey, len(keys))
	for i, key := range keys {
		changed[i] = changedKey(key)
	}
	text, err := jsonText(changed)
	if err != nil {
		return changes, set, err
	}
	if set, err = s.scheduleSet(ctx, conn, whereChanged, text); err != nil {
		return changes, set, err
	}
	known := make(map[store.ScheduleKey]bool, len(keys))
	for _, row := range slices.Concat(set.rows, set.broken) {
		known[row.Key()] = true
	}
	for _, key := range keys {
		if !known[key] {
			changes.Removed = append(changes.Removed, key)
		}
	}
	changes.Rows, changes.Revision = set.rows, strconv.FormatInt(revision, 10)
	return changes, set, nil
}

// whereChanged selects the rows of the keys in $1. They come from here, as PostgreSQL
// would read all rows to find those of a table that it knows nothing of.
const whereChanged = "WHERE (task, account) IN (SELECT task, account FROM ({elements $1 task account}) AS changed)"

// changedKey is a store.ScheduleKey as statements read it.
type changedKey struct {
	Task    string `json:"task"`
	Account string `json:"account"`
}

// changedKeys returns the revision, and the rows that changed since another one, each
// once and in order. Each revision between must be listed: one that is not was dropped
// with the oldest, or when the table was emptied.
func (s *Store) changedKeys(ctx context.Context, conn *sql.Conn, from int64) (revision int64, keys []store.ScheduleKey, err error) {
	if err := s.one(ctx, conn, selectRevision).Scan(&revision); err != nil {
		return 0, nil, err
	}
	scan := func(rows *sql.Rows) error {
		var key store.ScheduleKey
		err := rows.Scan(&key.Task, &key.Account)
		keys = append(keys, key)
		return err
	}
	if err := s.each(ctx, conn, scan, "SELECT task, account FROM tradeclock_schedule_changes WHERE revision > $1", from); err != nil {
		return 0, nil, err
	}
	if from < 0 || int64(len(keys)) != revision-from {
		return 0, nil, fmt.Errorf("since revision %d, and the present one is %d: %w", from, revision, store.ErrRevisionUnknown)
	}
	slices.SortFunc(keys, store.ScheduleKey.Compare)
	return revision, slices.Compact(keys), nil
}

// PutSchedule adds the row of a task and account, or replaces it whatever its
// version, and returns it with the Since, Prior and Version that
// store.Schedule.Edited gives it. It refuses a row that is wrong in itself
// or with the others, as tradeclock.ValidateSchedules reports it.
func (s *Store) PutSchedule(ctx context.Context, by store.By, row store.Schedule) (put store.Schedule, err error) {
	err = s.edit(ctx, "put schedule", whereRow, []any{row.Task, row.Account}, func(conn *sql.Conn, set scheduleSet) (err error) {
		put, err = s.put(ctx, conn, by, set, row)
		return err
	})
	return put, err
}

// UpdateSchedule makes an edit in the row of a task and account, and returns the
// row. The version is that of the row from which the edit was made: the error is
// a *store.ConflictError if the row has another, and wraps
// store.ErrNoSchedule if there is no row. It refuses what PutSchedule
// refuses, and a row that cannot be read: put that one.
func (s *Store) UpdateSchedule(ctx context.Context, by store.By, account, task string, version int64, edit store.ScheduleEdit) (updated store.Schedule, err error) {
	err = s.edit(ctx, "update schedule", whereRow, []any{task, account}, func(conn *sql.Conn, set scheduleSet) error {
		row, err := set.find(account, task)
		if err != nil {
			return err
		}
		if row.Version != version {
			return &store.ConflictError{Task: task, Account: account, Have: row.Version, Want: version}
		}
		edit.Apply(&row)
		updated, err = s.put(ctx, conn, by, set, row)
		return err
	})
	return updated, err
}

// SeedSchedules adds those of the default rows that are missing and returns
// their number. A row that exists stays as it is, edited or disabled. It adds
// none of them if it refuses one, for what PutSchedule refuses.
func (s *Store) SeedSchedules(ctx context.Context, defaults ...store.Schedule) (added int, err error) {
	err = s.edit(ctx, "seed schedules", "", nil, func(conn *sql.Conn, set scheduleSet) error {
		var missing []store.Schedule
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
			if _, err := s.keep(ctx, conn, store.BySeed, row, store.Schedule{}); err != nil {
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
// store.ErrNoSchedule if there is none. It refuses to remove a row that an
// after rule of another needs.
func (s *Store) DeleteSchedule(ctx context.Context, by store.By, account, task string) error {
	return s.edit(ctx, "delete schedule", whereRow, []any{task, account}, func(conn *sql.Conn, set scheduleSet) error {
		if !set.has(account, task) {
			return fmt.Errorf("%s of account %q: %w", task, account, store.ErrNoSchedule)
		}
		set, err := s.withLinked(ctx, conn, set, task)
		if err != nil {
			return err
		}
		if err := set.refuse(set.without(account, task)); err != nil {
			return err
		}
		return s.remove(ctx, conn, by, set.old(account, task), task, account)
	})
}

// ChangeSchedules puts rows and removes others, all of them or none. The error wraps
// store.ErrSchedulesChanged if the changes were made from another revision, and
// store.ErrNoSchedule if a row is not there that is to be removed.
func (s *Store) ChangeSchedules(ctx context.Context, by store.By, changes store.ScheduleChanges) error {
	return s.edit(ctx, "change schedules", "", nil, func(conn *sql.Conn, set scheduleSet) error {
		if err := s.checkRevision(ctx, conn, changes.Revision); err != nil {
			return err
		}
		rows := changes.Apply(set.rows)
		put := rows[len(rows)-len(changes.Rows):]
		if err := set.refuse(rows, put...); err != nil {
			return err
		}
		for _, key := range changes.Removed {
			if !set.has(key.Account, key.Task) {
				return fmt.Errorf("%s of account %q: %w", key.Task, key.Account, store.ErrNoSchedule)
			}
			if err := s.remove(ctx, conn, by, set.old(key.Account, key.Task), key.Task, key.Account); err != nil {
				return err
			}
		}
		for _, row := range put {
			if _, err := s.keep(ctx, conn, by, row, set.old(row.Account, row.Task)); err != nil {
				return err
			}
		}
		return nil
	})
}

// checkRevision refuses changes that were made from another revision than the present one.
func (s *Store) checkRevision(ctx context.Context, conn *sql.Conn, from string) error {
	if from == "" {
		return nil
	}
	var revision int64
	if err := s.one(ctx, conn, selectRevision).Scan(&revision); err != nil {
		return err
	}
	if have := strconv.FormatInt(revision, 10); have != from {
		return fmt.Errorf("from revision %s, and the present one is %s: %w", from, have, store.ErrSchedulesChanged)
	}
	return nil
}

const deleteSchedule = "DELETE FROM tradeclock_schedules WHERE task = $1 AND account = $2"

// edit calls f with the rows that a condition selects, in a transaction in which
// nobody else edits any.
func (s *Store) edit(ctx context.Context, doing, where string, args []any, f func(*sql.Conn, scheduleSet) error) error {
	return s.write(ctx, doing, func(conn *sql.Conn) error {
		if err := s.lock(ctx, conn, s.dialect.lockSchedules); err != nil {
			return err
		}
		set, err := s.scheduleSet(ctx, conn, where, args...)
		if err != nil {
			return err
		}
		return f(conn, set)
	})
}

// whereRow selects the row of a task $1 and account $2.
const whereRow = "WHERE task = $1 AND account = $2"

// withLinked returns all rows in place of a set of one if after rules link it with
// others: one of them comes after the task, or its rule comes after another.
func (s *Store) withLinked(ctx context.Context, conn *sql.Conn, set scheduleSet, task string, rules ...rule.Rule) (scheduleSet, error) {
	linked := s.ownRules // which may be written in any way
	for _, rule := range rules {
		linked = linked || strings.HasPrefix(rule.String(), "after ")
	}
	if !linked {
		followed, err := s.isFollowed(ctx, conn, task)
		if err != nil {
			return set, err
		}
		linked = followed
	}
	if !linked {
		return set, nil
	}
	return s.scheduleSet(ctx, conn, "")
}

// isFollowed reports whether a rule comes after the task, or after one whose name
// begins with it and a blank.
func (s *Store) isFollowed(ctx context.Context, conn *sql.Conn, task string) (followed bool, err error) {
	scan := func(rows *sql.Rows) error {
		var text string
		if err := rows.Scan(&text); err != nil {
			return err
		}
		rule, err := s.parseRule(text)
		followed = followed || err == nil && strings.HasPrefix(rule.String(), "after "+task+" ")
		return nil
	}
	err = s.each(ctx, conn, scan, "SELECT rule FROM tradeclock_schedules WHERE replace(rule, 'after', '') <> rule")
	return followed, err
}

func (s *Store) put(ctx context.Context, conn *sql.Conn, by store.By, set scheduleSet, row store.Schedule) (_ store.Schedule, err error) {
	if row.Validate() == nil { // else it is refused anyway
		if set, err = s.withLinked(ctx, conn, set, row.Task, row.Rule); err != nil {
			return store.Schedule{}, err
		}
	}
	row.Prior = nil
	if err := set.refuse(append(set.without(row.Account, row.Task), row), row); err != nil {
		return store.Schedule{}, err
	}
	return s.keep(ctx, conn, by, row, set.old(row.Account, row.Task))
}

// keep stores the row in place of old, which is zero if there is none.
func (s *Store) keep(ctx context.Context, conn *sql.Conn, by store.By, row, old store.Schedule) (store.Schedule, error) {
	if _, err := s.parseRule(row.Rule.String()); err != nil {
		return store.Schedule{}, fmt.Errorf("schedule of %s: Rule: the store cannot read it back: %w", row.Task, err)
	}
	now, err := s.now(ctx, conn)
	if err != nil {
		return store.Schedule{}, err
	}
	row = row.Edited(old, now)
	if err := s.admit(ctx, conn, store.RowEdit{By: by, Before: old, After: row, At: now}); err != nil {
		return store.Schedule{}, err
	}
	return row, s.exec(ctx, conn, upsertSchedule, scheduleValues(row)...)
}

// remove removes the row of a task and account, which cannot be read if it is zero.
func (s *Store) remove(ctx context.Context, conn *sql.Conn, by store.By, old store.Schedule, task, account string) error {
	now, err := s.now(ctx, conn)
	if err != nil {
		return err
	}
	old.Task, old.Account = task, account
	if err := s.admit(ctx, conn, store.RowEdit{By: by, Before: old, At: now}); err != nil {
		return err
	}
	return s.exec(ctx, conn, deleteSchedule, task, account)
}

// admit refuses an edit that says not by whom, or that the guard does not allow, and else
// notes it.
func (s *Store) admit(ctx context.Context, conn *sql.Conn, e store.RowEdit) error {
	if err := e.By.Validate(); err != nil {
		return err
	}
	if s.guard != nil {
		if err := s.guard(ctx, e); err != nil {
			return err
		}
	}
	return s.note(ctx, conn, "", e.AuditEntry())
}
