package sqlstore_test

import (
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tradeclock/tradeclock/rule"
	"github.com/tradeclock/tradeclock/store"
)

// firstVersion makes a database as the first version of the schema had it, with
// two schedules, one of them edited, a term and two runs, one of
// which goes on.
func firstVersion(t *testing.T, on database) (at place) {
	t.Helper()
	at = on.place(t)
	db := openDB(t, at)
	schema, err := os.ReadFile(on.schema + "/0001_initial.sql")
	require.NoError(t, err)
	for _, statement := range []string{
		"CREATE TABLE tradeclock_schema (version INTEGER NOT NULL); INSERT INTO tradeclock_schema VALUES (1)",
		string(schema),
		`INSERT INTO tradeclock_schedules (task, account, rule, enabled, priority, description, since, prior, version) VALUES
			('buy_orders', '42', 'daily 09:01', 1, 7, 'buys', '2026-11-20T03:45:00.000000000Z', '', 1),
			('sell_monitor', '', 'every 1m 09:15-15:30', 0, 0, '', '2026-11-20T03:46:00.000000000Z', 'daily 09:15', 4)`,
		"INSERT INTO tradeclock_schedulers (scheduler, term, watermark) VALUES ('" + paper + "', 6, '2026-11-20T12:30:00.000000000Z')",
		`INSERT INTO tradeclock_runs (id, scheduler, account, task, slot, session, due, through, last_slot, count, outcome, reason, started,
			finished, attempt, deadline, term, token, first, resumed, repeating, manual, actor, backdated, calendar, calendar_version, details)
		VALUES ('x', '` + paper + `', '42', 'buy_orders', '2026-11-20', '2026-11-20', '2026-11-20T03:31:00.000000000Z', '2026-11-20T03:31:00.000000000Z',
			'', 0, 'succeeded', '', '', '', 1, '', 6, 'a/1', 0, 0, 0, 0, '', 0, 'XNSE', '', ''),
			('y', '` + paper + `', '42', 'buy_orders', '2026-11-21', '2026-11-21', '2026-11-21T03:31:00.000000000Z', '2026-11-21T03:31:00.000000000Z',
			'', 0, 'running', '', '', '', 1, '', 6, 'a/2', 0, 0, 0, 0, '', 0, 'XNSE', '', '')`,
	} {
		_, err := db.ExecContext(t.Context(), statement)
		require.NoError(t, err)
	}
	return at
}

func TestRowsOfTheFirstVersionAreKept(t *testing.T) { onEach(t, testRowsOfTheFirstVersionAreKept) }

func testRowsOfTheFirstVersionAreKept(t *testing.T, on database) {
	at := firstVersion(t, on)
	s := openAt(t, at, newClock())

	rows, err := s.Schedules(t.Context())
	require.NoError(t, err)

	buy, sell := schedule("buy_orders", "daily 09:01"), schedule("sell_monitor", "every 1m 09:15-15:30")
	buy.Account, buy.Priority, buy.Description = "42", 7, "buys"
	buy.Since, buy.Version = time.Date(2026, time.November, 20, 3, 45, 0, 0, time.UTC), 1
	sell.Disabled, sell.Prior = true, rule.MustParse("daily 09:15")
	sell.Since, sell.Version = buy.Since.Add(time.Minute), 4
	assert.Equal(t, []store.Schedule{buy, sell}, rows)
	term := lead(t, s, "a")
	assert.Equal(t, int64(7), term.Number, "terms go on")
	state, err := s.Resume(t.Context(), term)
	require.NoError(t, err)
	require.Len(t, state.Unsettled, 1)
	assert.Equal(t, "2026-11-21", state.Unsettled[0].Slot)
	runs, err := s.Runs(t.Context(), store.Query{Scheduler: paper})
	require.NoError(t, err)
	require.Len(t, runs, 2)
	assert.Equal(t, store.Succeeded, runs[0].Outcome)
	assert.Zero(t, runs[0].Offset)
	assert.Equal(t, newestVersion(t, on), text(t, openDB(t, at), "SELECT version FROM tradeclock_schema"))
}

func TestRowsOfTheFirstVersionAreEdited(t *testing.T) { onEach(t, testRowsOfTheFirstVersionAreEdited) }

func testRowsOfTheFirstVersionAreEdited(t *testing.T, on database) {
	at := firstVersion(t, on)
	clock := newClock()
	s := openAt(t, at, clock)
	calendar := "XNSE.FO"

	row, err := s.UpdateSchedule(t.Context(), ops, "42", "buy_orders", 1, store.ScheduleEdit{Calendar: &calendar})
	require.NoError(t, err)
	assert.Equal(t, calendar, row.Calendar)
	assert.Equal(t, clock.Now(), row.Since)

	before := revision(t, s)
	_, err = openDB(t, at).ExecContext(t.Context(), "UPDATE tradeclock_schedules SET calendar = 'XNYS' WHERE task = 'sell_monitor'")
	require.NoError(t, err)
	rows, err := s.Schedules(t.Context())
	require.NoError(t, err)
	assert.Equal(t, "XNSE.FO", rows[0].Calendar)
	assert.Equal(t, "XNYS", rows[1].Calendar)
	assert.Equal(t, int64(5), rows[1].Version)
	assert.NotEqual(t, before, revision(t, s))
}

// newestVersion is the number of the schema's files.
func newestVersion(t *testing.T, on database) string {
	t.Helper()
	files, err := os.ReadDir(on.schema)
	require.NoError(t, err)
	return strconv.Itoa(len(files))
}
