package sqlstore

import (
	"context"
	"database/sql"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	_ "modernc.org/sqlite"

	"github.com/tradeclock/tradeclock/internal/needs"
	"github.com/tradeclock/tradeclock/internal/pgtest"
	"github.com/tradeclock/tradeclock/store"
)

// A tick must not become slower as the ledger grows: no statement of one may read
// all runs, or all of a scheduler. Neither may those that prune beside it.

// ofATick are these statements, with arguments.
var ofATick = []struct {
	name, statement string
	args            []any
}{
	{"insertClaims", insertClaims, []any{"[]", "[]", "a", "b"}},
	{"insertPart", insertPart, append([]any{"[]"}, new(runRow).values()...)},
	{"anyRange", anyRange, []any{"paper", "1970-01-01T00:00:00Z"}},
	{"settlePart", settlePart, []any{"paper", "sell_monitor", "s", "[]", "succeeded", "", 1, "", "", 0, "running"}},
	{"answerClaims", answerClaims, []any{"[]", "[]"}},
	{"releaseClaims", releaseClaims, []any{"[]", "[]"}},
	{"restoreRows", restoreRows, []any{"[]", "[]", "armed"}},
	{"beginArmed", beginArmed, []any{"[]", "[]"}},
	{"replaced", replaced, []any{"paper", "s", "sell_monitor", "42", "a"}},
	{"recordedRanges", recordedRanges, []any{"[]", "[]"}},
	{"replaceClaim", replaceClaim, []any{"[]", "[]", "a"}},
	{"insertRecords", insertRecords, []any{"[]", "[]"}},
	{"settleRuns", settleRuns, []any{"[]", "[]", "running"}},
	{"answerSettled", answerSettled, []any{"[]", "[]"}},
	{"keepEvidence", keepEvidence, []any{"[]", "[]"}},
	{"selectUnsettled", selectUnsettled, []any{"paper", 7}},
	{"selectAhead", selectAhead, []any{"paper", "3", 7}},
	{"selectAheadOfReturned", selectAheadOfReturned, []any{"paper", "2", "3", 7}},
	{"removeSome", removeSome, []any{"paper", "1970-01-01T00:00:00Z", "1970-01-02T00:00:00Z", pruneBatch}},
}

func TestNoStatementOfATickScansTheRuns(t *testing.T) {
	s, err := OpenFile(t.Context(), "sqlite", filepath.Join(t.TempDir(), "tradeclock.db"))
	require.NoError(t, err)
	defer s.Close()
	conn, err := s.connect(t.Context())
	require.NoError(t, err)
	defer conn.Close()
	for _, tick := range ofATick {
		t.Run(tick.name, func(t *testing.T) {
			steps := 0
			err := s.each(t.Context(), conn, func(rows *sql.Rows) error {
				var id, parent, unused int
				var step string
				err := rows.Scan(&id, &parent, &unused, &step)
				assert.NotRegexp(t, `^SCAN (own|r|tradeclock_runs)\b`, step)
				assert.NotRegexp(t, `^SEARCH (own|r|tradeclock_runs)\b.*\(scheduler=\?\)$`, step)
				steps++
				return err
			}, "EXPLAIN QUERY PLAN "+tick.statement, tick.args...)
			require.NoError(t, err)
			assert.NotZero(t, steps)
		})
	}
}

// TestNoStatementOfATickScansTheRunsOfAServer looks at the plans for a table that
// was filled and never analysed, and for one that was analysed before an outage
// made the first ranges and resumed runs.
func TestNoStatementOfATickScansTheRunsOfAServer(t *testing.T) {
	s := filled(t, 10_000)
	t.Run("never analysed", func(t *testing.T) { planned(t, s) })
	_, err := s.db.ExecContext(t.Context(), "UPDATE tradeclock_runs SET outcome = 'succeeded'; ANALYZE tradeclock_runs")
	require.NoError(t, err)
	t.Run("analysed", func(t *testing.T) { planned(t, s) })
}

// planned checks the plan of each statement of a tick.
func planned(t *testing.T, s *Store) {
	for _, tick := range ofATick {
		t.Run(tick.name, func(t *testing.T) {
			plan := ""
			err := s.write(t.Context(), "explain", func(conn *sql.Conn) error {
				return s.each(t.Context(), conn, func(rows *sql.Rows) error {
					var line string
					err := rows.Scan(&line)
					plan += line + "\n"
					return err
				}, "EXPLAIN "+tick.statement, tick.args...)
			})
			require.NoError(t, err)
			assert.Contains(t, plan, "tradeclock_runs")
			assert.NotContains(t, plan, "Seq Scan on tradeclock_runs")
			assert.NotRegexp(t, `Index Cond: \(\(?scheduler = [^)]*\)$`, plan)
			for _, scan := range strings.Split(plan, " using tradeclock_runs_")[1:] {
				_, condition, _ := strings.Cut(scan, "\n")
				assert.Regexp(t, `^\s*Index Cond: `, condition, "it reads a whole index:\n%s", plan)
			}
		})
	}
}

// filled returns a store on a schema of a server, with n runs of one scheduler.
func filled(t *testing.T, n int) *Store {
	t.Helper()
	dsn, schema, err := pgtest.Shared()
	needs.Met(t, err)
	db, err := sql.Open("pgx", dsn)
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, db.Close()) })
	_, err = db.ExecContext(t.Context(), "CREATE SCHEMA "+schema)
	require.NoError(t, err)
	t.Cleanup(func() {
		_, err := db.ExecContext(context.Background(), "SET client_min_messages TO warning; DROP SCHEMA "+schema+" CASCADE")
		assert.NoError(t, err)
	})
	s, err := Open(t.Context(), db)
	require.NoError(t, err)
	// Pages that are mostly empty make the table as large as one of ten times the
	// rows, which is all that the server knows of it.
	_, err = db.ExecContext(t.Context(), "ALTER TABLE tradeclock_runs SET (autovacuum_enabled = false, fillfactor = 10)")
	require.NoError(t, err)
	term, err := s.Lead(t.Context(), "paper", "a", time.Hour, time.Time{})
	require.NoError(t, err)
	runs := make([]store.Run, n)
	for i := range runs {
		due := time.Unix(int64(i/500)*60, 0)
		runs[i] = store.Run{
			Account: fmt.Sprint(i % 500), Task: "sell_monitor", Slot: due.Format(time.RFC3339), Due: due, Token: fmt.Sprint(i),
		}
	}
	_, err = s.Claim(t.Context(), term, runs)
	require.NoError(t, err)
	return s
}

func TestServerThatIsTooOld(t *testing.T) {
	_, err := postgres(t.Context(), nil, 120022)
	assert.ErrorContains(t, err, "PostgreSQL 13 or newer is needed, and the server has version 12")
}
