package storetest

import (
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tradeclock/tradeclock/calendar"
	"github.com/tradeclock/tradeclock/request"
	"github.com/tradeclock/tradeclock/store"
)

// requestCases are what people ask: it is kept until who holds the term has answered it.
var requestCases = []ledgerCase{
	{"a request reads back as it was asked, with what it left out", func(w *ledgerTest) {
		st := w.requestsOf()
		r := w.wanted("orders")
		r.Session, r.Force, r.Reason = calendar.Date{Year: 2026, Month: time.November, Day: 20}, true, "the broker was away"
		asked := w.ask(st, r)
		r.ID, r.At, r.Expires = asked.ID, at(9, 0), at(9, 2)
		assert.NotEmpty(w.t, asked.ID)
		assert.Equal(w.t, r, asked)
		assert.Equal(w.t, []request.Request{r}, w.requests(st, request.Query{ID: r.ID}))
	}},
	{"a request asked twice is one", func(w *ledgerTest) {
		st := w.requestsOf()
		asked := w.ask(st, w.wanted("orders"))
		again := w.wanted("others")
		again.ID = asked.ID
		assert.Equal(w.t, asked, w.ask(st, again))
		assert.Len(w.t, w.requests(st, request.Query{}), 1)
	}},
	{"what is not well formed is refused", func(w *ledgerTest) {
		st := w.requestsOf()
		_, err := st.Ask(w.ctx, request.Request{Scheduler: paper, Kind: request.Cancel})
		require.ErrorContains(w.t, err, "Actor")
		assert.ErrorContains(w.t, err, "Reason")
		assert.Empty(w.t, w.requests(st, request.Query{}))
	}},
	{"who holds the term takes the oldest first, and an answer is given once", func(w *ledgerTest) {
		st := w.requestsOf()
		first := w.ask(st, w.wanted("orders"))
		w.clock.Advance(time.Second)
		second := w.ask(st, w.wanted("watch"))
		other := w.wanted("orders")
		other.Scheduler = "real"
		w.ask(st, other)
		term := w.lead("a")

		assert.Equal(w.t, []request.Request{first, second}, w.take(st, term))
		first.Term = term.Number
		second.Term = term.Number
		assert.Equal(w.t, []request.Request{first, second}, w.take(st, term), "until they are answered")
		first.Answer, first.Text, first.RunID, first.Answered = request.Done, "it runs", "abc", at(9, 1)
		require.NoError(w.t, st.Answer(w.ctx, term, first))
		otherwise := first
		otherwise.Answer, otherwise.Text = request.Refused, "busy"
		require.NoError(w.t, st.Answer(w.ctx, term, otherwise))
		assert.Equal(w.t, []request.Request{second}, w.take(st, term))
		assert.Equal(w.t, []request.Request{second, first}, w.requests(st, request.Query{Scheduler: paper}))
		assert.Equal(w.t, []request.Request{second}, w.requests(st, request.Query{Scheduler: paper, Open: true}))
	}},
	{"who has lost the term neither takes nor answers", func(w *ledgerTest) {
		st := w.requestsOf()
		term := w.lead("a")
		asked := w.ask(st, w.wanted("orders"))
		w.take(st, term)
		next := w.takeOver("b")

		_, err := st.Take(w.ctx, term)
		require.ErrorIs(w.t, err, store.ErrDeposed)
		asked.Answer = request.Done
		require.ErrorIs(w.t, st.Answer(w.ctx, term, asked), store.ErrDeposed)
		taken := w.take(st, next)
		require.Len(w.t, taken, 1)
		assert.Equal(w.t, term.Number, taken[0].Term, "who had it before")
		assert.True(w.t, taken[0].Open())
	}},
	{"what nobody asked of a scheduler is not answered", func(w *ledgerTest) {
		st, term := w.requestsOf(), w.lead("a")
		asked := w.ask(st, w.wanted("orders"))
		real, err := w.ledger.Lead(w.ctx, "real", "b", time.Minute, time.Time{})
		require.NoError(w.t, err)
		answered := asked
		answered.Answer, answered.Answered = request.Done, at(9, 1)
		require.NoError(w.t, st.Answer(w.ctx, real, answered))
		unknown := answered
		unknown.ID = "unknown"
		require.NoError(w.t, st.Answer(w.ctx, term, unknown))
		assert.Equal(w.t, []request.Request{asked}, w.requests(st, request.Query{}))
		assert.Equal(w.t, []request.Request{asked}, w.take(st, term), "it is still to be answered")
	}},
	{"requests are read in pages", func(w *ledgerTest) {
		st := w.requestsOf()
		var asked []request.Request
		for range 5 {
			asked = append(asked, w.ask(st, w.wanted("orders")))
			w.clock.Advance(time.Second)
		}
		page := w.requests(st, request.Query{Scheduler: paper, Limit: 2})
		require.Equal(w.t, []request.Request{asked[4], asked[3]}, page)
		page = w.requests(st, request.Query{Scheduler: paper, Limit: 2, Before: page[1]})
		assert.Equal(w.t, []request.Request{asked[2], asked[1]}, page)
	}},
	{"no more than a hundred are taken at once", func(w *ledgerTest) {
		st := w.requestsOf()
		for range 101 {
			w.ask(st, w.wanted("orders"))
		}
		assert.Len(w.t, w.take(st, w.lead("a")), 100)
	}},
	{"what was answered long ago is pruned", func(w *ledgerTest) {
		st, pruner := w.requestsOf(), companion[store.Pruner](w.t, w.ledger)
		term := w.lead("a")
		open, asked, late := w.ask(st, w.wanted("orders")), w.ask(st, w.wanted("watch")), w.ask(st, w.wanted("report"))
		later := at(9, 0).AddDate(0, 1, 0)
		asked.Answer, asked.Answered = request.Done, at(9, 0)
		late.Answer, late.Answered = request.Done, later.Add(-store.MinRetention)
		require.NoError(w.t, st.Answer(w.ctx, term, asked))
		require.NoError(w.t, st.Answer(w.ctx, term, late))
		w.record(term, later)
		_, err := pruner.Prune(w.ctx, paper, later.Add(-store.MinRetention))
		require.NoError(w.t, err)
		left := w.requests(st, request.Query{Scheduler: paper})
		require.Len(w.t, left, 2)
		assert.ElementsMatch(w.t, []string{late.ID, open.ID}, []string{left[0].ID, left[1].ID})
	}},
}

func (w *ledgerTest) requestsOf() store.RequestStore {
	w.t.Helper()
	return companion[store.RequestStore](w.t, w.ledger)
}

func (w *ledgerTest) wanted(task string) request.Request {
	return request.Request{Scheduler: paper, Kind: request.Trigger, Account: "42", Task: task, Actor: "ops"}
}

func (w *ledgerTest) ask(st store.RequestStore, r request.Request) request.Request {
	w.t.Helper()
	asked, err := st.Ask(w.ctx, r)
	require.NoError(w.t, err)
	return asked
}

func (w *ledgerTest) take(st store.RequestStore, term store.Term) []request.Request {
	w.t.Helper()
	taken, err := st.Take(w.ctx, term)
	require.NoError(w.t, err)
	return taken
}

func (w *ledgerTest) requests(st store.RequestStore, q request.Query) []request.Request {
	w.t.Helper()
	found, err := st.Requests(w.ctx, q)
	require.NoError(w.t, err)
	return found
}
