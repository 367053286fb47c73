package sqlstore_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tradeclock/tradeclock/sqlstore"
	"github.com/tradeclock/tradeclock/store"
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

func TestOpenFileRefuses(t *testing.T) {
	folder := t.TempDir()
	tests := []struct{ name, driver, path, want string }{
		{"a folder that does not exist", "sqlite", filepath.Join(folder, "no", "t.db"), "there is no folder " + filepath.Join(folder, "no")},
		{"a folder", "sqlite", folder, folder + " is a folder"},
		{"no path", "sqlite", "", "the path of the file is empty"},
		{"a database in memory", "sqlite", ":memory:", "in memory each connection has a database of its own"},
		{"a URI", "sqlite", "file:t.db?mode=ro", "file:t.db?mode=ro is no path: give it to sql.Open"},
		{"the address of a server", "sqlite", "postgres://ana:secret@db.internal/trading", "and not an address"},
		{"an address in words", "sqlite", "host=db.internal user=ana password=secret", "and not an address"},
		{"an address of another kind", "sqlite", "ana:secret@tcp(db.internal)/trading", "and not an address"},
		{"an address in the other place", "postgres://ana:secret@db.internal/trading", "t.db", "and not an address"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, err := sqlstore.OpenFile(t.Context(), test.driver, test.path)
			assert.ErrorContains(t, err, "open the tradeclock store: ")
			assert.ErrorContains(t, err, test.want)
			assert.NotContains(t, err.Error(), "secret")
		})
	}
	assert.NoFileExists(t, ":memory:")
}

func TestOpenNothing(t *testing.T) {
	_, err := sqlstore.Open(t.Context(), nil)
	assert.EqualError(t, err, "open the tradeclock store: the database is nil")
}

func TestOpenSaysOnceWhatIsWrong(t *testing.T) {
	_, err := sqlstore.Open(t.Context(), openDB(t, place{"sqlite", filepath.Join(t.TempDir(), "no", "t.db")}))
	assert.Equal(t, 1, strings.Count(err.Error(), "unable to open"), err)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	onEach(t, func(t *testing.T, on database) {
		_, err := sqlstore.Open(ctx, openDB(t, on.place(t)))
		assert.Equal(t, 1, strings.Count(err.Error(), "cancel"), err)
	})
}

// TestOpenFileWithADamagedPage overwrites each page of a file but the first, one at a
// time.
func TestOpenFileWithADamagedPage(t *testing.T) {
	file := newFile(t)
	db := openDB(t, file)
	s := openOn(t, db, newClock())
	_, err := s.Claim(t.Context(), lead(t, s, "a"), planned("a", "buy_orders", 100))
	require.NoError(t, err)
	whole, err := s.Runs(t.Context(), store.Query{})
	require.NoError(t, err)
	_, err = db.ExecContext(t.Context(), "PRAGMA wal_checkpoint(TRUNCATE)")
	require.NoError(t, err)
	require.NoError(t, db.Close())
	pages, err := os.ReadFile(file.dsn)
	require.NoError(t, err)
	const page = 4096
	require.Greater(t, len(pages), 20*page)
	for at := page; at < len(pages); at += page {
		damaged := slices.Clone(pages)
		copy(damaged[at:], bytes.Repeat([]byte{0xff}, page))
		path := filepath.Join(t.TempDir(), "damaged.db")
		require.NoError(t, os.WriteFile(path, damaged, 0o600))

		s, err := sqlstore.OpenFile(t.Context(), "sqlite", path)

		if err != nil {
			assert.ErrorContains(t, err, "malformed")
			continue
		}
		kept, err := s.Runs(t.Context(), store.Query{}) // it is a page that nothing is on
		assert.NoError(t, err)
		assert.Equal(t, whole, kept, "page %d", at/page+1)
		require.NoError(t, s.Close())
	}
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
		{"a folder that does not exist, by a URI", func(_ *testing.T, path string) string {
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

	runs, err := openAt(t, at, newClock()).Runs(t.Context(), store.Query{Scheduler: paper})

	require.NoError(t, err)
	assert.Len(t, runs, 3)
}
