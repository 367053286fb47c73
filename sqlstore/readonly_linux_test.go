package sqlstore_test

import (
	"database/sql"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tradeclock/tradeclock/sqlstore"
	"github.com/tradeclock/tradeclock/store"
	"github.com/tradeclock/tradeclock/tradeclocktest"
)

// endOthers ends all connections but its own, as is done after a database was marked:
// the mark holds for connections that are made from then on.
const endOthers = `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
	WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()`

// admin runs statements on a connection that may write whatever is marked.
func admin(t *testing.T, at place, statements ...string) {
	t.Helper()
	db := openDB(t, at.with("default_transaction_read_only=off"))
	for _, statement := range statements {
		_, err := db.ExecContext(t.Context(), statement)
		require.NoError(t, err)
	}
}

// TestServerThatMayOnlyBeRead marks a server in each way. No call writes, each says why,
// and the first call after the mark is gone succeeds, although the pool has connections
// that were made under it.
func TestServerThatMayOnlyBeRead(t *testing.T) {
	t.Parallel()
	server := newServer(t)
	at := place{"pgx", server.DSN()}
	on := func(statement string) func(*testing.T) {
		return func(t *testing.T) { admin(t, at, statement, endOthers) }
	}
	marks := []struct {
		name      string
		set, lift func(t *testing.T)
		want      string
	}{
		{"the database is marked", on("ALTER DATABASE postgres SET default_transaction_read_only = on"),
			func(t *testing.T) { admin(t, at, "ALTER DATABASE postgres RESET default_transaction_read_only") },
			"default_transaction_read_only is on (source: database)"},
		{"the role is marked", on("ALTER ROLE postgres SET default_transaction_read_only = on"),
			on("ALTER ROLE postgres RESET default_transaction_read_only"),
			"default_transaction_read_only is on (source: user)"},
		{"the server becomes a standby", func(t *testing.T) { require.NoError(t, server.Demote()) },
			func(t *testing.T) { admin(t, at, "SELECT pg_promote()") },
			"the server is a standby"},
	}
	for _, mark := range marks {
		t.Run(mark.name, func(t *testing.T) {
			here := schemaOn(t, at, "s"+time.Now().Format("150405000000"))
			db, clock := openDB(t, here), newClock()
			s := openOn(t, db, clock)
			term := prepare(t, s, clock)
			before := everything(t, db)
			mark.set(t)
			assertOnlyRead(t, s, db, term, mark.want)
			assert.Equal(t, before, everything(t, db))

			mark.lift(t)
			assert.Equal(t, term, lead(t, s, "a"), "at the first call, whatever the pool holds")
		})
	}
	t.Run("while a service runs", func(t *testing.T) {
		outage{
			name: "the database is marked",
			begin: func(t *testing.T, _ *sql.DB, _ *tradeclocktest.Faulty) {
				admin(t, at, "ALTER DATABASE postgres SET default_transaction_read_only = on", endOthers)
			},
			heal: func(t *testing.T, _ *sql.DB) {
				admin(t, at, "ALTER DATABASE postgres RESET default_transaction_read_only")
			},
			report: store.Interrupted,
		}.rideOut(t, schemaOn(t, at, "service"))
	})
}

// assertOnlyRead makes each call of a store on a database that may only be read.
func assertOnlyRead(t *testing.T, s *sqlstore.Store, db *sql.DB, term store.Term, why string) {
	t.Helper()
	for _, c := range storeCalls(term) {
		_, err := c.call(t.Context(), s)
		if err != nil {
			assert.ErrorIs(t, err, sqlstore.ErrReadOnly, c.name)
			assert.ErrorContains(t, err, why, c.name)
		}
		assert.Equal(t, c.reads, err == nil, c.name)
	}
	_, err := sqlstore.Open(t.Context(), db)
	assert.ErrorIs(t, err, sqlstore.ErrReadOnly)
	assert.ErrorContains(t, err, "open the tradeclock store: the database is read-only, as "+why)
}

// TestFileThatMayOnlyBeRead has each connection of a pool only read a file.
func TestFileThatMayOnlyBeRead(t *testing.T) {
	tests := []struct{ name, parameter, want string }{
		{"opened so", "mode=ro", "the file or its folder may not be written, or it was opened with mode=ro"},
		{"set so", "_pragma=query_only(1)", "PRAGMA query_only is on"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			file := newFile(t)
			prepare(t, openAt(t, file, newClock()), newClock())
			db := openDB(t, place{"sqlite", "file:" + file.dsn + "?" + test.parameter})
			_, err := sqlstore.Open(t.Context(), db)
			assert.ErrorIs(t, err, sqlstore.ErrReadOnly)
			assert.ErrorContains(t, err, "open the tradeclock store: the database is read-only, as "+test.want)
		})
	}
}

// TestStoreRecoversWhenItsFileMayBeWritten has the store make connections that may only
// read. They leave the pool, so that none of them outlives the mark.
func TestStoreRecoversWhenItsFileMayBeWritten(t *testing.T) {
	file, mode := newFile(t), "rw"
	openAt(t, file, newClock())
	db := sql.OpenDB(connector{open: func() (string, string) { return "sqlite", "file:" + file.dsn + "?mode=" + mode }})
	t.Cleanup(func() { assert.NoError(t, db.Close()) })
	s := openOn(t, db, newClock())
	term := prepare(t, s, newClock())
	db.SetMaxIdleConns(0) // the next connections are new
	db.SetMaxIdleConns(2)
	mode = "ro"
	for _, c := range storeCalls(term) {
		_, err := c.call(t.Context(), s)
		if !c.reads {
			assert.ErrorIs(t, err, sqlstore.ErrReadOnly, c.name)
		}
	}
	idle(t, db, 1)
	mode = "rw"
	assert.Equal(t, term, lead(t, s, "a"))
}
