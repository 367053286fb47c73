package sqlstore_test

import (
	"database/sql"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tradeclock/tradeclock"
	"github.com/tradeclock/tradeclock/internal/pgtest"
	"github.com/tradeclock/tradeclock/sqlstore"
)

// BenchmarkClaimAndSettle is the opening bell: one monitor of 500 accounts is
// claimed and settled, minute after minute, each batch on the disk before the
// call returns.
func BenchmarkClaimAndSettle(b *testing.B) {
	b.Run("SQLite", func(b *testing.B) {
		s, err := sqlstore.OpenFile(b.Context(), "sqlite", b.TempDir()+"/tradeclock.db")
		require.NoError(b, err)
		defer s.Close()
		claimAndSettle(b, s)
	})
	b.Run("PostgreSQL", func(b *testing.B) {
		server, err := pgtest.New("fsync=on")
		require.NoError(b, err)
		defer server.Close()
		db, err := sql.Open("pgx", server.DSN())
		require.NoError(b, err)
		defer db.Close()
		s, err := sqlstore.Open(b.Context(), db)
		require.NoError(b, err)
		claimAndSettle(b, s)
	})
}

func claimAndSettle(b *testing.B, s *sqlstore.Store) {
	const accounts = 500
	term, err := s.Lead(b.Context(), paper, "a", time.Hour)
	require.NoError(b, err)
	runs := make([]tradeclock.Run, accounts)
	minute := 0
	for b.Loop() {
		due := opening.Add(time.Duration(minute) * time.Minute)
		minute++
		for i := range runs {
			runs[i] = tradeclock.Run{
				Scheduler: paper, Account: fmt.Sprint(i), Task: "sell_monitor", Slot: due.Format(time.RFC3339),
				Session: day, Due: due, Token: fmt.Sprintf("%d-%d", minute, i), Repeating: true,
			}
		}
		claims, err := s.Claim(b.Context(), term, runs)
		require.NoError(b, err)
		require.Equal(b, accounts, held(claims))
		results, err := s.Settle(b.Context(), ended(runs, tradeclock.Succeeded))
		require.NoError(b, err)
		require.Equal(b, accounts, accepted(results))
	}
	b.ReportMetric(float64(accounts*b.N)/b.Elapsed().Seconds(), "runs/s")
}
