package memstore

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"

	"github.com/tradeclock/tradeclock/internal/vet"
	"github.com/tradeclock/tradeclock/rule"
	"github.com/tradeclock/tradeclock/store"
)

// editsKept is how many edits are remembered at least, to list what changed.
const editsKept = 10_000

// Schedules returns the rows by task, then account.
func (s *Store) Schedules(context.Context) ([]store.Schedule, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.rows(), nil
}

// Revision changes with each edit of a row.
func (s *Store) Revision(context.Context) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.revision, nil
}

// Changes returns the rows that were edited since a revision. The error wraps
// store.ErrRevisionUnknown if that is too many edits ago.
func (s *Store) Changes(_ context.Context, since string) (store.ScheduleChanges, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	from, err := strconv.ParseInt(since, 10, 64)
	missed := s.edits - from
	if err != nil || missed < 0 || missed > int64(len(s.edited)) {
		return store.ScheduleChanges{}, fmt.Errorf("changes since revision %q: %w", since, store.ErrRevisionUnknown)
	}
	changes := store.ScheduleChanges{Revision: s.revision}
	keys := slices.Clone(s.edited[len(s.edited)-int(missed):])
	slices.SortFunc(keys, store.ScheduleKey.Compare)
	for _, key := range slices.Compact(keys) {
		if row, ok := s.schedules[key]; ok {
			changes.Rows = append(changes.Rows, detached(*row))
		} else {
			changes.Removed = append(changes.Removed, key)
		}
	}
	return changes, nil
}

// PutSchedule adds the row of a task and account, or replaces it whatever its
// version, and returns it with the Since, Prior and Version that
// store.Schedule.Edited gives it. It refuses what tradeclock.ValidateSchedules
// reports of the rows that would result.
func (s *Store) PutSchedule(ctx context.Context, by store.By, row store.Schedule) (store.Schedule, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.put(ctx, by, row)
}

// UpdateSchedule makes an edit in the row of a task and account, and returns the
// row. The version is that of the row from which the edit was made: the error is
// a *store.ConflictError if the row has another, and wraps
// store.ErrNoSchedule if there is no row. It refuses what PutSchedule refuses.
func (s *Store) UpdateSchedule(ctx context.Context, by store.By, account, task string, version int64, edit store.ScheduleEdit) (store.Schedule, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	key := store.ScheduleKey{Task: task, Account: account}
	kept := s.schedules[key]
	if kept == nil {
		return store.Schedule{}, fmt.Errorf("update schedule of %s: %w", key, store.ErrNoSchedule)
	}
	if kept.Version != version {
		return store.Schedule{}, &store.ConflictError{Task: task, Account: account, Have: kept.Version, Want: version}
	}
	row := *kept
	edit.Apply(&row)
	return s.put(ctx, by, row)
}

// SeedSchedules adds those of the default rows that are missing and returns
// their number. A row that exists stays as it is, edited or disabled. It adds
// none of them if it refuses one, for what PutSchedule refuses.
func (s *Store) SeedSchedules(ctx context.Context, defaults ...store.Schedule) (added int, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var missing []store.Schedule
	for _, row := range defaults {
		if _, ok := s.schedules[row.Key()]; !ok {
			row.Prior = nil
			missing = append(missing, row)
		}
	}
	if len(missing) == 0 {
		return 0, nil
	}
	if err := vet.Validate(append(s.rows(), missing...), nil); err != nil {
		return 0, fmt.Errorf("seed schedules: %w", err)
	}
	if err := s.commit(ctx, store.BySeed, nil, missing); err != nil {
		return 0, fmt.Errorf("seed schedules: %w", err)
	}
	return len(missing), nil
}

// DeleteSchedule removes the row of a task and account. The error wraps
// store.ErrNoSchedule if there is none. It refuses to remove a row that an
// after rule of another needs.
func (s *Store) DeleteSchedule(ctx context.Context, by store.By, account, task string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	key := store.ScheduleKey{Task: task, Account: account}
	if _, ok := s.schedules[key]; !ok {
		return fmt.Errorf("delete schedule of %s: %w", key, store.ErrNoSchedule)
	}
	if s.followed[task] > 0 {
		if err := vet.Validate(s.rowsWithout(key), nil); err != nil {
			return fmt.Errorf("delete schedule of %s: %w", key, err)
		}
	}
	if err := s.commit(ctx, by, []store.ScheduleKey{key}, nil); err != nil {
		return fmt.Errorf("delete schedule of %s: %w", key, err)
	}
	return nil
}

// ChangeSchedules puts rows and removes others, all of them or none. The error wraps
// store.ErrSchedulesChanged if the changes were made from another revision, and
// store.ErrNoSchedule if a row is not there that is to be removed.
func (s *Store) ChangeSchedules(ctx context.Context, by store.By, changes store.ScheduleChanges) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if changes.Revision != "" && changes.Revision != s.revision {
		return fmt.Errorf("change schedules from revision %s, and the present one is %s: %w", changes.Revision, s.revision, store.ErrSchedulesChanged)
	}
	for _, key := range changes.Removed {
		if s.schedules[key] == nil {
			return fmt.Errorf("delete schedule of %s: %w", key, store.ErrNoSchedule)
		}
	}
	rows := changes.Apply(s.rows())
	if err := vet.Validate(rows, nil); err != nil {
		return fmt.Errorf("change schedules: %w", err)
	}
	if err := s.commit(ctx, by, changes.Removed, rows[len(rows)-len(changes.Rows):]); err != nil {
		return fmt.Errorf("change schedules: %w", err)
	}
	return nil
}

// commit removes rows and puts others, unless the guard refuses any of that.
func (s *Store) commit(ctx context.Context, by store.By, removed []store.ScheduleKey, put []store.Schedule) error {
	if err := by.Validate(); err != nil {
		return err
	}
	now := s.clock.Now()
	edits := make([]store.RowEdit, 0, len(removed)+len(put))
	for _, key := range removed {
		edits = append(edits, store.RowEdit{By: by, Before: detached(*s.schedules[key]), At: now})
	}
	for _, row := range put {
		e := store.RowEdit{By: by, At: now}
		if kept := s.schedules[row.Key()]; kept != nil {
			e.Before = detached(*kept)
		}
		e.After = detached(row.Edited(e.Before, now))
		edits = append(edits, e)
	}
	for _, e := range edits {
		if s.guard == nil {
			break
		}
		if err := s.guard(ctx, e); err != nil {
			return err
		}
	}
	for i, e := range edits {
		if i < len(removed) {
			s.remove(removed[i])
		} else {
			s.keep(e.After)
		}
		s.audit = append(s.audit, audited{edit: &edits[i]})
	}
	return nil
}

// Guard has each edit of a schedule, by any process of the store, allowed or refused. It
// is to be called before the store is used.
func (s *Store) Guard(guard store.EditGuard) { s.guard = guard }

// remove removes a row that is there.
func (s *Store) remove(key store.ScheduleKey) {
	s.countFollower(s.schedules[key], -1)
	delete(s.schedules, key)
	s.sorted = nil
	s.revise(key)
}

func (s *Store) put(ctx context.Context, by store.By, row store.Schedule) (store.Schedule, error) {
	row.Prior = nil
	rows := []store.Schedule{row}
	if _, _, ok := rule.Follows(row.Rule); ok || s.followed[row.Task] > 0 {
		rows = append(s.rowsWithout(row.Key()), row)
	}
	if err := vet.Validate(rows, nil); err != nil {
		return store.Schedule{}, fmt.Errorf("edit schedule of %s: %w", row.Key(), err)
	}
	if err := s.commit(ctx, by, nil, []store.Schedule{row}); err != nil {
		return store.Schedule{}, fmt.Errorf("edit schedule of %s: %w", row.Key(), err)
	}
	return detached(*s.schedules[row.Key()]), nil
}

// keep keeps a row as it is.
func (s *Store) keep(row store.Schedule) {
	kept := s.schedules[row.Key()]
	if kept == nil {
		kept = new(store.Schedule)
		s.schedules[row.Key()] = kept
		s.sorted = nil
	}
	s.countFollower(kept, -1)
	*kept = detached(row)
	s.countFollower(kept, 1)
	s.revise(row.Key())
}

// countFollower counts the row by the task that its rule comes after, if it is such
// a rule.
func (s *Store) countFollower(row *store.Schedule, n int) {
	if task, _, ok := rule.Follows(row.Rule); ok {
		s.followed[task] += n
	}
}

func (s *Store) revise(edited store.ScheduleKey) {
	s.edits++
	s.revision = strconv.FormatInt(s.edits, 10)
	if len(s.edited) == 2*editsKept {
		s.edited = append(s.edited[:0], s.edited[editsKept:]...)
	}
	s.edited = append(s.edited, edited)
}

func (s *Store) rows() []store.Schedule { return s.rowsWithout(store.ScheduleKey{}) }

func (s *Store) rowsWithout(but store.ScheduleKey) []store.Schedule {
	if s.sorted == nil {
		s.sorted = slices.SortedFunc(maps.Values(s.schedules), func(a, b *store.Schedule) int { return a.Key().Compare(b.Key()) })
	}
	rows := make([]store.Schedule, 0, len(s.sorted)+1)
	for _, row := range s.sorted {
		if row.Key() != but {
			rows = append(rows, detached(*row))
		}
	}
	return rows
}

// detached returns row with nothing that it shares with the original.
func detached(row store.Schedule) store.Schedule {
	if row.CatchUpUntil != nil {
		until := *row.CatchUpUntil
		row.CatchUpUntil = &until
	}
	return row
}
