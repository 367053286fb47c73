package sqlstore_test

import (
	"context"
	"database/sql"
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tradeclock/tradeclock/sqlstore"
	"github.com/tradeclock/tradeclock/store"
)

// limit sets the number of pages to which the file may grow: a disk that is full
// beyond them. It holds for the one connection of the pool.
func limit(t *testing.T, db *sql.DB, pages int) {
	t.Helper()
	_, err := db.ExecContext(t.Context(), fmt.Sprintf("PRAGMA max_page_count = %d", pages))
	require.NoError(t, err)
}

func TestFullDiskLosesNothing(t *testing.T) {
	db := openDB(t, newFile(t))
	db.SetMaxOpenConns(1)
	s, err := sqlstore.Open(t.Context(), db, sqlstore.WithClock(newClock()))
	require.NoError(t, err)
	term := lead(t, s, "a")
	stored := planned("a", "sell_monitor", 50)
	_, err = s.Claim(t.Context(), term, stored)
	require.NoError(t, err)

	limit(t, db, 1) // SQLite takes it as the size that the file has
	more := planned("a", "position_monitor", 1000)
	_, err = s.Claim(t.Context(), term, more)
	require.ErrorContains(t, err, "full")

	runs, err := s.Runs(t.Context(), store.Query{Scheduler: paper})
	require.NoError(t, err)
	assert.Len(t, runs, len(stored), "nothing of the failed batch is stored")

	limit(t, db, 1_000_000)
	claims, err := s.Claim(t.Context(), term, more)
	require.NoError(t, err)
	assert.Equal(t, len(more), held(claims), "the same call succeeds when there is room")
	results, err := s.Settle(t.Context(), ended(append(stored, more...), store.Succeeded))
	require.NoError(t, err)
	assert.Equal(t, len(stored)+len(more), accepted(results))
}

func TestEndedContext(t *testing.T) { onEach(t, testEndedContext) }

func testEndedContext(t *testing.T, on database) {
	s := openAt(t, on.place(t), newClock())
	term := lead(t, s, "a")
	runs := planned("a", "sell_monitor", 10)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()

	_, err := s.Claim(ctx, term, runs)
	assert.ErrorIs(t, err, context.Canceled)
	_, err = s.Runs(ctx, store.Query{})
	assert.ErrorIs(t, err, context.Canceled)

	claims, err := s.Claim(t.Context(), term, runs)
	require.NoError(t, err)
	assert.Equal(t, len(runs), held(claims), "the store works on")
}

func TestClosedStore(t *testing.T) {
	s, err := sqlstore.OpenFile(t.Context(), "sqlite", newFile(t).dsn)
	require.NoError(t, err)
	term := lead(t, s, "a")
	require.NoError(t, s.Close())

	assert.ErrorContains(t, s.Beat(t.Context(), store.Heartbeat{Scheduler: paper}), "beat: ")
	_, err = s.Claim(t.Context(), term, planned("a", "sell_monitor", 1))
	assert.ErrorContains(t, err, "claim runs: ")
}

func TestDroppedTableIsAnError(t *testing.T) { onEach(t, testDroppedTableIsAnError) }

func testDroppedTableIsAnError(t *testing.T, on database) {
	db := openDB(t, on.place(t))
	s, err := sqlstore.Open(t.Context(), db)
	require.NoError(t, err)
	_, err = db.ExecContext(t.Context(), "DROP TABLE tradeclock_heartbeats")
	require.NoError(t, err)

	assert.ErrorContains(t, s.Beat(t.Context(), store.Heartbeat{Scheduler: paper}), "tradeclock_heartbeats")
	assert.Equal(t, int64(1), lead(t, s, "a").Number, "the other tables serve on")
}

func TestDetailThatJSONCannotExpress(t *testing.T) { onEach(t, testDetailThatJSONCannotExpress) }

func testDetailThatJSONCannotExpress(t *testing.T, on database) {
	s := openAt(t, on.place(t), newClock())
	runs := planned("a", "buy_orders", 1)
	_, err := s.Claim(t.Context(), lead(t, s, "a"), runs)
	require.NoError(t, err)
	settled := ended(runs, store.Succeeded)
	itself := make(map[string]any)
	itself["itself"] = itself
	settled[0].Details = map[string]any{"orders": 3, "broker": func() {}, "fee": complex(1, 2), "itself": itself}

	results, err := s.Settle(t.Context(), settled)

	require.NoError(t, err)
	assert.Equal(t, 1, accepted(results), "the outcome is not lost to a detail of it")
	stored, err := s.Runs(t.Context(), store.Query{})
	require.NoError(t, err)
	assert.Equal(t, 3.0, stored[0].Details["orders"])
	assert.Equal(t, "complex128: json: unsupported type: complex128", stored[0].Details["fee"])
	assert.Contains(t, stored[0].Details["itself"], "encountered a cycle")
}

// TestTextsThatNoDatabaseKeeps has zero bytes and broken UTF-8 in every text that
// people and brokers write.
func TestTextsThatNoDatabaseKeeps(t *testing.T) { onEach(t, testTextsThatNoDatabaseKeeps) }

func testTextsThatNoDatabaseKeeps(t *testing.T, on database) {
	const odd, kept = "a\x00b\xffc", "a\uFFFDb\uFFFDc"
	s := openAt(t, on.place(t), newClock())
	term := lead(t, s, "a")
	runs := planned("a", "buy_orders", 1)
	runs[0].Manual, runs[0].Actor = true, odd
	runs[0].Calendar, runs[0].CalendarVersion = odd, odd
	_, err := s.Claim(t.Context(), term, runs)
	require.NoError(t, err)
	runs = ended(runs, store.Failed)
	runs[0].Reason = odd
	runs[0].Details = map[string]any{"answer": odd, odd: 1, `\u0000`: `\u0000`}
	_, err = s.Settle(t.Context(), runs)
	require.NoError(t, err)
	require.NoError(t, s.Halt(t.Context(), store.Halt{Scheduler: paper, Reason: odd, Actor: odd}))
	row := schedule("buy_orders", "daily 09:01")
	row.Description = odd
	_, err = s.PutSchedule(t.Context(), ops, row)
	require.NoError(t, err)

	stored, err := s.Runs(t.Context(), store.Query{})
	require.NoError(t, err)
	require.Len(t, stored, 1)
	assert.Equal(t, kept, stored[0].Reason)
	assert.Equal(t, kept, stored[0].Actor)
	assert.Equal(t, kept, stored[0].Calendar)
	assert.Equal(t, kept, stored[0].CalendarVersion)
	assert.Equal(t, "a\x00b\uFFFDc", stored[0].Details["answer"], "JSON has a form for a zero byte")
	assert.Equal(t, `\u0000`, stored[0].Details[`\u0000`])
	halts, err := s.Halts(t.Context(), paper)
	require.NoError(t, err)
	require.Len(t, halts, 1)
	assert.Equal(t, kept, halts[0].Reason)
	assert.Equal(t, kept, only(t, s).Description)
}

// TestOddTextsInEachFieldOfARun has them where no engine lets them through, in names
// too, in each way in which a batch is written.
func TestOddTextsInEachFieldOfARun(t *testing.T) { onEach(t, testOddTextsInEachFieldOfARun) }

func testOddTextsInEachFieldOfARun(t *testing.T, on database) {
	const odd, kept = "a\x00b\xffc\\u0000", "a\uFFFDb\uFFFDc\\u0000"
	fields := map[string]func(*store.Run) *string{
		"account":          func(r *store.Run) *string { return &r.Account },
		"task":             func(r *store.Run) *string { return &r.Task },
		"slot":             func(r *store.Run) *string { return &r.Slot },
		"token":            func(r *store.Run) *string { return &r.Token },
		"actor":            func(r *store.Run) *string { return &r.Actor },
		"reason":           func(r *store.Run) *string { return &r.Reason },
		"calendar":         func(r *store.Run) *string { return &r.Calendar },
		"calendar version": func(r *store.Run) *string { return &r.CalendarVersion },
	}
	s := openAt(t, on.place(t), newClock())
	term := lead(t, s, "a")
	for name, field := range fields {
		for _, repeating := range []bool{false, true} { // which is how a batch is written
			t.Run(fmt.Sprintf("%s, repeating %t", name, repeating), func(t *testing.T) {
				runs := planned("a", fmt.Sprint(name, repeating), 1)
				runs[0].Slot, runs[0].Repeating = fmt.Sprint(name, repeating), repeating
				*field(&runs[0]) = odd
				claims, err := s.Claim(t.Context(), term, runs)
				require.NoError(t, err)
				assert.Equal(t, 1, held(claims))
				rows, err := s.Runs(t.Context(), store.Query{Outcomes: []store.Outcome{store.Running}})
				require.NoError(t, err)
				require.Len(t, rows, 1)
				assert.Equal(t, kept, *field(&rows[0]))
				runs = ended(runs, store.Succeeded)
				results, err := s.Settle(t.Context(), runs)
				require.NoError(t, err)
				assert.Equal(t, 1, accepted(results))
				runs[0].Outcome = store.Failed
				results, err = s.Settle(t.Context(), runs)
				require.NoError(t, err)
				assert.Equal(t, 0, accepted(results), "it is kept beside")
			})
		}
	}
	require.NoError(t, s.Enroll(t.Context(), term, []store.Enrolment{{Account: odd, From: opening}}))
	require.NoError(t, s.Withdraw(t.Context(), term, store.Enrolment{Account: odd, From: opening, Withdrawn: opening}))
	require.NoError(t, s.Beat(t.Context(), store.Heartbeat{Scheduler: odd, Instance: odd, Degraded: []string{odd},
		Running: []store.RunningTask{{Account: odd, Task: odd, Slot: odd}}}))
	state, err := s.Resume(t.Context(), term)
	require.NoError(t, err)
	require.Len(t, state.Enrolments, 1)
	assert.Equal(t, store.Enrolment{Account: kept, From: opening, Withdrawn: opening}, state.Enrolments[0])
}
