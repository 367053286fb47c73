package tradeclock_test

import (
	"context"
	"fmt"

	"github.com/tradeclock/tradeclock"
	"github.com/tradeclock/tradeclock/rule"
)

// Accounts come and go while the scheduler runs, each with an executor of its own if
// need be. A row that names no account holds for all of them.
func ExampleUnifiedTaskScheduler_Enroll() {
	ctx, clock := context.Background(), monday()
	watch := tradeclock.ExecutorFunc(func(_ context.Context, run tradeclock.Run) error {
		fmt.Println(run.Due.Format("15:04"), run.Task, "of", run.Account)
		return nil
	})
	scheduler := newExample(clock, watch, tradeclock.Schedule{Task: "position_monitor", Rule: rule.MustParse("hourly 09:30-15:30")})
	defer scheduler.Close(ctx)

	for _, account := range []string{"bob", "carol"} {
		if err := scheduler.Enroll(ctx, account, watch); err != nil {
			fmt.Println(err)
		}
	}
	runUntil(scheduler, clock, "09:30:00")
	if err := scheduler.Withdraw(ctx, "bob"); err != nil {
		fmt.Println(err)
	}
	runUntil(scheduler, clock, "10:30:00")
	// Unordered output:
	// 09:30 position_monitor of alice
	// 09:30 position_monitor of bob
	// 09:30 position_monitor of carol
	// 10:30 position_monitor of alice
	// 10:30 position_monitor of carol
}

// trader is an executor that needs a session at a broker.
type trader struct{ token string }

// Start logs in. The account's runs wait for it, and it is called again until it succeeds.
func (t *trader) Start(_ context.Context, account string) error {
	fmt.Println("log in as", account)
	t.token = "the token of " + account
	return nil
}

// Stop logs out, once the account's last run has returned.
func (t *trader) Stop(_ context.Context, account string) error {
	fmt.Println("log out as", account)
	return nil
}

// Execute needs no lock for the token: Start has returned before, and Stop comes after.
func (t *trader) Execute(_ context.Context, run tradeclock.Run) error {
	fmt.Println(run.Task, "with", t.token)
	return nil
}

// An executor that is a Starter logs in before the first run, and out after the last.
func ExampleStarter() {
	clock := monday()
	scheduler := newExample(clock, new(trader), tradeclock.Schedule{Task: "buy_orders", Rule: rule.MustParse("daily 09:01")})

	runUntil(scheduler, clock, "09:05:00")
	if err := scheduler.Close(context.Background()); err != nil {
		fmt.Println(err)
	}
	// Output:
	// log in as alice
	// buy_orders with the token of alice
	// log out as alice
}
