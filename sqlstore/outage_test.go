package sqlstore_test

import (
	"context"
	"database/sql"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tradeclock/tradeclock"
	"github.com/tradeclock/tradeclock/sqlstore"
	"github.com/tradeclock/tradeclock/store"
	"github.com/tradeclock/tradeclock/tradeclocktest"
)

var errDisk = errors.New("disk I/O error")

// outage is what is wrong with a database for a while.
type outage struct {
	name string
	// begin makes it so, and heal ends it, unless it is nil. The pool has one
	// connection.
	begin func(t *testing.T, db *sql.DB, faults *tradeclocktest.Faulty)
	heal  func(t *testing.T, db *sql.DB)
	// report is what becomes of a run that is under way when it begins.
	report store.Outcome
}

func failing(ops ...tradeclocktest.Op) func(*testing.T, *sql.DB, *tradeclocktest.Faulty) {
	return func(_ *testing.T, _ *sql.DB, faults *tradeclocktest.Faulty) {
		for _, op := range ops {
			faults.Fail(op, errDisk)
		}
	}
}

func unanswered(op tradeclocktest.Op) func(*testing.T, *sql.DB, *tradeclocktest.Faulty) {
	return func(_ *testing.T, _ *sql.DB, faults *tradeclocktest.Faulty) { faults.LoseAnswer(op) }
}

var outages = []outage{
	{"claims fail", failing(tradeclocktest.OpClaim), nil, store.Succeeded},
	{"claims are not answered", unanswered(tradeclocktest.OpClaim), nil, store.Succeeded},
	{"settlements fail", failing(tradeclocktest.OpSettle), nil, store.Succeeded},
	{"settlements are not answered", unanswered(tradeclocktest.OpSettle), nil, store.Succeeded},
	{"records fail", failing(tradeclocktest.OpRecord), nil, store.Succeeded},
	{"records are not answered", unanswered(tradeclocktest.OpRecord), nil, store.Succeeded},
	{"nothing is answered", failing(
		tradeclocktest.OpSchedules, tradeclocktest.OpRevision, tradeclocktest.OpLead, tradeclocktest.OpHalts,
		tradeclocktest.OpClaim, tradeclocktest.OpReclaim, tradeclocktest.OpRelease, tradeclocktest.OpSettle, tradeclocktest.OpRecord,
	), nil, store.Interrupted}, // since another may hold the term meanwhile
}

var outagesOfFiles = []outage{
	{"the disk is full",
		func(t *testing.T, db *sql.DB, _ *tradeclocktest.Faulty) { limit(t, db, 1) },
		func(t *testing.T, db *sql.DB) { limit(t, db, 1_000_000) }, store.Succeeded},
	{"the file cannot be written",
		func(t *testing.T, db *sql.DB, _ *tradeclocktest.Faulty) { queryOnly(t, db, true) },
		func(t *testing.T, db *sql.DB) { queryOnly(t, db, false) }, store.Interrupted},
}

// queryOnly makes SQLite answer a write as it does for a file on a read-only disk.
func queryOnly(t *testing.T, db *sql.DB, on bool) {
	t.Helper()
	statement := "PRAGMA query_only = 0"
	if on {
		statement = "PRAGMA query_only = 1"
	}
	_, err := db.ExecContext(t.Context(), statement)
	require.NoError(t, err)
}

// TestDatabaseThatFails lets the database fail for eight minutes. What is delivered
// at least once goes on meanwhile, the orders wait, and when it is healed every
// outcome is stored.
func TestDatabaseThatFails(t *testing.T) { onEach(t, testDatabaseThatFails) }

func testDatabaseThatFails(t *testing.T, on database) {
	for _, out := range outages {
		t.Run(out.name, func(t *testing.T) {
			t.Parallel()
			out.rideOut(t, on.place(t))
		})
	}
}

func TestFileThatFails(t *testing.T) {
	for _, out := range outagesOfFiles {
		t.Run(out.name, func(t *testing.T) {
			t.Parallel()
			out.rideOut(t, newFile(t))
		})
	}
}

// rideOut lets a service live through the outage.
func (out outage) rideOut(t *testing.T, at place) {
	s := newServiceAt(t, at, today("09:10"))
	s.rec.Do("monitor", atLength(20*time.Second))
	s.rec.Do("report", atLength(3*time.Minute))
	s.rec.Do("buy_orders", atLength(time.Minute))
	db := openDB(t, at)
	db.SetMaxOpenConns(1)
	p := s.startOn(watched(t, s, db), nil)
	p.every(20*time.Second, today("09:20:20"))
	require.Empty(t, p.Status().Degraded)

	out.begin(t, db, p.faults)
	p.every(20*time.Second, today("09:27:20"))
	assert.NotEmpty(t, p.Status().Degraded, "what is wrong is told meanwhile")
	p.faults.Heal()
	if out.heal != nil {
		out.heal(t, db)
	}
	p.every(20*time.Second, today("09:34:40"))

	assert.Empty(t, p.Status().Degraded)
	became := s.accountedFor(watchedDue(today("09:34")))
	for o, outcome := range became {
		want := store.Succeeded
		if o.task == "report" {
			want = out.report
		}
		assert.Equal(t, want, outcome, "%s of %v", o.task, o.due)
	}
	assert.Equal(t, len(became), len(s.rec.Runs()), "nothing ran twice")
}

// atLength returns a task that takes a time and has much to tell.
func atLength(d time.Duration) func(context.Context, store.Run) error {
	return func(ctx context.Context, _ store.Run) error {
		tradeclock.Annotate(ctx, "log", strings.Repeat("page ", 2000))
		return tradeclock.Sleep(ctx, d)
	}
}

// watched returns a store with a monitor, which is idempotent, a report that is
// under way at 09:20, and orders that are due at 09:25.
func watched(t *testing.T, s *service, db *sql.DB) *sqlstore.Store {
	t.Helper()
	st, err := sqlstore.Open(t.Context(), db, sqlstore.WithClock(s.clock))
	require.NoError(t, err)
	monitor, report, orders := schedule("monitor", "every 1m 09:11-15:30"), schedule("report", "daily 09:19"), schedule("buy_orders", "daily 09:25")
	monitor.Delivery = store.AtLeastOnce
	orders.CatchUp = 10 * time.Minute
	_, err = st.SeedSchedules(t.Context(), monitor, report, orders)
	require.NoError(t, err)
	return st
}

func watchedDue(to time.Time) []occurrence {
	due := []occurrence{{"report", today("09:19")}, {"buy_orders", today("09:25")}}
	for at := today("09:11"); !at.After(to); at = at.Add(time.Minute) {
		due = append(due, occurrence{"monitor", at})
	}
	return due
}
