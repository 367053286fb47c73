package broker

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/tradeclock/tradeclock/calendar"
	"github.com/tradeclock/tradeclock/examples/internal/market"
	"github.com/tradeclock/tradeclock/examples/internal/money"
)

// BeginSession begins a day before its open: it notes what each account is worth,
// cancels what earlier sessions left, and takes the after-market orders of this
// one, each at the price at which its symbol will open. Those that the account's
// cash does not cover are rejected. A second call for a session does nothing.
func (b *Broker) BeginSession(ctx context.Context, session calendar.Date, opens map[string]money.Amount) error {
	err := b.update(ctx, func(tx *sql.Tx) error {
		if err := b.noteOpening(ctx, tx, session); err != nil {
			return err
		}
		err := b.cancel(ctx, tx, "its session is over", `status IN ('waiting', 'open') AND session < ?`, session.String())
		if err != nil {
			return err
		}
		return b.release(ctx, tx, session, opens)
	})
	if err != nil {
		return fmt.Errorf("begin session %s: %w", session, err)
	}
	return nil
}

func (b *Broker) noteOpening(ctx context.Context, tx *sql.Tx, session calendar.Date) error {
	_, err := tx.ExecContext(ctx, `
		INSERT INTO paper_day (account, session, opening)
		SELECT account, ?, `+worth+` FROM paper_account WHERE true ON CONFLICT DO NOTHING`, session.String())
	return err
}

// worth is the SQL for an account's cash and positions at their last prices.
const worth = `cash + coalesce((
	SELECT sum(p.quantity * l.price) FROM paper_position p JOIN paper_price l USING (symbol)
	WHERE p.account = paper_account.account), 0)`

// release takes the waiting orders of a session, first come first served.
func (b *Broker) release(ctx context.Context, tx *sql.Tx, session calendar.Date, opens map[string]money.Amount) error {
	waiting, err := selectOrders(ctx, tx, `status = 'waiting' AND session = ?`, session.String())
	if err != nil {
		return err
	}
	cash := make(map[string]money.Amount)
	for _, o := range waiting {
		if _, known := cash[o.Account]; !known {
			if cash[o.Account], err = cashOf(ctx, tx, o.Account); err != nil {
				return err
			}
		}
		o.Status = StatusOpen
		needs := cost(opens[o.Symbol], o.Quantity)
		switch {
		case opens[o.Symbol] == 0:
			o.Status, o.Reason = StatusRejected, fmt.Sprintf("%s does not trade on %s", o.Symbol, session)
		case needs > cash[o.Account]:
			o.Status, o.Reason = StatusRejected, shortOf(needs, cash[o.Account])
		default:
			cash[o.Account] -= needs
		}
		if err := b.settle(ctx, tx, o); err != nil {
			return err
		}
	}
	return nil
}

// Match is the exchange's minute: it takes the bars that start at an instant as
// the last prices, and fills the open orders that they reach, if the instant
// lies in the session's trading hours. It returns the orders that were filled or
// rejected. An order fills at bars that start after it was placed, and that
// traded as many shares. A second call for a minute changes nothing.
func (b *Broker) Match(ctx context.Context, start time.Time, bars map[string]market.Bar) ([]Order, error) {
	open, err := b.cal.IsOpen(start)
	if err != nil || !open || len(bars) == 0 {
		return nil, err
	}
	session := b.cal.DateAt(start)
	var settled []Order
	err = b.update(ctx, func(tx *sql.Tx) error {
		for symbol, bar := range bars {
			if err := setPrice(ctx, tx, symbol, bar.Close, bar.End()); err != nil {
				return err
			}
		}
		orders, err := selectOrders(ctx, tx, `status = 'open' AND session = ? AND placed_at <= ?`, session.String(), stamp(start))
		if err != nil {
			return err
		}
		settled, err = b.fillAll(ctx, tx, orders, bars)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("match the bars of %s: %w", start, err)
	}
	return settled, nil
}

func (b *Broker) fillAll(ctx context.Context, tx *sql.Tx, orders []Order, bars map[string]market.Bar) ([]Order, error) {
	var settled []Order
	for _, o := range orders {
		bar, traded := bars[o.Symbol]
		price, reached := o.fillPrice(bar)
		if !traded || !reached || bar.Volume < o.Quantity {
			continue
		}
		o, err := b.fill(ctx, tx, o, price, bar.Start)
		if err != nil {
			return nil, err
		}
		settled = append(settled, o)
	}
	return settled, nil
}

// fillPrice is the price at which a bar fills the order, and false if it does not
// reach its limit.
func (o Order) fillPrice(bar market.Bar) (money.Amount, bool) {
	switch {
	case o.Kind == Market:
		return bar.Open, true
	case o.Side == Buy:
		return min(bar.Open, o.Price), bar.Low <= o.Price
	default:
		return max(bar.Open, o.Price), bar.High >= o.Price
	}
}

func (b *Broker) fill(ctx context.Context, tx *sql.Tx, o Order, price money.Amount, at time.Time) (Order, error) {
	o.Status, o.Settled = StatusFilled, at.UTC()
	o.FillPrice, o.Fees = price, Fee(price.Times(o.Quantity))
	change := o.Value() - o.Fees
	if o.Side == Buy {
		cash, err := cashOf(ctx, tx, o.Account)
		if err != nil {
			return o, err
		}
		needs := o.Value() + o.Fees
		if needs > cash {
			o.Status, o.Reason, o.FillPrice, o.Fees = StatusRejected, shortOf(needs, cash), 0, 0
			return o, b.settle(ctx, tx, o)
		}
		if err := addPosition(ctx, tx, o.Account, Position{o.Symbol, o.Quantity, needs}); err != nil {
			return o, err
		}
		change = -needs
	} else {
		hadCost, err := takePosition(ctx, tx, o.Account, o.Symbol, o.Quantity)
		if err != nil {
			return o, err
		}
		o.Realised = change - hadCost
	}
	if err := addCash(ctx, tx, o.Account, change); err != nil {
		return o, err
	}
	return o, b.settle(ctx, tx, o)
}

func (b *Broker) settle(ctx context.Context, tx *sql.Tx, o Order) error {
	if o.Status != StatusOpen && o.Settled.IsZero() {
		o.Settled = b.clock.Now()
	}
	_, err := tx.ExecContext(ctx, `
		UPDATE paper_order SET status = ?, reason = ?, settled_at = ?, fill_price = ?, fees = ?, realised = ?
		WHERE account = ? AND key = ?`,
		o.Status, o.Reason, stamp(o.Settled), o.FillPrice, o.Fees, o.Realised, o.Account, o.Key)
	return err
}
