package tradeclock_test

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/jonboulle/clockwork"

	"github.com/tradeclock/tradeclock"
	"github.com/tradeclock/tradeclock/memstore"
	"github.com/tradeclock/tradeclock/rule"
)

// replica is one of several processes that share a store.
func replica(host string, st *memstore.Store, clock tradeclock.Clock) *tradeclock.UnifiedTaskScheduler {
	scheduler, err := tradeclock.New(tradeclock.Config{
		Name: "paper", Instance: host, Account: "alice", Ledger: st, Clock: clock,
		Schedules: tradeclock.FixedSchedules(tradeclock.Schedule{Task: "sell_monitor", Rule: rule.MustParse("every 1m 09:15-15:30")}),
		Executor: tradeclock.ExecutorFunc(func(_ context.Context, run tradeclock.Run) error {
			fmt.Println(run.Due.Format("15:04"), "on", host, "in term", run.Term)
			return nil
		}),
		Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		panic(err)
	}
	return scheduler
}

// pass lets a minute pass for some replicas, a second at a time: they renew their term
// between the minutes.
func pass(clock *clockwork.FakeClock, replicas ...*tradeclock.UnifiedTaskScheduler) {
	for range 60 {
		clock.Advance(time.Second)
		for _, s := range replicas {
			_ = s.Tick(context.Background())
			_ = s.Quiesce(context.Background())
		}
	}
}

// Of the replicas of one name one is active, and the others stand by. Once the term of
// one that died has ended, another takes over, under a term with a higher number.
func Example_standby() {
	clock := clockwork.NewFakeClockAt(time.Date(2026, time.November, 23, 9, 13, 0, 0, time.UTC))
	st := memstore.New(clock)
	first, second := replica("host 1", st, clock), replica("host 2", st, clock)
	defer second.Close(context.Background())

	pass(clock, first, second)
	pass(clock, first, second)
	pass(clock, first, second)
	fmt.Println(first.Status().State, second.Status().State)

	first.Crash()
	pass(clock, second)
	fmt.Println(first.Status().State, second.Status().State)
	pass(clock, second)
	// Output:
	// 09:15 on host 1 in term 1
	// 09:16 on host 1 in term 1
	// active standby
	// 09:17 on host 2 in term 2
	// stopped active
	// 09:18 on host 2 in term 2
}
