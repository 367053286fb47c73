package sqlstore_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	_ "modernc.org/sqlite"

	"github.com/tradeclock/tradeclock/rule"
	"github.com/tradeclock/tradeclock/sqlstore"
	"github.com/tradeclock/tradeclock/store"
)

// A service opens its store, adds the schedules that are missing, and hands the
// store to the scheduler as its Schedules, Ledger and Heartbeats.
func Example() {
	dir, err := os.MkdirTemp("", "tradeclock")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	ctx := context.Background()

	st, err := sqlstore.OpenFile(ctx, "sqlite", filepath.Join(dir, "paper.db"))
	if err != nil {
		panic(err)
	}
	defer st.Close()
	added, err := st.SeedSchedules(ctx,
		store.Schedule{Task: "buy_orders", Rule: rule.MustParse("daily 09:01")},
		store.Schedule{Task: "sell_monitor", Rule: rule.MustParse("every 1m open-close")},
	)
	if err != nil {
		panic(err)
	}
	fmt.Println(added, "schedules added")

	rows, err := st.Schedules(ctx)
	if err != nil {
		panic(err)
	}
	for _, row := range rows {
		fmt.Println(row.Task, "runs", row.Rule)
	}
	// Output:
	// 2 schedules added
	// buy_orders runs daily 09:01
	// sell_monitor runs every 1m open-close
}
