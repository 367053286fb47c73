package sqlstore_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tradeclock/tradeclock/sqlstore"
	"github.com/tradeclock/tradeclock/store"
)

// with returns the place with another parameter of its connections.
func (at place) with(parameter string) place {
	return place{at.driver, at.dsn + "&" + parameter}
}

// schema returns the name of the place's schema.
func (at place) schema(t *testing.T) string {
	t.Helper()
	return text(t, openDB(t, at), "SELECT current_schema()")
}

func TestTwoSchemasDoNotMeet(t *testing.T) {
	clock := newClock()
	one, other := openAt(t, newSchema(t), clock), openAt(t, newSchema(t), clock)
	for _, s := range []*sqlstore.Store{one, other} {
		assert.Equal(t, int64(1), lead(t, s, "a").Number)
	}
	_, err := one.PutSchedule(t.Context(), ops, schedule("buy_orders", "daily 09:01"))
	require.NoError(t, err)
	rows, err := other.Schedules(t.Context())
	require.NoError(t, err)
	assert.Empty(t, rows)
	assert.NotEqual(t, revision(t, one), revision(t, other))
}

func TestStoreKeepsToItsSchema(t *testing.T) {
	at, other := newSchema(t), newSchema(t)
	db := openDB(t, at)
	db.SetMaxOpenConns(1)
	s := openOn(t, db, newClock())
	openAt(t, other, newClock())
	_, err := db.ExecContext(t.Context(), "SET search_path TO "+other.schema(t))
	require.NoError(t, err)

	lead(t, s, "a")

	count := "SELECT count(*) FROM tradeclock_terms"
	assert.Equal(t, "1", text(t, openDB(t, at), count))
	assert.Equal(t, "0", text(t, openDB(t, other), count))
}

// TestSchemaWithAnyName uses names that must be quoted.
func TestSchemaWithAnyName(t *testing.T) {
	for _, odd := range []string{` "quoted", o'dd \ name`, "Über", ".b", "%s", strings.Repeat("x", 40)} {
		t.Run(odd, func(t *testing.T) {
			at := newSchema(t)
			db := openDB(t, at)
			db.SetMaxOpenConns(1)
			quoted := `"` + strings.ReplaceAll(at.schema(t)+odd, `"`, `""`) + `"`
			_, err := db.ExecContext(t.Context(), "CREATE SCHEMA "+quoted+"; SET search_path TO "+quoted)
			require.NoError(t, err)
			t.Cleanup(func() {
				_, err := db.Exec("SET client_min_messages TO warning; DROP SCHEMA " + quoted + " CASCADE")
				assert.NoError(t, err)
			})
			s := openOn(t, db, newClock())
			_, err = s.PutSchedule(t.Context(), ops, schedule("buy_orders", "daily 09:01"))
			require.NoError(t, err)
			before := revision(t, s)
			_, err = db.ExecContext(t.Context(), "SET search_path TO pg_catalog; UPDATE "+quoted+".tradeclock_schedules SET rule = 'daily 09:03'")
			require.NoError(t, err)

			assert.NotEqual(t, before, revision(t, s))
			assert.Equal(t, int64(2), only(t, s).Version)
		})
	}
}

// TestTwoSchemasOfOnePool lets two stores share a connection and the statements that
// are prepared on it.
func TestTwoSchemasOfOnePool(t *testing.T) {
	at, other := newSchema(t), newSchema(t)
	db := openDB(t, at)
	db.SetMaxOpenConns(1)
	stores := []*sqlstore.Store{openOn(t, db, newClock())}
	_, err := db.ExecContext(t.Context(), "SET search_path TO "+other.schema(t))
	require.NoError(t, err)
	stores = append(stores, openOn(t, db, newClock()))
	for _, task := range []string{"buy_orders", "sell_monitor", "analysis"} {
		for _, s := range stores {
			claims, err := s.Claim(t.Context(), lead(t, s, "a"), planned("a", task, 2))
			require.NoError(t, err)
			assert.Equal(t, 2, held(claims))
		}
	}
}

// TestRoleThatOnlyUsesTheTables makes each call in a role that has no right to make
// tables.
func TestRoleThatOnlyUsesTheTables(t *testing.T) {
	at := newSchema(t)
	openAt(t, at, newClock())
	schema := at.schema(t)
	db := openDB(t, at)
	db.SetMaxOpenConns(1)
	_, err := db.ExecContext(t.Context(), strings.ReplaceAll(`
		CREATE ROLE {schema};
		GRANT USAGE ON SCHEMA {schema} TO {schema};
		GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA {schema} TO {schema};
		SET ROLE {schema}`, "{schema}", schema))
	require.NoError(t, err)
	t.Cleanup(func() {
		_, err := db.Exec("RESET ROLE; DROP OWNED BY " + schema + "; DROP ROLE " + schema)
		assert.NoError(t, err)
	})
	s := openOn(t, db, newClock())
	for _, c := range storeCalls(store.Term{Scheduler: paper, Holder: "a", Number: 1}) {
		empty(t, db)
		prepare(t, s, newClock())
		_, err := c.call(t.Context(), s)
		assert.NoError(t, err, c.name)
	}
	_, err = db.ExecContext(t.Context(), "UPDATE tradeclock_schedules SET rule = 'daily 09:03'")
	assert.NoError(t, err)
}

// TestOpenByARoleThatMayMakeNoTables has a role that may only look at the schema.
func TestOpenByARoleThatMayMakeNoTables(t *testing.T) {
	at := newSchema(t)
	schema := at.schema(t)
	db := openDB(t, at)
	db.SetMaxOpenConns(1)
	_, err := db.ExecContext(t.Context(), strings.ReplaceAll(
		"CREATE ROLE {schema}; GRANT USAGE ON SCHEMA {schema} TO {schema}; SET ROLE {schema}", "{schema}", schema))
	require.NoError(t, err)
	t.Cleanup(func() {
		_, err := db.Exec("RESET ROLE; DROP OWNED BY " + schema + "; DROP ROLE " + schema)
		assert.NoError(t, err)
	})
	_, err = sqlstore.Open(t.Context(), db)
	assert.ErrorContains(t, err, "permission denied for schema "+schema)
	assert.ErrorContains(t, err, "the role needs USAGE")
}

// TestATemporaryTableHidesNoneOfTheStore makes a table that the server would look at
// first, as any role may that can connect.
func TestATemporaryTableHidesNoneOfTheStore(t *testing.T) {
	at := newSchema(t)
	db := openDB(t, at)
	db.SetMaxOpenConns(1)
	s := openOn(t, db, newClock())
	for _, table := range keptTables {
		_, err := db.ExecContext(t.Context(), "CREATE TEMPORARY TABLE tradeclock_"+table+" (scheduler TEXT)")
		require.NoError(t, err)
	}
	other := openDB(t, at)
	for _, c := range storeCalls(store.Term{Scheduler: paper, Holder: "a", Number: 1}) {
		empty(t, other)
		prepare(t, s, newClock())
		_, err := c.call(t.Context(), s)
		assert.NoError(t, err, c.name)
	}
}

// TestPreparedStatementThatIsGone does to a connection what a pooler does that hands out
// another one for each transaction.
func TestPreparedStatementThatIsGone(t *testing.T) {
	db := openDB(t, newSchema(t))
	db.SetMaxOpenConns(1)
	s := openOn(t, db, newClock())
	lead(t, s, "a")
	_, err := db.ExecContext(t.Context(), "DO $$ BEGIN EXECUTE 'DEALLOCATE ALL'; END $$")
	require.NoError(t, err)

	_, err = s.Lead(t.Context(), paper, "a", ttl, time.Time{})

	assert.ErrorContains(t, err, "lead paper: ")
	assert.ErrorContains(t, err, "Set default_query_exec_mode=exec")
}

// TestEditsWaitForEachOther holds an edit in its commit, while another one is made of
// what was there before.
func TestEditsWaitForEachOther(t *testing.T) {
	priority := 7
	update := func(ctx context.Context, s *sqlstore.Store) error {
		_, err := s.UpdateSchedule(ctx, ops, "", "buy_orders", 1, store.ScheduleEdit{Priority: &priority})
		return err
	}
	tests := []struct {
		name        string
		first, next func(ctx context.Context, s *sqlstore.Store) error
		refused     error
	}{
		{"two of one row", update, update, new(store.ConflictError)},
		{"a row that is deleted, and one that comes after it",
			func(ctx context.Context, s *sqlstore.Store) error {
				return s.DeleteSchedule(ctx, ops, "", "buy_orders")
			},
			func(ctx context.Context, s *sqlstore.Store) error {
				_, err := s.PutSchedule(ctx, ops, schedule("report", "after buy_orders 5m"))
				return err
			}, new(store.QuarantineError)},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			at := newSchema(t)
			db, all := openWires(t, at)
			first, next := openOn(t, db, newClock()), openAt(t, at.with("application_name="+at.schema(t)), newClock())
			_, err := first.PutSchedule(t.Context(), ops, schedule("buy_orders", "daily 09:01"))
			require.NoError(t, err)
			reached, release := all.holdCommit()
			go test.first(t.Context(), first) // whose answer is lost
			<-reached
			edited := make(chan error)
			go func() { edited <- test.next(t.Context(), next) }()
			admin := openDB(t, at)
			require.Eventually(t, func() bool { return waiting(t, admin) }, 20*time.Second, time.Millisecond)
			close(release)

			err = <-edited
			require.Error(t, err)
			assert.IsType(t, test.refused, errors.Unwrap(err))
		})
	}
}

// TestHandEditFromAnotherSearchPath edits the tables by their full name.
func TestHandEditFromAnotherSearchPath(t *testing.T) {
	at, elsewhere := newSchema(t), newSchema(t)
	s := openAt(t, at, newClock())
	_, err := s.PutSchedule(t.Context(), ops, schedule("buy_orders", "daily 09:01"))
	require.NoError(t, err)
	before := revision(t, s)

	byHand(t, elsewhere, "UPDATE "+at.schema(t)+".tradeclock_schedules SET rule = 'daily 09:03'")

	assert.NotEqual(t, before, revision(t, s))
	assert.Equal(t, int64(2), only(t, s).Version)
}

func TestEmptiedSchedulesChangeTheRevision(t *testing.T) {
	at := newSchema(t)
	s := openAt(t, at, newClock())
	before := revision(t, s)
	byHand(t, at, "TRUNCATE tradeclock_schedules")
	assert.NotEqual(t, before, revision(t, s))
	_, err := s.Changes(t.Context(), before)
	assert.ErrorIs(t, err, store.ErrRevisionUnknown)
}

// TestServiceKeepsItsConnections shares a pool of one connection with the store.
func TestServiceKeepsItsConnections(t *testing.T) {
	db := openDB(t, newSchema(t))
	db.SetMaxOpenConns(1)
	settings := func() (all string) {
		return text(t, db, "SELECT coalesce(string_agg(name || '=' || setting, ' '), '') FROM pg_settings WHERE source = 'session'")
	}
	before := settings()
	s := openOn(t, db, newClock())
	lead(t, s, "a")
	_, err := s.Lead(t.Context(), paper, "b", ttl, time.Time{})
	require.Error(t, err)
	_, err = s.Halts(t.Context(), paper)
	require.NoError(t, err)

	assert.Equal(t, before, settings())
}

// TestClaimIsDurableWhateverTheService lets the service's connections have
// defaults of which none may hold for a claim.
func TestClaimIsDurableWhateverTheService(t *testing.T) {
	at := newSchema(t).with("synchronous_commit=off").with("default_transaction_isolation=serializable")
	openAt(t, at, newClock())
	byHand(t, at, `
		CREATE TABLE seen (durable TEXT, isolation TEXT, plans TEXT);
		CREATE FUNCTION see() RETURNS trigger LANGUAGE plpgsql AS $$
		BEGIN
			INSERT INTO seen VALUES (current_setting('synchronous_commit'), current_setting('transaction_isolation'), current_setting('plan_cache_mode'));
			RETURN NEW;
		END $$;
		CREATE TRIGGER see BEFORE INSERT ON tradeclock_runs FOR EACH ROW EXECUTE FUNCTION see()`)
	s := openAt(t, at, newClock())

	_, err := s.Claim(t.Context(), lead(t, s, "a"), planned("a", "buy_orders", 1))

	require.NoError(t, err)
	assert.Equal(t, "on, read committed, force_custom_plan", text(t, openDB(t, at), "SELECT concat_ws(', ', durable, isolation, plans) FROM seen"))
}

// TestEveryModeOfTheDriver uses each way in which pgx hands over a statement: a
// connection pooler between may not know prepared statements.
func TestEveryModeOfTheDriver(t *testing.T) {
	for _, mode := range []string{"cache_statement", "cache_describe", "describe_exec", "exec", "simple_protocol"} {
		t.Run(mode, func(t *testing.T) {
			s := openAt(t, newSchema(t).with("default_query_exec_mode="+mode), newClock())
			term := lead(t, s, "a")
			require.NoError(t, s.Enroll(t.Context(), term, []store.Enrolment{{Account: "42", From: opening}}))
			runs := planned("a", "sell_monitor", 20)
			claims, err := s.Claim(t.Context(), term, runs)
			require.NoError(t, err)
			assert.Equal(t, 20, held(claims))
			results, err := s.Settle(t.Context(), ended(runs, store.Interrupted))
			require.NoError(t, err)
			assert.Equal(t, 20, accepted(results))
			again := runs[3]
			again.Token = "another"
			claim, err := s.Reclaim(t.Context(), term, runs[3].Token, again)
			require.NoError(t, err)
			assert.True(t, claim.Held)
			require.NoError(t, s.Record(t.Context(), term, nil, opening.Add(30*24*time.Hour)))
			removed, err := s.Prune(t.Context(), paper, opening.Add(20*24*time.Hour))
			require.NoError(t, err)
			assert.Equal(t, 19, removed)
			_, err = s.PutSchedule(t.Context(), ops, schedule("buy_orders", "daily 09:01"))
			require.NoError(t, err)
			require.NoError(t, s.Halt(t.Context(), store.Halt{Scheduler: paper, Reason: "o'clock \\ \"stop\"", Actor: "Ana"}))
			require.NoError(t, s.Beat(t.Context(), store.Heartbeat{Scheduler: paper, Term: 1}))
			left, err := s.Runs(t.Context(), store.Query{Scheduler: paper, Limit: 5})
			require.NoError(t, err)
			assert.Len(t, left, 1)
		})
	}
}

// TestTimeOfTheServer opens a store without a clock of its own. The server's time
// has microseconds, and the host's nanoseconds.
func TestTimeOfTheServer(t *testing.T) {
	at := newSchema(t)
	db := openDB(t, at)
	s, err := sqlstore.Open(t.Context(), db)
	require.NoError(t, err)
	lead(t, s, "a")
	require.NoError(t, s.Beat(t.Context(), store.Heartbeat{Scheduler: paper}))

	_, err = s.Lead(t.Context(), paper, "b", ttl, time.Time{})
	var loss *store.HeldError
	require.ErrorAs(t, err, &loss)
	assert.LessOrEqual(t, loss.Left, ttl)
	assert.Equal(t, "1", text(t, db, `
		SELECT count(*) FROM tradeclock_terms
		WHERE taken_at LIKE '%000Z' AND CAST(taken_at AS TIMESTAMPTZ) BETWEEN now() - interval '1 hour' AND now()`))

	byHand(t, at, "UPDATE tradeclock_schedulers SET expires_at = '2026-01-02T03:04:05.000000000Z'")
	term, err := s.Lead(t.Context(), paper, "b", ttl, time.Time{})
	require.NoError(t, err)
	assert.Equal(t, int64(2), term.Number)
	beats, err := s.Heartbeats(t.Context(), paper)
	require.NoError(t, err)
	assert.GreaterOrEqual(t, beats[0].Age, time.Duration(0))
}

func TestOpenRefusesAServer(t *testing.T) {
	paths := []struct{ path, want string }{
		{"nowhere", `"nowhere", names no schema that exists and that the role may use: CREATE SCHEMA nowhere AUTHORIZATION `},
		{"nowhere,neither", `"nowhere,neither", names no schema that exists and that the role may use: CREATE SCHEMA tradeclock AUTHORIZATION `},
		{"pg_temp", "is a schema of the server's own"},
	}
	for _, test := range paths {
		t.Run("with the search_path "+test.path, func(t *testing.T) {
			_, err := sqlstore.Open(t.Context(), openDB(t, newSchema(t).with("search_path="+test.path)))
			assert.ErrorContains(t, err, "open the tradeclock store: the search_path of the connection")
			assert.ErrorContains(t, err, test.want)
		})
	}
	t.Run("that cannot be reached", func(t *testing.T) {
		_, err := sqlstore.Open(t.Context(), openDB(t, place{"pgx", "postgres:///postgres?host=" + t.TempDir()}))
		assert.ErrorContains(t, err, "failed to connect")
		assert.NotContains(t, err.Error(), "neither")
	})
}

// TestWhatIsTriedAgain lets the server fail the first insert of a run with each
// of some errors.
func TestWhatIsTriedAgain(t *testing.T) {
	tests := []struct {
		code, what string
		attempts   int
	}{
		{"40001", "a serialisation failure", 2},
		{"40P01", "a deadlock", 2},
		{"57014", "a statement that took too long", 1},
		{"53100", "a full disk", 1},
		{"55P03", "a lock that was not to be had", 1},
		{"23514", "a constraint", 1},
	}
	for _, test := range tests {
		t.Run(test.what, func(t *testing.T) {
			at := newSchema(t)
			s := openAt(t, at, newClock())
			// A sequence counts on when its transaction is undone.
			byHand(t, at, strings.ReplaceAll(`
				CREATE SEQUENCE inserts;
				CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
				BEGIN
					IF nextval('inserts') = 1 THEN
						RAISE EXCEPTION 'as the test wants' USING ERRCODE = '{code}';
					END IF;
					RETURN NEW;
				END $$;
				CREATE TRIGGER fail BEFORE INSERT ON tradeclock_runs FOR EACH ROW EXECUTE FUNCTION fail()`, "{code}", test.code))
			term, runs := lead(t, s, "a"), planned("a", "buy_orders", 1)

			claims, err := s.Claim(t.Context(), term, runs)

			if test.attempts == 1 {
				require.ErrorContains(t, err, "claim runs: ")
				require.ErrorContains(t, err, test.code)
				claims, err = s.Claim(t.Context(), term, runs)
			}
			require.NoError(t, err)
			assert.Equal(t, 1, held(claims))
			assert.Equal(t, "2", text(t, openDB(t, at), "SELECT last_value FROM inserts"))
		})
	}
}

// TestStatementTimeout waits for a lock that a person holds longer than the
// service's statements may take.
func TestStatementTimeout(t *testing.T) {
	at := newSchema(t)
	s := openAt(t, at.with("statement_timeout=100"), newClock())
	term, runs := lead(t, s, "a"), planned("a", "buy_orders", 2)
	person, err := openDB(t, at).BeginTx(t.Context(), nil)
	require.NoError(t, err)
	defer person.Rollback()
	_, err = person.Exec("UPDATE tradeclock_schedulers SET holder = holder")
	require.NoError(t, err)

	_, err = s.Claim(t.Context(), term, runs)
	require.ErrorContains(t, err, "statement timeout")

	require.NoError(t, person.Rollback())
	claims, err := s.Claim(t.Context(), term, runs)
	require.NoError(t, err)
	assert.Equal(t, 2, held(claims))
}

// TestPruneHoldsNoLongLock counts what each transaction removes, and claims while
// the rows of one are locked.
func TestPruneHoldsNoLongLock(t *testing.T) {
	at := newSchema(t)
	s := openAt(t, at, newClock())
	term, runs := lead(t, s, "a"), planned("a", "sell_monitor", 1700)
	_, err := s.Claim(t.Context(), term, runs)
	require.NoError(t, err)
	_, err = s.Settle(t.Context(), ended(runs, store.Succeeded))
	require.NoError(t, err)
	mark := runs[1699].Due.Add(store.MinRetention + time.Minute)
	require.NoError(t, s.Record(t.Context(), term, nil, mark))
	byHand(t, at, `
		CREATE TABLE removed (tx BIGINT);
		CREATE FUNCTION note_removed() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
		BEGIN
			INSERT INTO removed VALUES (txid_current());
			RETURN OLD;
		END $$;
		CREATE TRIGGER note_removed BEFORE DELETE ON tradeclock_runs FOR EACH ROW EXECUTE FUNCTION note_removed()`)
	reader, err := openDB(t, at).BeginTx(t.Context(), &sql.TxOptions{})
	require.NoError(t, err)
	defer reader.Rollback()
	_, err = reader.Exec("SELECT FROM tradeclock_runs WHERE slot = $1 FOR UPDATE", runs[1600].Slot)
	require.NoError(t, err)

	pruned := make(chan error)
	go func() {
		removed, err := s.Prune(t.Context(), paper, runs[1699].Due.Add(time.Minute))
		if err == nil && removed != 1700 {
			err = fmt.Errorf("%d were removed", removed)
		}
		pruned <- err
	}()
	db := openDB(t, at)
	require.Eventually(t, func() bool { return text(t, db, "SELECT count(*) FROM removed") == "1500" }, time.Minute, time.Millisecond)
	more := planned("b", "buy_orders", 1)
	more[0].Due = mark.Add(time.Minute)
	claims, err := openAt(t, at, newClock()).Claim(t.Context(), term, more)
	require.NoError(t, err)
	assert.Equal(t, 1, held(claims), "while Prune waits in the midst of its last rows")

	require.NoError(t, reader.Rollback())
	require.NoError(t, <-pruned)
	assert.Equal(t, "500", text(t, db, "SELECT max(n) FROM (SELECT count(*) AS n FROM removed GROUP BY tx) AS counts"))
}

// TestPruneGoesOnAfterARowThatIsClaimedAgain lets a person claim a row again that
// Prune is about to remove. It is left, and those after it are removed.
func TestPruneGoesOnAfterARowThatIsClaimedAgain(t *testing.T) {
	at := newSchema(t)
	s := openAt(t, at.with("application_name="+at.schema(t)), newClock())
	term, runs := lead(t, s, "a"), planned("a", "sell_monitor", 1200)
	_, err := s.Claim(t.Context(), term, runs)
	require.NoError(t, err)
	_, err = s.Settle(t.Context(), ended(runs, store.Interrupted))
	require.NoError(t, err)
	require.NoError(t, s.Record(t.Context(), term, nil, runs[1199].Due.Add(store.MinRetention+time.Minute)))
	person, err := openDB(t, at).BeginTx(t.Context(), nil)
	require.NoError(t, err)
	defer person.Rollback()
	_, err = person.Exec("UPDATE tradeclock_runs SET outcome = 'running' WHERE slot = $1", runs[100].Slot)
	require.NoError(t, err)

	pruned := make(chan error)
	go func() {
		removed, err := s.Prune(t.Context(), paper, runs[1199].Due.Add(time.Minute))
		if err == nil && removed != 1199 {
			err = fmt.Errorf("%d were removed", removed)
		}
		pruned <- err
	}()
	db := openDB(t, at)
	require.Eventually(t, func() bool { return waiting(t, db) }, time.Minute, time.Millisecond)
	require.NoError(t, person.Commit())

	require.NoError(t, <-pruned)
	left, err := s.Runs(t.Context(), store.Query{})
	require.NoError(t, err)
	require.Len(t, left, 1)
	assert.Equal(t, runs[100].Slot, left[0].Slot)
}

// waiting reports whether a connection that has the name of the current schema
// waits for a lock.
func waiting(t *testing.T, db *sql.DB) bool {
	return text(t, db, `
		SELECT count(*) FROM pg_stat_activity
		WHERE application_name = current_schema() AND wait_event_type = 'Lock'`) == "1"
}

// TestSchemaThatIsRenamed sets a schema aside, as before a backup is restored in
// its place.
func TestSchemaThatIsRenamed(t *testing.T) {
	at := newSchema(t)
	schema := at.schema(t)
	_, err := openAt(t, at, newClock()).PutSchedule(t.Context(), ops, schedule("buy_orders", "daily 09:01"))
	require.NoError(t, err)
	byHand(t, at, "ALTER SCHEMA "+schema+" RENAME TO "+schema+"_aside; CREATE SCHEMA "+schema)
	t.Cleanup(func() {
		_, err := openDB(t, at).Exec("SET client_min_messages TO warning; DROP SCHEMA " + schema + "_aside CASCADE")
		assert.NoError(t, err)
	})
	openAt(t, at, newClock())
	aside := openAt(t, at.with("search_path="+schema+"_aside"), newClock())
	before := revision(t, aside)

	byHand(t, at, "UPDATE "+schema+"_aside.tradeclock_schedules SET rule = 'daily 09:03'")

	assert.NotEqual(t, before, revision(t, aside))
	assert.Equal(t, "daily 09:03", only(t, aside).Rule.String())
	assert.Equal(t, "0", text(t, openDB(t, at), "SELECT revision FROM tradeclock_schedule_revision"))
}
