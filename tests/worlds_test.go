package tests

import (
	"context"
	"database/sql"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tradeclock/tradeclock"
	simulated "github.com/tradeclock/tradeclock/internal/world"
	"github.com/tradeclock/tradeclock/sqlstore"
)

// worlds is how many simulated worlds run on SQLite, unless TRADECLOCK_TEST_WORLDS says
// otherwise.
const worlds = 6

// TestWorldsOnSQLite holds simulated worlds whose store is SQLite to what those in memory
// are held to. A seed has the same world on both, as every call is answered alike.
func TestWorldsOnSQLite(t *testing.T) {
	t.Parallel()
	first := uint64(100 * number(t, "TRADECLOCK_TEST_SEED", 3))
	for seed := first; seed < first+uint64(number(t, "TRADECLOCK_TEST_WORLDS", worlds)); seed++ {
		onSQLite := simulated.Run(seed, simulated.Options{Days: 1, Whole: true, Database: inMemorySQLite(t)})
		for _, f := range onSQLite.Findings {
			t.Errorf("seed %d: %s: %s", seed, f.Invariant, f.Text)
		}
		require.NotZero(t, onSQLite.Runs)
		inMemory := simulated.Run(seed, simulated.Options{Days: 1, Whole: true})
		assert.Equal(t, whatHappened(inMemory), whatHappened(onSQLite), "seed %d", seed)
	}
}

// inMemorySQLite returns what makes the database of a world: one with one connection, and
// so with one call at a time.
func inMemorySQLite(t *testing.T) func(tradeclock.Clock) simulated.Database {
	return func(clock tradeclock.Clock) simulated.Database {
		db, err := sql.Open("sqlite", ":memory:")
		require.NoError(t, err)
		t.Cleanup(func() { assert.NoError(t, db.Close()) })
		db.SetMaxOpenConns(1)
		st, err := sqlstore.Open(context.Background(), db, sqlstore.WithClock(clock))
		require.NoError(t, err)
		return st
	}
}

// whatHappened is the timeline of a world but for messages, where a store has words of
// its own.
func whatHappened(r simulated.Result) []string {
	return slices.DeleteFunc(r.Timeline, func(line string) bool {
		return strings.Contains(line, ": level=") || strings.Contains(line, ": term ")
	})
}
