package main

import (
	"context"
	"log"
	"os/signal"
	"syscall"

	_ "modernc.org/sqlite"

	"github.com/tradeclock/tradeclock"
	"github.com/tradeclock/tradeclock/cron"
	"github.com/tradeclock/tradeclock/exchange"
	"github.com/tradeclock/tradeclock/sqlstore"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	store, err := sqlstore.OpenFile(ctx, "sqlite", "desk.db", sqlstore.WithRuleParser(cron.ParseRule))
	check(err)
	defer store.Close()
	for task, spec := range map[string]string{"buy_orders": "1 9 * * 1-5", "watch": "*/7 9-15 * * 1-5"} {
		r, err := cron.ParseRule(spec)
		check(err)
		_, err = store.SeedSchedules(ctx, tradeclock.Schedule{Task: task, Rule: r})
		check(err)
	}
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
