// Package desk does the seven tasks of a trading day: a plain strategy, on whatever
// broker it is given.
//
// In the evening it ranks the symbols by momentum and buys the strongest for the
// next session with after-market orders. On the day it offers each position at a
// target, sells it at a stop, leaves what turns down, and enters again what was
// stopped and came back. It makes no claim to earn money.
package desk

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/tradeclock/tradeclock"
	"github.com/tradeclock/tradeclock/calendar"
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
	NoteEvening = "evening buy"
	NoteRetry   = "retry before the open"
	NoteTarget  = "target"
	NoteStop    = "stop"
	NoteTurn    = "turned down"
	NoteReentry = "came back"
)

// Broker is what the desk asks of a broker: in the paper service a *broker.Broker,
// in the other one that is reached over the network. Orders are found by their keys,
// so a call that was not answered can be repeated.
type Broker interface {
	// Funds returns the cash that no order is to spend.
	Funds(ctx context.Context, account string) (money.Amount, error)
	// Positions returns what an account holds, in order of the symbols.
	Positions(ctx context.Context, account string) ([]broker.Position, error)
	// Orders returns an account's orders for a session, the oldest first.
	Orders(ctx context.Context, account string, session calendar.Date) ([]broker.Order, error)
	// Place places an order, or returns the one that has its key already. An order
	// that is rejected is no error.
	Place(ctx context.Context, o broker.Order) (broker.Order, error)
	// Exit sells a whole position at the market in place of its open sell orders,
	// or returns the order with which it is on its way out already. The error wraps
	// broker.ErrNotHeld if there is no position.
	Exit(ctx context.Context, account, key, symbol string, price money.Amount, note string) (broker.Order, error)
	// Resize gives an open buy order another quantity and price to reckon with.
	Resize(ctx context.Context, account, key string, quantity int64, price money.Amount) error
	// CloseDay cancels what the session left open and returns the day's report.
	CloseDay(ctx context.Context, account string, session calendar.Date) (broker.Report, error)
}

// Feed is where the desk sees prices.
type Feed interface {
	// Quotes returns what can be seen of each symbol now.
	Quotes(ctx context.Context) (map[string]market.Quote, error)
}

// Desk trades for every account of a broker. It is safe for concurrent use.
type Desk struct {
	broker Broker
	feed   Feed
	picks  *Picks
	cal    *exchange.Sessions
	clock  tradeclock.Clock
	log    *slog.Logger
}

var _ trading.Service = (*Desk)(nil)

// New returns a desk that trades in the hours of the exchange.
func New(b Broker, feed Feed, picks *Picks, cal *exchange.Sessions, clock tradeclock.Clock, log *slog.Logger) *Desk {
	return &Desk{b, feed, picks, cal, clock, log}
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
// on its way out already, or is gone.
func (d *Desk) exit(ctx context.Context, run tradeclock.Run, symbol string, last money.Amount, note string) (bool, error) {
	key := run.ID + "-" + symbol
	order, err := d.broker.Exit(ctx, run.Account, key, symbol, last, note)
	if errors.Is(err, broker.ErrNotHeld) {
		return false, nil // a sell order was filled in the meantime
	}
	if err != nil || order.Key != key {
		return false, err
	}
	d.log.Info("order", "account", run.Account, "side", order.Side, "symbol", symbol,
		"quantity", order.Quantity, "price", last, "for", note, "status", order.Status)
	return true, nil
}

// Schedules are those that move with the session's hours, with both monitors in
// one group: they never act on a position at once, and so a replay is the same
// each time.
func Schedules() []tradeclock.Schedule {
	rows := trading.SessionSchedules()
	for i, row := range rows {
		if row.Task == trading.TaskSellMonitor || row.Task == trading.TaskPositionMonitor {
			rows[i].Exclusive = "monitors"
		}
	}
	return rows
}
