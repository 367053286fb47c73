package sqlstore_test

import (
	"errors"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tradeclock/tradeclock"
	"github.com/tradeclock/tradeclock/sqlstore"
)

func TestOpenByManyAtOnce(t *testing.T) { onEach(t, testOpenByManyAtOnce) }

func testOpenByManyAtOnce(t *testing.T, on database) {
	at := on.place(t)
	errs := make([]error, 8)
	var wg sync.WaitGroup
	for i := range errs {
		db := openDB(t, at)
		wg.Go(func() { _, errs[i] = sqlstore.Open(t.Context(), db) })
	}
	wg.Wait()
	require.NoError(t, errors.Join(errs...))
	assert.Equal(t, "1", text(t, openDB(t, at), "SELECT count(*) FROM tradeclock_schema"))
}

func TestOpenMakesWritesDurable(t *testing.T) {
	db := openDB(t, newFile(t))
	db.SetMaxOpenConns(1) // so that the settings seen are those that the store left
	s, err := sqlstore.Open(t.Context(), db)
	require.NoError(t, err)
	_, err = db.ExecContext(t.Context(), "PRAGMA synchronous = OFF; PRAGMA busy_timeout = 0")
	require.NoError(t, err)

	lead(t, s, "a")

	assert.Equal(t, "wal", text(t, db, "PRAGMA journal_mode"))
	assert.Equal(t, "2", text(t, db, "PRAGMA synchronous"), "FULL")
	assert.Equal(t, "5000", text(t, db, "PRAGMA busy_timeout"))
}

func TestOpenLeavesTheUsersDatabaseOpen(t *testing.T) { onEach(t, testOpenLeavesTheUsersDatabaseOpen) }

func testOpenLeavesTheUsersDatabaseOpen(t *testing.T, on database) {
	db := openDB(t, on.place(t))
	s, err := sqlstore.Open(t.Context(), db)
	require.NoError(t, err)
	require.NoError(t, s.Close())
	assert.NoError(t, db.PingContext(t.Context()))
}

func TestOpenFileWithOddName(t *testing.T) {
	path := filepath.Join(t.TempDir(), "50% of what? #1.db")
	s, err := sqlstore.OpenFile(t.Context(), "sqlite", path)
	require.NoError(t, err)
	require.NoError(t, s.Close())
	assert.FileExists(t, path)
}

func TestOpenInMemory(t *testing.T) {
	db := openDB(t, place{"sqlite", ":memory:"})
	_, err := sqlstore.Open(t.Context(), db)
	require.ErrorContains(t, err, "in memory")

	db.SetMaxOpenConns(1)
	s, err := sqlstore.Open(t.Context(), db)
	require.NoError(t, err)
	assert.Equal(t, int64(1), lead(t, s, "a").Number)
}

func TestOpenRefuses(t *testing.T) {
	tests := []struct {
		name string
		dsn  func(t *testing.T, path string) string
		want string
	}{
		{"a file that is no database", func(t *testing.T, path string) string {
			require.NoError(t, os.WriteFile(path, []byte("a report, and not a database at all\n"), 0o600))
			return path
		}, "not a database"},
		{"a file that may not be written", func(t *testing.T, path string) string {
			openAt(t, place{"sqlite", path}, newClock())
			return "file:" + path + "?mode=ro"
		}, "readonly"},
		{"a folder that does not exist", func(_ *testing.T, path string) string {
			return filepath.Join(path, "tradeclock.db")
		}, "unable to open"},
		{"a table of the same name", func(t *testing.T, path string) string {
			_, err := openDB(t, place{"sqlite", path}).ExecContext(t.Context(), "CREATE TABLE tradeclock_runs (id TEXT)")
			require.NoError(t, err)
			return path
		}, "table tradeclock_runs already exists"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, err := sqlstore.Open(t.Context(), openDB(t, place{"sqlite", test.dsn(t, newFile(t).dsn)}))
			assert.ErrorContains(t, err, "open the tradeclock store")
			assert.ErrorContains(t, err, test.want)
		})
	}
}

func TestOpenRefusesNewerSchema(t *testing.T) { onEach(t, testOpenRefusesNewerSchema) }

func testOpenRefusesNewerSchema(t *testing.T, on database) {
	at := on.place(t)
	openAt(t, at, newClock())
	db := openDB(t, at)
	_, err := db.ExecContext(t.Context(), "UPDATE tradeclock_schema SET version = 99")
	require.NoError(t, err)

	_, err = sqlstore.Open(t.Context(), db)

	assert.ErrorIs(t, err, sqlstore.ErrNewerSchema)
	assert.ErrorContains(t, err, "version 99")
	assert.Equal(t, "99", text(t, db, "SELECT version FROM tradeclock_schema"))
}

func TestFailedOpenChangesNothing(t *testing.T) { onEach(t, testFailedOpenChangesNothing) }

func testFailedOpenChangesNothing(t *testing.T, on database) {
	db := openDB(t, on.place(t))
	_, err := db.ExecContext(t.Context(), "CREATE TABLE tradeclock_heartbeats (id TEXT)")
	require.NoError(t, err)

	_, err = sqlstore.Open(t.Context(), db)

	require.Error(t, err)
	assert.Equal(t, "tradeclock_heartbeats", text(t, db, on.tables))
}

func TestReopenKeepsEverything(t *testing.T) { onEach(t, testReopenKeepsEverything) }

func testReopenKeepsEverything(t *testing.T, on database) {
	at := on.place(t)
	db := openDB(t, at)
	s := openOn(t, db, newClock())
	_, err := s.Claim(t.Context(), lead(t, s, "a"), planned("a", "buy_orders", 3))
	require.NoError(t, err)
	require.NoError(t, db.Close())

	runs, err := openAt(t, at, newClock()).Runs(t.Context(), tradeclock.Query{Scheduler: paper})

	require.NoError(t, err)
	assert.Len(t, runs, 3)
}
