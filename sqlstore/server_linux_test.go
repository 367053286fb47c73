package sqlstore_test

import (
	"database/sql"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tradeclock/tradeclock/internal/needs"
	"github.com/tradeclock/tradeclock/internal/pgtest"
	"github.com/tradeclock/tradeclock/sqlstore"
	"github.com/tradeclock/tradeclock/store"
	"github.com/tradeclock/tradeclock/tradeclocktest"
)

// These tests stop, crash and starve a server, and so have servers of their own.

func newServer(t *testing.T) *pgtest.Server {
	t.Helper()
	server, err := pgtest.New("max_connections=20", "shared_buffers=16MB")
	needs.Met(t, err)
	t.Cleanup(func() { assert.NoError(t, server.Close()) })
	return server
}

// TestServerThatStops stops and crashes the server between the calls of a store,
// which has idle connections each time.
func TestServerThatStops(t *testing.T) {
	t.Parallel()
	server := newServer(t)
	at := place{"pgx", server.DSN()}
	ways := []struct {
		name string
		stop func() error
	}{{"stopped", server.Stop}, {"crashed", server.Crash}}
	for i, way := range ways {
		t.Run(way.name, func(t *testing.T) {
			db := openDB(t, at)
			db.SetMaxIdleConns(4)
			s := openOn(t, db, newClock())
			term, runs := lead(t, s, "a"), planned("a", way.name, 3)
			claims, err := s.Claim(t.Context(), term, runs)
			require.NoError(t, err)
			require.Equal(t, 3, held(claims))
			idle(t, db, 4)

			require.NoError(t, way.stop())
			_, err = s.Settle(t.Context(), ended(runs, store.Succeeded))
			require.ErrorContains(t, err, "settle runs: ")
			_, err = s.Claim(t.Context(), term, planned("a", "another", 1))
			require.ErrorContains(t, err, "claim runs: ")
			require.NoError(t, server.Start())

			results, err := s.Settle(t.Context(), ended(runs, store.Succeeded))
			require.NoError(t, err, "at the first call after the start")
			assert.Equal(t, 3, accepted(results))

			idle(t, db, 4)
			require.NoError(t, way.stop())
			require.NoError(t, server.Start())
			_, err = s.Claim(t.Context(), term, planned("a", way.name+" again", 1))
			require.NoError(t, err, "although the pool has connections to the server as it was")
			stored, err := s.Runs(t.Context(), store.Query{})
			require.NoError(t, err)
			assert.Len(t, stored, 4*(i+1))
		})
	}

	t.Run("while a service runs", func(t *testing.T) {
		outage{
			name:   "the server is stopped",
			begin:  func(t *testing.T, _ *sql.DB, _ *tradeclocktest.Faulty) { require.NoError(t, server.Crash()) },
			heal:   func(t *testing.T, _ *sql.DB) { require.NoError(t, server.Start()) },
			report: store.Interrupted,
		}.rideOut(t, schemaOn(t, at, "service"))
	})

	t.Run("with another encoding", func(t *testing.T) {
		byHand(t, at, "CREATE DATABASE latin ENCODING 'LATIN1' TEMPLATE template0")
		latin := place{"pgx", strings.Replace(at.dsn, "///postgres", "///latin", 1)}
		_, err := sqlstore.Open(t.Context(), openDB(t, latin))
		assert.ErrorContains(t, err, "UTF8 is needed")
	})
}

// idle leaves n connections idle in the pool.
func idle(t *testing.T, db *sql.DB, n int) {
	t.Helper()
	conns := make([]*sql.Conn, n)
	for i := range conns {
		var err error
		conns[i], err = db.Conn(t.Context())
		require.NoError(t, err)
	}
	for _, conn := range conns {
		require.NoError(t, conn.Close())
	}
}

// schemaOn makes a schema on a server.
func schemaOn(t *testing.T, at place, schema string) place {
	t.Helper()
	byHand(t, at, "CREATE SCHEMA "+schema)
	return at.with("search_path=" + schema)
}

// TestFullDiskOfAServer fills the disk of a server, which is a small one in
// memory.
func TestFullDiskOfAServer(t *testing.T) {
	t.Parallel()
	disk, err := pgtest.NewDisk("100m")
	needs.Met(t, err)
	t.Cleanup(func() { assert.NoError(t, disk.Close()) })
	server, err := disk.New("max_connections=20", "shared_buffers=16MB", "max_wal_size=32MB", "min_wal_size=32MB")
	needs.Met(t, err)
	t.Cleanup(func() { assert.NoError(t, server.Close()) })
	s := openAt(t, place{"pgx", server.DSN()}, newClock())
	term, stored := lead(t, s, "a"), planned("a", "sell_monitor", 50)
	_, err = s.Claim(t.Context(), term, stored)
	require.NoError(t, err)

	filler, err := disk.Fill()
	require.NoError(t, err)
	const size = 500
	batches := planned("a", "position_monitor", 100*size)
	var refused []store.Run
	for refused == nil {
		require.NotEmpty(t, batches, "the disk is full")
		if _, err = s.Claim(t.Context(), term, batches[:size]); err != nil {
			refused = batches[:size]
		} else {
			stored = append(stored, batches[:size]...)
		}
		batches = batches[size:]
	}
	t.Log(err)
	require.NoError(t, os.Remove(filler))
	server.Start() // which fails if the server has borne it

	runs, err := s.Runs(t.Context(), store.Query{Scheduler: paper})
	require.NoError(t, err)
	assert.Len(t, runs, len(stored), "nothing of the refused batch is stored")
	claims, err := s.Claim(t.Context(), term, refused)
	require.NoError(t, err)
	assert.Equal(t, size, held(claims), "the same call succeeds when there is room")
	results, err := s.Settle(t.Context(), ended(append(stored, refused...), store.Succeeded))
	require.NoError(t, err)
	assert.Equal(t, len(stored)+size, accepted(results))
}
