package tests

import (
	"bytes"
	"context"
	"database/sql"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/jonboulle/clockwork"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tradeclock/tradeclock"
	"github.com/tradeclock/tradeclock/calendar"
	"github.com/tradeclock/tradeclock/rule"
	"github.com/tradeclock/tradeclock/sqlstore"
	"github.com/tradeclock/tradeclock/tests/service"
	"github.com/tradeclock/tradeclock/tradeclocktest"
)

// desk is a service on a fake clock, in one process after another, whose database
// a test tampers with.
type desk struct {
	t     *testing.T
	on    database
	db    *sql.DB
	clock *clockwork.FakeClock
	rec   *tradeclocktest.Recorder
	log   bytes.Buffer
	// now is the process that goes on, and its the database as it sees it.
	now   *tradeclock.UnifiedTaskScheduler
	its   *sql.DB
	store *sqlstore.Store
}

// deskRows are the schedules of a desk.
var deskRows = []tradeclock.Schedule{
	{Task: "orders", Rule: rule.MustParse("every 1m 00:00-24:00")},
	{Task: "monitor", Rule: rule.MustParse("every 1m 00:00-24:00"), Delivery: tradeclock.AtLeastOnce},
	{Task: "report", Rule: rule.MustParse("hourly 00:30-23:30")},
	{Task: "opening", Rule: rule.MustParse("daily 09:02")},
}

// lister tells the scheduler the tasks of a recorder, so that it misses their
// schedules.
type lister struct{ *tradeclocktest.Recorder }

func (lister) Tasks() (names []string) {
	for _, row := range deskRows {
		names = append(names, row.Task)
	}
	return names
}

// onEach runs a test on each database, with a desk that has its first process.
func onEach(t *testing.T, test func(d *desk)) {
	databases := map[string]func(*testing.T) database{"SQLite": newFile, "PostgreSQL": newSchema}
	for name, on := range databases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(newDesk(t, on(t)))
		})
	}
}

func newDesk(t *testing.T, on database) *desk {
	t.Helper()
	clock := clockwork.NewFakeClockAt(monday)
	d := &desk{t: t, on: on, db: on.open(t), clock: clock, rec: tradeclocktest.NewRecorder(clock)}
	require.NoError(t, d.start())
	return d
}

// start starts a process, and returns the error with which its store opens.
func (d *desk) start() error {
	d.its = d.on.open(d.t)
	st, err := sqlstore.Open(d.t.Context(), d.its, sqlstore.WithClock(d.clock))
	if err != nil {
		return err
	}
	d.store = st
	if _, err := st.SeedSchedules(d.t.Context(), deskRows...); err != nil {
		return err
	}
	d.now, err = tradeclock.New(tradeclock.Config{
		Name: service.Name, Account: "42", Executor: lister{d.rec},
		Schedules: st, Ledger: st, Heartbeats: st,
		Calendar: calendar.AlwaysOpen(service.Kolkata),
		Clock:    d.clock,
		Logger:   slog.New(slog.NewTextHandler(&d.log, nil)),
	})
	require.NoError(d.t, err)
	return nil
}

// kill ends the process: nothing of it reaches the database any more. For it the
// clock stands still.
func (d *desk) kill() {
	d.t.Helper()
	require.NoError(d.t, d.its.Close())
	d.clock = clockwork.NewFakeClockAt(d.clock.Now())
}

// restart kills the process and starts another, once the term has expired.
func (d *desk) restart() error {
	d.t.Helper()
	d.kill()
	d.clock.Advance(tradeclock.DefaultTermLength)
	return d.start()
}

// run lets the process go on for so long, in steps of fifteen seconds.
func (d *desk) run(length time.Duration) {
	d.t.Helper()
	for end := d.clock.Now().Add(length); ; d.clock.Advance(15 * time.Second) {
		require.NoError(d.t, d.now.Tick(d.t.Context()))
		ctx, cancel := context.WithTimeout(d.t.Context(), 20*time.Second)
		require.NoError(d.t, d.now.Quiesce(ctx))
		cancel()
		if !d.clock.Now().Before(end) {
			return
		}
	}
}

// tamper changes the database by hand.
func (d *desk) tamper(statement string, args ...any) {
	d.t.Helper()
	_, err := d.db.ExecContext(d.t.Context(), statement, args...)
	require.NoError(d.t, err)
}

// degraded returns what the process says is wrong.
func (d *desk) degraded() string {
	status := d.now.Status()
	wrong := status.Degraded
	for _, row := range status.Quarantined {
		wrong = append(wrong, row.Error())
	}
	return strings.Join(wrong, "; ")
}

// assertNothingTwice checks that no slot of a task was executed twice that is
// delivered at most once, and that nothing has panicked.
func (d *desk) assertNothingTwice() {
	d.t.Helper()
	for _, row := range deskRows {
		seen := make(map[string]bool)
		for _, slot := range d.rec.Slots(row.Task) {
			assert.False(d.t, seen[slot] && row.Delivery == tradeclock.AtMostOnce, "%s of %s was executed twice", row.Task, slot)
			seen[slot] = true
		}
	}
	assert.NotContains(d.t, d.log.String(), "panic")
}

// ran reports whether the orders were executed for each of the last n minutes.
func (d *desk) ran(n int) bool {
	slots := strings.Join(d.rec.Slots("orders"), " ")
	minute := d.clock.Now().Truncate(time.Minute).In(service.Kolkata)
	for i := range n {
		if !strings.Contains(slots, minute.Add(time.Duration(-i)*time.Minute).Format(time.RFC3339)) {
			return false
		}
	}
	return true
}

// assertKeptOnOrSaid checks that the process executes its tasks, or says what is
// wrong.
func (d *desk) assertKeptOnOrSaid(what string) {
	d.t.Helper()
	halted := d.now.Status().State == tradeclock.StateHalted
	assert.True(d.t, d.ran(2) || d.degraded() != "" || halted, "after a change of %s nothing runs, and nothing is said to be wrong", what)
}

// set sets a column to a value, in all rows or if that is refused in one. It
// reports false if the database refuses that too.
func (d *desk) set(table, column string, value any) bool {
	statement := "UPDATE " + table + " SET " + column + " = $1"
	row := map[string]string{"sqlite": "rowid", "pgx": "ctid"}[d.on.driver]
	if _, err := d.db.ExecContext(d.t.Context(), statement, value); err == nil {
		return true
	}
	_, err := d.db.ExecContext(d.t.Context(), statement+" WHERE "+row+" = (SELECT max("+row+") FROM "+table+")", value)
	return err == nil
}

// copyOf is the content of all tables, as a backup has it.
type copyOf map[string][][]any

var tables = []string{
	"tradeclock_schedules", "tradeclock_schedule_revision", "tradeclock_schedulers", "tradeclock_terms",
	"tradeclock_enrolments", "tradeclock_runs", "tradeclock_halts", "tradeclock_heartbeats",
}

func (d *desk) columns(table string) []string {
	d.t.Helper()
	rows, err := d.db.QueryContext(d.t.Context(), "SELECT * FROM "+table+" WHERE 1 = 0")
	require.NoError(d.t, err)
	defer rows.Close()
	columns, err := rows.Columns()
	require.NoError(d.t, err)
	return columns
}

func (d *desk) backup() copyOf {
	d.t.Helper()
	saved := make(copyOf)
	for _, table := range tables {
		rows, err := d.db.QueryContext(d.t.Context(), "SELECT * FROM "+table)
		require.NoError(d.t, err)
		for rows.Next() {
			row := make([]any, len(d.columns(table)))
			targets := make([]any, len(row))
			for i := range row {
				targets[i] = &row[i]
			}
			require.NoError(d.t, rows.Scan(targets...))
			saved[table] = append(saved[table], row)
		}
		require.NoError(d.t, rows.Err())
		rows.Close()
	}
	return saved
}

func (d *desk) restore(saved copyOf) {
	d.t.Helper()
	tx, err := d.db.BeginTx(d.t.Context(), nil)
	require.NoError(d.t, err)
	for _, table := range tables {
		_, err := tx.Exec("DELETE FROM " + table)
		require.NoError(d.t, err)
		for _, row := range saved[table] {
			places := make([]string, len(row))
			for i := range row {
				places[i] = fmt.Sprintf("$%d", i+1)
			}
			_, err := tx.Exec("INSERT INTO "+table+" VALUES ("+strings.Join(places, ", ")+")", row...)
			require.NoError(d.t, err)
		}
	}
	require.NoError(d.t, tx.Commit())
}
