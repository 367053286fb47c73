package sqlstore_test

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/jonboulle/clockwork"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tradeclock/tradeclock"
	"github.com/tradeclock/tradeclock/calendar"
	"github.com/tradeclock/tradeclock/rule"
	"github.com/tradeclock/tradeclock/store"
)

// TestStoppedAtTheBell stops a scheduler of many accounts in the middle of the claims
// of one instant, again and again: each account has its order once.
func TestStoppedAtTheBell(t *testing.T) { onEach(t, testStoppedAtTheBell) }

func testStoppedAtTheBell(t *testing.T, on database) {
	const accounts = 3000
	b := &bell{t: t, at: on.place(t), clock: clockwork.NewFakeClockAt(today("09:00:30")), orders: make(map[string]int)}
	b.run(accounts, 0) // the ledger gets to know the accounts
	b.clock.Advance(30 * time.Second)
	for _, stopsAfter := range []int{1, 200, 1000, 1001, 2500} {
		b.run(accounts, stopsAfter)
		b.clock.Advance(time.Second)
	}
	b.run(accounts, accounts)
	assert.Equal(t, accounts, len(b.orders), "accounts with an order")
	for account, orders := range b.orders {
		require.Equal(t, 1, orders, "orders of account %s", account)
	}
	runs, err := openOn(t, openDB(t, b.at), b.clock).Runs(t.Context(), store.Query{Scheduler: paper, Task: "buy_orders"})
	require.NoError(t, err)
	assert.Equal(t, accounts, len(runs))
	for _, run := range runs {
		require.Equal(t, store.Succeeded, run.Outcome, "account %s: %s", run.Account, run.Reason)
	}
}

// bell is a service of many accounts that are due at one instant.
type bell struct {
	t     *testing.T
	at    place
	clock *clockwork.FakeClock

	mu     sync.Mutex
	orders map[string]int // by account
	ended  func()         // called once as many orders were placed
	left   int            // until then
}

// Execute places an order.
func (b *bell) Execute(_ context.Context, run store.Run) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.orders[run.Account]++
	if b.left--; b.left == 0 {
		b.ended()
	}
	return nil
}

// run runs a process until it has placed some orders, or has nothing to do.
func (b *bell) run(accounts, stopsAfter int) {
	b.t.Helper()
	db := openDB(b.t, b.at)
	defer db.Close()
	row := store.Schedule{Task: "buy_orders", Rule: rule.MustParse("daily 09:01"), CatchUp: 10 * time.Minute}
	s, err := tradeclock.New(tradeclock.Config{
		Name: paper, Schedules: tradeclock.FixedSchedules(row), Ledger: openOn(b.t, db, b.clock),
		Calendar: calendar.Weekdays(kolkata), Clock: b.clock, Logger: slog.New(slog.DiscardHandler),
	})
	require.NoError(b.t, err)
	for i := range accounts {
		require.NoError(b.t, s.Enroll(b.t.Context(), fmt.Sprintf("%04d", i), b))
	}
	ctx, cancel := context.WithCancel(b.t.Context())
	defer cancel()
	b.mu.Lock()
	b.left, b.ended = stopsAfter, cancel
	b.mu.Unlock()
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	require.NoError(b.t, s.Started(b.t.Context()))
	require.NoError(b.t, s.Quiesce(b.t.Context()))
	cancel()
	require.NoError(b.t, <-ended)
}
