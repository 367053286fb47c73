package tradeclock

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/tradeclock/tradeclock/internal/quiet"
	"github.com/tradeclock/tradeclock/internal/said"
	"github.com/tradeclock/tradeclock/request"
	"github.com/tradeclock/tradeclock/store"
)

// How often the active scheduler looks for requests: more often while there is something
// that could be cancelled.
const (
	lookForRequests    = 10 * time.Second
	lookWhileSomething = time.Second
)

// requests are what people ask from other processes. Guarded by the scheduler's mu.
type requests struct {
	// answered are the answers that the ledger does not have yet, by request.
	answered map[string]request.Request
	// busy is true while requests are taken and answered.
	busy bool
}

// answerInBackground answers requests until the context ends, if the ledger keeps any. Who
// calls stop waits for the end.
func (s *UnifiedTaskScheduler) answerInBackground(ctx context.Context) (stop func()) {
	if s.requested == nil {
		return s.asking.Close
	}
	s.asking.Ring()
	return s.activity.Background(ctx, s.requestLoop)
}

// requestLoop answers requests while Run goes on.
func (s *UnifiedTaskScheduler) requestLoop(ctx context.Context) {
	defer s.asking.Close()
	for s.asking.Wait(ctx) {
		wait := lookForRequests
		s.mu.Lock()
		s.answerRequests(ctx)
		if len(s.running.list) > 0 {
			wait = lookWhileSomething
		}
		s.mu.Unlock()
		s.asking.RingAfter(wait)
	}
}

// answerRequests takes the requests that wait, does what they ask, one after the other,
// and stores the answers. What cannot be answered yet is taken again: by this process, or
// by the one that has the term then. The caller is counted as active and holds mu, which is
// let go of meanwhile.
func (s *UnifiedTaskScheduler) answerRequests(ctx context.Context) {
	if s.requested == nil {
		return
	}
	t := s.term.term
	if s.requests.busy || s.engine.Planned().IsZero() || !s.engine.Term.TrustedAt(s.clock.Now()) || s.life.draining {
		return
	}
	s.requests.busy = true
	defer func() { s.requests.busy = false }()
	taken, err := s.takeRequests(ctx, t)
	switch {
	case ctx.Err() != nil || errors.Is(err, store.ErrDeposed) || s.term.term != t:
		return
	case err != nil:
		s.degrade("requests", fmt.Sprintf("what people ask cannot be read: %v", err))
		return
	}
	s.clear("requests")
	s.forgetAnswered(taken)
	for _, r := range taken {
		if s.term.term != t || !s.engine.Term.TrustedAt(s.clock.Now()) {
			return // whoever has the term by now takes it
		}
		s.mu.Unlock()
		s.answerRequest(ctx, t, r)
		s.mu.Lock()
	}
}

// takeRequests lets go of mu while it asks a ledger that does not answer from memory.
func (s *UnifiedTaskScheduler) takeRequests(ctx context.Context, t store.Term) ([]request.Request, error) {
	if s.lanes.asked.IsDirect() { // a minute without news allocates nothing
		return s.requested.Take(ctx, t)
	}
	s.mu.Unlock()
	defer s.mu.Lock()
	return quiet.Call(ctx, s.lanes.asked, pollBound, func(ctx context.Context) ([]request.Request, error) {
		return s.requested.Take(ctx, t)
	})
}

// forgetAnswered drops the answers of which the ledger knows, since it does not hand
// their requests out any more.
func (s *UnifiedTaskScheduler) forgetAnswered(open []request.Request) {
	for id := range s.requests.answered {
		if !slices.ContainsFunc(open, func(r request.Request) bool { return r.ID == id }) {
			delete(s.requests.answered, id)
		}
	}
}

// answerRequest does what a request asks, unless this process has done it already, and
// stores the answer.
func (s *UnifiedTaskScheduler) answerRequest(ctx context.Context, t store.Term, r request.Request) {
	s.mu.Lock()
	answer, done := s.requests.answered[r.ID]
	s.mu.Unlock()
	if !done {
		var text string
		answer = r
		if answer.Answer, text, answer.RunID = s.doRequest(ctx, r); answer.Open() {
			return
		}
		answer.Text, answer.Answered = said.Cut(said.Line(text), said.MaxReason), s.clock.Now().Round(0).UTC()
		s.mu.Lock()
		s.requests.answered[r.ID] = answer
		s.log.Warn("a request was answered", "request", r.ID, "kind", r.Kind, "task", r.Task, "account", r.Account,
			"actor", r.Actor, "answer", answer.Answer, "text", answer.Text)
		s.mu.Unlock()
	}
	_, err := quiet.Call(ctx, s.lanes.asked, ledgerBound, func(ctx context.Context) (struct{}, error) {
		return struct{}{}, s.requested.Answer(ctx, t, answer)
	})
	if err == nil {
		s.mu.Lock()
		delete(s.requests.answered, r.ID)
		s.mu.Unlock()
	}
}

// doRequest does what a request asks. Each kind may be done again, by whoever takes it
// after a crash: a run that was triggered has a slot of the request's own, and only what
// was there when it was asked is cancelled or lifted. No answer means that it is to be
// tried again.
func (s *UnifiedTaskScheduler) doRequest(ctx context.Context, r request.Request) (answer request.Answer, text, runID string) {
	late := !s.clock.Now().Before(r.Expires)
	if err := r.Validate(); err != nil {
		return request.Refused, err.Error(), ""
	}
	if late && r.Term == 0 {
		return request.Expired, fmt.Sprintf("nobody took it until %s", r.Expires.Format(time.RFC3339)), ""
	}
	if r.Term != 0 {
		switch done, err := s.wasDone(ctx, r); {
		case err != nil:
			return "", "", ""
		case done:
			return request.Done, "whoever took it before has done it", ""
		}
	}
	switch r.Kind {
	case request.Trigger:
		return s.triggerAsked(ctx, r, late)
	case request.Cancel:
		return s.cancelAsked(ctx, r)
	case request.Halt:
		return s.haltAsked(ctx, r, late)
	case request.Lift:
		return s.liftAsked(ctx, r)
	case request.Skip, request.Move, request.Restore:
		return s.overrideAsked(ctx, r)
	}
	return request.Refused, fmt.Sprintf("this program does not know requests of the kind %q", r.Kind), ""
}

// triggerAsked runs a task, or finds the run that whoever took the request before has
// started.
func (s *UnifiedTaskScheduler) triggerAsked(ctx context.Context, r request.Request, late bool) (answer request.Answer, text, runID string) {
	req := trigger{asked: r.ID, at: r.At, TriggerRequest: TriggerRequest{
		Task: r.Task, Account: r.Account, Actor: r.Actor, Force: r.Force, ForToday: r.ForToday, Session: r.Session,
	}}
	if r.Term != 0 {
		run, found, err := s.startedFor(ctx, req)
		switch {
		case err != nil:
			return "", "", ""
		case found:
			return request.Done, fmt.Sprintf("run %s is %v", run.Slot, run.Outcome), run.ID
		case late:
			return request.Expired, "whoever took it did not start it in time", ""
		}
	}
	run, err := s.trigger(ctx, req)
	var unanswered ledgerError
	switch {
	case err == nil:
		return request.Done, fmt.Sprintf("run %s has started", run.Slot), run.ID
	case ctx.Err() != nil, errors.As(err, &unanswered), errors.Is(err, ErrNoTerm), errors.Is(err, ErrStopped), errors.Is(err, ErrHaltsUnread):
		return "", "", ""
	}
	return request.Refused, err.Error(), ""
}

// zoneOf is where the wall times of a task are read.
func (s *UnifiedTaskScheduler) zoneOf(account, task string) *time.Location {
	s.mu.Lock()
	defer s.mu.Unlock()
	if r := s.rowFor(account, task); r != nil {
		return r.View.Location()
	}
	return s.loc
}

// cancelAsked ends runs that were going on when it was asked, or finds those that whoever
// took the request before has ended.
func (s *UnifiedTaskScheduler) cancelAsked(ctx context.Context, r request.Request) (answer request.Answer, text, runID string) {
	req := CancelRequest{Account: r.Account, Task: r.Task, Slot: r.Slot, Reason: r.Reason, Actor: r.Actor}
	ended, err := s.cancel(req, r.At)
	if err != nil {
		return request.Refused, err.Error(), ""
	}
	if len(ended) == 0 && r.Term != 0 {
		if ended, err = s.endedFor(ctx, req, r.At); err != nil {
			return "", "", ""
		}
	}
	switch {
	case len(ended) == 0:
		return request.Refused, "no such run goes on", ""
	case len(ended) == 1 && ended[0].Outcome == Interrupted:
		return request.Done, fmt.Sprintf("run %s has ended", ended[0].Slot), ended[0].ID
	case len(ended) == 1:
		return request.Done, fmt.Sprintf("run %s is ending", ended[0].Slot), ended[0].ID
	}
	return request.Done, fmt.Sprintf("%d runs are ending", len(ended)), ""
}

// haltAsked halts. Taken again when it is late, it is not done anew: somebody may have
// lifted it since.
func (s *UnifiedTaskScheduler) haltAsked(ctx context.Context, r request.Request, late bool) (answer request.Answer, text, runID string) {
	if late {
		s.mu.Lock()
		_, halted := s.control.halts[r.Account]
		s.mu.Unlock()
		if !halted {
			return request.Expired, "whoever took it did not answer, and no halt is in force", ""
		}
		return request.Done, "it is in force", ""
	}
	err := s.halt(ctx, HaltRequest{Account: r.Account, Reason: r.Reason, Actor: r.Actor, Cancel: r.AndCancel}, r.At)
	switch {
	case err == nil:
		return request.Done, "it is in force", ""
	case errors.Is(err, ErrUnknownAccount):
		return request.Refused, err.Error(), ""
	}
	return "", "", ""
}

// liftAsked lifts the halt that was in force when it was asked, and none that came since.
func (s *UnifiedTaskScheduler) liftAsked(ctx context.Context, r request.Request) (answer request.Answer, text, runID string) {
	s.mu.Lock()
	unread := cmp.Or(s.readHalts(ctx), s.control.unread)
	h, halted := s.control.halts[r.Account]
	s.mu.Unlock()
	switch {
	case unread != nil:
		return "", "", "" // another process may have halted meanwhile
	case !halted && r.Term != 0:
		return request.Done, "no halt is in force", ""
	case !halted:
		return request.Refused, "no halt is in force", ""
	case h.At.After(r.At):
		return request.Refused, fmt.Sprintf("a later halt is in force, by %s: %s", h.Actor, h.Reason), ""
	}
	err := s.Lift(ctx, LiftRequest{Account: r.Account, Reason: r.Reason, Actor: r.Actor})
	switch {
	case err == nil:
		return request.Done, "it is lifted", ""
	case errors.Is(err, ErrUnknownAccount):
		return request.Refused, err.Error(), ""
	}
	return "", "", ""
}
