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
	"github.com/tradeclock/tradeclock/calendar"
	"github.com/tradeclock/tradeclock/cron"
	"github.com/tradeclock/tradeclock/exchange"
	"github.com/tradeclock/tradeclock/rule"
	"github.com/tradeclock/tradeclock/sqlstore"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	store, err := sqlstore.OpenFile(ctx, "sqlite", "desk.db", sqlstore.WithRuleParser(cron.ParseRule))
	check(err)
	defer store.Close()
	_, err = store.SeedSchedules(ctx,
		tradeclock.Schedule{Task: "buy_orders", Rule: line("1 9 * * 1-5")},
		tradeclock.Schedule{Task: "watch", Rule: line("*/7 9-15 * * 1-5"), Timeout: 5 * time.Minute, Delivery: tradeclock.AtLeastOnce},
		tradeclock.Schedule{Task: "statements", Rule: line("0 18 1,15 * *"), Sessions: calendar.EveryDay, CatchUp: 12 * time.Hour},
	)
	check(err)

	var tasks tradeclock.Mux
	for task, program := range map[string]string{
		"buy_orders": "/opt/desk/buy-orders", "watch": "/opt/desk/watch", "statements": "/opt/desk/statements",
	} {
		tasks.HandleFunc(task, func(ctx context.Context, run tradeclock.Run) error {
			return exec.CommandContext(ctx, program, run.ID).Run()
		})
	}
	s, err := tradeclock.New(tradeclock.Config{
		Name: "desk", Account: "42", Executor: &tasks, Schedules: store, Ledger: store, Heartbeats: store,
		Calendar: exchange.MustGet("XNSE"),
	})
	check(err)
	check(s.Run(ctx))
}

// line is the rule of a line of the crontab.
func line(expression string) rule.Rule {
	r, err := cron.ParseRule(expression)
	check(err)
	for _, warning := range cron.Warnings(r) {
		log.Printf("%s: %s", expression, warning)
	}
	return r
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
