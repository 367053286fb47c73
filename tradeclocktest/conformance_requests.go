package tradeclocktest

import (
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tradeclock/tradeclock"
	"github.com/tradeclock/tradeclock/calendar"
	"github.com/tradeclock/tradeclock/request"
)

// requestCases are what people ask: it is kept until who holds the term has answered it.
var requestCases = []ledgerCase{
	{"a request reads back as it was asked, with what it left out", func(w *ledgerTest) {
		store := w.requestsOf()
		r := w.wanted("orders")
		r.Session, r.Force, r.Reason = calendar.Date{Year: 2026, Month: time.November, Day: 20}, true, "the broker was away"
		asked := w.ask(store, r)
		r.ID, r.At, r.Expires = asked.ID, at(9, 0), at(9, 2)
		assert.NotEmpty(w.t, asked.ID)
		assert.Equal(w.t, r, asked)
		assert.Equal(w.t, []request.Request{r}, w.requests(store, request.Query{ID: r.ID}))
	}},
	{"a request asked twice is one", func(w *ledgerTest) {
		store := w.requestsOf()
		asked := w.ask(store, w.wanted("orders"))
		again := w.wanted("others")
		again.ID = asked.ID
		assert.Equal(w.t, asked, w.ask(store, again))
		assert.Len(w.t, w.requests(store, request.Query{}), 1)
	}},
	{"what is not well formed is refused", func(w *ledgerTest) {
		store := w.requestsOf()
		_, err := store.Ask(w.ctx, request.Request{Scheduler: paper, Kind: request.Cancel})
		require.ErrorContains(w.t, err, "Actor")
		assert.ErrorContains(w.t, err, "Reason")
		assert.Empty(w.t, w.requests(store, request.Query{}))
	}},
	{"who holds the term takes the oldest first, and an answer is given once", func(w *ledgerTest) {
		store := w.requestsOf()
		first := w.ask(store, w.wanted("orders"))
		w.clock.Advance(time.Second)
		second := w.ask(store, w.wanted("watch"))
		other := w.wanted("orders")
		other.Scheduler = "real"
		w.ask(store, other)
		term := w.lead("a")

		assert.Equal(w.t, []request.Request{first, second}, w.take(store, term))
		first.Term = term.Number
		second.Term = term.Number
		assert.Equal(w.t, []request.Request{first, second}, w.take(store, term), "until they are answered")
		first.Answer, first.Text, first.RunID, first.Answered = request.Done, "it runs", "abc", at(9, 1)
		require.NoError(w.t, store.Answer(w.ctx, term, first))
		otherwise := first
		otherwise.Answer, otherwise.Text = request.Refused, "busy"
		require.NoError(w.t, store.Answer(w.ctx, term, otherwise))
		assert.Equal(w.t, []request.Request{second}, w.take(store, term))
		assert.Equal(w.t, []request.Request{second, first}, w.requests(store, request.Query{Scheduler: paper}))
		assert.Equal(w.t, []request.Request{second}, w.requests(store, request.Query{Scheduler: paper, Open: true}))
	}},
	{"who has lost the term neither takes nor answers", func(w *ledgerTest) {
		store := w.requestsOf()
		term := w.lead("a")
		asked := w.ask(store, w.wanted("orders"))
		w.take(store, term)
		next := w.takeOver("b")

		_, err := store.Take(w.ctx, term)
		require.ErrorIs(w.t, err, tradeclock.ErrDeposed)
		asked.Answer = request.Done
		require.ErrorIs(w.t, store.Answer(w.ctx, term, asked), tradeclock.ErrDeposed)
		taken := w.take(store, next)
		require.Len(w.t, taken, 1)
		assert.Equal(w.t, term.Number, taken[0].Term, "who had it before")
		assert.True(w.t, taken[0].Open())
	}},
	{"requests are read in pages", func(w *ledgerTest) {
		store := w.requestsOf()
		var asked []request.Request
		for range 5 {
			asked = append(asked, w.ask(store, w.wanted("orders")))
			w.clock.Advance(time.Second)
		}
		page := w.requests(store, request.Query{Scheduler: paper, Limit: 2})
		require.Equal(w.t, []request.Request{asked[4], asked[3]}, page)
		page = w.requests(store, request.Query{Scheduler: paper, Limit: 2, Before: page[1]})
		assert.Equal(w.t, []request.Request{asked[2], asked[1]}, page)
	}},
	{"no more than a hundred are taken at once", func(w *ledgerTest) {
		store := w.requestsOf()
		for range 101 {
			w.ask(store, w.wanted("orders"))
		}
		assert.Len(w.t, w.take(store, w.lead("a")), 100)
	}},
	{"what was answered long ago is pruned", func(w *ledgerTest) {
		store, pruner := w.requestsOf(), companion[tradeclock.Pruner](w.t, w.ledger)
		term := w.lead("a")
		open, asked := w.ask(store, w.wanted("orders")), w.ask(store, w.wanted("watch"))
		asked.Answer, asked.Answered = request.Done, at(9, 0)
		require.NoError(w.t, store.Answer(w.ctx, term, asked))
		later := at(9, 0).AddDate(0, 1, 0)
		w.record(term, later)
		_, err := pruner.Prune(w.ctx, paper, later.Add(-tradeclock.MinRetention))
		require.NoError(w.t, err)
		left := w.requests(store, request.Query{Scheduler: paper})
		require.Len(w.t, left, 1)
		assert.Equal(w.t, open.ID, left[0].ID)
	}},
}

func (w *ledgerTest) requestsOf() tradeclock.RequestStore {
	w.t.Helper()
	return companion[tradeclock.RequestStore](w.t, w.ledger)
}

func (w *ledgerTest) wanted(task string) request.Request {
	return request.Request{Scheduler: paper, Kind: request.Trigger, Account: "42", Task: task, Actor: "ops"}
}

func (w *ledgerTest) ask(store tradeclock.RequestStore, r request.Request) request.Request {
	w.t.Helper()
	asked, err := store.Ask(w.ctx, r)
	require.NoError(w.t, err)
	return asked
}

func (w *ledgerTest) take(store tradeclock.RequestStore, term tradeclock.Term) []request.Request {
	w.t.Helper()
	taken, err := store.Take(w.ctx, term)
	require.NoError(w.t, err)
	return taken
}

func (w *ledgerTest) requests(store tradeclock.RequestStore, q request.Query) []request.Request {
	w.t.Helper()
	found, err := store.Requests(w.ctx, q)
	require.NoError(w.t, err)
	return found
}
