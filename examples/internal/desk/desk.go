// Package desk does the seven tasks of a trading day for paper accounts: a plain
// strategy on the paper broker.
//
// In the evening it ranks the symbols by momentum and buys the strongest for the
// next session with after-market orders. On the day it offers each position at a
// target, sells it at a stop, leaves what turns down, and enters again what was
// stopped and came back. It makes no claim to earn money.
package desk

import (
	"context"
	"database/sql"
	"log/slog"
	"time"

	"github.com/tradeclock/tradeclock"
	"github.com/tradeclock/tradeclock/examples/internal/broker"
	"github.com/tradeclock/tradeclock/examples/internal/market"
	"github.com/tradeclock/tradeclock/examples/internal/money"
	"github.com/tradeclock/tradeclock/exchange"
	"github.com/tradeclock/tradeclock/trading"
)

// The strategy's numbers, in basis points of a price where they are rates.
const (
	maxCandidates = 3
	targetAbove   = 100 // a position is offered this far above its cost
	stopBelow     = 175 // and sold this far below it
	turnBelow     = 75  // or this far below the day's average price, on the hour
	reentryAbove  = 25  // a stopped symbol is bought again this far above its sale

	// orderPause is the time that the broker wants between two orders.
	orderPause = 20 * time.Second
)

// What an order was for, kept as its note.
const (
	noteEvening = "evening buy"
	noteRetry   = "retry before the open"
	noteTarget  = "target"
	noteStop    = "stop"
	noteTurn    = "turned down"
	noteReentry = "came back"
)

// Desk trades for every account of a broker. It is safe for concurrent use.
type Desk struct {
	broker *broker.Broker
	feed   *market.Feed
	picks  *picks
	cal    *exchange.Sessions
	clock  tradeclock.Clock
	log    *slog.Logger
}

var _ trading.Service = (*Desk)(nil)

// New returns a desk for the session that feed has the bars of. It keeps its
// candidates in db.
func New(ctx context.Context, db *sql.DB, b *broker.Broker, feed *market.Feed, cal *exchange.Sessions, clock tradeclock.Clock, log *slog.Logger) (*Desk, error) {
	picks, err := openPicks(ctx, db)
	if err != nil {
		return nil, err
	}
	return &Desk{b, feed, picks, cal, clock, log}, nil
}

// place places an order of a run, with the run's ID and the symbol as its key:
// however often the run is started, the broker has the order once.
func (d *Desk) place(ctx context.Context, run tradeclock.Run, o broker.Order) (broker.Order, error) {
	o.Account = run.Account
	o.Key = run.ID + "-" + o.Symbol
	placed, err := d.broker.Place(ctx, o)
	if err != nil {
		return placed, err
	}
	d.log.Info("order", "account", run.Account, "side", placed.Side, "symbol", placed.Symbol,
		"quantity", placed.Quantity, "price", placed.Price, "for", placed.Note, "status", placed.Status)
	return placed, nil
}

// exit sells a whole position at the market. It returns false if the position was
// on its way out already.
func (d *Desk) exit(ctx context.Context, run tradeclock.Run, symbol string, last money.Amount, note string) (bool, error) {
	key := run.ID + "-" + symbol
	order, err := d.broker.Exit(ctx, run.Account, key, symbol, last, note)
	if err != nil || order.Key != key {
		return false, err
	}
	d.log.Info("order", "account", run.Account, "side", order.Side, "symbol", symbol,
		"quantity", order.Quantity, "price", last, "for", note, "status", order.Status)
	return true, nil
}
