package main

import (
	"context"
	"log"
	"os/signal"
	"syscall"

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
		tradeclock.Schedule{Task: "buy_orders", Rule: rule.MustParse("daily 09:01")},
		tradeclock.Schedule{Task: "watch", Rule: rule.MustParse("every 7m open-close"), Delivery: tradeclock.AtLeastOnce},
	)
	check(err)
	var tasks tradeclock.Mux
	tasks.HandleFunc("buy_orders", func(ctx context.Context, run tradeclock.Run) error { return placeOrders(ctx, run.ID) })
	tasks.HandleFunc("watch", func(ctx context.Context, run tradeclock.Run) error { return watch(ctx) })
	s, err := tradeclock.New(tradeclock.Config{
		Name: "desk", Account: "42", Executor: &tasks, Schedules: store, Ledger: store, Heartbeats: store,
		Calendar: exchange.MustGet("XNSE"), // Mumbai, with its holidays
	})
	check(err)
	check(s.Run(ctx))
}

func placeOrders(ctx context.Context, key string) error { return nil }
func watch(ctx context.Context) error                   { return nil }

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
