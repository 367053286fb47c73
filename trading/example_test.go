package trading_test

import (
	"fmt"
	"time"

	"github.com/tradeclock/tradeclock/calendar"
	"github.com/tradeclock/tradeclock/exchange"
	"github.com/tradeclock/tradeclock/rule"
	"github.com/tradeclock/tradeclock/trading"
)

// On a Muhurat day, of which trading is an hour in the afternoon, the tasks are
// due around that hour.
func ExampleSessionSchedules() {
	nse := exchange.MustGet("XNSE")
	session, err := nse.Session(calendar.Date{Year: 2025, Month: time.October, Day: 21})
	if err != nil {
		panic(err)
	}
	fmt.Println(session.Describe())
	for _, row := range trading.SessionSchedules() {
		if _, _, follows := rule.Follows(row.Rule); follows {
			continue // when it is due depends on another task
		}
		due, err := row.Rule.Occurrences(session, nse.Location())
		if err != nil {
			panic(err)
		}
		first := due[0].Due.In(nse.Location())
		fmt.Printf("%-16s %-21s %2d from %s\n", row.Task, row.Rule, len(due), first.Format("15:04"))
	}

	// Output:
	// special session: Diwali Laxmi Pujan: Muhurat trading, announced 2025-09-22
	// premarket_retry  daily open-15m         1 from 13:30
	// sell_monitor     every 1m open-close   60 from 13:45
	// position_monitor hourly open+15m-close  1 from 14:00
	// analysis         daily close+30m        1 from 15:15
	// eod_cleanup      daily close+2h30m      1 from 17:15
}
