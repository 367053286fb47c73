package main

import (
	"database/sql"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tradeclock/tradeclock"
	"github.com/tradeclock/tradeclock/examples/internal/desk"
	"github.com/tradeclock/tradeclock/internal/needs"
	"github.com/tradeclock/tradeclock/internal/pgtest"
	"github.com/tradeclock/tradeclock/request"
	"github.com/tradeclock/tradeclock/rule"
	"github.com/tradeclock/tradeclock/sqlstore"
	"github.com/tradeclock/tradeclock/store"
	"github.com/tradeclock/tradeclock/trading"
)

func TestMain(m *testing.M) {
	code := m.Run()
	if err := pgtest.CloseShared(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

// newSchema returns the address of an empty schema on a PostgreSQL server.
func newSchema(t *testing.T) string {
	t.Helper()
	dsn, schema, err := pgtest.Shared()
	needs.Met(t, err)
	db, err := sql.Open("pgx", dsn)
	require.NoError(t, err)
	defer db.Close()
	_, err = db.ExecContext(t.Context(), "CREATE SCHEMA "+schema)
	require.NoError(t, err)
	return dsn
}

// onPostgreSQL returns what opens a schema, as each replica does for itself.
func onPostgreSQL(t *testing.T) func() *sql.DB {
	t.Helper()
	dsn := newSchema(t)
	return func() *sql.DB { return opened(t, dsn) }
}

// onSQLite returns what opens a file.
func onSQLite(t *testing.T) func() *sql.DB {
	t.Helper()
	file := filepath.Join(t.TempDir(), "realtrading.db")
	return func() *sql.DB { return opened(t, file) }
}

func opened(t *testing.T, name string) *sql.DB {
	t.Helper()
	db, err := openDatabase(t.Context(), name)
	require.NoError(t, err)
	t.Cleanup(func() { db.Close() })
	return db
}

// storeRows stores the rows of the schedules, some with another rule, before a replica
// would.
func storeRows(t *testing.T, st *sqlstore.Store, rules map[string]string) {
	t.Helper()
	for _, row := range schedules() {
		if text, changed := rules[row.Task]; changed {
			row.Rule = rule.MustParse(text)
		}
		_, err := st.PutSchedule(t.Context(), store.By{Actor: "ops", Reason: "a test"}, row)
		require.NoError(t, err)
	}
}

func TestBadOptionsAreNamed(t *testing.T) {
	for _, c := range []struct{ args, want string }{
		{"-accounts ,", "-accounts names none"},
		{"halt", "halt needs a reason"},
		{"stop", `unknown command "stop"`},
		{"audit now", `unexpected argument "now"`},
		{"-nonsense", "nonsense"},
		{"audit -db none/none.db", "none/none.db"},
		{"halt -db postgres://nobody@127.0.0.1:1/none?connect_timeout=1 a reason", "open the database"},
	} {
		t.Run(c.args, func(t *testing.T) {
			t.Parallel()
			err := run(t.Context(), strings.Fields(c.args), io.Discard, io.Discard)

			assert.ErrorContains(t, err, c.want)
		})
	}
}

func TestHelpListsTheCommands(t *testing.T) {
	var stderr strings.Builder

	require.ErrorIs(t, run(t.Context(), []string{"-h"}, io.Discard, &stderr), flag.ErrHelp)

	for command := range commands {
		assert.Contains(t, stderr.String(), "realtrading "+command)
	}
	assert.Contains(t, stderr.String(), "-listen")
}

func TestReplicasMayStartAtOnce(t *testing.T) {
	openDB := onPostgreSQL(t)
	var dbs []*sql.DB
	for range 12 {
		dbs = append(dbs, openDB())
	}
	errs := make(chan error)
	for _, db := range dbs {
		go func() {
			_, err := desk.OpenPicks(t.Context(), db) // sqlstore has tests of its own
			errs <- err
		}()
	}
	for range dbs {
		assert.NoError(t, <-errs)
	}
}

// TestTheKillSwitchNeedsNoBroker halts an account that was served once, while neither a
// replica nor the broker is there.
func TestTheKillSwitchNeedsNoBroker(t *testing.T) {
	file := filepath.Join(t.TempDir(), "realtrading.db")
	st, err := sqlstore.Open(t.Context(), opened(t, file))
	require.NoError(t, err)
	term, err := st.Lead(t.Context(), schedulerName, "a replica of yesterday", time.Minute, time.Time{})
	require.NoError(t, err)
	require.NoError(t, st.Enroll(t.Context(), term, []store.Enrolment{{Account: "alice", From: realClock.Now()}}))
	var out strings.Builder
	command := func(args ...string) error {
		return run(t.Context(), append([]string{args[0], "-db", file, "-broker", "http://127.0.0.1:1", "-actor", "ann"}, args[1:]...), &out, io.Discard)
	}

	require.NoError(t, command("halt", "-account", "alice", "-cancel", "she", "asked"))
	require.ErrorIs(t, command("halt", "-account", "alcie", "she asked"), tradeclock.ErrUnknownAccount)
	halts, err := st.Halts(t.Context(), schedulerName)
	require.NoError(t, err)
	require.Len(t, halts, 1)
	assert.Equal(t, "alice", halts[0].Account)
	assert.Equal(t, "she asked", halts[0].Reason)
	assert.Equal(t, "ann", halts[0].Actor)
	asked, err := st.Take(t.Context(), term)
	require.NoError(t, err)
	require.Len(t, asked, 1)
	assert.Equal(t, request.Cancel, asked[0].Kind)
	assert.Equal(t, "alice", asked[0].Account)

	require.NoError(t, command("lift", "-account", "alice"))
	halts, err = st.Halts(t.Context(), schedulerName)
	require.NoError(t, err)
	assert.Empty(t, halts)
	assert.Equal(t, "halted alice: she asked\nthe active replica is asked to end what runs\nlifted the halt of alice\n", out.String())
}

func TestHealthIsThatOfTheHeartbeat(t *testing.T) {
	d := newDay(t, monday, onSQLite(t))
	d.start()
	d.until(d.opening.Add(-15*time.Minute + step))
	ask := func() (int, tradeclock.Heartbeat) {
		answer := httptest.NewRecorder()
		d.replicas[0].handler().ServeHTTP(answer, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/healthz", nil))
		var beat tradeclock.Heartbeat
		require.NoError(t, json.Unmarshal(answer.Body.Bytes(), &beat))
		return answer.Code, beat
	}

	status, beat := ask()
	assert.Equal(t, http.StatusOK, status)
	assert.Equal(t, int64(1), beat.Term)
	require.NoError(t, d.replicas[0].store.DeleteSchedule(t.Context(), store.By{Actor: "ops", Reason: "a test"}, "", trading.TaskBuyOrders))
	d.until(d.opening.Add(-13 * time.Minute))

	status, beat = ask()
	assert.Equal(t, http.StatusServiceUnavailable, status)
	assert.Contains(t, strings.Join(beat.Degraded, "\n"), trading.TaskBuyOrders)
	d.end()
}

func TestTheDashboardIsMounted(t *testing.T) {
	d := newDay(t, monday, onSQLite(t))
	d.start()
	d.until(d.opening.Add(-15*time.Minute + step))
	ask := func(method, path string, form url.Values, from string) (int, string) {
		answer := httptest.NewRecorder()
		r := httptest.NewRequestWithContext(t.Context(), method, path, strings.NewReader(form.Encode()))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.RemoteAddr, r.Host = from, "127.0.0.1:8901"
		d.replicas[0].handler().ServeHTTP(answer, r)
		return answer.Code, answer.Body.String()
	}

	status, page := ask(http.MethodGet, "/tradeclock/?account=alice", nil, "127.0.0.1:5000")
	assert.Equal(t, http.StatusOK, status)
	assert.Contains(t, page, trading.TaskBuyOrders)
	status, _ = ask(http.MethodPost, "/tradeclock/halts", url.Values{"do": {"halt"}, "account": {"alice"}, "reason": {"she asked"}}, "127.0.0.1:5000")
	assert.Equal(t, http.StatusSeeOther, status)
	halts, err := d.replicas[0].store.Halts(t.Context(), schedulerName)
	require.NoError(t, err)
	require.Len(t, halts, 1)
	assert.Equal(t, "alice", halts[0].Account)
	status, _ = ask(http.MethodGet, "/tradeclock/", nil, "10.1.2.3:5000")
	assert.Equal(t, http.StatusForbidden, status, "another machine")
	d.end()
}
