package tests

import (
	"database/sql"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tradeclock/tradeclock"
	"github.com/tradeclock/tradeclock/internal/needs"
	"github.com/tradeclock/tradeclock/internal/pgtest"
)

// replicas are several processes of one name on one database.
type replicas struct {
	*world
	db     *sql.DB
	losses []loss
}

// loss is the end of a holder that could not resign its term.
type loss struct {
	term    int64
	at      time.Time
	expires time.Time // when the term was to end
	back    time.Time // when the holder was thawed, or zero
}

func newReplicas(t *testing.T, on database, processes int) *replicas {
	t.Helper()
	return startReplicas(newWorld(t, on, usualFactor), processes)
}

func startReplicas(w *world, processes int) *replicas {
	w.t.Helper()
	r := &replicas{world: w, db: database{w.config.Driver, w.config.DSN}.open(w.t)}
	r.start()
	r.holder(0)
	for range processes - 1 {
		r.start()
	}
	return r
}

// rounds is how often the tests below disturb the processes, unless
// TRADECLOCK_TEST_ROUNDS says another number.
func (r *replicas) rounds() int { return number(r.t, "TRADECLOCK_TEST_ROUNDS", 4) }

func TestReplicasWhoseHolderIsKilledOnPostgreSQL(t *testing.T) {
	testReplicasWhoseHolderIsKilled(t, newSchema(t), 3)
}

func TestReplicasWhoseHolderIsKilledOnSQLite(t *testing.T) {
	testReplicasWhoseHolderIsKilled(t, newFile(t), 2)
}

func testReplicasWhoseHolderIsKilled(t *testing.T, on database, processes int) {
	t.Parallel()
	r := newReplicas(t, on, processes)
	for range r.rounds() {
		r.moment(time.Minute)
		holder := r.holder(0)
		term := holder.term()
		holder.kill()
		r.lost(term)
		r.holder(term)
		r.start()
	}
	r.finish()
}

func TestReplicasWhoseHolderIsFrozenOnPostgreSQL(t *testing.T) {
	testReplicasWhoseHolderIsFrozen(t, newSchema(t), 3)
}

func TestReplicasWhoseHolderIsFrozenOnSQLite(t *testing.T) {
	testReplicasWhoseHolderIsFrozen(t, newFile(t), 2)
}

// A process that is frozen while it writes to a SQLite file keeps all others from
// writing, until it goes on. A server ends the transaction after three seconds, which
// are a minute on the clock of this test.
func testReplicasWhoseHolderIsFrozen(t *testing.T, on database, processes int) {
	t.Parallel()
	r := newReplicas(t, on, processes)
	for range r.rounds() {
		r.moment(time.Minute)
		holder := r.holder(0)
		term := holder.term()
		holder.freeze()
		r.lost(term)
		r.pass(tradeclock.DefaultTermLength + r.between(5*time.Second, time.Minute))
		r.thaw(holder)
	}
	r.finish()
}

func TestReplicasWhoseConnectionsAreCut(t *testing.T) {
	t.Parallel()
	r := newReplicas(t, database{"pgx", newServer(t).DSN()}, 2)
	cuts := 0
	for range 5 * r.rounds() {
		r.pass(r.between(0, 20*time.Second))
		cuts += r.cut()
	}
	r.finish()
	t.Logf("%d connections were cut", cuts)
}

func newServer(t *testing.T, settings ...string) *pgtest.Server {
	t.Helper()
	server, err := pgtest.New(settings...)
	needs.Met(t, err)
	t.Cleanup(func() { require.NoError(t, server.Close()) })
	return server
}

// cut cuts all connections to the server but its own, and returns their number.
func (r *replicas) cut() (cut int) {
	r.t.Helper()
	require.NoError(r.t, r.db.QueryRowContext(r.t.Context(), `
		SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
		WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()`).Scan(&cut))
	return cut
}

func TestReplicasWhoseServerRestarts(t *testing.T) {
	t.Parallel()
	server := newServer(t)
	r := newReplicas(t, database{"pgx", server.DSN()}, 2)
	stops := []func() error{server.Stop, server.Crash}
	for i := range r.rounds() {
		r.moment(time.Minute)
		require.NoError(t, stops[i%len(stops)]())
		r.pass(r.between(0, time.Minute))
		require.NoError(t, server.Start())
	}
	r.finish()
}

// lost keeps that the holder of a term has just been killed or frozen.
func (r *replicas) lost(term int64) {
	r.t.Helper()
	l := loss{term: term, at: r.clock.Now()}
	var expires string
	ask := func() error {
		return r.db.QueryRowContext(r.t.Context(), "SELECT expires_at FROM tradeclock_schedulers").Scan(&expires)
	}
	err := ask()
	for tries := 0; err != nil && tries < 30; tries++ { // a busy host takes no connection at times
		r.pass(time.Second)
		err = ask()
	}
	require.NoError(r.t, err)
	l.expires, err = time.Parse(time.RFC3339Nano, expires)
	require.NoError(r.t, err)
	r.losses = append(r.losses, l)
}

// thaw lets the holder go on that was lost last.
func (r *replicas) thaw(holder *process) {
	r.losses[len(r.losses)-1].back = r.clock.Now()
	holder.thaw()
}

// finish audits what the processes did, and tells how long the takeovers took.
func (r *replicas) finish() {
	r.t.Helper()
	r.world.finish(3 * time.Minute)
	r.tellTakeovers()
}

// tellTakeovers logs how long the takeovers took. A holder that was back before its
// term could be taken kept it.
func (r *replicas) tellTakeovers() {
	taken, kept := r.taken(), 0
	var afterEnd, afterLoss []time.Duration
	for _, l := range r.losses {
		at, ok := taken[l.term+1]
		if !ok || !l.back.IsZero() && at.After(l.back) {
			kept++
			continue
		}
		afterEnd = append(afterEnd, at.Sub(l.expires))
		afterLoss = append(afterLoss, at.Sub(l.at))
	}
	if len(afterEnd) > 0 {
		r.t.Logf("%d takeovers, %s after the end of the term (5s at most), and %s after the loss of the holder (its term and 5s at most); "+
			"%d frozen holders kept the term", len(afterEnd), spread(afterEnd), spread(afterLoss), kept)
	}
}

// spread returns the least, the middle and the longest of some durations.
func spread(all []time.Duration) string {
	slices.Sort(all)
	round := func(d time.Duration) time.Duration { return d.Round(10 * time.Millisecond) }
	return fmt.Sprintf("%v/%v/%v", round(all[0]), round(all[len(all)/2]), round(all[len(all)-1]))
}
