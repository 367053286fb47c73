package desk

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/tradeclock/tradeclock"
	"github.com/tradeclock/tradeclock/calendar"
	"github.com/tradeclock/tradeclock/examples/internal/broker"
	"github.com/tradeclock/tradeclock/examples/internal/market"
	"github.com/tradeclock/tradeclock/examples/internal/money"
)

// candidate is a symbol to buy, and its price when it was chosen.
type candidate struct {
	Symbol string
	Price  money.Amount
}

// rank returns the symbols whose last price is above their average price of the day,
// the furthest above first: what rose into the close tends to open well.
func rank(quotes map[string]market.Quote) []candidate {
	strength := make(map[string]money.Amount)
	var ranked []candidate
	for symbol, q := range quotes {
		if q.Last <= q.Average {
			continue
		}
		strength[symbol] = (q.Last - q.Average) * 1_000_000 / q.Average
		ranked = append(ranked, candidate{symbol, q.Last})
	}
	slices.SortFunc(ranked, func(a, b candidate) int {
		return cmp.Or(cmp.Compare(strength[b.Symbol], strength[a.Symbol]), cmp.Compare(a.Symbol, b.Symbol))
	})
	return ranked
}

// Analysis chooses the account's candidates from the day's prices: the strongest
// symbols that it does not hold.
func (d *Desk) Analysis(ctx context.Context, run tradeclock.Run) error {
	quotes, err := d.feed.Quotes(ctx)
	if err != nil {
		return err
	}
	if len(quotes) == 0 {
		return errors.New("there are no prices to analyse")
	}
	positions, err := d.broker.Positions(ctx, run.Account)
	if err != nil {
		return err
	}
	for _, p := range positions {
		delete(quotes, p.Symbol)
	}
	chosen := rank(quotes)
	chosen = chosen[:min(maxCandidates, len(chosen))]
	if err := d.picks.store(ctx, run.Account, run.Session, chosen); err != nil {
		return err
	}
	symbols := make([]string, len(chosen))
	for i, c := range chosen {
		symbols[i] = c.Symbol
	}
	tradeclock.Annotate(ctx, "candidates", strings.Join(symbols, " "))
	return nil
}

// BuyOrders spends the account's cash on the candidates of this session, in equal
// parts, with after-market orders for the next one.
func (d *Desk) BuyOrders(ctx context.Context, run tradeclock.Run) error {
	candidates, err := d.picks.load(ctx, run.Account, run.Session)
	if err != nil {
		return err
	}
	if len(candidates) == 0 {
		return tradeclock.Skip("there are no candidates of " + run.Session.String())
	}
	next, err := d.cal.Next(run.Session)
	if err != nil {
		return err
	}
	funds, err := d.broker.Funds(ctx, run.Account)
	if err != nil {
		return err
	}
	orders := shareOut(funds, next.Date, candidates)
	if len(orders) == 0 {
		return tradeclock.Skip("the cash does not buy a share of any candidate")
	}
	var value money.Amount
	for i, o := range orders {
		if i > 0 {
			if err := tradeclock.Sleep(ctx, orderPause); err != nil {
				return err
			}
		}
		if _, err := d.place(ctx, run, o); err != nil {
			return err
		}
		value += o.Price.Times(o.Quantity)
		tradeclock.Annotate(ctx, "placed", i+1)
		tradeclock.Annotate(ctx, "value", value.String())
	}
	return nil
}

// shareOut makes a buy order for a session of each candidate that its part of the
// funds buys a share of.
func shareOut(funds money.Amount, session calendar.Date, candidates []candidate) []broker.Order {
	var orders []broker.Order
	for _, c := range candidates {
		part := funds / money.Amount(len(candidates))
		if quantity := broker.Affordable(part, c.Price); quantity > 0 {
			orders = append(orders, broker.Order{
				Symbol: c.Symbol, Side: broker.Buy, Kind: broker.Market, Quantity: quantity, Price: c.Price,
				Session: session, AfterMarket: true, Note: NoteEvening,
			})
		}
	}
	return orders
}

// EODCleanup closes the account's day: it cancels what is left of its orders and
// writes its report.
func (d *Desk) EODCleanup(ctx context.Context, run tradeclock.Run) error {
	report, err := d.broker.CloseDay(ctx, run.Account, run.Session)
	if err != nil {
		return err
	}
	tradeclock.Annotate(ctx, "cancelled", report.Cancelled)
	tradeclock.Annotate(ctx, "worth", report.Closing.String())
	tradeclock.Annotate(ctx, "profit", report.Profit().String())
	return nil
}
