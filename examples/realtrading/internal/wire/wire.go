// Package wire is what the trading service and the broker sandbox say to each other:
// JSON over HTTP. It owns the shapes and the names of refusals, and no behaviour.
//
//	GET  /clock                                  Clock, without a login
//	GET  /book                                   Book, without a login: for the audit
//	POST /login                                  Login, answered by Token
//	GET  /quotes                                 quotes by symbol
//	GET  /accounts/{account}/funds               an amount
//	GET  /accounts/{account}/positions           positions
//	GET  /accounts/{account}/orders?session=D    orders
//	POST /accounts/{account}/orders              an order to place, answered by it
//	PUT  /accounts/{account}/orders/{key}        Resize
//	POST /accounts/{account}/exits               Exit, answered by the order
//	POST /accounts/{account}/closings            Closing, answered by the day's report
package wire

import (
	"time"

	"github.com/tradeclock/tradeclock/calendar"
	"github.com/tradeclock/tradeclock/examples/internal/broker"
	"github.com/tradeclock/tradeclock/examples/internal/money"
)

// TermHeader is the header with the fencing token: the number of the term under which
// a request is made. A change must have one. The sandbox refuses what bears a lower
// number than it has seen.
const TermHeader = "X-Term"

// Login asks for a token for an account.
type Login struct {
	Account string `json:"account"`
	Secret  string `json:"secret"`
}

// Token goes into the Authorization header, after "Bearer ", until it expires.
type Token struct {
	Token   string    `json:"token"`
	Expires time.Time `json:"expires"`
}

// Resize gives an open buy order another quantity and price to reckon with.
type Resize struct {
	Quantity int64        `json:"quantity"`
	Price    money.Amount `json:"price"`
}

// Exit sells a whole position at the market.
type Exit struct {
	Key    string       `json:"key"`
	Symbol string       `json:"symbol"`
	Price  money.Amount `json:"price"`
	Note   string       `json:"note"`
}

// Closing closes an account's day.
type Closing struct {
	Session calendar.Date `json:"session"`
}

// Code is why a request was refused.
type Code string

// The codes.
const (
	CodeLogin     Code = "login"      // 401: there is no token, or it has expired
	CodeStaleTerm Code = "stale_term" // 409: a newer term has been here
	CodeNotHeld   Code = "not_held"   // 422: there is no position to leave
	CodeRefused   Code = "refused"    // 422: the broker will not have it
	CodeTooFast   Code = "too_fast"   // 429: more changes a second than are allowed
	CodeLate      Code = "late"       // 504: it may be done later, or not at all
	CodeFailed    Code = "failed"     // 500: the sandbox itself failed
)

// Problem is the body of an answer that is no success.
type Problem struct {
	Code    Code   `json:"code"`
	Message string `json:"message"`
}

// Change is one request that was to change something, and what became of it at the
// broker. A client that asks twice with one key makes two of them, and one order.
type Change struct {
	At      time.Time `json:"at"`
	Account string    `json:"account"`
	What    What      `json:"what"`
	// Key is that of the order, and empty for a closing.
	Key   string `json:"key,omitzero"`
	Term  int64  `json:"term"`
	Fate  Fate   `json:"fate"`
	Cause string `json:"cause,omitzero"` // why it was refused
}

// What is what a request was to change.
type What string

// What can be asked for.
const (
	Placing  What = "place"
	Resizing What = "resize"
	Exiting  What = "exit"
	DayClose What = "close"
)

// Fate is what became of a change.
type Fate string

// The fates.
const (
	Done      Fate = "done"
	Lost      Fate = "lost"       // done, and the answer was lost on its way
	Slow      Fate = "slow"       // done, and answered late
	Late      Fate = "late"       // answered with CodeLate, and tried a while after that
	LateDone  Fate = "late done"  // the second line of a Late one
	LateStale Fate = "late stale" // the same, refused since a newer term had come
	Stale     Fate = "stale"      // refused: CodeStaleTerm
	TooFast   Fate = "too fast"   // refused: CodeTooFast
	Refused   Fate = "refused"    // refused: CodeRefused or CodeNotHeld, late too
)

// Happened reports whether the change was made.
func (f Fate) Happened() bool { return f == Done || f == Lost || f == Slow || f == LateDone }

// Book is all that the broker has to say about its accounts' orders.
type Book struct {
	Orders []broker.Order `json:"orders"`
	// Changes are in the order in which they were asked for.
	Changes []Change `json:"changes"`
	// Term is the highest that was seen.
	Term int64 `json:"term"`
}
