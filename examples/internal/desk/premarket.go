package desk

import (
	"context"
	"slices"

	"github.com/tradeclock/tradeclock"
	"github.com/tradeclock/tradeclock/examples/internal/broker"
	"github.com/tradeclock/tradeclock/examples/internal/money"
)

// PremarketRetry places the after-market orders again that were rejected when
// the session began, with the quantity that the account's cash now buys.
func (d *Desk) PremarketRetry(ctx context.Context, run tradeclock.Run) error {
	rejected, err := d.afterMarket(ctx, run, broker.StatusRejected)
	if err != nil {
		return err
	}
	if len(rejected) == 0 {
		return tradeclock.Skip("no after-market order was rejected")
	}
	quotes, err := d.feed.Quotes(ctx)
	if err != nil {
		return err
	}
	retried := 0
	for _, o := range rejected {
		quote, trades := quotes[o.Symbol]
		if !trades {
			continue
		}
		price := quote.PreMarket
		funds, err := d.broker.Funds(ctx, run.Account)
		if err != nil {
			return err
		}
		quantity := min(o.Quantity, broker.Affordable(funds, price))
		if quantity == 0 {
			continue
		}
		again, err := d.place(ctx, run, broker.Order{
			Symbol: o.Symbol, Side: o.Side, Kind: o.Kind, Quantity: quantity, Price: price, Note: NoteRetry,
		})
		if err != nil {
			return err
		}
		if again.Status == broker.StatusOpen {
			retried++
		}
	}
	tradeclock.Annotate(ctx, "rejected", len(rejected))
	tradeclock.Annotate(ctx, "retried", retried)
	return nil
}

// PremarketAMOAdjustment gives each after-market order the quantity that is worth
// at the pre-market price what was meant in the evening, as far as the cash goes.
func (d *Desk) PremarketAMOAdjustment(ctx context.Context, run tradeclock.Run) error {
	open, err := d.afterMarket(ctx, run, broker.StatusOpen)
	if err != nil {
		return err
	}
	if len(open) == 0 {
		return tradeclock.Skip("there are no after-market orders")
	}
	quotes, err := d.feed.Quotes(ctx)
	if err != nil {
		return err
	}
	adjusted := 0
	for _, o := range open {
		quote, trades := quotes[o.Symbol]
		price := quote.PreMarket
		if !trades || price == o.Price {
			continue
		}
		quantity, err := d.quantityAt(ctx, o, price)
		if err != nil {
			return err
		}
		if quantity == 0 {
			continue
		}
		if err := d.broker.Resize(ctx, o.Account, o.Key, quantity, price); err != nil {
			return err
		}
		d.log.Info("adjusted", "account", o.Account, "symbol", o.Symbol,
			"from", o.Quantity, "to", quantity, "price", price)
		adjusted++
	}
	tradeclock.Annotate(ctx, "orders", len(open))
	tradeclock.Annotate(ctx, "adjusted", adjusted)
	return nil
}

// quantityAt is what the value of an order buys at another price, as far as the
// account's cash goes.
func (d *Desk) quantityAt(ctx context.Context, o broker.Order, price money.Amount) (int64, error) {
	funds, err := d.broker.Funds(ctx, o.Account)
	if err != nil {
		return 0, err
	}
	value := o.Price.Times(o.Quantity)
	funds += value + broker.Fee(value) // what the order itself holds back
	return min(int64(value/price), broker.Affordable(funds, price)), nil
}

// afterMarket returns the account's after-market orders for the run's session
// that have a status.
func (d *Desk) afterMarket(ctx context.Context, run tradeclock.Run, status broker.Status) ([]broker.Order, error) {
	orders, err := d.broker.Orders(ctx, run.Account, run.Session)
	return slices.DeleteFunc(orders, func(o broker.Order) bool {
		return !o.AfterMarket || o.Status != status
	}), err
}
