package desk

import (
	"cmp"
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

// OpeningKey begins the keys of the orders that an account is opened with.
const OpeningKey = "opening-"

// OpenAccounts opens the accounts that the broker has not yet, each with cash and
// two positions that it bought yesterday at the close, and with the orders that
// it would have placed yesterday evening for the session. Without bars of yesterday
// the positions cost today's opening price, and there are no orders.
func OpenAccounts(ctx context.Context, b *broker.Broker, accounts []string, session calendar.Date, today, yesterday market.Day) error {
	for i, account := range accounts {
		positions := startingBook(2*i, today, yesterday)
		cash := startingFunds
		for _, p := range positions {
			cash -= p.Cost
		}
		opened, err := b.OpenAccount(ctx, account, cash, positions)
		if err != nil {
			return err
		}
		if !opened {
			continue
		}
		if err := placeYesterdays(ctx, b, account, session, positions, yesterday); err != nil {
			return fmt.Errorf("open the book of %s: %w", account, err)
		}
	}
	return nil
}

// startingBook gives each account other symbols, as far as there are some.
func startingBook(from int, today, yesterday market.Day) []broker.Position {
	symbols := today.Symbols()
	opens, closes := today.Opens(), yesterday.Closes()
	var positions []broker.Position
	for i := range min(startingPositions, len(symbols)) {
		symbol := symbols[(from+i)%len(symbols)]
		price := cmp.Or(closes[symbol], opens[symbol])
		quantity := broker.Affordable(startingPart, price)
		if quantity == 0 {
			continue
		}
		positions = append(positions, broker.Position{Symbol: symbol, Quantity: quantity, Cost: price.Times(quantity)})
	}
	return positions
}

func placeYesterdays(ctx context.Context, b *broker.Broker, account string, session calendar.Date, held []broker.Position, yesterday market.Day) error {
	quotes := yesterday.Quotes(session.UTC()) // when all its bars are complete
	for _, p := range held {
		delete(quotes, p.Symbol)
	}
	chosen := rank(quotes)
	funds, err := b.Funds(ctx, account)
	if err != nil {
		return err
	}
	for _, o := range shareOut(funds, session, chosen[:min(maxCandidates, len(chosen))]) {
		o.Account, o.Key = account, OpeningKey+o.Symbol
		if _, err := b.Place(ctx, o); err != nil {
			return err
		}
	}
	return nil
}
