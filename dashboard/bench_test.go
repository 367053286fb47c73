package dashboard_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/jonboulle/clockwork"
	"github.com/stretchr/testify/require"

	"github.com/tradeclock/tradeclock/memstore"
	"github.com/tradeclock/tradeclock/store"
	"github.com/tradeclock/tradeclock/trading"
)

// manyAccounts is how many accounts the stores of BenchmarkPages have, with three runs each on
// the day that is shown, of which a hundred were missed.
const manyAccounts = 100_000

// BenchmarkPages draws pages of a scheduler with a hundred thousand accounts:
//
//	go test ./dashboard -run '^$' -bench Pages -benchmem
func BenchmarkPages(b *testing.B) {
	for _, kind := range []string{"memory", "sqlite"} {
		b.Run(kind, func(b *testing.B) {
			clock := clockwork.NewFakeClockAt(at("2026-11-23 09:30:00"))
			var s storage = memstore.New(clock)
			if kind == "sqlite" {
				s = sqliteStore(b, clock)
			}
			fill(b, s, clock)
			page := newPage(b, clock, s, nil)
			for _, path := range []string{
				"/", "/?account=a050000", "/runs", "/runs?outcome=missed", "/runs?account=a099999", "/run?account=a050000&task=premarket_retry&slot=2026-11-23",
				"/schedules", "/schedule?task=buy_orders", "/accounts", "/accounts?q=a0999", "/accounts?after=a098000", "/halts", "/requests", "/instances",
			} {
				b.Run(strings.ReplaceAll(strings.TrimPrefix(path, "/"), "/", "_"), func(b *testing.B) {
					b.ReportAllocs()
					for b.Loop() {
						if got := ask(b, page, http.MethodGet, path, nil); got.code != http.StatusOK {
							b.Fatal(words(got.body))
						}
					}
				})
			}
		})
	}
}

// fill stores the accounts and their runs.
func fill(b *testing.B, s storage, clock *clockwork.FakeClock) {
	b.Helper()
	ctx := context.Background()
	_, err := s.SeedSchedules(ctx, trading.DefaultSchedules()...)
	require.NoError(b, err)
	term, err := s.Lead(ctx, "paper", "host-1", time.Hour, clock.Now())
	require.NoError(b, err)
	const batch = 5000
	for first := 0; first < manyAccounts; first += batch {
		var accounts []store.Enrolment
		var runs []store.Run
		for i := first; i < first+batch; i++ {
			account := fmt.Sprintf("a%06d", i)
			accounts = append(accounts, store.Enrolment{Account: account, From: at("2026-11-23 08:59:00")})
			for minute, task := range []string{trading.TaskPremarketRetry, trading.TaskPremarketAMOAdjustment, trading.TaskPositionMonitor} {
				run := store.Run{
					Scheduler: "paper", Account: account, Task: task, Slot: "2026-11-23", Session: date("2026-11-23"),
					Due: at("2026-11-23 09:00:00").Add(time.Duration(minute) * time.Minute).UTC(), Outcome: store.Skipped, Reason: "there was nothing to do", Finished: clock.Now().UTC(),
				}
				if i%3000 == 0 {
					run.Outcome, run.Reason = store.Missed, "its catch-up of 10m0s had passed"
				}
				run.ID = store.RunID("paper", account, task, run.Slot)
				runs = append(runs, run)
			}
		}
		require.NoError(b, s.Enroll(ctx, term, accounts))
		require.NoError(b, s.Record(ctx, term, runs, time.Time{}))
	}
}
