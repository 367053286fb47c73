package main

import (
	"context"
	"fmt"
	"io"

	"github.com/tradeclock/tradeclock/examples/internal/broker"
	"github.com/tradeclock/tradeclock/examples/internal/report"
	"github.com/tradeclock/tradeclock/store"
)

// summarise writes what became of the day: the ledger, the trades, and the
// profit of each account.
func (s *service) summarise(ctx context.Context, out io.Writer) error {
	session := s.day.date
	runs, err := s.store.Runs(ctx, store.Query{Scheduler: schedulerName, From: session, To: session})
	if err != nil {
		return err
	}
	var orders []broker.Order
	var reports []broker.Report
	for _, account := range s.accounts {
		placed, err := s.paper.Orders(ctx, account, session)
		if err != nil {
			return err
		}
		orders = append(orders, placed...)
		day, err := s.paper.Report(ctx, account, session)
		if err != nil {
			return err
		}
		reports = append(reports, day)
	}

	fmt.Fprintf(out, "\n%s\nCalendar %s, version %s\n", s.day, nse.Name(), nse.Version())
	fmt.Fprintf(out, "\nLedger of %s\n\n", session)
	if err := report.Ledger(out, runs); err != nil {
		return err
	}
	if err := report.Interrupted(out, kolkata, runs); err != nil {
		return err
	}
	fmt.Fprintf(out, "\nTrades\n\n")
	if err := report.Fills(out, kolkata, orders); err != nil {
		return err
	}
	fmt.Fprintf(out, "\nProfit and loss, in rupees\n\n")
	return report.Profit(out, reports)
}
