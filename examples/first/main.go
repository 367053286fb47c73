// Command first is the first screen of the README: a task every five seconds, for twelve.
package main

import (
	"context"
	"fmt"
	"log"
	"time"

	"github.com/tradeclock/tradeclock"
	"github.com/tradeclock/tradeclock/calendar"
	"github.com/tradeclock/tradeclock/memstore"
	"github.com/tradeclock/tradeclock/rule"
)

func main() {
	s, err := tradeclock.New(tradeclock.Config{
		Account: "42", Calendar: calendar.AlwaysOpen(time.UTC), // exchange.MustGet("XNSE") has the days of Mumbai
		Schedules: tradeclock.FixedSchedules(tradeclock.Schedule{Task: "watch", Rule: rule.MustParse("every 5s open-close")}),
		Executor: tradeclock.ExecutorFunc(func(_ context.Context, run tradeclock.Run) error {
			fmt.Println(run.Task, "the orders of account", run.Account, "at", run.Due.Format(time.TimeOnly))
			return nil
		}),
		Ledger: memstore.New(nil), // sqlstore keeps in your database what ran
	})
	if err != nil {
		log.Fatal(err)
	}
	ctx, stop := context.WithTimeout(context.Background(), 12*time.Second) // in a service, until its signals
	defer stop()
	fmt.Println("stopped:", s.Run(ctx))
}
