package sqlstore_test

import (
	"context"
	"database/sql"
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tradeclock/tradeclock"
	"github.com/tradeclock/tradeclock/sqlstore"
)

// limit sets the number of pages to which the file may grow: a disk that is full
// beyond them. It holds for the one connection of the pool.
func limit(t *testing.T, db *sql.DB, pages int) {
	t.Helper()
	_, err := db.ExecContext(t.Context(), fmt.Sprintf("PRAGMA max_page_count = %d", pages))
	require.NoError(t, err)
}

func TestFullDiskLosesNothing(t *testing.T) {
	db := openDB(t, newPath(t))
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

	runs, err := s.Runs(t.Context(), tradeclock.Query{Scheduler: paper})
	require.NoError(t, err)
	assert.Len(t, runs, len(stored), "nothing of the failed batch is stored")

	limit(t, db, 1_000_000)
	claims, err := s.Claim(t.Context(), term, more)
	require.NoError(t, err)
	assert.Equal(t, len(more), held(claims), "the same call succeeds when there is room")
	results, err := s.Settle(t.Context(), ended(append(stored, more...), tradeclock.Succeeded))
	require.NoError(t, err)
	assert.Equal(t, len(stored)+len(more), accepted(results))
}

func TestEndedContext(t *testing.T) {
	s := openAt(t, newPath(t), newClock())
	term := lead(t, s, "a")
	runs := planned("a", "sell_monitor", 10)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()

	_, err := s.Claim(ctx, term, runs)
	assert.ErrorIs(t, err, context.Canceled)
	_, err = s.Runs(ctx, tradeclock.Query{})
	assert.ErrorIs(t, err, context.Canceled)

	claims, err := s.Claim(t.Context(), term, runs)
	require.NoError(t, err)
	assert.Equal(t, len(runs), held(claims), "the store works on")
}

func TestClosedStore(t *testing.T) {
	s, err := sqlstore.OpenFile(t.Context(), "sqlite", newPath(t))
	require.NoError(t, err)
	term := lead(t, s, "a")
	require.NoError(t, s.Close())

	assert.ErrorContains(t, s.Beat(t.Context(), tradeclock.Heartbeat{Scheduler: paper}), "beat: ")
	_, err = s.Claim(t.Context(), term, planned("a", "sell_monitor", 1))
	assert.ErrorContains(t, err, "claim runs: ")
}

func TestDroppedTableIsAnError(t *testing.T) {
	db := openDB(t, newPath(t))
	s, err := sqlstore.Open(t.Context(), db)
	require.NoError(t, err)
	_, err = db.ExecContext(t.Context(), "DROP TABLE tradeclock_heartbeats")
	require.NoError(t, err)

	assert.ErrorContains(t, s.Beat(t.Context(), tradeclock.Heartbeat{Scheduler: paper}), "no such table")
	assert.Equal(t, int64(1), lead(t, s, "a").Number, "the other tables serve on")
}

func TestDetailThatJSONCannotExpress(t *testing.T) {
	s := openAt(t, newPath(t), newClock())
	runs := planned("a", "buy_orders", 1)
	_, err := s.Claim(t.Context(), lead(t, s, "a"), runs)
	require.NoError(t, err)
	settled := ended(runs, tradeclock.Succeeded)
	settled[0].Details = map[string]any{"orders": 3, "broker": func() {}, "fee": complex(1, 2)}

	results, err := s.Settle(t.Context(), settled)

	require.NoError(t, err)
	assert.Equal(t, 1, accepted(results), "the outcome is not lost to a detail of it")
	stored, err := s.Runs(t.Context(), tradeclock.Query{})
	require.NoError(t, err)
	assert.Equal(t, 3.0, stored[0].Details["orders"])
	assert.Equal(t, "(1+2i)", stored[0].Details["fee"])
}
