package sqlstore_test

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/jonboulle/clockwork"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tradeclock/tradeclock/calendar"
	"github.com/tradeclock/tradeclock/sqlstore"
	"github.com/tradeclock/tradeclock/store"
)

// wires are the connections of a pool, of which a test cuts one at a message of
// the client's that it chooses.
type wires struct {
	mu   sync.Mutex
	left int    // messages up to the one at which it is cut; 0 means never
	with string // of those, only messages that have this text are counted
	cut  func(*wire, []byte) error
}

type wire struct {
	net.Conn
	all *wires
	// heard is set when no answer reaches the client any more, and is called when
	// one came since.
	heard atomic.Pointer[func()]
}

func (w *wire) Write(message []byte) (int, error) {
	if cut := w.all.next(message); cut != nil {
		return 0, errors.Join(net.ErrClosed, cut(w, message), w.Conn.Close())
	}
	return w.Conn.Write(message)
}

func (w *wire) Read(answer []byte) (int, error) {
	n, err := w.Conn.Read(answer)
	if heard := w.heard.Load(); heard != nil {
		(*heard)()
		return 0, net.ErrClosed
	}
	return n, err
}

// next counts a message, and returns the cut if it is the chosen one.
func (w *wires) next(message []byte) func(*wire, []byte) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.left == 0 || !bytes.Contains(message, []byte(w.with)) {
		return nil
	}
	if w.left--; w.left > 0 {
		return nil
	}
	return w.cut
}

// cutAt chooses the n-th message from now on.
func (w *wires) cutAt(n int, cut func(*wire, []byte) error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.left, w.with, w.cut = n, "", cut
}

// holdCommit holds the next commit on its way, and hands it over when release is
// closed, whether the connection still lives or not. It closes reached when it has
// come.
func (w *wires) holdCommit() (reached, release chan struct{}) {
	reached, release = make(chan struct{}), make(chan struct{})
	w.mu.Lock()
	defer w.mu.Unlock()
	w.left, w.with, w.cut = 1, "COMMIT\x00", func(w *wire, message []byte) error {
		close(reached)
		<-release
		return answerLost(w, message)
	}
	return reached, release
}

// spared reports whether the chosen message has not come, and gives up on it.
func (w *wires) spared() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	spared := w.left > 0
	w.left = 0
	return spared
}

// openWires returns a pool over wires.
func openWires(t *testing.T, at place) (*sql.DB, *wires) {
	t.Helper()
	config, err := pgx.ParseConfig(at.dsn)
	require.NoError(t, err)
	all := &wires{}
	dial := config.DialFunc
	config.DialFunc = func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := dial(ctx, network, address)
		return &wire{Conn: conn, all: all}, err
	}
	db := stdlib.OpenDB(*config)
	t.Cleanup(func() { assert.NoError(t, db.Close()) })
	return db, all
}

// The ways in which a connection is cut.

func unsent(*wire, []byte) error { return nil }

// answerLost lets the server do what it was asked to, and takes its answer away.
func answerLost(w *wire, message []byte) error {
	answered := make(chan struct{})
	heard := sync.OnceFunc(func() { close(answered) })
	w.heard.Store(&heard)
	_, err := w.Conn.Write(message)
	go w.Read(make([]byte, 1<<16)) // pgx reads by itself only while a message takes long
	<-answered
	return err
}

// terminated lets an administrator end the connection.
func terminated(t *testing.T, admin *sql.DB) func(*wire, []byte) error {
	const others = "FROM pg_stat_activity WHERE application_name = current_setting('search_path')"
	return func(*wire, []byte) error {
		_, err := admin.ExecContext(t.Context(), "SELECT pg_terminate_backend(pid) "+others)
		for left := 1; left > 0 && err == nil; {
			err = admin.QueryRowContext(t.Context(), "SELECT count(*) "+others).Scan(&left)
		}
		return err
	}
}

// storeCall is a call of a store, with what it answers.
type storeCall struct {
	name string
	call func(ctx context.Context, s *sqlstore.Store) (any, error)
	// once is true for a call that is not made again if nobody knows whether it was
	// stored: it says so then.
	once bool
	// reads is true for a call that does nothing else.
	reads bool
}

// rowsOf are the runs of the scenario: two are claimed, one of which is settled,
// one is free, and one was missed.
var rowsOf = planned("a", "sell_monitor", 4)

func prepare(t *testing.T, s *sqlstore.Store, clock *clockwork.FakeClock) store.Term {
	t.Helper()
	term := lead(t, s, "a")
	require.NoError(t, s.Enroll(t.Context(), term, []store.Enrolment{{Account: "42", From: opening}, {Account: "7", From: opening}}))
	_, err := s.Claim(t.Context(), term, rowsOf[:2])
	require.NoError(t, err)
	_, err = s.Settle(t.Context(), ended(rowsOf[:1], store.Interrupted))
	require.NoError(t, err)
	missed := ended(rowsOf[3:], store.Missed)
	missed[0].Started, missed[0].Token = time.Time{}, ""
	require.NoError(t, s.Record(t.Context(), term, missed, time.Time{}))
	_, err = s.PutSchedule(t.Context(), ops, schedule("buy_orders", "daily 09:01"))
	require.NoError(t, err)
	require.NoError(t, s.Halt(t.Context(), store.Halt{Scheduler: paper, Account: "7", At: opening}))
	return term
}

func storeCalls(term store.Term) []storeCall {
	type (
		Ctx   = context.Context
		Store = *sqlstore.Store
	)
	again := rowsOf[0]
	again.Token = "again"
	missed := ended(rowsOf[2:3], store.Missed)
	missed[0].Started, missed[0].Token = time.Time{}, ""
	halt := store.Halt{Scheduler: paper, Account: "42", Reason: "stop", At: opening}
	priority := 7
	skip := store.Override{
		Scheduler: paper, Account: "42", Task: "buy_orders", Slot: "2026-11-24", Session: calendar.Date{Year: 2026, Month: 11, Day: 24},
		Actor: "Ana", Reason: "audit", Made: opening,
	}
	return []storeCall{
		{"Lead", func(ctx Ctx, s Store) (any, error) { return s.Lead(ctx, paper, "a", time.Minute, time.Time{}) }, false, false},
		{"Lead of a new name", func(ctx Ctx, s Store) (any, error) { return s.Lead(ctx, "real", "b", time.Minute, time.Time{}) }, false, false},
		{"Resign", func(ctx Ctx, s Store) (any, error) { return nil, s.Resign(ctx, term) }, false, false},
		{"Resume", func(ctx Ctx, s Store) (any, error) { return s.Resume(ctx, term) }, false, true},
		{"Enroll", func(ctx Ctx, s Store) (any, error) {
			return nil, s.Enroll(ctx, term, []store.Enrolment{{Account: "43", From: opening}})
		}, false, false},
		{"Withdraw", func(ctx Ctx, s Store) (any, error) {
			return nil, s.Withdraw(ctx, term, store.Enrolment{Account: "42", From: opening, Withdrawn: opening})
		}, false, false},
		{"Claim", func(ctx Ctx, s Store) (any, error) { return s.Claim(ctx, term, rowsOf) }, false, false},
		{"Claim of what is free", func(ctx Ctx, s Store) (any, error) { return s.Claim(ctx, term, rowsOf[2:3]) }, false, false},
		{"Reclaim", func(ctx Ctx, s Store) (any, error) { return s.Reclaim(ctx, term, rowsOf[0].Token, again) }, false, false},
		{"Release", func(ctx Ctx, s Store) (any, error) { return nil, s.Release(ctx, term, rowsOf[:2]) }, false, false},
		{"Record", func(ctx Ctx, s Store) (any, error) { return nil, s.Record(ctx, term, missed, opening) }, false, false},
		{"Settle", func(ctx Ctx, s Store) (any, error) {
			return s.Settle(ctx, ended(rowsOf[1:3], store.Succeeded))
		}, false, false},
		{"Override", func(ctx Ctx, s Store) (any, error) { return nil, s.Override(ctx, term, skip) }, false, false},
		{"Revoke", func(ctx Ctx, s Store) (any, error) { return nil, s.Revoke(ctx, term, skip) }, false, false},
		{"Overrides", func(ctx Ctx, s Store) (any, error) {
			return s.Overrides(ctx, store.OverrideQuery{Scheduler: paper})
		}, false, true},
		{"Beat", func(ctx Ctx, s Store) (any, error) {
			return nil, s.Beat(ctx, store.Heartbeat{Scheduler: paper, Instance: "one"})
		}, false, false},
		{"Heartbeats", func(ctx Ctx, s Store) (any, error) { return s.Heartbeats(ctx, paper) }, false, true},
		{"Runs", func(ctx Ctx, s Store) (any, error) { return s.Runs(ctx, store.Query{Scheduler: paper}) }, false, true},
		{"Halts", func(ctx Ctx, s Store) (any, error) { return s.Halts(ctx, paper) }, false, true},
		{"Audit", func(ctx Ctx, s Store) (any, error) { return s.Audit(ctx, store.AuditQuery{Scheduler: paper}) }, false, true},
		{"Schedules", func(ctx Ctx, s Store) (any, error) { return s.Schedules(ctx) }, false, true},
		{"Revision", func(ctx Ctx, s Store) (any, error) { return s.Revision(ctx) }, false, true},
		{"Halt", func(ctx Ctx, s Store) (any, error) { return nil, s.Halt(ctx, halt) }, true, false},
		{"Lift", func(ctx Ctx, s Store) (any, error) {
			return nil, s.Lift(ctx, store.Halt{Scheduler: paper, Account: "7", At: opening})
		}, true, false},
		{"UpdateSchedule", func(ctx Ctx, s Store) (any, error) {
			return s.UpdateSchedule(ctx, ops, "", "buy_orders", 1, store.ScheduleEdit{Priority: &priority})
		}, true, false},
		{"DeleteSchedule", func(ctx Ctx, s Store) (any, error) { return nil, s.DeleteSchedule(ctx, ops, "", "buy_orders") }, true, false},
		{"ResetWatermark", func(ctx Ctx, s Store) (any, error) {
			return nil, s.ResetWatermark(ctx, term, time.Time{}, "wrong clock", "Ana")
		}, true, false},
	}
}

// everything returns all that is stored.
func everything(t *testing.T, db *sql.DB) string {
	t.Helper()
	query := "SELECT coalesce(string_agg(line, E'\n' ORDER BY line), '') FROM ("
	for i, table := range keptTables {
		if i > 0 {
			query += " UNION ALL "
		}
		query += fmt.Sprintf("SELECT concat('%s ', to_jsonb(r) - 'id') AS line FROM tradeclock_%s AS r", table, table)
	}
	return text(t, db, query+") AS lines")
}

var keptTables = []string{"schedules", "schedulers", "terms", "enrolments", "runs", "halts", "overrides", "audit", "heartbeats"}

func empty(t *testing.T, db *sql.DB) {
	t.Helper()
	statements := ""
	for _, table := range keptTables {
		statements += "DELETE FROM tradeclock_" + table + ";"
	}
	_, err := db.ExecContext(t.Context(), statements)
	require.NoError(t, err)
}

// TestConnectionCutInEachCall cuts the connection at each message of each call, in
// each way. The call is made to the end on another connection, with the result
// that it would have had, or it says that it does not know.
func TestConnectionCutInEachCall(t *testing.T) {
	calls := storeCalls(store.Term{Scheduler: paper, Holder: "a", Number: 1})
	for _, c := range calls {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			at := newSchema(t)
			admin, clock := openDB(t, at), newClock()
			db, all := openWires(t, at.with("application_name="+at.schema(t)))
			s := openOn(t, db, clock)
			ways := map[string]func(*wire, []byte) error{
				"unsent": unsent, "answer lost": answerLost, "terminated": terminated(t, admin),
			}

			prepare(t, s, clock)
			before := everything(t, admin)
			want, err := c.call(t.Context(), s)
			require.NoError(t, err)
			after := everything(t, admin)

			for way, cut := range ways {
				cuts := 0
				for n := 1; ; n++ {
					empty(t, admin)
					prepare(t, s, clock)
					all.cutAt(n, cut)
					got, err := c.call(t.Context(), s)
					if all.spared() {
						break
					}
					cuts++
					stored := everything(t, admin)
					if c.once && err != nil {
						assert.Contains(t, []string{before, after}, stored, "%s at message %d", way, n)
						continue
					}
					require.NoError(t, err, "%s at message %d", way, n)
					if c.reads { // some of it is of the scenario's own time
						want, err = c.call(t.Context(), s)
						require.NoError(t, err)
					}
					assert.Equal(t, want, got, "%s at message %d", way, n)
					assert.Equal(t, after, stored, "%s at message %d", way, n)
				}
				assert.GreaterOrEqual(t, cuts, 3, "it was cut at the beginning, in the midst and at the end")
			}
		})
	}
}

// TestConnectionCutWhileTheTablesAreMade cuts the connection at each message of
// Open. It succeeds or can be called again, and the tables are made once.
func TestConnectionCutWhileTheTablesAreMade(t *testing.T) {
	t.Parallel()
	for n := 1; ; n++ {
		at := newSchema(t)
		db, all := openWires(t, at)
		require.NoError(t, db.PingContext(t.Context()))
		all.cutAt(n, answerLost)
		_, err := sqlstore.Open(t.Context(), db)
		if all.spared() {
			require.NoError(t, err)
			require.Greater(t, n, 5)
			return
		}
		if err != nil {
			assert.ErrorContains(t, err, "open the tradeclock store: ")
		}
		assert.Equal(t, int64(1), lead(t, openAt(t, at, newClock()), "a").Number)
		assert.Equal(t, newestVersion(t, onPostgres), text(t, openDB(t, at), "SELECT string_agg(version::text, ',') FROM tradeclock_schema"))
	}
}

// TestFrozenHolderDoesNotKeepTheTerm freezes a process just before the commit of a
// claim, while it has the lock of the term's row. A standby takes over all the
// same, and when the process thaws its claim is refused.
func TestFrozenHolderDoesNotKeepTheTerm(t *testing.T) {
	t.Parallel()
	at, clock := newSchema(t), newClock()
	db, all := openWires(t, at)
	frozen, standby := openOn(t, db, clock), openAt(t, at, clock)
	old := lead(t, frozen, "a")
	reached, thaw := all.holdCommit()
	claimed := make(chan error)
	go func() {
		_, err := frozen.Claim(t.Context(), old, planned("a", "buy_orders", 1))
		claimed <- err
	}()
	<-reached
	clock.Advance(ttl)

	term := lead(t, standby, "b")

	assert.Equal(t, int64(2), term.Number)
	close(thaw)
	assert.ErrorIs(t, <-claimed, store.ErrDeposed)
	rows, err := standby.Runs(t.Context(), store.Query{})
	require.NoError(t, err)
	assert.Empty(t, rows)
}

// TestContextEndsInTheCommit ends the context of a claim while its commit is on its
// way. The next call, on another connection, finds who holds the run.
func TestContextEndsInTheCommit(t *testing.T) {
	t.Parallel()
	db, all := openWires(t, newSchema(t))
	db.SetMaxOpenConns(1)
	s := openOn(t, db, newClock())
	term, runs := lead(t, s, "a"), planned("a", "buy_orders", 1)
	ctx, cancel := context.WithCancel(t.Context())
	reached, release := all.holdCommit()
	claimed := make(chan error)
	go func() {
		_, err := s.Claim(ctx, term, runs)
		claimed <- err
	}()
	<-reached
	cancel()
	close(release)
	assert.Error(t, <-claimed)

	claims, err := s.Claim(t.Context(), term, runs)
	require.NoError(t, err)
	assert.Equal(t, 1, held(claims))
	claims, err = s.Claim(t.Context(), term, planned("b", "buy_orders", 1))
	require.NoError(t, err)
	assert.Equal(t, 0, held(claims), "it is held by another start")
}

// TestNextTermWaitsForAClaimUnderWay lets the term end while the commit of a claim
// is on its way. The commit comes in time, and so the next holder must see the run;
// the answer is lost, and so the claim is made again, and refused.
func TestNextTermWaitsForAClaimUnderWay(t *testing.T) {
	t.Parallel()
	at, clock := newSchema(t), newClock()
	db, all := openWires(t, at)
	holder, standby := openOn(t, db, clock), openAt(t, at.with("application_name="+at.schema(t)), clock)
	old := lead(t, holder, "a")
	reached, release := all.holdCommit()
	claimed, led := make(chan error), make(chan error)
	go func() {
		_, err := holder.Claim(t.Context(), old, planned("a", "buy_orders", 1))
		claimed <- err
	}()
	<-reached
	clock.Advance(ttl)
	go func() {
		_, err := standby.Lead(t.Context(), paper, "b", ttl, time.Time{})
		led <- err
	}()

	admin := openDB(t, at)
	require.Eventually(t, func() bool { return waiting(t, admin) }, 20*time.Second, time.Millisecond, "the next term waits for the claim")
	close(release)

	require.NoError(t, <-led)
	assert.ErrorIs(t, <-claimed, store.ErrDeposed)
	state, err := standby.Resume(t.Context(), store.Term{Scheduler: paper, Holder: "b", Number: 2})
	require.NoError(t, err)
	assert.Len(t, state.Unsettled, 1)
}
