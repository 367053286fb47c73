package sqlstore_test

import (
	"database/sql"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tradeclock/tradeclock/internal/needs"
	"github.com/tradeclock/tradeclock/internal/pgtest"
	"github.com/tradeclock/tradeclock/sqlstore"
	"github.com/tradeclock/tradeclock/store"
)

// BenchmarkClaimAndSettle is the opening bell: a task of many accounts is claimed
// and settled in batches, each on the disk before the call returns, session after
// session. Runs of an every rule are so minute after minute of one session, in which
// all succeed or fail, and are told of it.
func BenchmarkClaimAndSettle(b *testing.B) {
	for _, size := range []int{1, 100, 512, 2000, 4000} {
		b.Run(fmt.Sprintf("SQLite/%d", size), func(b *testing.B) {
			claimAndSettle(b, benchFile(b), size, false, store.Succeeded)
		})
		b.Run(fmt.Sprintf("PostgreSQL/%d", size), func(b *testing.B) {
			claimAndSettle(b, benchServer(b), size, false, store.Succeeded)
		})
	}
	for name, outcome := range map[string]store.Outcome{"repeating": store.Succeeded, "failing": store.Failed} {
		b.Run("SQLite/"+name, func(b *testing.B) { claimAndSettle(b, benchFile(b), 2000, true, outcome) })
		b.Run("PostgreSQL/"+name, func(b *testing.B) { claimAndSettle(b, benchServer(b), 2000, true, outcome) })
	}
}

// benchFile returns a store on a SQLite file.
func benchFile(b *testing.B) *sqlstore.Store {
	s, err := sqlstore.OpenFile(b.Context(), "sqlite", b.TempDir()+"/tradeclock.db")
	require.NoError(b, err)
	b.Cleanup(func() { s.Close() })
	return s
}

// benchServer returns a store on a PostgreSQL server of its own, with the settings
// that a server has by default.
func benchServer(b *testing.B) *sqlstore.Store {
	server, err := pgtest.New("fsync=on")
	needs.Met(b, err)
	b.Cleanup(func() { server.Close() })
	db, err := sql.Open("pgx", server.DSN())
	require.NoError(b, err)
	b.Cleanup(func() { db.Close() })
	s, err := sqlstore.Open(b.Context(), db)
	require.NoError(b, err)
	return s
}

// claimAndSettle claims and settles one batch for each loop.
func claimAndSettle(b *testing.B, s *sqlstore.Store, size int, repeating bool, outcome store.Outcome) {
	term, err := s.Lead(b.Context(), paper, "a", time.Hour, time.Time{})
	require.NoError(b, err)
	var claiming, settling time.Duration
	for n := 0; b.Loop(); n++ {
		runs := ofMinute(n, size, repeating)
		if !repeating {
			for i := range runs {
				runs[i].Session = day.AddDays(n)
			}
		}
		begun := time.Now()
		claims, err := s.Claim(b.Context(), term, runs)
		claiming += time.Since(begun)
		require.NoError(b, err)
		require.Equal(b, size, held(claims))
		runs = ended(runs, outcome)
		begun = time.Now()
		results, err := s.Settle(b.Context(), runs)
		settling += time.Since(begun)
		require.NoError(b, err)
		require.Equal(b, size, accepted(results))
	}
	all := float64(size * b.N)
	b.ReportMetric(float64(claiming.Nanoseconds())/all, "ns/claim")
	b.ReportMetric(float64(settling.Nanoseconds())/all, "ns/settle")
	b.ReportMetric(all/b.Elapsed().Seconds(), "runs/s")
}

// ofMinute returns the runs of a minute, one for each account, each of which starts
// and ends at an instant of its own.
func ofMinute(n, accounts int, repeating bool) []store.Run {
	due := opening.Add(time.Duration(n) * time.Minute)
	slot := due.Format(time.RFC3339)
	runs := make([]store.Run, accounts)
	for i := range runs {
		runs[i] = store.Run{
			Scheduler: paper, Account: fmt.Sprintf("account-%06d", i), Task: "sell_monitor", Slot: slot,
			Session: day, Due: due, Deadline: due.Add(time.Minute), Token: fmt.Sprintf("host-4711-%d/%x", n, i), Repeating: repeating,
			Calendar: "XNSE", CalendarVersion: "2026.3",
		}
	}
	return runs
}
