package sqlstore_test

import (
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	_ "github.com/jackc/pgx/v5/stdlib"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	_ "modernc.org/sqlite"

	"github.com/tradeclock/tradeclock"
	"github.com/tradeclock/tradeclock/internal/needs"
	"github.com/tradeclock/tradeclock/internal/pgtest"
	"github.com/tradeclock/tradeclock/sqlstore"
)

func TestMain(m *testing.M) {
	code := m.Run()
	if err := pgtest.CloseShared(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

// database is one of those that a store can be in.
type database struct {
	name string
	// schema is the folder of its tables, one file for each version.
	schema string
	// place returns a new and empty place.
	place func(t *testing.T) place
	// tables asks for the names of the tables of a place, with commas between them.
	tables string
	// empty brings a place back to what it was when its tables were made. It is left out
	// where a new one costs no more.
	empty string
}

var (
	onSQLite = database{"SQLite", "schema/sqlite", newFile,
		"SELECT coalesce(group_concat(name), '') FROM sqlite_master WHERE type = 'table'", ""}
	onPostgres = database{"PostgreSQL", "schema/postgres", newSchema,
		"SELECT coalesce(string_agg(tablename, ','), '') FROM pg_tables WHERE schemaname = current_schema()",
		`DO $$ DECLARE filled name; BEGIN
			DELETE FROM tradeclock_schedules; -- whose triggers write into others
			FOR filled IN SELECT tablename FROM pg_tables WHERE schemaname = current_schema() AND tablename <> 'tradeclock_schema' LOOP
				EXECUTE format('DELETE FROM %I', filled);
			END LOOP;
			INSERT INTO tradeclock_schedule_revision VALUES (0);
			ALTER TABLE tradeclock_audit ALTER COLUMN id RESTART;
		END $$`}
)

// onEach runs a test on each database.
func onEach(t *testing.T, test func(t *testing.T, on database)) {
	for _, on := range []database{onSQLite, onPostgres} {
		t.Run(on.name, func(t *testing.T) { test(t, on) })
	}
}

// place is where the store of a test is: a file, or a schema on a server.
type place struct{ driver, dsn string }

func newFile(t *testing.T) place {
	return place{"sqlite", filepath.Join(t.TempDir(), "tradeclock.db")}
}

func newSchema(t *testing.T) place {
	t.Helper()
	dsn, schema, err := pgtest.Shared()
	needs.Met(t, err)
	at := place{"pgx", dsn}
	db := openDB(t, at)
	_, err = db.ExecContext(t.Context(), "CREATE SCHEMA "+schema)
	require.NoError(t, err)
	t.Cleanup(func() {
		_, err := db.Exec("SET client_min_messages TO warning; DROP SCHEMA " + schema + " CASCADE")
		assert.NoError(t, err)
	})
	return at
}

// openDB returns a pool of connections, which is closed at the end of the test.
func openDB(t *testing.T, at place) *sql.DB {
	t.Helper()
	db, err := sql.Open(at.driver, at.dsn)
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, db.Close()) })
	return db
}

// openAt opens a store with a pool of its own, as another process would.
func openAt(t *testing.T, at place, clock tradeclock.Clock) *sqlstore.Store {
	t.Helper()
	return openOn(t, openDB(t, at), clock)
}

func openOn(t *testing.T, db *sql.DB, clock tradeclock.Clock) *sqlstore.Store {
	t.Helper()
	s, err := sqlstore.Open(t.Context(), db, sqlstore.WithClock(clock))
	require.NoError(t, err)
	return s
}

// byHand runs a statement as a person does who edits the tables.
func byHand(t *testing.T, at place, statement string, args ...any) {
	t.Helper()
	_, err := openDB(t, at).ExecContext(t.Context(), statement, args...)
	require.NoError(t, err)
}

// text returns what a query answers.
func text(t *testing.T, db *sql.DB, query string) (value string) {
	t.Helper()
	require.NoError(t, db.QueryRowContext(t.Context(), query).Scan(&value))
	return value
}
