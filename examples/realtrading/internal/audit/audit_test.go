package audit_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tradeclock/tradeclock"
	"github.com/tradeclock/tradeclock/calendar"
	"github.com/tradeclock/tradeclock/examples/internal/broker"
	"github.com/tradeclock/tradeclock/examples/internal/desk"
	"github.com/tradeclock/tradeclock/examples/realtrading/internal/audit"
	"github.com/tradeclock/tradeclock/examples/realtrading/internal/client"
	"github.com/tradeclock/tradeclock/examples/realtrading/internal/wire"
)

var (
	monday  = calendar.Date{Year: 2026, Month: time.November, Day: 23}
	started = time.Date(2026, time.November, 23, 10, 35, 0, 0, time.UTC)
)

// accounts are both accounts of one run, buy, which placed orders of two symbols, and
// of what the account was opened with.
type accounts struct {
	buy    tradeclock.Run
	others []tradeclock.Run
	book   wire.Book
}

func agreeing() *accounts {
	orders := map[string]any{"NEEM": "waiting", "SAL": "waiting", "TEAK": client.Refused}
	return &accounts{
		buy: tradeclock.Run{ID: "buy", Account: "alice", Task: "buy_orders", Slot: "2026-11-23", Term: 1, Started: started,
			Outcome: tradeclock.Succeeded, Details: map[string]any{client.DetailOrders: orders, "placed": float64(2)}},
		book: wire.Book{
			Orders: []broker.Order{
				{Account: "alice", Key: desk.OpeningKey + "NEEM", Symbol: "NEEM", Note: desk.NoteEvening},
				order("buy-NEEM"), order("buy-SAL"),
			},
			Changes: []wire.Change{change("buy-NEEM", 1, wire.Lost), change("buy-NEEM", 1, wire.Done), change("buy-SAL", 1, wire.Done)},
		},
	}
}

func order(key string) broker.Order {
	_, symbol, _ := strings.Cut(key, "-")
	return broker.Order{Account: "alice", Key: key, Symbol: symbol, Session: monday, Note: desk.NoteEvening, Status: broker.StatusWaiting}
}

func change(key string, term int64, fate wire.Fate) wire.Change {
	return wire.Change{Account: "alice", What: wire.Placing, Key: key, Term: term, Fate: fate}
}

func (a *accounts) compare() audit.Report {
	return audit.Compare(append([]tradeclock.Run{a.buy}, a.others...), a.book)
}

// place puts an order into the book that a run of term 1 placed.
func (a *accounts) place(key string) {
	a.book.Orders = append(a.book.Orders, order(key))
	a.book.Changes = append(a.book.Changes, change(key, 1, wire.Done))
}

func (a *accounts) said(symbol, what string) {
	a.buy.Details[client.DetailOrders].(map[string]any)[symbol] = what
}

func TestWhatAgrees(t *testing.T) {
	result := agreeing().compare()

	assert.Equal(t, audit.Report{
		Started: 1, Orders: 3, Opening: 1, Again: 1, Fates: map[wire.Fate]int{wire.Lost: 1, wire.Done: 2},
	}, result)
	var text strings.Builder
	require.NoError(t, result.Print(&text))
	assert.Contains(t, text.String(), "no order twice, none missing without a reason")
}

func TestWhatDoesNotAgree(t *testing.T) {
	for _, c := range []struct {
		name  string
		spoil func(a *accounts)
		want  string
	}{
		{"an order of nobody", func(a *accounts) { a.place("none-TEAK") },
			"the order none-TEAK of alice is of no run in the ledger"},
		{"another's account", func(a *accounts) { a.book.Orders[1].Account = "bob" },
			"the order buy-NEEM of bob is of a run for alice"},
		{"a run that never started", func(a *accounts) {
			a.place("idle-TEAK")
			a.others = []tradeclock.Run{{ID: "idle", Account: "alice", Outcome: tradeclock.Missed, Reason: "too late"}}
		}, "the order idle-TEAK of alice is of a run that never started: missed, too late"},
		{"an order twice", func(a *accounts) {
			a.place("again-SAL")
			a.others = []tradeclock.Run{{ID: "again", Account: "alice", Started: started, Outcome: tradeclock.Interrupted, Reason: "a crash"}}
		}, `alice has two orders "evening buy" of SAL for 2026-11-23: buy-SAL and again-SAL`},
		{"an order that is missing", func(a *accounts) { a.said("CEDAR", "waiting") },
			"buy_orders of alice, 2026-11-23 has no order of CEDAR, which the broker confirmed as waiting"},
		{"an order that was refused", func(a *accounts) { a.said("SAL", client.Refused) },
			"buy_orders of alice, 2026-11-23 has an order of SAL that the broker refused"},
		{"a success without an answer", func(a *accounts) { a.said("CEDAR", client.Unanswered) },
			"buy_orders of alice, 2026-11-23 succeeded, and does not know what became of its order of CEDAR"},
		{"an order that its run does not know of", func(a *accounts) { a.place("buy-CEDAR"); a.buy.Details["placed"] = 3 },
			"buy_orders of alice, 2026-11-23 does not know of its order of CEDAR"},
		{"a wrong count", func(a *accounts) { a.buy.Details["placed"] = 5 },
			"buy_orders of alice, 2026-11-23 says that it placed 5 orders, and the broker has 2"},
		{"a failure without a reason", func(a *accounts) { a.buy.Outcome = tradeclock.Failed },
			"buy_orders of alice, 2026-11-23 is failed without a reason"},
		{"no outcome", func(a *accounts) { a.buy.Outcome = tradeclock.Running },
			"buy_orders of alice, 2026-11-23 is not settled"},
		{"a change of a deposed holder", func(a *accounts) {
			a.book.Changes[1].Term = 2
		}, `the change "place" of buy-SAL was made under term 1, after one under term 2`},
	} {
		t.Run(c.name, func(t *testing.T) {
			a := agreeing()
			c.spoil(a)

			assert.Equal(t, []string{c.want}, a.compare().Findings)
		})
	}
}

func TestWhatWasCutOffNeedNotKnowItsOrders(t *testing.T) {
	a := agreeing()
	a.place("buy-CEDAR")
	a.buy.Outcome, a.buy.Reason, a.buy.Details = tradeclock.Interrupted, "its process died", nil

	result := a.compare()

	assert.Empty(t, result.Findings)
	assert.Equal(t, 1, result.Unfinished)
}

func TestARunThatIsRunAgainNeedNotKnowItsEarlierOrders(t *testing.T) {
	a := agreeing()
	a.place("buy-CEDAR") // under term 1
	a.buy.Term = 2
	delete(a.buy.Details, "placed")

	assert.Empty(t, a.compare().Findings)
}
