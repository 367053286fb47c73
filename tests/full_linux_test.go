package tests

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tradeclock/tradeclock/internal/pgtest"
)

// TestReplicasWhoseDiskIsFull fills the disk of the server, which is a small one in
// memory, and makes room again. A server that has crashed of it is started again.
func TestReplicasWhoseDiskIsFull(t *testing.T) {
	t.Parallel()
	folder, err := os.MkdirTemp("", "full")
	require.NoError(t, err)
	require.NoError(t, syscall.Mount("tmpfs", folder, "tmpfs", 0, "size=80m"), "root may mount")
	t.Cleanup(func() {
		assert.NoError(t, syscall.Unmount(folder, 0))
		assert.NoError(t, os.Remove(folder))
	})
	server, err := pgtest.NewIn(folder, "shared_buffers=16MB", "max_wal_size=32MB", "min_wal_size=32MB")
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, server.Close()) })
	r := newReplicas(t, database{"pgx", server.DSN()}, replicaFactor, 2)
	for range r.rounds() {
		r.pass(r.between(0, time.Minute))
		filler := fill(t, folder)
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

// fill writes a file that leaves no room in the folder.
func fill(t *testing.T, folder string) (path string) {
	t.Helper()
	path = filepath.Join(folder, "filler")
	file, err := os.Create(path)
	require.NoError(t, err)
	defer file.Close()
	block := make([]byte, 1<<16)
	for err == nil {
		_, err = file.Write(block)
	}
	require.ErrorIs(t, err, syscall.ENOSPC)
	return path
}
