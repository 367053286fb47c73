package sandbox

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/tradeclock/tradeclock/examples/internal/broker"
	"github.com/tradeclock/tradeclock/examples/realtrading/internal/wire"
)

// change is a request that changes something, once it was read.
type change struct {
	wire.Change
	do func(ctx context.Context) (any, error)
}

// change serves requests that change something: to who is admitted, at the pace that is
// allowed, and with what goes wrong on the way back.
func (s *Sandbox) change(read func(account string, r *http.Request) (change, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		c, err := s.receive(read, r)
		if err != nil {
			s.reply(w, nil, err)
			return
		}
		// The broker does what it was asked for, whether the client waits for it or not.
		result, fate, err := s.carryOut(context.WithoutCancel(r.Context()), c)
		switch fate {
		case wire.Lost:
			panic(http.ErrAbortHandler) // cuts the connection
		case wire.Slow:
			timer := s.cfg.Clock.NewTimer(s.cfg.Faults.SlowBy)
			defer timer.Stop()
			select {
			case <-timer.Chan():
			case <-r.Context().Done():
			}
		}
		s.reply(w, result, err)
	}
}

// receive reads a change of who is admitted.
func (s *Sandbox) receive(read func(account string, r *http.Request) (change, error), r *http.Request) (change, error) {
	account := r.PathValue("account")
	term, err := termOf(r)
	if err != nil {
		return change{}, err
	}
	c, err := read(account, r)
	if err != nil {
		return c, err
	}
	c.Account, c.Term = account, term
	if err := s.admit(r, account); err != nil {
		return c, errors.Join(err, s.refused(r.Context(), c, err))
	}
	return c, nil
}

// carryOut makes a change, or lets it be made late, and writes down what became of it.
func (s *Sandbox) carryOut(ctx context.Context, c change) (result any, fate wire.Fate, err error) {
	s.changing.Lock()
	defer s.changing.Unlock()
	if err := s.checkTerm(ctx, c.Term); err != nil { // a newer one came since it was admitted
		return nil, "", errors.Join(err, s.refused(ctx, c, err))
	}
	if !s.pace.take() {
		err := refuse(http.StatusTooManyRequests, wire.CodeTooFast, "more than %d changes a second", s.cfg.Rules.ChangesPerSecond)
		return nil, "", errors.Join(err, s.refused(ctx, c, err))
	}
	request := fmt.Sprint(c.Account, " ", c.What, " ", c.Key)
	fate = s.cfg.Faults.fate(request, s.asked[request])
	s.asked[request]++
	if fate == wire.Late {
		s.late.after(s.cfg.Faults.LateBy, func(ctx context.Context) { s.carryOutLate(ctx, c) })
		err := refuse(http.StatusGatewayTimeout, wire.CodeLate, "no answer in time: ask again")
		return nil, fate, errors.Join(err, s.note(ctx, c, fate, ""))
	}
	if result, err = c.do(ctx); err != nil {
		return nil, fate, errors.Join(err, s.refused(ctx, c, err))
	}
	return result, fate, s.note(ctx, c, fate, "")
}

// carryOutLate makes a change whose client has been told that there is no answer.
func (s *Sandbox) carryOutLate(ctx context.Context, c change) {
	s.changing.Lock()
	defer s.changing.Unlock()
	err := s.checkTerm(ctx, c.Term)
	if err == nil {
		_, err = c.do(ctx)
	}
	fate, cause := wire.LateDone, ""
	if err != nil {
		fate, cause = wire.Refused, err.Error()
		if asRefusal(err).Code == wire.CodeStaleTerm {
			fate = wire.LateStale
		}
	}
	if err := s.note(ctx, c, fate, cause); err != nil {
		s.cfg.Log.Error("journal", "error", err)
	}
}

// refused writes down why a change is not made. What comes without a login is not worth
// a line.
func (s *Sandbox) refused(ctx context.Context, c change, why error) error {
	fate := wire.Refused
	switch asRefusal(why).Code {
	case wire.CodeLogin:
		return nil
	case wire.CodeStaleTerm:
		fate = wire.Stale
	case wire.CodeTooFast:
		fate = wire.TooFast
	}
	return s.note(ctx, c, fate, why.Error())
}

func (s *Sandbox) note(ctx context.Context, c change, fate wire.Fate, cause string) error {
	c.At, c.Fate, c.Cause = s.cfg.Clock.Now(), fate, cause
	return s.journal.add(ctx, c.Change)
}

// asRefusal is what an error is answered with. One that is no refusal leaves open what
// was done.
func asRefusal(err error) *refusal {
	var r *refusal
	switch {
	case errors.As(err, &r):
		return r
	case errors.Is(err, broker.ErrNotHeld):
		return refuse(http.StatusUnprocessableEntity, wire.CodeNotHeld, "%v", err)
	case errors.Is(err, broker.ErrRefused):
		return refuse(http.StatusUnprocessableEntity, wire.CodeRefused, "%v", err)
	}
	return refuse(http.StatusInternalServerError, wire.CodeFailed, "%v", err)
}

func (s *Sandbox) place(account string, r *http.Request) (c change, err error) {
	var o broker.Order
	if err := decode(r, &o); err != nil {
		return c, err
	}
	o.Account = account
	c.What, c.Key = wire.Placing, o.Key
	c.do = func(ctx context.Context) (any, error) { return s.paper.Place(ctx, o) }
	return c, nil
}

func (s *Sandbox) resize(account string, r *http.Request) (c change, err error) {
	var to wire.Resize
	if err := decode(r, &to); err != nil {
		return c, err
	}
	c.What, c.Key = wire.Resizing, r.PathValue("key")
	c.do = func(ctx context.Context) (any, error) {
		return struct{}{}, s.paper.Resize(ctx, account, c.Key, to.Quantity, to.Price)
	}
	return c, nil
}

func (s *Sandbox) exit(account string, r *http.Request) (c change, err error) {
	var e wire.Exit
	if err := decode(r, &e); err != nil {
		return c, err
	}
	c.What, c.Key = wire.Exiting, e.Key
	c.do = func(ctx context.Context) (any, error) {
		return s.paper.Exit(ctx, account, e.Key, e.Symbol, e.Price, e.Note)
	}
	return c, nil
}

func (s *Sandbox) closeDay(account string, r *http.Request) (c change, err error) {
	var closing wire.Closing
	if err := decode(r, &closing); err != nil {
		return c, err
	}
	c.What = wire.DayClose
	c.do = func(ctx context.Context) (any, error) { return s.paper.CloseDay(ctx, account, closing.Session) }
	return c, nil
}
