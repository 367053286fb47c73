package client

import (
	"context"
	"maps"
	"strings"
	"sync"

	"github.com/tradeclock/tradeclock"
	"github.com/tradeclock/tradeclock/examples/internal/broker"
)

// DetailOrders is the detail of a run with what became of each order that it asked
// for: a status of the broker, Refused or Unanswered, by symbol.
const DetailOrders = "orders"

// What a run says of an order of which it has no status.
const (
	Refused    = "refused"
	Unanswered = "unanswered"
)

// Fence returns an executor whose runs reach the broker under their terms, and say in
// their details which orders they asked for.
func Fence(next tradeclock.TaskExecutor) tradeclock.TaskExecutor { return fenced{next} }

type fenced struct{ tradeclock.TaskExecutor }

// Unwrap lets the scheduler find what else the executor is.
func (f fenced) Unwrap() tradeclock.TaskExecutor { return f.TaskExecutor }

func (f fenced) Execute(ctx context.Context, run tradeclock.Run) error {
	a := &acting{run: run, orders: make(map[string]string)}
	err := f.TaskExecutor.Execute(context.WithValue(ctx, actingKey{}, a), run)
	if orders := a.asked(); len(orders) > 0 {
		tradeclock.Annotate(ctx, DetailOrders, orders)
	}
	return err
}

// acting is the run on whose behalf a call is made. It is nil outside a run.
type acting struct {
	run tradeclock.Run

	mu     sync.Mutex
	orders map[string]string
}

type actingKey struct{}

func actingIn(ctx context.Context) *acting {
	a, _ := ctx.Value(actingKey{}).(*acting)
	return a
}

// note keeps what is known of an order that the run asks for.
func (a *acting) note(key, what string) {
	if a == nil {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.orders[strings.TrimPrefix(key, a.run.ID+"-")] = what
}

// answered keeps how a request for an order of a key ended.
func (a *acting) answered(key string, o broker.Order, err error) {
	switch {
	case err == nil && o.Key != key: // another order does it: this one is not placed
		a.note(key, Refused)
	case err == nil:
		a.note(key, string(o.Status))
	case isRefusal(err):
		a.note(key, Refused)
	}
}

func (a *acting) asked() map[string]string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return maps.Clone(a.orders)
}
