package desk

import (
	"context"

	"github.com/tradeclock/tradeclock"
	"github.com/tradeclock/tradeclock/examples/internal/broker"
	"github.com/tradeclock/tradeclock/examples/internal/market"
	"github.com/tradeclock/tradeclock/examples/internal/money"
)

// SellMonitor offers each position at its target at the day's first run, and
// sells at the market what has fallen to its stop.
func (d *Desk) SellMonitor(ctx context.Context, run tradeclock.Run) error {
	positions, err := d.broker.Positions(ctx, run.Account)
	if err != nil {
		return err
	}
	if run.First {
		if err := d.offer(ctx, run, positions); err != nil {
			return err
		}
	}
	quotes, err := d.feed.Quotes(ctx)
	if err != nil {
		return err
	}
	stopped := 0
	for _, p := range positions {
		last := quotes[p.Symbol].Last
		if last == 0 || !atStop(p, last) {
			continue
		}
		sold, err := d.exit(ctx, run, p.Symbol, last, NoteStop)
		if err != nil {
			return err
		}
		if sold {
			stopped++
		}
	}
	tradeclock.Annotate(ctx, "watched", len(positions))
	if stopped > 0 {
		tradeclock.Annotate(ctx, "stopped", stopped)
	}
	return nil
}

func atStop(p broker.Position, last money.Amount) bool {
	return last <= p.Price()-p.Price().BasisPoints(stopBelow)
}

// offer places a limit order to sell each position at its target, unless an
// earlier first run, which did not end well, has done so.
func (d *Desk) offer(ctx context.Context, run tradeclock.Run, positions []broker.Position) error {
	offered, err := d.offered(ctx, run)
	if err != nil {
		return err
	}
	placed := 0
	var value money.Amount
	for _, p := range positions {
		if offered[p.Symbol] {
			continue
		}
		target := p.Price() + p.Price().BasisPoints(targetAbove)
		order, err := d.place(ctx, run, broker.Order{
			Symbol: p.Symbol, Side: broker.Sell, Kind: broker.Limit, Quantity: p.Quantity, Price: target, Note: NoteTarget,
		})
		if err != nil {
			return err
		}
		if order.Status == broker.StatusOpen {
			placed++
			value += target.Times(p.Quantity)
		}
	}
	tradeclock.Annotate(ctx, "offered", placed)
	tradeclock.Annotate(ctx, "offered_value", value.String())
	return nil
}

// offered are the symbols that are in an open sell order.
func (d *Desk) offered(ctx context.Context, run tradeclock.Run) (map[string]bool, error) {
	orders, err := d.broker.Orders(ctx, run.Account, run.Session)
	symbols := make(map[string]bool)
	for _, o := range orders {
		if o.Side == broker.Sell && o.Status == broker.StatusOpen {
			symbols[o.Symbol] = true
		}
	}
	return symbols, err
}

// PositionMonitor leaves positions that have turned down, and enters again those
// that were stopped and came back.
func (d *Desk) PositionMonitor(ctx context.Context, run tradeclock.Run) error {
	positions, err := d.broker.Positions(ctx, run.Account)
	if err != nil {
		return err
	}
	tradeclock.Annotate(ctx, "positions", len(positions))
	open, err := d.cal.IsOpen(d.clock.Now())
	if err != nil {
		return err
	}
	if !open {
		// At the close itself, and in a break between two windows, there is nothing
		// to trade: note what is held.
		return nil
	}
	quotes, err := d.feed.Quotes(ctx)
	if err != nil {
		return err
	}
	exits, err := d.leaveTurned(ctx, run, positions, quotes)
	if err != nil {
		return err
	}
	entries, err := d.reenter(ctx, run, quotes)
	if err != nil {
		return err
	}
	tradeclock.Annotate(ctx, "exits", exits)
	tradeclock.Annotate(ctx, "entries", entries)
	return nil
}

func (d *Desk) leaveTurned(ctx context.Context, run tradeclock.Run, positions []broker.Position, quotes map[string]market.Quote) (exits int, err error) {
	for _, p := range positions {
		last, average := quotes[p.Symbol].Last, quotes[p.Symbol].Average
		if last == 0 || last > average-average.BasisPoints(turnBelow) {
			continue
		}
		if atStop(p, last) {
			continue // that is for SellMonitor, which runs at the same minute
		}
		sold, err := d.exit(ctx, run, p.Symbol, last, NoteTurn)
		if err != nil {
			return exits, err
		}
		if sold {
			exits++
		}
	}
	return exits, nil
}

// reenter buys back what was stopped today and has risen since, once a day for
// each symbol.
func (d *Desk) reenter(ctx context.Context, run tradeclock.Run, quotes map[string]market.Quote) (entries int, err error) {
	orders, err := d.broker.Orders(ctx, run.Account, run.Session)
	if err != nil {
		return 0, err
	}
	entered := make(map[string]bool)
	for _, o := range orders {
		entered[o.Symbol] = entered[o.Symbol] || o.Note == NoteReentry
	}
	for _, o := range orders {
		last := quotes[o.Symbol].Last
		wasStopped := o.Note == NoteStop && o.Status == broker.StatusFilled
		if !wasStopped || entered[o.Symbol] || last == 0 || last < o.FillPrice+o.FillPrice.BasisPoints(reentryAbove) {
			continue
		}
		funds, err := d.broker.Funds(ctx, run.Account)
		if err != nil {
			return entries, err
		}
		quantity := min(o.Quantity, broker.Affordable(funds, last))
		if quantity == 0 {
			continue
		}
		_, err = d.place(ctx, run, broker.Order{
			Symbol: o.Symbol, Side: broker.Buy, Kind: broker.Limit, Quantity: quantity, Price: last, Note: NoteReentry,
		})
		if err != nil {
			return entries, err
		}
		entered[o.Symbol] = true
		entries++
	}
	return entries, nil
}
