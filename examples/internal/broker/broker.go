// Package broker is a small honest paper broker: it keeps cash and positions,
// takes market and limit orders for the day and for the next session, and fills
// them at the prices of one-minute bars. Its books are in SQLite, and each
// operation is one transaction, so they hold across a crash.
//
// What it leaves out: an order fills whole or not at all, trades settle at once,
// and its orders do not move the market.
package broker

import (
	"context"
	"database/sql"
	_ "embed"
	"errors"
	"fmt"
	"time"

	"github.com/tradeclock/tradeclock"
	"github.com/tradeclock/tradeclock/examples/internal/money"
	"github.com/tradeclock/tradeclock/exchange"
)

//go:embed schema.sql
var schema string

// Broker keeps the books of any number of accounts. It is safe for concurrent
// use.
type Broker struct {
	db    *sql.DB
	clock tradeclock.Clock
	cal   *exchange.Sessions
}

// Open returns the broker whose books are in db, and makes its tables if they are
// not there. It trades in the hours of the exchange. Transactions of db must take
// SQLite's write lock when they begin.
func Open(ctx context.Context, db *sql.DB, clock tradeclock.Clock, cal *exchange.Sessions) (*Broker, error) {
	if _, err := db.ExecContext(ctx, schema); err != nil {
		return nil, fmt.Errorf("make the broker's tables: %w", err)
	}
	return &Broker{db, clock, cal}, nil
}

// Fee is what a trade of a value costs: a tax of 10 basis points, and a brokerage
// of 3 basis points that is at most 20 rupees, rounded up to the paisa.
func Fee(value money.Amount) money.Amount {
	fee := value.BasisPoints(10) + min(value.BasisPoints(3), 20*money.Rupee)
	return (fee + money.Paisa - 1) / money.Paisa * money.Paisa
}

// Affordable is the greatest quantity that funds buy at a price, with its fee.
func Affordable(funds, price money.Amount) int64 {
	if funds <= 0 || price <= 0 {
		return 0
	}
	quantity := int64(funds / price)
	for quantity > 0 && cost(price, quantity) > funds {
		quantity--
	}
	return quantity
}

func cost(price money.Amount, quantity int64) money.Amount {
	value := price.Times(quantity)
	return value + Fee(value)
}

// Position is what an account holds of a symbol.
type Position struct {
	Symbol   string `json:"symbol"`
	Quantity int64  `json:"quantity"`
	// Cost is what the whole position cost, fees included.
	Cost money.Amount `json:"cost"`
}

// Price is what a share of the position cost.
func (p Position) Price() money.Amount { return p.Cost / money.Amount(p.Quantity) }

// OpenAccount opens an account with cash and positions, unless there is one
// already: then it changes nothing and returns false.
func (b *Broker) OpenAccount(ctx context.Context, account string, cash money.Amount, positions []Position) (opened bool, err error) {
	err = b.update(ctx, func(tx *sql.Tx) error {
		result, err := tx.ExecContext(ctx, `INSERT INTO paper_account (account, cash, opened_at) VALUES (?, ?, ?) ON CONFLICT DO NOTHING`,
			account, cash, stamp(b.clock.Now()))
		if err != nil {
			return err
		}
		n, err := result.RowsAffected()
		if err != nil || n == 0 {
			return err
		}
		opened = true
		for _, p := range positions {
			if err := addPosition(ctx, tx, account, p); err != nil {
				return err
			}
			if err := setPrice(ctx, tx, p.Symbol, p.Price(), b.clock.Now()); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return false, fmt.Errorf("open account %s: %w", account, err)
	}
	return opened, nil
}

// Accounts returns the accounts in order of their names.
func (b *Broker) Accounts(ctx context.Context) ([]string, error) {
	return queryAll(ctx, b.db, func(rows *sql.Rows) (account string, err error) {
		return account, rows.Scan(&account)
	}, `SELECT account FROM paper_account ORDER BY account`)
}

// Positions returns what an account holds, in order of the symbols.
func (b *Broker) Positions(ctx context.Context, account string) ([]Position, error) {
	return queryAll(ctx, b.db, func(rows *sql.Rows) (p Position, err error) {
		return p, rows.Scan(&p.Symbol, &p.Quantity, &p.Cost)
	}, `SELECT symbol, quantity, cost FROM paper_position WHERE account = ? ORDER BY symbol`, account)
}

// Funds returns the cash that no open or waiting buy order is to spend.
func (b *Broker) Funds(ctx context.Context, account string) (money.Amount, error) {
	return funds(ctx, b.db, account)
}

func funds(ctx context.Context, q querier, account string) (money.Amount, error) {
	left, err := cashOf(ctx, q, account)
	if err != nil {
		return 0, err
	}
	buys, err := selectOrders(ctx, q, `account = ? AND side = 'buy' AND status IN ('waiting', 'open')`, account)
	if err != nil {
		return 0, err
	}
	for _, o := range buys {
		left -= cost(o.Price, o.Quantity)
	}
	return left, nil
}

func cashOf(ctx context.Context, q querier, account string) (cash money.Amount, err error) {
	err = q.QueryRowContext(ctx, `SELECT cash FROM paper_account WHERE account = ?`, account).Scan(&cash)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, fmt.Errorf("there is no account %q", account)
	}
	return cash, err
}

func addCash(ctx context.Context, tx *sql.Tx, account string, change money.Amount) error {
	_, err := tx.ExecContext(ctx, `UPDATE paper_account SET cash = cash + ? WHERE account = ?`, change, account)
	return err
}

func positionOf(ctx context.Context, q querier, account, symbol string) (Position, error) {
	p := Position{Symbol: symbol}
	err := q.QueryRowContext(ctx, `SELECT quantity, cost FROM paper_position WHERE account = ? AND symbol = ?`, account, symbol).
		Scan(&p.Quantity, &p.Cost)
	if errors.Is(err, sql.ErrNoRows) {
		return p, nil
	}
	return p, err
}

func addPosition(ctx context.Context, tx *sql.Tx, account string, p Position) error {
	_, err := tx.ExecContext(ctx, `
		INSERT INTO paper_position (account, symbol, quantity, cost) VALUES (?, ?, ?, ?)
		ON CONFLICT DO UPDATE SET quantity = quantity + excluded.quantity, cost = cost + excluded.cost`,
		account, p.Symbol, p.Quantity, p.Cost)
	return err
}

// takePosition takes quantity shares out of a position, and returns what they
// had cost.
func takePosition(ctx context.Context, tx *sql.Tx, account, symbol string, quantity int64) (money.Amount, error) {
	p, err := positionOf(ctx, tx, account, symbol)
	switch {
	case err != nil:
		return 0, err
	case quantity > p.Quantity:
		return 0, fmt.Errorf("%s holds %d %s and sold %d", account, p.Quantity, symbol, quantity)
	case quantity == p.Quantity:
		_, err = tx.ExecContext(ctx, `DELETE FROM paper_position WHERE account = ? AND symbol = ?`, account, symbol)
		return p.Cost, err
	}
	share := p.Cost * money.Amount(quantity) / money.Amount(p.Quantity)
	_, err = tx.ExecContext(ctx, `UPDATE paper_position SET quantity = quantity - ?, cost = cost - ? WHERE account = ? AND symbol = ?`,
		quantity, share, account, symbol)
	return share, err
}

func setPrice(ctx context.Context, tx *sql.Tx, symbol string, price money.Amount, at time.Time) error {
	_, err := tx.ExecContext(ctx, `
		INSERT INTO paper_price (symbol, price, at) VALUES (?, ?, ?)
		ON CONFLICT DO UPDATE SET price = excluded.price, at = excluded.at`, symbol, price, stamp(at))
	return err
}
