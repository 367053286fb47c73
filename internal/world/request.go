package world

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/tradeclock/tradeclock"
	"github.com/tradeclock/tradeclock/request"
	"github.com/tradeclock/tradeclock/store"
)

// asked is the store of a process of a world in which people ask from another process.
type asked struct{ *faulty }

var _ store.RequestStore = asked{}

// Ask is made by people alone, past all processes.
func (asked) Ask(context.Context, request.Request) (request.Request, error) {
	return request.Request{}, errRefused
}

// Take takes what waits.
func (st asked) Take(ctx context.Context, t store.Term) ([]request.Request, error) {
	return ask(ctx, st.faulty, "Take", "", func() ([]request.Request, error) { return st.p.w.database.Take(whole, t) })
}

// Answer stores an answer.
func (st asked) Answer(ctx context.Context, t store.Term, r request.Request) error {
	return st.tell(ctx, "Answer", "", func() error {
		err := st.p.w.database.Answer(whole, t, r)
		if err == nil {
			st.p.w.note(st.p, "%s is answered: %s, %s", r.Actor, r.Answer, r.Text)
		}
		return err
	})
}

// Requests reads them back.
func (st asked) Requests(ctx context.Context, q request.Query) ([]request.Request, error) {
	return ask(ctx, st.faulty, "Requests", "", func() ([]request.Request, error) { return st.p.w.database.Requests(whole, q) })
}

// ledgerOf is the ledger of a process.
func (w *World) ledgerOf(p *process) tradeclock.Ledger {
	if w.script.asks {
		return asked{p.store}
	}
	return p.store
}

// requestRun has a person ask for a run from a process of his own.
func (w *World) requestRun(wish *wish) {
	r := request.Request{
		ID: wish.req.Actor, Scheduler: schedulerName, Kind: request.Trigger, Task: wish.req.Task, Account: wish.req.Account, Actor: wish.req.Actor,
		ForToday: wish.req.ForToday, Force: wish.req.Force,
	}
	if _, err := w.database.Ask(whole, r); err != nil {
		panic(err)
	}
	wish.askedAt, wish.isRequest = w.now, true
}

// checkRequest: a request is answered, and the answer is true.
func (w *World) checkRequest(wish *wish, rows []tradeclock.Run) {
	found, err := w.database.Requests(whole, request.Query{ID: wish.req.Actor})
	if err != nil || len(found) != 1 {
		panic(fmt.Sprint("the request is gone: ", err))
	}
	r, late := found[0], w.now-wish.askedAt > request.DefaultExpiry+10*time.Minute
	started := slices.ContainsFunc(rows, func(row tradeclock.Run) bool { return row.ID == r.RunID && row.Manual && row.Actor == r.Actor })
	switch {
	case r.Open() && late && !w.book.broken.touch(w.now-10*time.Minute, w.now):
		w.violate("requests", r.Actor+" has no answer")
	case r.Answer == request.Done && !started:
		w.violate("requests", fmt.Sprintf("%s was told %q, and no such run is in the ledger", r.Actor, r.Text))
	case r.Answer == request.Expired && r.Term == 0 && wish.executed:
		w.violate("requests", fmt.Sprintf("%s was told %q, and it ran", r.Actor, r.Text))
	}
}
