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
	store, err := sqlstore.OpenFile(ctx, "sqlite", "trading.db")
	check(err)
	defer store.Close()
	_, err = store.SeedSchedules(ctx, // inserts what is missing, and overwrites no edit
		tradeclock.Schedule{Task: "buy_orders", Rule: rule.MustParse("daily 09:01")},
		tradeclock.Schedule{Task: "sell_monitor", Rule: rule.MustParse("every 1m open-close"), Delivery: tradeclock.AtLeastOnce},
	)
	check(err)

	var tasks tradeclock.Mux
	tasks.HandleFunc("buy_orders", func(ctx context.Context, run tradeclock.Run) error {
		return placeOrders(ctx, run.ID) // the same for ever: the broker's idempotency key
	})
	tasks.HandleFunc("sell_monitor", func(ctx context.Context, run tradeclock.Run) error {
		return tradeclock.Skip("no open positions")
	})

	s, err := tradeclock.New(tradeclock.Config{
		Name: "paper", Account: "42", Executor: &tasks,
		Schedules: store, Ledger: store, Heartbeats: store,
		Calendar: exchange.MustGet("XNSE"), // the National Stock Exchange of India
	})
	check(err)
	check(s.Run(ctx)) // returns when ctx has ended and what ran has drained
}

func placeOrders(ctx context.Context, key string) error { return nil }

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
