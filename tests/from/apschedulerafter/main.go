package main

import (
	"context"
	"log"
	"os/exec"
	"os/signal"
	"syscall"
	"time"

	_ "modernc.org/sqlite"

	"github.com/tradeclock/tradeclock"
	"github.com/tradeclock/tradeclock/exchange"
	"github.com/tradeclock/tradeclock/rule"
	"github.com/tradeclock/tradeclock/sqlstore"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	store, err := sqlstore.OpenFile(ctx, "sqlite", "desk.db")
	check(err)
	defer store.Close()
	_, err = store.SeedSchedules(ctx,
		tradeclock.Schedule{Task: "buy_orders", Rule: rule.MustParse("daily 09:01"), CatchUp: 10 * time.Minute},
		tradeclock.Schedule{Task: "watch", Rule: rule.MustParse("every 1m open-close"), Delivery: tradeclock.AtLeastOnce},
	)
	check(err)
	s, err := tradeclock.New(tradeclock.Config{
		Name: "desk", Account: "42", Schedules: store, Ledger: store, Heartbeats: store,
		Calendar: exchange.MustGet("XNSE"), // Mumbai, with its holidays
		Executor: tradeclock.ExecutorFunc(func(ctx context.Context, run tradeclock.Run) error {
			return exec.CommandContext(ctx, "python3", "desk.py", run.Task, run.ID).Run() // what is not ported yet
		}),
	})
	check(err)
	check(s.Run(ctx))
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
