package sqlstore_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	_ "modernc.org/sqlite"

	"github.com/tradeclock/tradeclock/rule"
	"github.com/tradeclock/tradeclock/store"
)

// legacySchedules serves the table that a service has had for years.
type legacySchedules struct{ db *sql.DB }

func (l legacySchedules) Schedules(ctx context.Context) ([]store.Schedule, error) {
	rows, err := l.db.QueryContext(ctx, `
		SELECT task_name, enabled, coalesce(description, ''), CASE
			WHEN schedule_type <> 'daily' THEN schedule_type || ' ' || schedule_time
			WHEN is_continuous THEN 'every 1m ' || schedule_time || '-' || end_time
			WHEN is_hourly THEN 'hourly ' || schedule_time || '-' || end_time
			ELSE 'daily ' || schedule_time END
		FROM service_schedule ORDER BY schedule_time`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var schedules []store.Schedule
	var bad store.QuarantineError
	for rows.Next() {
		var s store.Schedule
		var enabled bool
		var text sql.NullString
		if err := rows.Scan(&s.Task, &enabled, &s.Description, &text); err != nil {
			return nil, err
		}
		s.Disabled = !enabled
		if s.Rule, err = rule.Parse(text.String); err != nil {
			bad.Rows = append(bad.Rows, store.RowError{Task: s.Task, Err: err})
			continue
		}
		schedules = append(schedules, s)
	}
	if err := rows.Err(); err != nil {
		return nil, err
	}
	if len(bad.Rows) > 0 {
		return schedules, &bad
	}
	return schedules, nil
}

// A service that has its schedules in a table already serves them as they are:
// the rule of each row is put together from its columns. A row that cannot be
// used is reported beside the others.
func Example_legacyTable() {
	db, err := sql.Open("sqlite", ":memory:")
	if err != nil {
		panic(err)
	}
	defer db.Close()
	db.SetMaxOpenConns(1)
	_, err = db.Exec(`
		CREATE TABLE service_schedule (
			task_name TEXT PRIMARY KEY, schedule_time TIME NOT NULL, end_time TIME, enabled BOOLEAN NOT NULL,
			is_hourly BOOLEAN NOT NULL, is_continuous BOOLEAN NOT NULL, schedule_type TEXT NOT NULL, description TEXT);
		INSERT INTO service_schedule VALUES
			('premarket_retry',  '09:00', NULL,    1, 0, 0, 'daily', 'retry orders that failed'),
			('sell_monitor',     '09:15', '15:30', 1, 0, 1, 'daily', NULL),
			('position_monitor', '09:30', '15:30', 1, 1, 0, 'daily', NULL),
			('analysis',         '16:00', NULL,    0, 0, 0, 'daily', NULL),
			('migration',        '20:00', NULL,    1, 0, 0, 'once',  NULL)`)
	if err != nil {
		panic(err)
	}

	var st store.ScheduleStore = legacySchedules{db}
	schedules, err := st.Schedules(context.Background())
	for _, s := range schedules {
		fmt.Printf("%s: %v, disabled %v\n", s.Task, s.Rule, s.Disabled)
	}
	var bad *store.QuarantineError
	if errors.As(err, &bad) {
		for _, row := range bad.Rows {
			fmt.Printf("%s: cannot be used\n", row.Task)
		}
	}

	// Output:
	// premarket_retry: daily 09:00, disabled false
	// sell_monitor: every 1m 09:15-15:30, disabled false
	// position_monitor: hourly 09:30-15:30, disabled false
	// analysis: daily 16:00, disabled true
	// migration: cannot be used
}
