package tests

import (
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tradeclock/tradeclock/internal/needs"
	"github.com/tradeclock/tradeclock/internal/pgtest"
)

// TestReplicasWhoseDiskIsFull fills the disk of the server, which is a small one in
// memory, and makes room again. A server that has crashed of it is started again.
func TestReplicasWhoseDiskIsFull(t *testing.T) {
	t.Parallel()
	disk, err := pgtest.NewDisk("80m")
	needs.Met(t, err)
	t.Cleanup(func() { assert.NoError(t, disk.Close()) })
	server, err := disk.New("shared_buffers=16MB", "max_wal_size=32MB", "min_wal_size=32MB")
	needs.Met(t, err)
	t.Cleanup(func() { assert.NoError(t, server.Close()) })
	r := newReplicas(t, database{"pgx", server.DSN()}, 2)
	for range r.rounds() {
		r.pass(r.between(0, time.Minute))
		filler, err := disk.Fill()
		require.NoError(t, err)
		r.useUp()
		r.pass(r.between(30*time.Second, 2*time.Minute))
		require.NoError(t, os.Remove(filler))
		if server.Start() == nil {
			t.Log("the server had crashed")
		}
	}
	r.finish()
	assert.Positive(t, r.logged("No space left on device"), "the processes noticed nothing")
}

// useUp takes the last room in the files that the server has already.
func (r *replicas) useUp() {
	var err error
	for range 1000 {
		_, err = r.db.ExecContext(r.t.Context(), `
			CREATE TABLE IF NOT EXISTS filler (text TEXT);
			INSERT INTO filler SELECT repeat('x', 1000) FROM generate_series(1, 1000)`)
		if err != nil {
			r.t.Log(err)
			return
		}
	}
	require.FailNow(r.t, "the disk is not full")
}
