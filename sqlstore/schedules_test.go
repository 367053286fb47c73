package sqlstore_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/jonboulle/clockwork"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tradeclock/tradeclock/calendar"
	"github.com/tradeclock/tradeclock/rule"
	"github.com/tradeclock/tradeclock/sqlstore"
	"github.com/tradeclock/tradeclock/store"
)

func schedule(task, text string) store.Schedule {
	return store.Schedule{Task: task, Rule: rule.MustParse(text)}
}

// edited opens a store with one row, buy_orders at 09:01, and a connection that
// a person at the shell of the database would have.
func edited(t *testing.T, on database) (*sqlstore.Store, *clockwork.FakeClock, func(statement string)) {
	t.Helper()
	at, clock := on.place(t), newClock()
	s := openAt(t, at, clock)
	_, err := s.PutSchedule(t.Context(), ops, schedule("buy_orders", "daily 09:01"))
	require.NoError(t, err)
	shell := openDB(t, at)
	return s, clock, func(statement string) {
		t.Helper()
		_, err := shell.ExecContext(t.Context(), statement)
		require.NoError(t, err)
	}
}

// only returns the one row of the store.
func only(t *testing.T, s *sqlstore.Store) store.Schedule {
	t.Helper()
	rows, err := s.Schedules(t.Context())
	require.NoError(t, err)
	require.Len(t, rows, 1)
	return rows[0]
}

func revision(t *testing.T, s *sqlstore.Store) string {
	t.Helper()
	r, err := s.Revision(t.Context())
	require.NoError(t, err)
	return r
}

func TestScheduleKeepsEveryField(t *testing.T) { onEach(t, testScheduleKeepsEveryField) }

func testScheduleKeepsEveryField(t *testing.T, on database) {
	s := openAt(t, on.place(t), newClock())
	until := rule.AtAnchor("close", -5*time.Minute)
	want := store.Schedule{
		Task:         "sell_monitor",
		Account:      "o'neil & Söhne",
		Rule:         rule.MustParse("every 1m open-close"),
		Calendar:     "XNSE.FO",
		Disabled:     true,
		Sessions:     calendar.OnRegular | calendar.OnSpecial,
		Priority:     -3,
		Timeout:      90 * time.Second,
		CatchUp:      time.Hour,
		CatchUpUntil: &until,
		Overlap:      store.OverlapQueue,
		Exclusive:    "orders",
		Delivery:     store.AtLeastOnce,
		Retry:        store.Retry{Attempts: 3, Backoff: time.Second, MaxBackoff: time.Minute, Within: 1500 * time.Millisecond},
		Description:  "watches\nthe day's orders",
	}
	put, err := s.PutSchedule(t.Context(), ops, want)
	require.NoError(t, err)

	want.Since, want.Version = opening, 1
	assert.Equal(t, want, put)
	assert.Equal(t, want, only(t, s))
}

func TestHandEdit(t *testing.T) {
	onEach(t, testHandEdit)
}

func testHandEdit(t *testing.T, on database) {
	ago := func(d time.Duration) string {
		return "UPDATE tradeclock_schedules SET version = version + 1, since = '" +
			time.Now().Add(-d).UTC().Format("2006-01-02T15:04:05.000000000Z") + "';"
	}
	tests := []struct {
		name      string
		statement string
		rule      string
		prior     string
		disabled  bool
		moved     bool // since is the instant of the edit
	}{
		{"another time", "UPDATE tradeclock_schedules SET rule = 'daily 09:03'", "daily 09:03", "", false, true},
		{"another kind", "UPDATE tradeclock_schedules SET rule = 'hourly 10:00-12:00'", "hourly 10:00-12:00", "daily 09:01", false, true},
		{"another kind twice", `UPDATE tradeclock_schedules SET rule = 'hourly 10:00-12:00';
			UPDATE tradeclock_schedules SET rule = 'every 5m 10:00-12:00'`, "every 5m 10:00-12:00", "daily 09:01", false, true},
		{"another kind and back", `UPDATE tradeclock_schedules SET rule = 'hourly 10:00-12:00';
			UPDATE tradeclock_schedules SET rule = 'daily 10:00'`, "daily 10:00", "", false, true},
		{"each window", "UPDATE tradeclock_schedules SET rule = 'daily each open'", "daily each open", "daily 09:01", false, true},
		{"each window, at another time", `UPDATE tradeclock_schedules SET rule = 'daily each open';
			UPDATE tradeclock_schedules SET rule = 'daily each open+1m'`, "daily each open+1m", "daily 09:01", false, true},
		{"from each window to the day", `UPDATE tradeclock_schedules SET rule = 'daily each open', version = version + 1;
			UPDATE tradeclock_schedules SET rule = 'daily 09:03'`, "daily 09:03", "daily each open", false, true},
		{"another calendar", "UPDATE tradeclock_schedules SET calendar = 'XNYS'", "daily 09:01", "", false, true},
		{"another kind and then calendar", `UPDATE tradeclock_schedules SET rule = 'hourly 10:00-12:00';
			UPDATE tradeclock_schedules SET calendar = 'XNYS'`, "hourly 10:00-12:00", "daily 09:01", false, true},
		{"other sessions", "UPDATE tradeclock_schedules SET sessions = 'every-day'", "daily 09:01", "", false, true},
		{"another kind twice in one session", "UPDATE tradeclock_schedules SET rule = 'hourly 10:00-12:00';" + ago(15*time.Hour) +
			"UPDATE tradeclock_schedules SET rule = 'every 5m 10:00-12:00'", "every 5m 10:00-12:00", "daily 09:01", false, true},
		{"another kind twice in two sessions", "UPDATE tradeclock_schedules SET rule = 'hourly 10:00-12:00';" + ago(17*time.Hour) +
			"UPDATE tradeclock_schedules SET rule = 'every 5m 10:00-12:00'", "every 5m 10:00-12:00", "hourly 10:00-12:00", false, true},
		{"disabled", "UPDATE tradeclock_schedules SET enabled = 0", "daily 09:01", "", true, true},
		{"another policy", "UPDATE tradeclock_schedules SET priority = 7", "daily 09:01", "", false, false},
		{"deleted and made again", `DELETE FROM tradeclock_schedules;
			INSERT INTO tradeclock_schedules (task, rule) VALUES ('buy_orders', 'daily 09:03')`, "daily 09:03", "", false, true},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s, _, shell := edited(t, on)
			before, rev := only(t, s), revision(t, s)

			shell(test.statement)

			after := only(t, s)
			assert.NotEqual(t, rev, revision(t, s))
			assert.Equal(t, test.rule, after.Rule.String())
			assert.Equal(t, test.disabled, after.Disabled)
			assert.Equal(t, test.moved, !after.Since.Equal(before.Since))
			assert.False(t, after.Since.IsZero())
			if test.prior == "" {
				assert.Nil(t, after.Prior)
			} else {
				require.NotNil(t, after.Prior)
				assert.Equal(t, test.prior, after.Prior.String())
			}
		})
	}
}

func TestHandEditMakesOlderVersionsStale(t *testing.T) {
	onEach(t, testHandEditMakesOlderVersionsStale)
}

func testHandEditMakesOlderVersionsStale(t *testing.T, on database) {
	s, _, shell := edited(t, on)
	read := only(t, s)
	shell("UPDATE tradeclock_schedules SET priority = 7")

	priority := 9
	_, err := s.UpdateSchedule(t.Context(), ops, "", "buy_orders", read.Version, store.ScheduleEdit{Priority: &priority})

	var conflict *store.ConflictError
	require.ErrorAs(t, err, &conflict)
	assert.Equal(t, read.Version, conflict.Want)
	assert.Equal(t, read.Version+1, conflict.Have)
	assert.Equal(t, 7, only(t, s).Priority)
}

func TestTheStoresOwnEditsKeepItsClock(t *testing.T) { onEach(t, testTheStoresOwnEditsKeepItsClock) }

func testTheStoresOwnEditsKeepItsClock(t *testing.T, on database) {
	s, clock, _ := edited(t, on)
	disabled := true
	// Two edits at one instant, which the triggers must not take for an edit by
	// hand.
	for range 2 {
		read := only(t, s)
		_, err := s.UpdateSchedule(t.Context(), ops, "", "buy_orders", read.Version, store.ScheduleEdit{Disabled: &disabled})
		require.NoError(t, err)
		disabled = !disabled
	}
	assert.Equal(t, clock.Now(), only(t, s).Since)
	assert.Equal(t, int64(3), only(t, s).Version)
}

func TestRevisionStaysWhileNothingChanges(t *testing.T) {
	onEach(t, testRevisionStaysWhileNothingChanges)
}

func testRevisionStaysWhileNothingChanges(t *testing.T, on database) {
	s, _, _ := edited(t, on)
	before := revision(t, s)
	_, err := s.SeedSchedules(t.Context(), schedule("buy_orders", "daily 16:05"))
	require.NoError(t, err)
	require.NoError(t, s.Beat(t.Context(), store.Heartbeat{Scheduler: paper}))
	only(t, s)
	assert.Equal(t, before, revision(t, s))
}

func TestRowThatCannotBeRead(t *testing.T) { onEach(t, testRowThatCannotBeRead) }

func testRowThatCannotBeRead(t *testing.T, on database) {
	type wrong struct{ column, value, want string }
	tests := []wrong{
		{"rule", "daily 25:00", "rule: "},
		{"sessions", "sundays", `sessions: sessions "sundays"`},
		{"timeout", "two minutes", "timeout: "},
		{"catch_up_until", "closing time", "catch_up_until: "},
		{"spread", "wide", "spread: "},
		{"overlap", "perhaps", `overlap: overlap "perhaps"`},
		{"delivery", "by hand", `delivery: delivery "by hand"`},
		{"retry_backoff", "-", "retry_backoff: "},
		{"since", "yesterday", `since: instant "yesterday"`},
	}
	if on.name == onSQLite.name { // which takes any text for a number
		tests = append(tests, wrong{"priority", "high", "priority: "})
	}
	for _, test := range tests {
		t.Run(test.column, func(t *testing.T) {
			s, _, shell := edited(t, on)
			_, err := s.PutSchedule(t.Context(), ops, schedule("eod_cleanup", "daily 18:00"))
			require.NoError(t, err)
			shell("UPDATE tradeclock_schedules SET version = version + 1, " + test.column + " = '" + test.value + "' WHERE task = 'buy_orders'")

			rows, err := s.Schedules(t.Context())

			var quarantine *store.QuarantineError
			require.ErrorAs(t, err, &quarantine)
			require.Len(t, quarantine.Rows, 1)
			assert.Equal(t, "buy_orders", quarantine.Rows[0].Task)
			assert.ErrorContains(t, quarantine.Rows[0].Err, test.want)
			require.Len(t, rows, 1, "the other row is served")
			assert.Equal(t, "eod_cleanup", rows[0].Task)
		})
	}
}

func TestRowThatCannotBeReadIsReplacedAndNotUpdated(t *testing.T) {
	onEach(t, testRowThatCannotBeReadIsReplacedAndNotUpdated)
}

func testRowThatCannotBeReadIsReplacedAndNotUpdated(t *testing.T, on database) {
	s, _, shell := edited(t, on)
	shell("UPDATE tradeclock_schedules SET rule = 'at nine'")
	priority := 1

	_, err := s.UpdateSchedule(t.Context(), ops, "", "buy_orders", 2, store.ScheduleEdit{Priority: &priority})
	assert.ErrorContains(t, err, "schedule of buy_orders: rule: ")
	added, err := s.SeedSchedules(t.Context(), schedule("buy_orders", "daily 09:01"))
	require.NoError(t, err)
	assert.Zero(t, added, "it exists, although it cannot be read")
	put, err := s.PutSchedule(t.Context(), ops, schedule("buy_orders", "daily 09:03"))
	require.NoError(t, err)

	assert.Equal(t, int64(3), put.Version)
	assert.Equal(t, put, only(t, s))
}

func TestEditIsNotKeptBackByAnotherRow(t *testing.T) { onEach(t, testEditIsNotKeptBackByAnotherRow) }

func testEditIsNotKeptBackByAnotherRow(t *testing.T, on database) {
	s, _, shell := edited(t, on)
	shell("INSERT INTO tradeclock_schedules (task, rule) VALUES ('premarket_amo_adjustment', 'after premarket_retry 5m')")

	_, err := s.PutSchedule(t.Context(), ops, schedule("buy_orders", "daily 09:03"))
	assert.NoError(t, err, "another row was wrong before")

	_, err = s.PutSchedule(t.Context(), ops, schedule("premarket_amo_adjustment", "after premarket_retry 6m"))
	assert.ErrorContains(t, err, "premarket_retry", "this row is wrong")
	_, err = s.PutSchedule(t.Context(), ops, schedule("buy_orders", "after eod_cleanup 5m"))
	assert.ErrorContains(t, err, "eod_cleanup", "this row would become wrong")
	assert.NoError(t, s.DeleteSchedule(t.Context(), ops, "", "premarket_amo_adjustment"))
	assert.Equal(t, "daily 09:03", only(t, s).Rule.String())
}

// cron is a rule of a user's own, which knows no occurrence.
type cron string

func (c cron) String() string { return "cron " + string(c) }
func (c cron) Occurrences(calendar.Session, *time.Location) ([]rule.Occurrence, error) {
	return nil, nil
}

func TestRuleOfTheUsersOwn(t *testing.T) { onEach(t, testRuleOfTheUsersOwn) }

func testRuleOfTheUsersOwn(t *testing.T, on database) {
	db := openDB(t, on.place(t))
	plain, err := sqlstore.Open(t.Context(), db)
	require.NoError(t, err)
	row := store.Schedule{Task: "report", Rule: cron("5 4 * * *")}
	_, err = plain.PutSchedule(t.Context(), ops, row)
	require.ErrorContains(t, err, "Rule", "what the store could not read back is not stored")

	s, err := sqlstore.Open(t.Context(), db, sqlstore.WithRuleParser(func(text string) (rule.Rule, error) {
		if expression, ok := strings.CutPrefix(text, "cron "); ok {
			return cron(expression), nil
		}
		return rule.Parse(text)
	}))
	require.NoError(t, err)
	_, err = s.PutSchedule(t.Context(), ops, row)
	require.NoError(t, err)
	assert.Equal(t, row.Rule, only(t, s).Rule)
}

func TestEnabledIsOneOrZero(t *testing.T) { onEach(t, testEnabledIsOneOrZero) }

func testEnabledIsOneOrZero(t *testing.T, on database) {
	at := on.place(t)
	openAt(t, at, newClock())
	_, err := openDB(t, at).ExecContext(t.Context(),
		"INSERT INTO tradeclock_schedules (task, rule, enabled) VALUES ('buy_orders', 'daily 09:01', 2)")
	assert.Regexp(t, "(?i)check constraint", err)
}

func TestChangesByHand(t *testing.T) { onEach(t, testChangesByHand) }

func testChangesByHand(t *testing.T, on database) {
	key := func(task, account string) store.ScheduleKey {
		return store.ScheduleKey{Task: task, Account: account}
	}
	tests := []struct {
		name, statement string
		rows, removed   []store.ScheduleKey
	}{
		{"a new row", "INSERT INTO tradeclock_schedules (task, rule) VALUES ('analysis', 'daily 16:00')", []store.ScheduleKey{key("analysis", "")}, nil},
		{"a change", "UPDATE tradeclock_schedules SET priority = 7", []store.ScheduleKey{key("buy_orders", "")}, nil},
		{"another rule", "UPDATE tradeclock_schedules SET rule = 'hourly 10:00-12:00'", []store.ScheduleKey{key("buy_orders", "")}, nil},
		{"a deletion", "DELETE FROM tradeclock_schedules", nil, []store.ScheduleKey{key("buy_orders", "")}},
		{"another account", "UPDATE tradeclock_schedules SET account = '42'", []store.ScheduleKey{key("buy_orders", "42")}, []store.ScheduleKey{key("buy_orders", "")}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s, _, shell := edited(t, on)
			before := revision(t, s)

			shell(test.statement)

			changes, err := s.Changes(t.Context(), before)
			require.NoError(t, err)
			var rows []store.ScheduleKey
			for _, row := range changes.Rows {
				rows = append(rows, key(row.Task, row.Account))
			}
			assert.Equal(t, test.rows, rows)
			assert.Equal(t, test.removed, changes.Removed)
			assert.Equal(t, revision(t, s), changes.Revision)
		})
	}
}

func TestChangesReportRowsThatCannotBeRead(t *testing.T) {
	onEach(t, testChangesReportRowsThatCannotBeRead)
}

func testChangesReportRowsThatCannotBeRead(t *testing.T, on database) {
	s, _, shell := edited(t, on)
	before := revision(t, s)
	shell("UPDATE tradeclock_schedules SET rule = 'daily at noon'")

	changes, err := s.Changes(t.Context(), before)

	var quarantine *store.QuarantineError
	require.ErrorAs(t, err, &quarantine)
	require.Len(t, quarantine.Rows, 1)
	assert.Equal(t, "buy_orders", quarantine.Rows[0].Task)
	assert.Empty(t, changes.Rows)
	assert.Equal(t, revision(t, s), changes.Revision)
}

// The list of changes is bounded: what is too long ago is refused, and not left out.
func TestChangesOfTooManyRows(t *testing.T) { onEach(t, testChangesOfTooManyRows) }

func testChangesOfTooManyRows(t *testing.T, on database) {
	s, _, shell := edited(t, on)
	first := revision(t, s)
	shell("UPDATE tradeclock_schedules SET description = 'once'")
	second := revision(t, s)
	for edits := 0; edits < 1001; edits++ {
		shell("UPDATE tradeclock_schedules SET version = version + 1")
	}

	for _, since := range []string{first, second} {
		_, err := s.Changes(t.Context(), since)
		assert.ErrorIs(t, err, store.ErrRevisionUnknown)
	}
	changes, err := s.Changes(t.Context(), revision(t, s))
	require.NoError(t, err)
	assert.Empty(t, changes.Rows)
}

// A backup may set the revision back under a scheduler that knows a later one.
func TestChangesAfterTheRevisionWasSetBack(t *testing.T) {
	onEach(t, testChangesAfterTheRevisionWasSetBack)
}

func testChangesAfterTheRevisionWasSetBack(t *testing.T, on database) {
	s, _, shell := edited(t, on)
	early := revision(t, s)
	shell("INSERT INTO tradeclock_schedules (task, rule) VALUES ('analysis', 'daily 16:00')")
	shell("UPDATE tradeclock_schedules SET description = 'later'")
	late := revision(t, s)
	shell("UPDATE tradeclock_schedule_revision SET revision = " + early)

	_, err := s.Changes(t.Context(), late)
	assert.ErrorIs(t, err, store.ErrRevisionUnknown)
	shell("UPDATE tradeclock_schedules SET version = version + 1 WHERE task = 'buy_orders'")

	changes, err := s.Changes(t.Context(), early)
	if err != nil { // what was listed before is not mistaken for it
		require.ErrorIs(t, err, store.ErrRevisionUnknown)
		return
	}
	require.Len(t, changes.Rows, 1)
	assert.Equal(t, "buy_orders", changes.Rows[0].Task)
}

// TestAGuardRefusesAnEdit, with all that was to be made together.
func TestAGuardRefusesAnEdit(t *testing.T) { onEach(t, testAGuardRefusesAnEdit) }

func testAGuardRefusesAnEdit(t *testing.T, on database) {
	errNotYours := errors.New("orders are not yours")
	guard := func(_ context.Context, e store.RowEdit) error {
		if strings.HasPrefix(e.Before.Task+e.After.Task, "buy") && e.Actor != "chief" {
			return errNotYours
		}
		return nil
	}
	s, err := sqlstore.Open(t.Context(), openDB(t, on.place(t)), sqlstore.WithEditGuard(guard))
	require.NoError(t, err)
	err = s.ChangeSchedules(t.Context(), ops, store.ScheduleChanges{
		Rows: []store.Schedule{schedule("watch", "daily 09:01"), schedule("buy_orders", "daily 09:01")},
	})
	require.ErrorIs(t, err, errNotYours)
	rows, err := s.Schedules(t.Context())
	require.NoError(t, err)
	assert.Empty(t, rows)
	_, err = s.PutSchedule(t.Context(), store.By{Actor: "chief", Reason: "a test"}, schedule("buy_orders", "daily 09:01"))
	require.NoError(t, err)
	require.ErrorIs(t, s.DeleteSchedule(t.Context(), ops, "", "buy_orders"), errNotYours)
	audit, err := s.Audit(t.Context(), store.AuditQuery{})
	require.NoError(t, err)
	assert.Len(t, audit, 1)
}
