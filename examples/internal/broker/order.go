package broker

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/tradeclock/tradeclock/calendar"
	"github.com/tradeclock/tradeclock/examples/internal/money"
	"github.com/tradeclock/tradeclock/exchange"
)

// Side is buy or sell.
type Side string

// Kind is market or limit.
type Kind string

// Status is what became of an order.
type Status string

// The sides, kinds and statuses.
const (
	Buy  Side = "buy"
	Sell Side = "sell"

	Market Kind = "market" // fills at the next bar's open
	Limit  Kind = "limit"  // fills at its price or better

	StatusWaiting   Status = "waiting" // an after-market order, until its session begins
	StatusOpen      Status = "open"
	StatusFilled    Status = "filled"
	StatusCancelled Status = "cancelled"
	StatusRejected  Status = "rejected"
)

// Order is an order to buy or sell, and what became of it.
type Order struct {
	Account string `json:"account"`
	// Key is the client's order ID. An account has one order of a key.
	Key      string `json:"key"`
	Symbol   string `json:"symbol"`
	Side     Side   `json:"side"`
	Kind     Kind   `json:"kind"`
	Quantity int64  `json:"quantity"`
	// Price is the limit of a limit order. For a market order it is the price at
	// which its cost was reckoned.
	Price money.Amount `json:"price"`
	// Session is the day on which the order may fill.
	Session calendar.Date `json:"session,omitzero"`
	// AfterMarket is true for an order that is placed for a later session.
	AfterMarket bool `json:"after_market,omitzero"`
	// Note is what the client wants to remember.
	Note string `json:"note,omitzero"`

	Status Status `json:"status,omitzero"`
	// Reason says why it was rejected or cancelled.
	Reason string    `json:"reason,omitzero"`
	Placed time.Time `json:"placed,omitzero"`
	// Settled is when it was cancelled or rejected, or the minute in which it was
	// filled.
	Settled time.Time `json:"settled,omitzero"`
	// FillPrice and Fees are those of a filled order. Realised is the profit of a
	// sale after the fees of both sides.
	FillPrice money.Amount `json:"fill_price,omitzero"`
	Fees      money.Amount `json:"fees,omitzero"`
	Realised  money.Amount `json:"realised,omitzero"`
}

// ErrRefused is what an error is when the broker will not do what it was asked for, and
// has changed nothing. Any other leaves open whether it has.
var ErrRefused = errors.New("the broker refuses")

// ErrNotHeld is wrapped by the error of an exit from a position that there is not.
var ErrNotHeld = errors.New("there is no position")

// refusal is an ErrRefused that says why.
type refusal string

func (r refusal) Error() string        { return string(r) }
func (r refusal) Is(target error) bool { return target == ErrRefused }

func refusef(format string, args ...any) error { return refusal(fmt.Sprintf(format, args...)) }

// Value is quantity times fill price.
func (o Order) Value() money.Amount { return o.FillPrice.Times(o.Quantity) }

// Place places an order, and returns it as the books have it. A second order of
// the same account and key is not placed: the first is returned. An order that
// the account cannot pay for or has not the shares for, and a day order after
// the close, is rejected, which is no error.
//
// A day order is for today's session, whatever its Session says. An after-market
// order is for its Session, and is checked when that begins.
func (b *Broker) Place(ctx context.Context, o Order) (Order, error) {
	if err := o.check(); err != nil {
		return Order{}, fmt.Errorf("order %s: %w", o.Key, err)
	}
	err := b.update(ctx, func(tx *sql.Tx) (err error) {
		o, err = b.place(ctx, tx, o)
		return err
	})
	if err != nil {
		return Order{}, fmt.Errorf("place order %s of %s: %w", o.Key, o.Account, err)
	}
	return o, nil
}

func (o Order) check() error {
	switch {
	case o.Account == "" || o.Key == "" || o.Symbol == "":
		return refusef("account, key and symbol are required")
	case o.Side != Buy && o.Side != Sell:
		return refusef("side %q is neither buy nor sell", o.Side)
	case o.Kind != Market && o.Kind != Limit:
		return refusef("kind %q is neither market nor limit", o.Kind)
	case o.Quantity <= 0:
		return refusef("quantity %d is not positive", o.Quantity)
	case o.Price <= 0:
		return refusef("price %s is not positive", o.Price)
	}
	return nil
}

func (b *Broker) place(ctx context.Context, tx *sql.Tx, o Order) (Order, error) {
	first, err := selectOrders(ctx, tx, `account = ? AND key = ?`, o.Account, o.Key)
	if err != nil {
		return o, err
	}
	if len(first) > 0 {
		return first[0], nil
	}
	now := b.clock.Now().UTC()
	o.Placed = now.Truncate(time.Second)
	if o.AfterMarket {
		if err := b.checkAhead(ctx, tx, o.Session); err != nil {
			return o, err
		}
		o.Status = StatusWaiting
		return o, insertOrder(ctx, tx, o)
	}
	o.Status = StatusOpen
	o.Session = b.cal.DateAt(now)
	if o.Reason, err = b.objection(ctx, tx, o); err != nil {
		return o, err
	}
	if o.Reason != "" {
		o.Status, o.Settled = StatusRejected, o.Placed
	}
	return o, insertOrder(ctx, tx, o)
}

// checkAhead refuses a session that has begun, or is none. One whose hours are not
// announced yet begins with its date.
func (b *Broker) checkAhead(ctx context.Context, tx *sql.Tx, session calendar.Date) error {
	opening, _, err := b.cal.OpenClose(session)
	var unknown *exchange.HoursUnknownError
	if errors.As(err, &unknown) {
		opening, err = calendar.Wall(0, 0).On(session, b.cal.Location()), nil
	}
	if err != nil {
		return err
	}
	var begun bool
	err = tx.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM paper_day WHERE session = ?)`, session.String()).Scan(&begun)
	if err != nil {
		return err
	}
	if begun || !b.clock.Now().Before(opening) {
		return refusef("an after-market order is for a later session, not %s", session)
	}
	return nil
}

// objection says why a day order cannot be taken, and is empty if it can.
func (b *Broker) objection(ctx context.Context, tx *sql.Tx, o Order) (string, error) {
	today, err := b.cal.Session(o.Session)
	if err != nil {
		return "", err
	}
	if _, closing, _ := today.Bounds(calendar.PhaseRegular); !b.clock.Now().Before(closing) {
		return "the market is closed", nil
	}
	if o.Side == Sell {
		free, err := freeQuantity(ctx, tx, o.Account, o.Symbol)
		if err != nil || o.Quantity <= free {
			return "", err
		}
		return fmt.Sprintf("%d shares are free to sell", free), nil
	}
	left, err := funds(ctx, tx, o.Account)
	if err != nil || cost(o.Price, o.Quantity) <= left {
		return "", err
	}
	return shortOf(cost(o.Price, o.Quantity), left), nil
}

func shortOf(needs, has money.Amount) string {
	return fmt.Sprintf("it costs %s and there is %s", needs, has)
}

// freeQuantity is what is held of a symbol and not in an open sell order.
func freeQuantity(ctx context.Context, tx *sql.Tx, account, symbol string) (int64, error) {
	p, err := positionOf(ctx, tx, account, symbol)
	if err != nil {
		return 0, err
	}
	sells, err := selectOrders(ctx, tx, `account = ? AND symbol = ? AND side = 'sell' AND status = 'open'`, account, symbol)
	if err != nil {
		return 0, err
	}
	for _, o := range sells {
		p.Quantity -= o.Quantity
	}
	return p.Quantity, nil
}

// Resize gives an open buy order another quantity and price to reckon with. It is
// an error if the order is not open, or if the account's funds do not cover it.
func (b *Broker) Resize(ctx context.Context, account, key string, quantity int64, price money.Amount) error {
	err := b.update(ctx, func(tx *sql.Tx) error {
		orders, err := selectOrders(ctx, tx, `account = ? AND key = ? AND side = 'buy' AND status = 'open'`, account, key)
		if err != nil {
			return err
		}
		if len(orders) == 0 {
			return refusef("it is not an open buy order")
		}
		left, err := funds(ctx, tx, account)
		if err != nil {
			return err
		}
		left += cost(orders[0].Price, orders[0].Quantity)
		if cost(price, quantity) > left {
			return refusef("%s", shortOf(cost(price, quantity), left))
		}
		_, err = tx.ExecContext(ctx, `UPDATE paper_order SET quantity = ?, price = ? WHERE account = ? AND key = ?`,
			quantity, price, account, key)
		return err
	})
	if err != nil {
		return fmt.Errorf("resize order %s of %s: %w", key, account, err)
	}
	return nil
}

// Exit sells a whole position at the market, in place of what sell orders it has
// open, and returns the order. If one is on its way out at the market already,
// that is returned, so two exits never sell twice. Price is the last price.
func (b *Broker) Exit(ctx context.Context, account, key, symbol string, price money.Amount, note string) (Order, error) {
	var exit Order
	err := b.update(ctx, func(tx *sql.Tx) error {
		leaving, err := selectOrders(ctx, tx, `account = ? AND (key = ? OR symbol = ? AND side = 'sell' AND kind = 'market' AND status = 'open')`,
			account, key, symbol)
		if err != nil {
			return err
		}
		if len(leaving) > 0 {
			exit = leaving[0]
			return nil
		}
		if err := b.cancel(ctx, tx, "replaced by "+key, `account = ? AND symbol = ? AND side = 'sell' AND status = 'open'`, account, symbol); err != nil {
			return err
		}
		p, err := positionOf(ctx, tx, account, symbol)
		if err != nil {
			return err
		}
		if p.Quantity == 0 {
			return fmt.Errorf("%w of %s", ErrNotHeld, symbol)
		}
		exit, err = b.place(ctx, tx, Order{
			Account: account, Key: key, Symbol: symbol,
			Side: Sell, Kind: Market, Quantity: p.Quantity, Price: price, Note: note,
		})
		return err
	})
	if err != nil {
		return Order{}, fmt.Errorf("exit %s of %s: %w", symbol, account, err)
	}
	return exit, nil
}

// cancel cancels the orders that a condition selects.
func (b *Broker) cancel(ctx context.Context, tx *sql.Tx, reason, where string, args ...any) error {
	args = append([]any{reason, stamp(b.clock.Now())}, args...)
	_, err := tx.ExecContext(ctx, `UPDATE paper_order SET status = 'cancelled', reason = ?, settled_at = ? WHERE `+where, args...)
	return err
}

// Orders returns an account's orders for a session in the order in which they
// were placed.
func (b *Broker) Orders(ctx context.Context, account string, session calendar.Date) ([]Order, error) {
	orders, err := selectOrders(ctx, b.db, `account = ? AND session = ?`, account, session.String())
	if err != nil {
		return nil, fmt.Errorf("read the orders of %s: %w", account, err)
	}
	return orders, nil
}

// AllOrders returns the orders of all accounts and sessions in the order in which
// they were placed.
func (b *Broker) AllOrders(ctx context.Context) ([]Order, error) {
	orders, err := selectOrders(ctx, b.db, `true`)
	if err != nil {
		return nil, fmt.Errorf("read all orders: %w", err)
	}
	return orders, nil
}

const orderColumns = `account, key, symbol, side, kind, quantity, price, session, after_market, note,
	status, reason, placed_at, settled_at, fill_price, fees, realised`

func insertOrder(ctx context.Context, tx *sql.Tx, o Order) error {
	_, err := tx.ExecContext(ctx, `INSERT INTO paper_order (`+orderColumns+`) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0, 0, 0)`,
		o.Account, o.Key, o.Symbol, o.Side, o.Kind, o.Quantity, o.Price, o.Session.String(), o.AfterMarket, o.Note,
		o.Status, o.Reason, stamp(o.Placed), stamp(o.Settled))
	return err
}

// selectOrders returns the orders that a condition selects, in the order in which
// they were placed.
func selectOrders(ctx context.Context, q querier, where string, args ...any) ([]Order, error) {
	return queryAll(ctx, q, scanOrder, `SELECT `+orderColumns+` FROM paper_order WHERE `+where+` ORDER BY placed_at, account, rowid`, args...)
}

func scanOrder(rows *sql.Rows) (Order, error) {
	var o Order
	var session, placed, settled string
	err := rows.Scan(&o.Account, &o.Key, &o.Symbol, &o.Side, &o.Kind, &o.Quantity, &o.Price, &session, &o.AfterMarket, &o.Note,
		&o.Status, &o.Reason, &placed, &settled, &o.FillPrice, &o.Fees, &o.Realised)
	if err != nil {
		return o, err
	}
	var errs [3]error
	o.Session, errs[0] = calendar.ParseDate(session)
	o.Placed, errs[1] = parseStamp(placed)
	o.Settled, errs[2] = parseStamp(settled)
	return o, errors.Join(errs[:]...)
}
