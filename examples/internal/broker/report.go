package broker

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/tradeclock/tradeclock/calendar"
	"github.com/tradeclock/tradeclock/examples/internal/money"
)

// Report is an account's day.
type Report struct {
	Account string        `json:"account"`
	Session calendar.Date `json:"session"`
	// Opening and Closing are what the account was worth, at last prices, before
	// the session and after it, or now if the day is not closed.
	Opening money.Amount `json:"opening"`
	Closing money.Amount `json:"closing"`
	// Closed is true once the day was closed.
	Closed bool         `json:"closed"`
	Cash   money.Amount `json:"cash"`
	// Filled, Cancelled and Rejected count the orders of the session.
	Filled    int          `json:"filled"`
	Cancelled int          `json:"cancelled"`
	Rejected  int          `json:"rejected"`
	Bought    money.Amount `json:"bought"`
	Sold      money.Amount `json:"sold"`
	Fees      money.Amount `json:"fees"`
	// Realised is the profit of the day's sales, after the fees of both sides.
	Realised money.Amount `json:"realised"`
	// Waiting counts the orders for later sessions.
	Waiting int `json:"waiting"`
}

// Profit is what the account gained or lost on the day.
func (r Report) Profit() money.Amount { return r.Closing - r.Opening }

// CloseDay cancels the orders that the session left open, but none for a later
// session, notes what the account is worth, and returns the day's report.
func (b *Broker) CloseDay(ctx context.Context, account string, session calendar.Date) (Report, error) {
	var report Report
	err := b.update(ctx, func(tx *sql.Tx) error {
		err := b.cancel(ctx, tx, "the session is over",
			`account = ? AND session <= ? AND status IN ('waiting', 'open')`, account, session.String())
		if err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, `
			UPDATE paper_day SET closed_at = ?, closing = (SELECT `+worth+` FROM paper_account WHERE account = ?)
			WHERE account = ? AND session = ?`, stamp(b.clock.Now()), account, account, session.String())
		if err != nil {
			return err
		}
		report, err = reportOf(ctx, tx, account, session)
		return err
	})
	if err != nil {
		return Report{}, fmt.Errorf("close %s of %s: %w", session, account, err)
	}
	return report, nil
}

// Report returns an account's day as it stands.
func (b *Broker) Report(ctx context.Context, account string, session calendar.Date) (Report, error) {
	report, err := reportOf(ctx, b.db, account, session)
	if err != nil {
		return Report{}, fmt.Errorf("report %s of %s: %w", session, account, err)
	}
	return report, nil
}

func reportOf(ctx context.Context, q querier, account string, session calendar.Date) (Report, error) {
	r := Report{Account: account, Session: session}
	err := q.QueryRowContext(ctx, `
		SELECT cash, opening, closed_at <> '', CASE closed_at WHEN '' THEN `+worth+` ELSE closing END,
			(SELECT count(*) FROM paper_order o WHERE o.account = paper_account.account AND o.status = 'waiting')
		FROM paper_account JOIN paper_day USING (account) WHERE account = ? AND session = ?`, account, session.String()).
		Scan(&r.Cash, &r.Opening, &r.Closed, &r.Closing, &r.Waiting)
	if err != nil {
		return r, err
	}
	orders, err := selectOrders(ctx, q, `account = ? AND session = ?`, account, session.String())
	for _, o := range orders {
		r.add(o)
	}
	return r, err
}

// Plus returns the sums of two reports, with the account and session of the first.
func (r Report) Plus(o Report) Report {
	r.Opening += o.Opening
	r.Closing += o.Closing
	r.Cash += o.Cash
	r.Filled += o.Filled
	r.Cancelled += o.Cancelled
	r.Rejected += o.Rejected
	r.Bought += o.Bought
	r.Sold += o.Sold
	r.Fees += o.Fees
	r.Realised += o.Realised
	r.Waiting += o.Waiting
	r.Closed = r.Closed && o.Closed
	return r
}

func (r *Report) add(o Order) {
	switch o.Status {
	case StatusCancelled:
		r.Cancelled++
	case StatusRejected:
		r.Rejected++
	case StatusFilled:
		r.Filled++
		r.Fees += o.Fees
		r.Realised += o.Realised
		if o.Side == Buy {
			r.Bought += o.Value()
		} else {
			r.Sold += o.Value()
		}
	}
}
