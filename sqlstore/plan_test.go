package sqlstore

import (
	"database/sql"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	_ "modernc.org/sqlite"
)

// A tick must not become slower as the ledger grows.
func TestNoStatementOfATickScansTheRuns(t *testing.T) {
	s, err := OpenFile(t.Context(), "sqlite", filepath.Join(t.TempDir(), "tradeclock.db"))
	require.NoError(t, err)
	defer s.Close()
	conn, err := s.connect(t.Context())
	require.NoError(t, err)
	defer conn.Close()
	statements := map[string]string{
		"insertClaims":    insertClaims,
		"answerClaims":    answerClaims,
		"replaceClaim":    replaceClaim,
		"insertRecords":   insertRecords,
		"settleRuns":      settleRuns,
		"answerSettled":   answerSettled,
		"keepEvidence":    keepEvidence,
		"selectUnsettled": selectUnsettled,
		"selectAhead":     selectAhead,
	}
	for name, statement := range statements {
		t.Run(name, func(t *testing.T) {
			steps := 0
			err := s.each(t.Context(), conn, func(rows *sql.Rows) error {
				var id, parent, unused int
				var step string
				err := rows.Scan(&id, &parent, &unused, &step)
				assert.NotRegexp(t, `^SCAN (own|r|tradeclock_runs)\b`, step)
				assert.NotRegexp(t, `^SEARCH .*\(scheduler=\?\)$`, step)
				steps++
				return err
			}, "EXPLAIN QUERY PLAN "+statement, "[]", "a", "b")
			require.NoError(t, err)
			assert.NotZero(t, steps)
		})
	}
}
