package client

import (
	"context"
	"net/http"
	"net/url"

	"github.com/tradeclock/tradeclock/calendar"
	"github.com/tradeclock/tradeclock/examples/internal/broker"
	"github.com/tradeclock/tradeclock/examples/internal/market"
	"github.com/tradeclock/tradeclock/examples/internal/money"
	"github.com/tradeclock/tradeclock/examples/realtrading/internal/wire"
	"github.com/tradeclock/tradeclock/internal/scaled"
)

// Clock asks once for the clock by which the broker trades.
func (c *Client) Clock(ctx context.Context) (clock scaled.Clock, err error) {
	err = c.try(ctx, get("", "/clock"), &clock)
	return clock, err
}

// Book asks for all that the broker knows of orders: what an auditor sees.
func (c *Client) Book(ctx context.Context) (book wire.Book, err error) {
	err = c.call(ctx, get("", "/book"), &book)
	return book, err
}

// Quotes returns what can be seen of each symbol now.
func (c *Client) Quotes(ctx context.Context) (quotes map[string]market.Quote, err error) {
	err = c.call(ctx, get("", "/quotes"), &quotes)
	return quotes, err
}

// Funds returns the cash that no order is to spend.
func (c *Client) Funds(ctx context.Context, account string) (funds money.Amount, err error) {
	err = c.call(ctx, get(account, "/funds"), &funds)
	return funds, err
}

// Positions returns what an account holds, in order of the symbols.
func (c *Client) Positions(ctx context.Context, account string) (positions []broker.Position, err error) {
	err = c.call(ctx, get(account, "/positions"), &positions)
	return positions, err
}

// Orders returns an account's orders for a session, the oldest first.
func (c *Client) Orders(ctx context.Context, account string, session calendar.Date) (orders []broker.Order, err error) {
	err = c.call(ctx, get(account, "/orders?session="+session.String()), &orders)
	return orders, err
}

// Place places an order, or returns the one that has its key already.
func (c *Client) Place(ctx context.Context, o broker.Order) (placed broker.Order, err error) {
	acting := actingIn(ctx)
	acting.note(o.Key, Unanswered)
	err = c.call(ctx, of(http.MethodPost, o.Account, "/orders", o), &placed)
	acting.answered(o.Key, placed, err)
	return placed, err
}

// Exit sells a whole position at the market, or returns the order with which it is
// on its way out already. The error wraps broker.ErrNotHeld if there is none.
func (c *Client) Exit(ctx context.Context, account, key, symbol string, price money.Amount, note string) (exit broker.Order, err error) {
	acting := actingIn(ctx)
	acting.note(key, Unanswered)
	err = c.call(ctx, of(http.MethodPost, account, "/exits", wire.Exit{Key: key, Symbol: symbol, Price: price, Note: note}), &exit)
	acting.answered(key, exit, err)
	return exit, err
}

// Resize gives an open buy order another quantity and price to reckon with.
func (c *Client) Resize(ctx context.Context, account, key string, quantity int64, price money.Amount) error {
	return c.call(ctx, of(http.MethodPut, account, "/orders/"+url.PathEscape(key), wire.Resize{Quantity: quantity, Price: price}), new(struct{}))
}

// CloseDay cancels what the session left open and returns the day's report.
func (c *Client) CloseDay(ctx context.Context, account string, session calendar.Date) (report broker.Report, err error) {
	err = c.call(ctx, of(http.MethodPost, account, "/closings", wire.Closing{Session: session}), &report)
	return report, err
}

// get is a request to read something, of an account or of nobody.
func get(account, path string) request {
	if account == "" {
		return request{http.MethodGet, path, "", nil}
	}
	return of(http.MethodGet, account, path, nil)
}

// of is a request about an account.
func of(method, account, path string, body any) request {
	return request{method, "/accounts/" + url.PathEscape(account) + path, account, body}
}
