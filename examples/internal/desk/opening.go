package desk

import (
	"context"
	"fmt"

	"github.com/tradeclock/tradeclock/calendar"
	"github.com/tradeclock/tradeclock/examples/internal/broker"
	"github.com/tradeclock/tradeclock/examples/internal/market"
	"github.com/tradeclock/tradeclock/examples/internal/money"
)

// What a new account begins with: half of it in two positions.
const (
	startingFunds     = 1_000_000 * money.Rupee
	startingPositions = 2
	startingPart      = startingFunds / 4
)

// OpenAccounts opens the accounts that the broker has not yet, each with cash and
// two positions that it bought yesterday at the close, and with the orders that
// it would have placed yesterday evening. Without bars of yesterday the positions
// cost today's opening price, and there are no orders.
func (d *Desk) OpenAccounts(ctx context.Context, accounts []string, session calendar.Date, yesterday market.Day) error {
	for i, account := range accounts {
		positions := d.startingBook(2*i, yesterday)
		cash := startingFunds
		for _, p := range positions {
			cash -= p.Cost
		}
		opened, err := d.broker.OpenAccount(ctx, account, cash, positions)
		if err != nil {
			return err
		}
		if !opened {
			continue
		}
		if err := d.placeYesterdays(ctx, account, session, positions, yesterday); err != nil {
			return fmt.Errorf("open the book of %s: %w", account, err)
		}
	}
	return nil
}

// startingBook gives each account other symbols, as far as there are some.
func (d *Desk) startingBook(from int, yesterday market.Day) []broker.Position {
	symbols := d.feed.Symbols()
	var positions []broker.Position
	for i := range min(startingPositions, len(symbols)) {
		symbol := symbols[(from+i)%len(symbols)]
		price, _ := d.feed.PreMarket(symbol)
		if bars := yesterday[symbol]; len(bars) > 0 {
			price = bars[len(bars)-1].Close
		}
		quantity := broker.Affordable(startingPart, price)
		if quantity == 0 {
			continue
		}
		positions = append(positions, broker.Position{Symbol: symbol, Quantity: quantity, Cost: price.Times(quantity)})
	}
	return positions
}

func (d *Desk) placeYesterdays(ctx context.Context, account string, session calendar.Date, held []broker.Position, yesterday market.Day) error {
	day := make(market.Day)
	for symbol, bars := range yesterday {
		day[symbol] = bars
	}
	for _, p := range held {
		delete(day, p.Symbol)
	}
	chosen := rank(day)
	if len(chosen) == 0 {
		return nil
	}
	orders, err := d.shareOut(ctx, account, session, chosen[:min(maxCandidates, len(chosen))])
	if err != nil {
		return err
	}
	for _, o := range orders {
		o.Account, o.Key = account, "opening-"+o.Symbol
		if _, err := d.broker.Place(ctx, o); err != nil {
			return err
		}
	}
	return nil
}
